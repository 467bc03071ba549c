from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hotline.core.drills.scenario import Scenario
from hotline.core.drills.script import agenda
from hotline.core.exchange.commands import AskRelease
from hotline.core.records import events as ev
from hotline.host.config import find_config
from hotline.host.tables import load_scenario
from tests.core.exchange.rig import INCIDENT, Side, pair

SHAPE: dict[str, Any] = {
    "id": "small",
    "version": 1,
    "title": "Small",
    "summary": "",
    "stations": {
        "NORTH": {"role": "Duty officer", "officer": "A", "rank": "LT"},
        "SOUTH": {"role": "Duty officer", "officer": "B", "rank": "LT"},
    },
    "read_after_s": 3,
    "inject": [
        {"id": "I1", "station": "SOUTH", "at_s": 10, "say": {"template": "sea/encounter"}},
        {"id": "I2", "station": "SOUTH", "at_s": 5, "say": {"template": "conv/free-text"}},
    ],
    "reaction": [
        {
            "id": "N1",
            "station": "NORTH",
            "on": {"template": "sea/encounter"},
            "after_s": 12,
            "say": {"template": "sea/intent"},
            "coach": "answer it",
        },
        {
            "id": "N2",
            "station": "NORTH",
            "on": {"ladder": ["PROPOSED"], "step": "CEASE"},
            "after_s": 4,
            "say": {"template": "deesc/answer"},
        },
    ],
}


def scenario(**changes: Any) -> Scenario:
    return Scenario.model_validate({**SHAPE, **changes})


def begun() -> tuple[Side, Side]:
    sides = pair()
    for side in sides:
        side.note(ev.DrillStarted(scenario="small", title="Small"))
    return sides


def keys(side: Side, speed: float = 1.0) -> list[tuple[str, str]]:
    return [task.key for task in agenda(scenario(), side.situation, side.rules, speed)]


def test_nothing_is_wanted_before_the_drill_begins() -> None:
    _, south = pair()
    assert agenda(scenario(), south.situation, south.rules, 1.0) == ()


def test_injects_come_by_the_clock_the_earliest_first() -> None:
    north, south = begun()
    tasks = agenda(scenario(), south.situation, south.rules, 1.0)
    assert [(task.key[0], task.due_ms - south.now_ms) for task in tasks] == [
        ("I2", 5_000),
        ("I1", 10_000),
    ]
    assert agenda(scenario(), north.situation, north.rules, 1.0) == ()


def test_speed_shortens_every_wait() -> None:
    _, south = begun()
    tasks = agenda(scenario(), south.situation, south.rules, 20.0)
    assert [task.due_ms - south.now_ms for task in tasks] == [250, 500]


def test_inject_that_was_played_is_wanted_no_more() -> None:
    _, south = begun()
    south.send(south.write("sea/encounter", incident=INCIDENT), ("I1", ""))
    assert ("I1", "") not in keys(south)
    assert ("I2", "") in keys(south)


def test_statement_that_a_person_sent_is_not_sent_again_by_the_script() -> None:
    _, south = begun()
    south.say("sea/encounter", incident=INCIDENT)
    assert ("I1", "") not in keys(south)


def test_reading_and_reading_back_are_wanted_in_turn() -> None:
    north, south = begun()
    letter = south.say("sea/encounter", incident=INCIDENT)
    north.take(letter)
    tasks = agenda(scenario(), north.situation, north.rules, 1.0)
    assert [(task.act, task.due_ms - north.now_ms) for task in tasks] == [
        ("acknowledge", 3_000),
        ("say", 12_000),
    ]
    south.take(north.say("link/ack-read", answers=letter.digest))
    acts = [task.act for task in agenda(scenario(), north.situation, north.rules, 1.0)]
    assert acts == ["read back", "say"]


def test_reaction_answers_each_occasion_once() -> None:
    north, south = begun()
    letter = south.say("sea/encounter", incident=INCIDENT)
    north.take(letter)
    (task,) = [
        one for one in agenda(scenario(), north.situation, north.rules, 1.0) if one.act == "say"
    ]
    assert (task.key, task.answers, task.incident, task.coach) == (
        ("N1", letter.digest),
        letter.digest,
        INCIDENT,
        "answer it",
    )
    told = north.write("sea/intent", answers=letter.digest, incident=INCIDENT)
    north.send(told, task.key)
    assert task.key not in keys(north)


def test_reaction_to_the_ladder_waits_for_its_step_and_its_turn() -> None:
    north, south = begun()
    south.take(north.say("deesc/cease-propose", incident=INCIDENT))
    assert not [key for key in keys(north) if key[0] == "N2"]
    hold = south.say("deesc/hold", incident=INCIDENT, answers=_standing(south))
    north.take(hold)
    assert not [key for key in keys(north) if key[0] == "N2"]
    cease = south.say("deesc/cease-propose", incident=INCIDENT, answers=_standing(south))
    north.take(cease)
    (task,) = [
        one for one in agenda(scenario(), north.situation, north.rules, 1.0) if one.key[0] == "N2"
    ]
    assert task.answers == cease.digest


def _standing(side: Side) -> str:
    standing = side.ladder().standing
    assert standing is not None
    return standing.digest


def test_agenda_after_a_restart_is_the_same() -> None:
    north, south = begun()
    letter = south.say("sea/encounter", incident=INCIDENT)
    north.take(letter)
    again = agenda(scenario(), north.refolded(), north.rules, 1.0)
    assert again == agenda(scenario(), north.situation, north.rules, 1.0)
    assert again


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Not An Id"},
        {"version": 0},
        {"read_after_s": -1},
        {"inject": [{"id": "low", "station": "SOUTH", "at_s": 1, "say": {"template": "a/b"}}]},
        {"inject": [{"id": "I1", "station": "south", "at_s": 1, "say": {"template": "a/b"}}]},
        {"inject": [{"id": "I1", "station": "SOUTH", "at_s": -1, "say": {"template": "a/b"}}]},
        {"inject": [{"id": "I1", "station": "SOUTH", "at_s": 1, "say": {"template": "none"}}]},
        {"extra": 1},
    ],
    ids=str,
)
def test_scenario_out_of_order_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        scenario(**changes)


def test_shipped_scenario_speaks_of_templates_that_are_held() -> None:
    _, south = pair()
    shipped = load_scenario(find_config(), "unplanned-encounter")
    for act in (*shipped.inject, *shipped.reaction):
        template = south.rules.catalogue.get(act.say.template)
        assert template is not None, act.id
        assert set(act.say.fields) <= {spec.name for spec in template.fields}, act.id
        assert act.station in shipped.stations


def test_statement_that_awaits_release_is_released_and_not_said_again() -> None:
    north, south = begun()
    south.now_ms += 20_000
    told = south.write("sea/encounter", _need=2)
    south.do(
        AskRelease(
            statement=told.statement,
            digest=told.digest,
            envelope=b"{}",
            template=told.template,
            certificate="cd" * 32,
            officer="LT B",
            need=2,
        )
    )
    assert keys(south) == [("I2", ""), ("release", told.digest)]
    (task,) = [one for one in agenda(scenario(), south.situation, south.rules, 1.0) if one.answers]
    assert (task.act, task.due_ms) == ("release", south.now_ms + 3_000)
    assert not keys(north)
