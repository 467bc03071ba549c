"""Live and replay are one fold (docs/protocol.md, design law 4)."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.exchange.fold import fold
from hotline.core.exchange.situation import Happening
from hotline.core.messages.statement import statement_digest
from hotline.core.records import events as ev
from hotline.core.times import format_time
from hotline.desk.port import Feed
from hotline.review.opening import Record, open_record
from hotline.review.replay import BEFORE_ALL, ReplayFeed, frames
from hotline.tui.replay_port import ReplayFeed as ReplayPort
from tests.fakes.line import phrasebook, rules
from tests.review.rig import Worked, ledger_of

MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(-40, 40)),
        st.tuples(st.just("jump"), st.integers(-5, 200)),
    ),
    max_size=12,
)


def feed_of(record: Record) -> ReplayFeed:
    return ReplayFeed(record, rules(), phrasebook())


def test_feed_satisfies_the_ports_of_desk_and_console(record: Record) -> None:
    feed: Feed = feed_of(record)
    console: ReplayPort = feed_of(record)
    assert feed.watch().status == console.watch().status


def test_situation_in_replay_is_the_live_one_after_every_commit(
    kept: Worked, record: Record
) -> None:
    feed = feed_of(record)
    assert len(kept.live) > 10
    for length, live in sorted(kept.live.items()):
        feed.jump(length)
        assert feed.situation == live


def test_situation_going_back_is_the_live_one_after_every_commit(
    kept: Worked, record: Record
) -> None:
    feed = feed_of(record)
    feed.jump(feed.length)
    while feed.position:
        feed.step(-1)
        if feed.position in kept.live:
            assert feed.situation == kept.live[feed.position]


@given(MOVES)
def test_situation_after_any_moves_is_the_fold_up_to_the_position(
    record: Record, moves: list[tuple[str, int]]
) -> None:
    feed, expected = feed_of(record), 0
    for way, number in moves:
        expected = min(max(expected + number if way == "step" else number, 0), feed.length)
        getattr(feed, way)(number)
        assert feed.position == expected
        assert feed.situation == fold(record.happenings[:expected])


def test_views_at_the_end_are_those_of_the_live_desk_but_for_mode_and_clock(
    kept: Worked, record: Record
) -> None:
    feed, live = feed_of(record), kept.shown
    feed.jump(live.length)
    assert feed.timeline(0, 1000) == live.timeline
    for digest, message in live.messages.items():
        assert feed.message(digest) == message
    assert feed.incident(live.incident.name) == live.incident
    watch = feed.watch()
    assert watch.status.mode == "REPLAY"
    status = dataclasses.replace(live.watch.status, mode="REPLAY", clock_ms=feed.clock_ms())
    assert dataclasses.replace(watch, flash=None) == dataclasses.replace(
        live.watch, status=status, flash=None
    )


def test_clock_is_the_time_of_the_event_at_the_position(record: Record) -> None:
    feed = feed_of(record)
    assert feed.watch().status.clock_ms == record.happenings[0].at_ms
    for happening in record.happenings:
        feed.step(1)
        assert feed.watch().status.clock_ms == happening.at_ms


def test_moving_tells_subscribers_until_they_leave(record: Record) -> None:
    feed, told = feed_of(record), []
    end = feed.subscribe(lambda: told.append(feed.position))
    feed.step(3)
    feed.jump(7)
    feed.step(-1)
    end()
    end()
    feed.step(1)
    assert told == [3, 7, 6]


def test_event_words_name_the_event_just_replayed(record: Record) -> None:
    feed = feed_of(record)
    assert feed.event_words() == BEFORE_ALL
    feed.step(1)
    assert "LedgerOpened: the ledger of NORTH begins, EXERCISE" in feed.event_words()
    index = next(
        one.index for one in record.happenings if isinstance(one.event, ev.StatementReceived)
    )
    feed.jump(index + 1)
    assert "IMMEDIATE sea/encounter from SOUTH, SOUTH-" in feed.event_words()
    assert "Encounter: F 213 and DDG-51" in feed.event_words()


def long_record(record: Record, entries: int) -> Record:
    """Return `record` with many more statements, each with four events about it."""
    found = list(record.happenings)
    template = next(one for one in found if isinstance(one.event, ev.StatementReceived))

    def add(event: ev.Event, statement: bool = False) -> None:
        said = template.statement if statement else None
        found.append(Happening(len(found), template.at_ms + len(found), event, said))

    for number in range(10**6, 10**6 + entries // 5):
        digest = f"{number:064x}"
        order = ev.OrderRef(generation=1, seq=number, prev="0" * 64, digest=digest)
        add(
            ev.StatementReceived(digest=digest, order=order, verdict="VERIFIED", received_at_ms=1),
            statement=True,
        )
        due = ev.DeadlineSet(digest=digest, clock="read", station="NORTH", due_ms=5, incident=None)
        add(due)
        add(ev.DisplayedHere(digest=digest, role="OOW"))
        add(
            ev.OfficerAcknowledged(
                digest=digest,
                acknowledgement=digest,
                station="NORTH",
                role="OOW",
                name="A",
                at_ms=1,
            )
        )
        add(ev.DeadlineMet(digest=digest, clock="read", statement=digest))
    zeros = (record.subjects[-1],) * (len(found) - len(record.subjects))
    return dataclasses.replace(record, happenings=tuple(found), subjects=(*record.subjects, *zeros))


def test_jump_in_ten_thousand_events_takes_less_than_a_second(record: Record) -> None:
    feed = feed_of(long_record(record, 10_000))
    feed.jump(feed.length)
    # Processor time: other work on the machine does not count.
    before_s = time.process_time()
    feed.step(-1)
    feed.watch()
    assert time.process_time() - before_s < 1.0
    assert feed.position == feed.length - 1 > 10_000


# --- frames ------------------------------------------------------------------------


def test_frames_are_json_and_one_for_each_entry(record: Record) -> None:
    found = [json.loads(json.dumps(one)) for one in frames(record, rules(), phrasebook())]
    assert [one["index"] for one in found] == list(range(len(record.happenings)))
    for frame, happening in zip(found, record.happenings, strict=True):
        assert set(frame) == {"index", "at", "kind", "subject", "event", "statement", "sentence"}
        assert frame["at"] == format_time(happening.at_ms)
        kind = getattr(ev, frame["kind"])
        assert kind.model_validate_json(json.dumps(frame["event"])) == happening.event


def test_frame_of_a_statement_holds_the_very_payload_that_was_signed(record: Record) -> None:
    said = [one for one in frames(record, rules(), phrasebook()) if one["statement"]]
    assert len(said) > 5
    for frame in said:
        payload = canonical.encode(frame["statement"])
        assert statement_digest(payload).hex() == frame["event"]["digest"] == frame["subject"]


def test_frame_of_an_event_about_nothing_has_no_subject(record: Record) -> None:
    found = list(frames(record, rules(), phrasebook()))
    watch = next(one for one in found if one["kind"] == "WatchOpened")
    assert (watch["subject"], watch["statement"]) == (None, None)


def test_replay_leaves_the_home_as_it_was(worked: Worked) -> None:
    def files() -> dict[Path, bytes]:
        return {one: one.read_bytes() for one in worked.north.rglob("*") if one.is_file()}

    before = files()
    replayed = open_record(ledger_of(worked.north), ask=lambda _: pytest.fail("asked"))
    feed = feed_of(replayed)
    feed.jump(feed.length)
    assert files() == before
