from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hotline.core import canonical
from hotline.core.errors import OperatorError
from hotline.core.messages.rendering import heading, render
from hotline.core.messages.statement import decode_statement, encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.desk.drafts import MAX_AGE_MS
from hotline.host.clock import system_clock
from hotline.sealing import items as its
from tests.fakes.line import (
    CEASE,
    ENCOUNTER,
    UNSAFE_ACT,
    FakeLine,
    Place,
    catalogue,
    phrasebook,
    wait_for,
)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[FakeLine]:
    async with FakeLine(tmp_path) as running:
        yield running


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Place]:
    """SOUTH with a desk and no link: what it says is recorded and waits."""
    async with FakeLine(tmp_path, run=False) as idle:
        yield idle.south


async def delivered(sender: Place, template: str, fields: dict[str, str], **more: Any) -> str:
    digest = await sender.say(template, fields, **more)
    await wait_for(lambda: sender.receipted(digest))
    return digest


# --- drafts -------------------------------------------------------------------------


async def test_draft_from_opening_to_sending_shows_what_is_needed(alone: Place) -> None:
    choice = next(one for one in alone.desk.choices() if one.id == "sea/encounter")
    view = alone.desk.open_draft(choice)
    assert not view.ready
    assert view.to == ("NORTH",)
    assert not any(field.fault for field in view.fields)
    assert {field.name for field in view.fields if field.required} == {
        "own_hull",
        "other_hull",
        "position",
        "course",
        "speed",
        "seen_at",
    }
    filled = alone.desk.fill(view.draft, fields=ENCOUNTER, text="", precedence="")
    assert filled.ready
    assert not filled.faults
    assert filled.incident.startswith("SOUTH-")
    assert filled.preview_own
    digest = await alone.desk.send(view.draft, "")
    assert alone.state(digest).statement.incident == filled.incident


async def test_preview_is_rendered_from_the_bytes_that_are_signed(alone: Place) -> None:
    view = alone.draft("sea/encounter", ENCOUNTER, text="Bridge to bridge on channel 16")
    payload = alone.desk._drafts[view.draft].payload
    shown = decode_statement(payload)
    rendering = render(shown, catalogue().templates["sea/encounter"], phrasebook())
    expected = (*heading(shown), *rendering.flags, *rendering.lines)
    assert view.preview_own == view.preview_peer == expected
    digest = await alone.desk.send(view.draft, view.code)
    assert digest == statement_digest(payload).hex()
    item = json.loads(alone.opened.ledger.enclosure(alone.state(digest).index))
    assert canonical.from_base64(item["envelope"]["payload"], what="payload") == payload
    assert encode_statement(alone.state(digest).statement) == payload


async def test_reader_sees_what_the_sender_was_shown(line: FakeLine) -> None:
    view = line.south.draft("sea/encounter", ENCOUNTER, text="As seen from the bridge")
    digest = await line.south.desk.send(view.draft, view.code)
    await wait_for(lambda: line.north.holds(digest))
    message = line.north.desk.message(digest)
    assert message is not None
    assert len(message.lines) > 8
    assert message.lines == view.preview_peer[-len(message.lines) :]
    assert not message.flags


async def test_each_wrong_field_is_named_with_its_fault(alone: Place) -> None:
    wrong = {**ENCOUNTER, "course": "500", "position": "here", "own_hull": ""}
    view = alone.draft("sea/encounter", wrong)
    assert not view.ready
    assert not view.preview_own
    faults = {field.name: field.fault for field in view.fields if field.fault}
    assert faults.keys() == {"course", "position", "own_hull"}
    labels = {field.name: field.label for field in view.fields}
    assert all(fault.startswith(f"{labels[name]}: ") for name, fault in faults.items())
    assert "for example 045" in faults["course"]
    assert set(view.faults) == set(faults.values())
    values = {field.name: field.value for field in view.fields}
    assert values["course"] == "500"
    with pytest.raises(OperatorError, match="has not passed its check"):
        await alone.desk.send(view.draft, "")


@pytest.mark.parametrize(
    ("character", "named"),
    [("\u202e", "U+202E"), ("\x1b", "U+001B"), ("\u200b", "U+200B"), ("\x00", "U+0000")],
)
async def test_hidden_character_in_a_field_or_text_is_named_by_code_point(
    alone: Place, character: str, named: str
) -> None:
    fields = {**ENCOUNTER, "signals": f"one short{character} blast"}
    view = alone.draft("sea/encounter", fields, text=f"see{character}n")
    (signals,) = [field for field in view.fields if field.name == "signals"]
    assert named in signals.fault
    assert named in view.text_fault
    assert character not in signals.fault + view.text_fault
    assert not view.ready


async def test_newline_stands_in_the_text_and_not_in_a_field(alone: Place) -> None:
    view = alone.draft("sea/encounter", {**ENCOUNTER, "signals": "one\ntwo"}, text="one\ntwo")
    assert not view.text_fault
    (signals,) = [field for field in view.fields if field.name == "signals"]
    assert "U+000A" in signals.fault


async def test_text_typed_with_loose_accents_is_composed(alone: Place) -> None:
    view = alone.draft("conv/free-text", {}, text="cafe\u0301")
    assert view.ready, view.faults
    digest = await alone.desk.send(view.draft, "")
    assert alone.state(digest).statement.text == "caf\u00e9"


async def test_text_too_long_or_missing_is_a_fault(alone: Place) -> None:
    assert "at most 4000" in alone.draft("conv/free-text", {}, text="x" * 4001).text_fault
    assert "write something" in alone.draft("conv/free-text", {}, text="  \n").text_fault


async def test_markup_is_text(alone: Place) -> None:
    view = alone.draft("conv/free-text", {}, text="[red]stop[/red]")
    assert view.ready
    assert "> [red]stop[/red]" in view.preview_own


async def test_wrong_precedence_is_a_fault(alone: Place) -> None:
    view = alone.draft("sea/encounter", ENCOUNTER, precedence="URGENT")
    assert any("choose one of" in fault for fault in view.faults)
    assert view.precedence == "IMMEDIATE"


async def test_changed_draft_must_be_checked_again(alone: Place) -> None:
    view = alone.draft("sea/encounter", ENCOUNTER)
    first = alone.desk._drafts[view.draft].payload
    again = alone.desk.fill(
        view.draft, fields={**ENCOUNTER, "course": "211"}, text="", precedence="FLASH"
    )
    assert again.precedence == "FLASH"
    assert alone.desk._drafts[view.draft].payload != first
    spoiled = alone.desk.fill(view.draft, fields={}, text="", precedence="")
    assert not spoiled.ready
    assert not alone.desk._drafts[view.draft].payload
    with pytest.raises(OperatorError):
        await alone.desk.send(view.draft, view.code)


async def test_drafts_do_not_mix(alone: Place) -> None:
    one = alone.draft("sea/encounter", ENCOUNTER)
    two = alone.draft("conv/free-text", {}, text="the second draft")
    assert one.draft != two.draft
    sent = await alone.desk.send(two.draft, "")
    assert alone.state(sent).statement.text == "the second draft"
    with pytest.raises(OperatorError, match="that draft is gone"):
        await alone.desk.send(two.draft, "")
    first = await alone.desk.send(one.draft, "")
    assert alone.state(first).statement.fields["own_hull"] == "F 213"


async def test_unknown_and_discarded_drafts_are_refused(alone: Place) -> None:
    view = alone.draft("sea/encounter", ENCOUNTER)
    alone.desk.discard(view.draft)
    alone.desk.discard(view.draft)
    for call in (view.draft, "draft-99", ""):
        with pytest.raises(OperatorError, match="that draft is gone"):
            alone.desk.fill(call, fields={}, text="", precedence="")
        with pytest.raises(OperatorError, match="that draft is gone"):
            await alone.desk.send(call, "")


async def test_template_that_is_not_held_is_refused(alone: Place) -> None:
    from dataclasses import replace

    with pytest.raises(OperatorError, match="is not held here"):
        alone.desk.open_draft(replace(alone.choice("conv/reply"), id="conv/none"))


async def test_draft_sent_twice_at_once_goes_out_once(alone: Place) -> None:
    view = alone.draft("sea/encounter", ENCOUNTER)
    sends = (alone.desk.send(view.draft, view.code) for _ in range(2))
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["OperatorError", "str"]
    assert len(alone.situation.statements) == 1


async def test_preview_that_is_too_old_is_refused_until_checked_again(tmp_path: Path) -> None:
    late_ms = [0]
    async with FakeLine(tmp_path, run=False) as idle:
        south = idle.south
        await south.stop()
        south.clock_ms = lambda: system_clock() + late_ms[0]
        await south.start(run=False)
        view = south.draft("sea/encounter", ENCOUNTER)
        late_ms[0] = MAX_AGE_MS + 2_000
        with pytest.raises(OperatorError, match="too old"):
            await south.desk.send(view.draft, view.code)
        assert not south.situation.statements
        again = south.desk.fill(view.draft, fields=ENCOUNTER, text="", precedence="")
        digest = await south.desk.send(view.draft, again.code)
        assert digest in south.situation.outbox


# --- codes ---------------------------------------------------------------------------


async def test_ladder_step_needs_the_code_of_its_own_bytes(alone: Place) -> None:
    first = await alone.say("sea/encounter", ENCOUNTER)
    incident = alone.state(first).statement.incident
    view = alone.draft("deesc/cease-propose", CEASE, incident=incident)
    payload = alone.desk._drafts[view.draft].payload
    assert view.code == statement_digest(payload).hex()[:4].upper()
    for wrong in ("", "0000" if view.code != "0000" else "1111", view.code[:3]):
        with pytest.raises(OperatorError, match="code does not match"):
            await alone.desk.send(view.draft, wrong)
    changed = alone.desk.fill(
        view.draft, fields={**CEASE, "reciprocal": "NO"}, text="", precedence=""
    )
    if changed.code != view.code:
        with pytest.raises(OperatorError, match="code does not match"):
            await alone.desk.send(view.draft, view.code)
    digest = await alone.desk.send(view.draft, f" {changed.code.lower()} ")
    assert alone.holds(digest)


async def test_statement_that_is_no_ladder_step_needs_no_code(alone: Place) -> None:
    assert alone.draft("sea/unsafe-act", UNSAFE_ACT).code == ""


async def test_step_that_would_have_no_effect_is_not_sent(alone: Place) -> None:
    first = await alone.say("sea/encounter", ENCOUNTER)
    incident = alone.state(first).statement.incident
    step = await alone.say("deesc/cease-propose", CEASE, incident=incident)
    size = alone.opened.ledger.size
    with pytest.raises(OperatorError, match="would not move"):
        await alone.say("deesc/answer", {"answer": "ACCEPT"}, answers=step, incident=incident)
    assert alone.opened.ledger.size == size


# --- reading --------------------------------------------------------------------------


async def test_acknowledging_twice_is_refused(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    await line.north.desk.acknowledge(digest)
    with pytest.raises(OperatorError, match="no acknowledgement from you any more"):
        await line.north.desk.acknowledge(digest)
    view = line.north.desk.message(digest)
    assert view is not None
    assert not view.can_acknowledge


async def test_acknowledging_twice_at_once_says_it_once(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    outcomes = await asyncio.gather(
        line.north.desk.acknowledge(digest),
        line.north.desk.acknowledge(digest),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "OperatorError"]
    assert len(line.north.recorded(ev.OfficerAcknowledged)) == 1


async def test_own_or_unknown_statement_cannot_be_acknowledged(alone: Place) -> None:
    digest = await alone.say("sea/encounter", ENCOUNTER)
    for about in (digest, "ab" * 32, ""):
        with pytest.raises(OperatorError):
            await alone.desk.acknowledge(about)


async def test_displayed_is_recorded_once_and_only_of_the_other_side(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    for _ in range(3):
        await line.north.desk.displayed(digest)
        await line.south.desk.displayed(digest)
        await line.north.desk.displayed("ab" * 32)
    assert len(line.north.recorded(ev.DisplayedHere)) == 1
    assert not line.south.recorded(ev.DisplayedHere)


async def test_read_back_that_agrees_compares_values_and_not_spellings(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    await line.north.desk.acknowledge(digest)
    view = line.north.desk.message(digest)
    assert view is not None
    assert view.readback == (
        ("position", "Position of our ship"),
        ("course", "Course of our ship"),
        ("speed", "Speed of our ship"),
    )
    told = await line.north.desk.read_back(
        digest, {"position": "54-31.200N 011-02.500E", "course": "210 deg T", "speed": "12.0 kn"}
    )
    assert told.agreed
    assert not told.differences
    after = line.north.desk.message(digest)
    assert after is not None
    assert not after.readback


async def test_read_back_that_differs_says_what_and_tells_the_sender(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    await line.north.desk.acknowledge(digest)
    told = await line.north.desk.read_back(
        digest, {"position": "54-31.2N 011-02.5E", "course": "120", "speed": "12"}
    )
    assert not told.agreed
    ((difference),) = told.differences
    assert (difference.sent, difference.typed) == ("210 deg T", "120 deg T")
    await wait_for(lambda: line.south.state(digest).readbacks)
    assert line.south.state(digest).readbacks == [("NORTH", False)]


async def test_read_back_that_does_not_parse_says_nothing_to_the_sender(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    sent = len(line.north.situation.outbox)
    for typed in (
        {"position": "54-31.2N 011-02.5E", "course": "999", "speed": "12"},
        {"position": "54-31.2N 011-02.5E"},
    ):
        with pytest.raises(OperatorError):
            await line.north.desk.read_back(digest, typed)
    assert len(line.north.situation.outbox) == sent
    assert not line.north.recorded(ev.ReadBack)


async def test_read_back_of_what_asks_for_none_is_refused(line: FakeLine) -> None:
    digest = await delivered(line.south, "conv/free-text", {}, text="no critical field")
    for about in (digest, "ab" * 32):
        with pytest.raises(OperatorError):
            await line.north.desk.read_back(about, {})


# --- views ----------------------------------------------------------------------------


async def test_offers_put_due_answers_first(line: FakeLine) -> None:
    digest = await delivered(line.south, "sea/encounter", ENCOUNTER)
    token = line.north.state(digest).token
    offers = line.north.desk.choices()
    assert [one.id for one in offers[:4]] == [
        "sea/intent",
        "conv/reply",
        "conv/holding",
        "conv/clarify",
    ]
    assert all(one.answers == digest and one.why == f"answers {token}" for one in offers[:4])
    assert [one.id for one in offers[4:8]] == [
        "deesc/cease-propose",
        "deesc/hold",
        "deesc/separate",
        "deesc/close",
    ]
    keys = [(one.id, one.answers, one.incident) for one in offers]
    assert len(set(keys)) == len(keys)
    assert not {"link/ack-read", "conv/readback"} & {one.id for one in offers}


async def test_offered_ladder_move_refers_to_what_stands_and_works(line: FakeLine) -> None:
    first = await delivered(line.south, "sea/encounter", ENCOUNTER)
    incident = line.south.state(first).statement.incident
    assert incident is not None
    step = await delivered(line.south, "deesc/cease-propose", CEASE, incident=incident)
    offers = line.north.desk.choices(incident)
    answer = next(one for one in offers if one.id == "deesc/answer")
    assert (answer.answers, answer.incident) == (step, incident)
    counter = next(one for one in offers if one.id == "deesc/hold")
    assert counter.answers == step
    draft = line.north.desk.open_draft(answer)
    view = line.north.desk.fill(draft.draft, fields={"answer": "ACCEPT"}, text="", precedence="")
    await line.north.desk.send(draft.draft, view.code)
    shown = line.north.desk.incident(incident)
    assert shown is not None
    assert shown.ladder.state_word == "ACCEPTED"
    assert shown.ladder.rungs[0].symbol == "+"
    assert "You can confirm what you observe" in shown.ladder.whose_turn


async def test_watch_says_the_one_thing_to_do_next(line: FakeLine) -> None:
    north, south = line.north, line.south
    assert north.desk.watch().notice == "Nothing waits for you."
    routine = await delivered(south, "sea/encounter", ENCOUNTER)
    flash = await delivered(south, "sea/unsafe-act", UNSAFE_ACT)
    watch = north.desk.watch()
    assert watch.flash is not None
    assert (watch.flash.digest, watch.flash.count) == (flash, 1)
    assert north.state(flash).token in watch.notice
    await north.desk.acknowledge(flash)
    assert north.desk.watch().flash is None
    assert north.state(routine).token in north.desk.watch().notice


async def test_unverified_or_rejected_statement_is_never_shown_as_good(line: FakeLine) -> None:
    north, south = line.north, line.south
    north.station._receipt_items = lambda _digest: []  # type: ignore[method-assign]
    digest = await south.say("sea/encounter", ENCOUNTER)
    north.inject(its.RejectedItem(digest=canonical_digest(digest), reason="cannot be read here"))
    await wait_for(lambda: south.state(digest).rejected)
    message = south.desk.message(digest)
    assert message is not None
    assert message.state_word == "REJECTED"
    assert "REJECTED by NORTH: cannot be read here" in message.flags
    rows = south.desk.timeline(0, 99)
    assert any(row.state_word == "REJECTED" and row.digest is None for row in rows)


def canonical_digest(text: str) -> Any:
    from hotline.core.values import digest_from_hex

    return digest_from_hex(text)


async def test_timeline_pages_hold_what_the_whole_holds(line: FakeLine) -> None:
    await delivered(line.south, "sea/encounter", ENCOUNTER)
    await delivered(line.south, "conv/free-text", {}, text="more")
    desk = line.north.desk
    whole = desk.timeline(0, 1000)
    assert len(whole) == desk.watch().timeline_length
    assert tuple(row for n in range(len(whole)) for row in desk.timeline(n, n + 1)) == whole
    assert desk.timeline(-5, 2) == whole[:2]
    assert desk.timeline(len(whole), len(whole) + 5) == ()
    assert len({row.key for row in whole}) == len(whole)


async def test_nothing_is_shown_of_what_is_not_there(alone: Place) -> None:
    assert alone.desk.message("ab" * 32) is None
    assert alone.desk.incident("NO-SUCH") is None
    assert alone.desk.watch().status.officer == "nobody"
    await alone.desk.sign_on()
    assert alone.desk.watch().status.officer == "Watch officer LCDR K. Niven"


async def test_key_of_the_officer_is_in_no_repr(alone: Place) -> None:
    assert "signer" not in repr(alone.officer)
    assert "seed" not in repr(alone.opened.line).lower()
