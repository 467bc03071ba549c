"""Rows of the timeline that are no statements, in words."""

from __future__ import annotations

import pytest

from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev
from hotline.desk.views import Mark
from hotline.desk.wording import system_row

DIGEST = "ab" * 32


def row(event: ev.Event) -> tuple[str, str, Mark]:
    return system_row(Situation(), Happening(3, 1_795_357_886_000, event))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("OPENED", "was opened here"),
        ("JOINED", "was joined here, opened by EAST"),
        ("ANSWERED", "was answered by EAST"),
        ("COMPLETED", "is complete here"),
        ("GIVEN_UP", "was given up here"),
    ],
)
def test_step_of_a_line_is_said_with_the_line_and_its_stations(step: str, said: str) -> None:
    event = ev.LineStepTaken.model_validate(
        {
            "step": step,
            "line": DIGEST,
            "name": "n-s",
            "peers": ("SOUTH", "EAST"),
            "file": "",
            "sender": "EAST",
            "at_ms": 7,
        }
    )
    word, sentence, mark = row(event)
    assert (word, mark) == (step.replace("_", " "), Mark.NOTICE)
    assert sentence == f"The line n-s with SOUTH and EAST {said}"


def test_another_root_is_an_alarm_and_an_accepted_card_is_none() -> None:
    refused = ev.OtherRootRefused(
        station="SOUTH",
        root=DIGEST,
        known="cd" * 32,
        shown_in="CARD",
        file=DIGEST,
        sender="SOUTH",
        at_ms=7,
    )
    word, sentence, mark = row(refused)
    assert (word, mark) == ("OTHER ROOT", Mark.ALARM)
    assert "SOUTH" in sentence
    accepted = ev.CardAccepted(
        station="SOUTH", root=DIGEST, card=DIGEST, how="KNOWN_ROOT", made_ms=5, at_ms=7
    )
    word, sentence, mark = row(accepted)
    assert (word, mark) == ("CARD", Mark.NOTICE)
    assert sentence == "The card of SOUTH was accepted: its root was known"
