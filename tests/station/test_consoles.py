"""Consoles certified for longer: in time, too late, under a new key, and by who may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records import events as ev
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import read_key_file
from hotline.sealing.card import Card
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import CertifiedKey, RootKey, Subject, issue_certificate
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station import console_keys, consoles, home, officers
from hotline.station.cards import read_outside
from hotline.station.consoles import renew_console
from hotline.station.endings import Nearness, alarming, endings
from hotline.station.home import read_line
from hotline.station.identity import own_card, ready_console
from hotline.station.newer_cards import joins_line, take_newer_card
from hotline.station.officers import renew_officer, unlock_root
from hotline.station.upkeep import Bench
from tests.fakes.line import FakeLine, Place, catalogue, wait_for
from tests.fakes.pairs import End, make_ends, shake
from tests.station.homes import DAY_MS
from tests.station.months import Calendar, no_passphrase, say
from tests.station.test_enrolling import power_cut

BEGUN, TWO_MONTHS_ON, TOO_LATE = (
    "2026-10-01T08:00:00.000Z",
    "2026-12-01T08:00:00.000Z",
    "2027-01-20T08:00:00.000Z",
)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar(BEGUN)


@pytest.fixture
def line(tmp_path: Path, calendar: Calendar) -> FakeLine:
    return FakeLine(tmp_path, clock=calendar)


def bench_of(place: Place) -> Bench:
    return Bench(place.home, place.clock_ms, system_entropy, no_passphrase)


def root_of(place: Place) -> Path:
    return place.home.keys / "root.key"


def renewed(place: Place, **how: object) -> Certificate:
    return renew_console(bench_of(place), root_of(place), catalogue(), **how)  # type: ignore[arg-type]


def officer_too(place: Place) -> None:
    renew_officer(bench_of(place), place.person, root_of(place), catalogue())


def seeds(place: Place) -> dict[str, bytes]:
    return dict(read_key_file(place.home.keys / "console.key", None).seeds)


def certified_there(place: Place) -> list[tuple[str, str]]:
    told = place.recorded(ev.KeyCertified)
    return [(one.station, one.certificate) for one in told if one.usage == "transport"]


# --- in time ------------------------------------------------------------------------------


def test_renewed_console_is_told_by_the_line_and_both_certificates_stand(
    line: FakeLine, calendar: Calendar
) -> None:
    async def go() -> None:
        async with line:
            await say(line, line.south, line.north)
        calendar.set(TWO_MONTHS_ON)
        before = seeds(line.north)
        certificate = renewed(line.north)
        assert seeds(line.north) == before
        async with line:
            await say(line, line.south, line.north)
            await wait_for(lambda: certified_there(line.south))
            assert certified_there(line.south) == [("NORTH", certificate.id.hex())]
            roster = line.south.opened.line.roster
            both = roster.certified("NORTH", Usage.TRANSPORT)
            assert [roster.trusts(one, calendar()) for one in both] == [True, True]
        calendar.set(TOO_LATE)
        for place in line.places:
            officer_too(place)
        renewed(line.south)
        async with line:
            await say(line, line.north, line.south)
            assert len(certified_there(line.south)) == 1
        assert (await line.judged()).ok

    asyncio.run(go())


def test_new_console_key_speaks_at_once_to_a_peer_that_never_heard_of_it(
    line: FakeLine,
) -> None:
    async def go() -> None:
        async with line:
            await say(line, line.south, line.north)
        before = seeds(line.north)
        certificate = renewed(line.north, new_key=True)
        after = seeds(line.north)
        assert after.keys() == before.keys()
        assert after["console/ed25519"] != before["console/ed25519"]
        line.south.heard.clear()
        async with line:
            await say(line, line.north, line.south)
            assert certified_there(line.south) == [("NORTH", certificate.id.hex())]
            assert {one.console.id for one in line.south.heard} == {certificate.id}
            assert not line.south.reasons
        assert (await line.judged()).ok

    asyncio.run(go())


# --- too late -----------------------------------------------------------------------------


def test_line_whose_certificates_ended_comes_back_when_both_consoles_are_renewed(
    line: FakeLine, calendar: Calendar
) -> None:
    """Nobody was there for four months: prekeys, certificates and TLS dates are all over."""

    async def go() -> None:
        async with line:
            await say(line, line.south, line.north)
        calendar.set(TOO_LATE)
        for place in line.places:
            renewed(place)
            officer_too(place)
        async with line:
            digest = await say(line, line.south, line.north)
            assert line.north.state(digest).verdict == "VERIFIED"
            assert len(certified_there(line.south)) == len(certified_there(line.north)) == 1
        assert (await line.judged()).ok

    asyncio.run(go())


def test_console_that_was_not_renewed_is_not_read_and_both_consoles_say_so(
    line: FakeLine, calendar: Calendar
) -> None:
    async def go() -> None:
        async with line:
            await say(line, line.south, line.north)
        calendar.set(TOO_LATE)
        renewed(line.south)
        line.south.heard.clear()
        async with line:
            await wait_for(lambda: line.south.station._refused)
            assert not line.south.heard
            assert "the console of NORTH has ended" in line.north.desk.watch().alarm
            assert "the console of NORTH has ended" in line.south.desk.watch().alarm
            (first, *_) = line.north.desk.alarms()
            assert "stop the station and run hotline renew HOME" in " ".join(first.lines)
            (first, *_) = line.south.desk.alarms()
            assert "ask NORTH to run hotline renew HOME" in " ".join(first.lines)

    asyncio.run(go())


def newest_card(place: Place) -> Card:
    held = ready_console(place.home, None, system_entropy)
    return read_outside(own_card(place.home, held, place.clock_ms))


def test_newer_cards_alone_bring_two_stations_together_again(
    line: FakeLine, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word in the handshake: the cards carry certificates, link key, recovery key."""

    async def go() -> None:
        async with line:
            await say(line, line.south, line.north)
        calendar.set(TOO_LATE)
        for place in line.places:
            renewed(place, new_key=True)
            officer_too(place)
        monkeypatch.setattr(home, "to_introduce", lambda *_: b"")
        cards = {place.name: newest_card(place) for place in line.places}
        for place in line.places:
            assert joins_line(place.home, cards[place.peer])
            assert take_newer_card(bench_of(place), cards[place.peer]) == 2
            assert take_newer_card(bench_of(place), cards[place.peer]) == 0
        async with line:
            digest = await say(line, line.south, line.north)
            assert line.north.state(digest).verdict == "VERIFIED"
            assert not line.south.recorded(ev.ReachRenewed)
        assert (await line.judged()).ok

    asyncio.run(go())


def test_link_key_of_a_newer_card_counts_and_is_recorded(line: FakeLine) -> None:
    made = make_tls_identity(station="NORTH", at_ms=line.north.clock_ms(), entropy=system_entropy)
    for name, content in (("cert.pem", made.certificate_pem), ("key.pem", made.key_pem)):
        (line.north.home.path / "tls" / name).write_bytes(content)

    async def go() -> None:
        assert take_newer_card(bench_of(line.south), newest_card(line.north)) == 0
        async with line:
            await say(line, line.south, line.north)
            (event,) = line.south.recorded(ev.ReachRenewed)
            assert (event.station, event.pin) == ("NORTH", made.pin.hex())

    asyncio.run(go())


def test_card_of_a_stranger_joins_no_line(line: FakeLine, tmp_path: Path) -> None:
    other = FakeLine(tmp_path / "other")
    assert not joins_line(line.south.home, newest_card(other.north))
    assert joins_line(line.south.home, newest_card(line.north))


# --- who may not --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("founded")


@pytest.fixture
def ends(tmp_path: Path, founded: Path) -> dict[str, End]:
    return make_ends(tmp_path, founded)


def root_key(end: End) -> RootKey:
    bench = Bench(end.home, lambda: end.now_ms, system_entropy, no_passphrase)
    return unlock_root(bench, end.home.keys / "root.key")


def console_of(end: End, root: RootKey, **changes: object) -> CertifiedKey:
    """Return a console key of `end` that is certified two months on; `changes` spoil it."""
    begins_ms = end.now_ms - 3_600_000
    values: dict[str, object] = {
        "subject": Subject("console", "a console"),
        "usage": Usage.TRANSPORT,
        "serial": 77,
        "not_before_ms": begins_ms,
        "not_after_ms": begins_ms + 92 * DAY_MS,
    }
    key = HybridSigner(draw_hybrid_seeds(system_entropy))
    return issue_certificate(root, key, **(values | changes))  # type: ignore[arg-type]


def greets(end: End, key: CertifiedKey) -> bytes:
    """Seal a question signed by a key, with that key's certificate in it."""
    end.line.console = Ed25519Signer(key.signer.seeds.ed25519)
    end.line.console_record = key.certificate
    return end.meets()


def later(ends: dict[str, End]) -> tuple[End, End]:
    shake(ends)
    for end in ends.values():
        end.now_ms += 120 * DAY_MS
    return ends["NORTH"], ends["SOUTH"]


def test_question_past_the_end_is_read_by_the_certificate_in_it_under_the_recovery_key(
    ends: dict[str, End],
) -> None:
    """Spec: docs/protocol.md §4.34, §7.24"""
    north, south = later(ends)
    greeting = greets(north, console_of(north, root_key(north)))
    with pytest.raises(PeerError, match="no console certificate"):
        south.courier.open(meets_bare(north))
    verified = south.courier.open(greeting)
    assert verified.packet.to_kid == south.line.recovery.key_id
    assert [item.t for item in verified.packet.items] == ["hello", "certificate"]
    assert verified.console.id not in south.line.roster.certificates


def meets_bare(end: End) -> bytes:
    record, end.line.console_record = end.line.console_record, b""
    try:
        return end.meets()
    finally:
        end.line.console_record = record


WRONG: dict[str, Callable[[End, End], CertifiedKey]] = {
    "of the receiver's own root": lambda _n, s: console_of(s, root_key(s)),
    "for an officer": lambda n, _s: console_of(n, root_key(n), usage=Usage.STATEMENT),
    "for a ledger": lambda n, _s: console_of(n, root_key(n), usage=Usage.LEDGER),
    "not valid yet": lambda n, _s: console_of(n, root_key(n), not_before_ms=n.now_ms + DAY_MS),
    "over already": lambda n, _s: console_of(
        n, root_key(n), not_before_ms=n.now_ms - 9 * DAY_MS, not_after_ms=n.now_ms - DAY_MS
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_question_with_a_certificate_that_does_not_fit_is_refused(
    ends: dict[str, End], how: str
) -> None:
    north, south = later(ends)
    with pytest.raises(PeerError, match="no console certificate"):
        south.courier.open(greets(north, WRONG[how](north, south)))


def test_question_with_somebody_else_s_certificate_is_refused(ends: dict[str, End]) -> None:
    """A thief of the old console's key shows the certificate that the honest one sends."""
    north, south = later(ends)
    honest = console_of(north, root_key(north))
    thief = CertifiedKey(
        HybridSigner(draw_hybrid_seeds(system_entropy)), honest.certificate, honest.cert_id
    )
    with pytest.raises(PeerError, match="by no console key of its sender"):
        south.courier.open(greets(north, thief))


def test_question_with_an_altered_certificate_is_refused(ends: dict[str, End]) -> None:
    north, south = later(ends)
    key = console_of(north, root_key(north))
    altered = key.certificate.replace(b'"sig":"', b'"sig":"AA', 1)
    with pytest.raises(PeerError, match="no console certificate"):
        south.courier.open(greets(north, replace(key, certificate=altered)))


# --- cut short, refused -------------------------------------------------------------------

CUTS = [(consoles, "issue"), (officers, "with_record"), (officers, "_tell_line")]
CUTS += [(officers, "write_json"), (consoles, "adopt_pair"), (consoles, "write_identity")]


@pytest.mark.parametrize(("module", "name"), CUTS)
def test_renewal_that_was_cut_short_leaves_a_console_that_speaks_and_is_ended_by_the_next(
    line: FakeLine, module: object, name: str
) -> None:
    after = 1 if name == "_tell_line" else 0
    with power_cut(module, name, after):
        renewed(line.north, new_key=True)

    def speaks() -> bytes:
        found = read_line(line.north.home, None, line.north.clock_ms, system_entropy)[2]
        assert found.console.public_key in found.roster.console_keys("NORTH", found.clock())
        return found.console.public_key

    speaks()
    certificate = renewed(line.north)
    held = seeds(line.north)
    assert not [one for one in held if one.startswith("console-next")]
    assert certificate.key.ed25519 == Ed25519Signer(held["console/ed25519"]).public_key == speaks()


def test_renewal_without_the_root_or_for_too_long_is_refused(line: FakeLine) -> None:
    before = seeds(line.north)
    with pytest.raises(OperatorError, match=r"gone\.key is not there"):
        renew_console(bench_of(line.north), line.north.home.keys / "gone.key", catalogue())
    with pytest.raises(OperatorError, match="is not the root of this station"):
        renew_console(bench_of(line.north), root_of(line.south), catalogue())
    with pytest.raises(OperatorError, match="1 to 92 days"):
        renewed(line.north, days=93)
    assert seeds(line.north) == before


def test_console_signs_by_its_newest_certificate_that_counts(
    line: FakeLine, calendar: Calendar
) -> None:
    first = read_line(line.north.home, None, calendar, system_entropy)[2]
    assert first.console_record == b""
    calendar.set(TWO_MONTHS_ON)
    certificate = renewed(line.north)
    found = read_line(line.north.home, None, calendar, system_entropy)[2]
    assert console_keys.record_digest(found.console_record) == certificate.id
    calendar.set("2028-01-01T08:00:00.000Z")
    assert read_line(line.north.home, None, calendar, system_entropy)[2].console_record == b""


# --- what is said of it -------------------------------------------------------------------


def test_ends_are_near_at_29_days_an_alarm_at_14_and_urgent_at_3(line: FakeLine) -> None:
    roster = read_line(line.north.home, None, line.north.clock_ms, system_entropy)[2].roster
    (until,) = {one.not_after_ms for one in roster.certificates.values()}

    def near(days: int) -> Nearness:
        found = endings(roster, "NORTH", until - days * DAY_MS)
        assert len(found) == 6
        assert [one.usage.value for one in found[:2]] == ["transport"] * 2
        assert [one.ours for one in found] == [True, False, True, True, False, False]
        assert bool(alarming(found)) == (found[0].nearness >= Nearness.SOON)
        return found[0].nearness

    assert [near(days) for days in (30, 29, 15, 14, 4, 3, 0)] == [
        Nearness.FAR,
        Nearness.NEAR,
        Nearness.NEAR,
        Nearness.SOON,
        Nearness.SOON,
        Nearness.URGENT,
        Nearness.URGENT,
    ]
    past = endings(roster, "NORTH", until + 1)
    assert {one.nearness for one in past} == {Nearness.ENDED}
    # Whose officers have left the other station is no alarm here.
    assert [(one.station, one.usage.value) for one in alarming(past) if not one.ours] == [
        ("SOUTH", "transport")
    ]
