"""Channel tests as both ledgers record them, without keys, sockets or clocks of this machine."""

from __future__ import annotations

from hotline.core.exchange.channels import MAX_HEARD_AN_HOUR, officers_due_ms, watched
from hotline.core.exchange.commands import HearEcho, HearTest, ProbeChannel
from hotline.core.exchange.tested import RouteTests
from hotline.core.protocols.channel import Channel, Colour, colour
from hotline.core.records import events as ev
from tests.core.exchange.rig import MINUTE_MS, Side, kinds, pair

HOUR_MS = 60 * MINUTE_MS
PHRASE = "amber lamp river"


def linked(side: Side, state: str = "UP", route: str = "direct") -> None:
    side.note(ev.LinkChanged(peer=side.peer, route=route, state=state, reason="test"))


def probe(side: Side, route: str = "direct", *, up: bool = True) -> list[ev.Event]:
    return kinds(side.do(ProbeChannel(side.peer, route, PHRASE, up)))


def route_of(side: Side, route: str = "direct") -> RouteTests:
    return side.situation.channels[side.peer, route]


def echo(
    side: Side, serial: int, phrase: str = PHRASE, size: int = 40, route: str = "direct"
) -> list[ev.Event]:
    return kinds(side.do(HearEcho(side.peer, route, serial, phrase, size)))


def shown(side: Side) -> list[type[ev.Event]]:
    return [type(one.event) for one in side.situation.timeline]


def test_test_that_comes_back_passes_and_keeps_its_round_trip() -> None:
    north, _ = pair()
    linked(north)
    assert isinstance(probe(north)[0], ev.ChannelTestSent)
    north.now_ms += 40
    echoed, changed = echo(north, 1)
    assert isinstance(echoed, ev.ChannelTestEchoed)
    assert echoed.rtt_ms == 40
    assert isinstance(changed, ev.ChannelChanged)
    assert (changed.before, changed.after) == ("UNTESTED", "PASSED")
    found = route_of(north)
    assert (found.state, found.passed_ms, found.rtt_ms) == (Channel.PASSED, north.now_ms, 40)
    assert (
        colour(north.rules.channel, [watched(north.situation, "SOUTH", "direct")], north.now_ms)
        is Colour.GREEN
    )
    assert north.refolded() == north.situation


def test_echo_of_another_test_or_phrase_or_a_second_one_says_nothing() -> None:
    north, _ = pair()
    linked(north)
    probe(north)
    assert not echo(north, 2)
    assert not echo(north, 1, "other words")
    assert not kinds(north.do(HearEcho("EAST", "direct", 1, PHRASE, 9)))
    assert echo(north, 1)
    assert not echo(north, 1)


def test_a_route_has_one_test_at_a_time_and_serials_count_over_all_routes() -> None:
    north, _ = pair()
    for route in ("direct", "relay-a"):
        linked(north, route=route)
        probe(north, route)
    assert not probe(north)
    assert [route_of(north, route).serial for route in ("direct", "relay-a")] == [1, 2]
    assert not echo(north, 2)
    (echoed, _) = echo(north, 2, route="relay-a")
    assert isinstance(echoed, ev.ChannelTestEchoed)
    assert echoed.route == "relay-a"


def test_silence_goes_by_two_misses_to_degraded_and_down_and_one_echo_mends_it() -> None:
    north, _ = pair()
    linked(north)
    states = []
    for serial in range(1, 5):
        probe(north)
        assert route_of(north).serial == serial
        assert not north.tick(north.rules.channel.answer_ms - 1)
        missed, changed = north.tick(1)
        assert isinstance(missed, ev.ChannelTestMissed)
        assert missed.why == "NO ECHO"
        assert isinstance(changed, ev.ChannelChanged)
        states.append(changed.after)
    assert states == ["MISSED1", "MISSED2", "DEGRADED", "DOWN"]
    assert (
        colour(north.rules.channel, [watched(north.situation, "SOUTH", "direct")], north.now_ms)
        is Colour.RED
    )
    probe(north)
    echo(north, 5)
    assert route_of(north).state is Channel.PASSED
    assert route_of(north).misses == 0
    news = [one.event for one in north.situation.timeline]
    changes = [one.after for one in news if isinstance(one, ev.ChannelChanged)]
    assert changes == ["DEGRADED", "DOWN", "PASSED"]
    assert north.refolded() == north.situation


def test_test_of_a_route_that_is_not_up_is_missed_at_once() -> None:
    north, _ = pair()
    linked(north, "DOWN")
    missed, changed = probe(north, up=False)
    assert isinstance(missed, ev.ChannelTestMissed)
    assert (missed.serial, missed.why) == (0, "NOT UP")
    assert isinstance(changed, ev.ChannelChanged)
    assert changed.after == "MISSED1"
    assert route_of(north).tested_ms == north.now_ms
    assert not route_of(north).waiting


def test_a_clock_that_fell_does_not_let_a_test_wait_for_ever() -> None:
    north, _ = pair()
    linked(north)
    probe(north)
    north.now_ms -= 10 * HOUR_MS
    assert any(isinstance(one, ev.ChannelTestMissed) for one in north.tick(0))


def test_tests_of_a_day_fold_into_one_row_and_none_is_lost() -> None:
    north, _ = pair()
    linked(north)
    north.now_ms -= north.now_ms % (24 * HOUR_MS)
    for serial in range(1, 25):
        probe(north)
        echo(north, serial)
        north.now_ms += HOUR_MS - 1
    rows = [kind for kind in shown(north) if kind is not ev.LinkChanged]
    assert rows == [ev.ChannelTestEchoed]
    day = north.situation.timeline[-1].at_ms // (24 * HOUR_MS)
    assert north.situation.tests["SOUTH"].days == {day: (24, 24)}
    assert len([one for one in north.log if isinstance(one.event, ev.ChannelTestEchoed)]) == 24
    north.now_ms += HOUR_MS
    probe(north)
    north.tick(north.rules.channel.answer_ms)
    assert north.situation.tests["SOUTH"].days[day + 1] == (0, 1)
    assert ev.ChannelTestMissed in shown(north)
    assert len(route_of(north).results) == 23
    assert north.refolded() == north.situation


def test_peers_test_is_recorded_once_and_a_repeat_is_only_echoed() -> None:
    north, _ = pair()
    linked(north)
    (heard,) = kinds(north.do(HearTest("SOUTH", "direct", 7, PHRASE)))
    assert isinstance(heard, ev.ChannelTestAnswered)
    assert north.do(HearTest("SOUTH", "direct", 7, PHRASE)).duplicate
    assert kinds(north.do(HearTest("SOUTH", "direct", 7, "another start")))
    assert route_of(north).heard_ms == north.now_ms
    assert route_of(north).state is Channel.UNTESTED
    assert ev.ChannelTestAnswered not in shown(north)


def test_flood_of_tests_is_passed_over_until_the_next_hour() -> None:
    north, _ = pair()
    for serial in range(MAX_HEARD_AN_HOUR):
        assert kinds(north.do(HearTest("SOUTH", "direct", serial + 1, PHRASE)))
    refused = north.do(HearTest("SOUTH", "direct", 9_999, PHRASE))
    assert not refused.duplicate
    assert not kinds(refused)
    assert kinds(north.do(HearTest("EAST", "direct", 1, PHRASE)))
    north.now_ms += HOUR_MS
    assert kinds(north.do(HearTest("SOUTH", "direct", 9_999, PHRASE)))


# --- officers -----------------------------------------------------------------------------------


def officers_test(first: Side, second: Side, heard: str) -> None:
    asked = first.say("link/test", serial="1", phrase="Harbour lights at nine.")
    second.take(asked)
    answer = second.say("link/echo", answers=asked.digest, heard=heard)
    first.take(answer)


def test_officers_test_counts_at_both_ends_when_the_phrase_was_read() -> None:
    north, south = pair()
    for side in (north, south):
        linked(side)
        side.now_ms += 5 * HOUR_MS
    officers_test(north, south, "harbour LIGHTS, at nine")
    for side in (north, south):
        known = side.situation.tests[side.peer]
        assert known.officers_ms == side.now_ms
        assert officers_due_ms(side.rules.channel, known) == side.now_ms + 8 * HOUR_MS
        assert side.refolded() == side.situation


def test_officers_test_with_another_phrase_does_not_count() -> None:
    north, south = pair()
    for side in (north, south):
        linked(side)
    officers_test(north, south, "harbour lights at ten")
    assert north.situation.tests["SOUTH"].officers_ms == 0
    assert south.situation.tests["NORTH"].officers_ms == 0


def test_a_watch_without_an_officers_test_is_recorded_once_and_again_after_the_next() -> None:
    north, south = pair()
    for side in (north, south):
        linked(side)
    begun_ms = north.now_ms
    assert not north.tick(8 * HOUR_MS - 1)
    (missed,) = north.tick(1)
    assert missed == ev.OfficerTestMissed(peer="SOUTH", due_ms=begun_ms + 8 * HOUR_MS)
    assert not north.tick(9 * HOUR_MS)
    south.now_ms = north.now_ms
    officers_test(south, north, "Harbour lights at nine")
    assert not north.tick(8 * HOUR_MS - 1)
    (again,) = north.tick(1)
    assert isinstance(again, ev.OfficerTestMissed)
    assert again.due_ms > missed.due_ms


def test_a_line_that_was_never_up_owes_no_officers_test() -> None:
    north, _ = pair()
    assert not north.tick(100 * HOUR_MS)
