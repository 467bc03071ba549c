from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, InvariantError
from hotline.core.records import events as ev
from hotline.core.records.events import EVENTS, MAX_EVENT_BYTES, decode_event, encode_event

DOCS = Path(__file__).parents[3] / "docs" / "ledger.md"
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| ([^|]+) \| ([^|]+) \|$")
GOLDEN = {
    1: ("LedgerOpened", {"realm", "line", "station", "generation"}),
    4: ("StatementReceived", {"digest", "order", "verdict", "received_at_ms"}),
    18: (
        "StepOutOfTurn",
        {"incident", "statement", "station", "act", "value", "step", "state", "reason"},
    ),
    33: ("ClockDoubted", {"digest", "difference_ms"}),
}


def documented() -> dict[int, tuple[str, str]]:
    section = DOCS.read_text().split("## 3 Event kinds")[1].split("\n## ")[0]
    rows = [match for line in section.splitlines() if (match := ROW.match(line))]
    return {int(row[1]): (row[2], row[3].strip()) for row in rows}


def test_documented_kinds_are_those_of_the_table() -> None:
    told = {kind: name for kind, (name, _) in documented().items()}
    assert told == {kind: event.__name__ for kind, event in EVENTS.items()}


def test_documented_subjects_are_those_that_leaves_show() -> None:
    from hotline.core.exchange.decision import Planned
    from hotline.core.values import ZERO_DIGEST

    digest = "ab" * 32
    for kind, (name, subject) in documented().items():
        fields = EVENTS[kind].model_fields
        built = EVENTS[kind].model_construct(**dict.fromkeys(fields, digest))
        shown = Planned(built).subject != ZERO_DIGEST
        assert shown == (subject in ("line id", "the statement", "the record", "the head")), name


def test_kinds_are_numbered_each_once_and_fit_a_leaf() -> None:
    named = [getattr(ev, name) for name in ev.__all__]
    events = [one for one in named if isinstance(one, type) and issubclass(one, ev.Event)]
    numbers = sorted(one.kind for one in events if one.kind)
    assert numbers == sorted(EVENTS)
    assert len(set(numbers)) == len(numbers)
    assert max(EVENTS) < 256
    assert all(kind == event.kind for kind, event in EVENTS.items())


def test_quarantine_recorded_without_a_number_reads() -> None:
    content = b'{"digest":"","reason":"damaged","sender":"SOUTH"}'
    event = decode_event(ev.StatementQuarantined.kind, content)
    assert isinstance(event, ev.StatementQuarantined)
    assert event.order is None


@pytest.mark.parametrize("kind", sorted(GOLDEN))
def test_kind_keeps_its_meaning(kind: int) -> None:
    name, fields = GOLDEN[kind]
    assert EVENTS[kind].__name__ == name
    assert set(EVENTS[kind].model_fields) == fields


def test_every_event_is_reachable_by_its_short_name() -> None:
    for event in EVENTS.values():
        assert getattr(ev, event.__name__) is event
    assert set(ev.__all__) >= {event.__name__ for event in EVENTS.values()}


def test_event_read_back_is_the_event() -> None:
    event = ev.IncidentOpened(incident="ABC", statement="ab" * 32, station="NORTH")
    assert encode_event(event) == (
        b'{"incident":"ABC","statement":"' + b"ab" * 32 + b'","station":"NORTH"}'
    )
    assert decode_event(event.kind, encode_event(event)) == event


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (0, b"{}"),
        (200, b"{}"),
        (15, b"{}"),
        (15, b"junk"),
        (15, b'{"incident":"ABC","station":"NORTH","statement":"zz"}'),
        (30, b'{"count":"1","reason":"r"}'),
        (30, b'{"count":1,"reason":"r","x":1}'),
        (14, b'{"digest":"' + b"ab" * 32 + b'","how":"MAYBE","statement":"' + b"ab" * 32 + b'"}'),
    ],
)
def test_what_is_no_event_is_an_integrity_error(kind: int, content: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_event(kind, content)


def test_event_over_its_bound_is_our_bug() -> None:
    note = "x" * MAX_EVENT_BYTES
    with pytest.raises(InvariantError, match="HeadRefused"):
        encode_event(ev.HeadRefused(peer="NORTH", verdict="FORK", note=note))


def test_largest_receipt_fits_an_event() -> None:
    receipt = ev.ReceiptObtained(
        digest="ab" * 32,
        peer="N" * 16,
        our_size=2**53,
        verdict="UNVERIFIED",
        received_at_ms=2**53,
        index=2**53,
        size=2**53,
        leaf="A" * 200,
        salt="ab" * 32,
        content="A" * 5464,
        proof=("ab" * 32,) * 128,
    )
    assert len(encode_event(receipt)) < MAX_EVENT_BYTES
