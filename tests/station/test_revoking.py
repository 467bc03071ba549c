"""Keys that are revoked or suspended: on the line, end to end, and what is left of their word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.messages.statement import Statement, encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.desk.desk import Officer
from hotline.desk.opening import open_desk
from hotline.host.config import find_config
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.host.packs import load_catalogue
from hotline.sealing import items as its
from hotline.sealing.authorisation import Act
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.enrol import Subject, issue_certificate
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.order import read_order
from hotline.sealing.packet import RevocationHead
from hotline.sealing.prekey import draw_prekey
from hotline.sealing.slip import read_slip, write_slip
from hotline.sealing.standing import CERTIFICATE
from hotline.sealing.their_keys import TheirPrekey
from hotline.station import calling_in, courier, outgoing, receiving, trusting
from hotline.station.home import open_officer, read_card
from hotline.station.line_keys import open_line_keys
from hotline.station.refusing import reference_of
from hotline.station.renewing import renew_ledger
from hotline.station.revoking import (
    lift,
    prepare,
    revoke,
    root_of,
    suspend,
    take_into_card,
    use_prepared,
)
from hotline.station.upkeep import Bench, Work, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station.months import no_passphrase, say

Found = TypeVar("Found")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


def at(place: Place, act: Callable[[Work], Found]) -> Found:
    """Do upkeep at a station that is stopped."""
    with at_work(Bench(place.home, place.clock_ms, system_entropy, no_passphrase)) as work:
        return act(work)


def steal(place: Place, text: str = "all is well") -> str:
    """Speak with the officer's key past the desk and the station's own checks."""
    statement = place.statement(text=text)
    item = place.item(statement)
    place.inject(item)
    place.go_on_from(reference_of(read_order(item.order)))
    return digest_of(statement)


def digest_of(statement: Statement) -> str:
    return statement_digest(encode_statement(statement)).hex()


def withdrawn(place: Place) -> Sequence[ev.TrustWithdrawn]:
    return place.recorded(ev.TrustWithdrawn)


def assert_verify(line: FakeLine) -> None:
    verdicts = [place.verdict() for place in line.places]
    assert all(one.ok for one in verdicts), [one.faults for one in verdicts]


# --- revoked by the root ----------------------------------------------------------------


def test_statement_of_a_revoked_officer_is_recorded_and_receipted_as_unverified(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        async with line:
            before = await say(line, line.north, line.south)
        at(line.north, lambda work: revoke(work, "ramos", "the key file was stolen"))
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            (said,) = withdrawn(line.south)
            assert (said.station, said.how, said.reason) == (
                "NORTH",
                "revoked",
                "the key file was stolen",
            )
            digest = steal(line.north)
            await wait_for(lambda: line.south.holds(digest))
            state = line.south.state(digest)
            assert state.verdict == "UNVERIFIED"
            # It opens nothing, sets no clock, and stands as an alarm where it is listed.
            assert digest not in line.south.situation.dialogues
            assert not [key for key in line.south.situation.deadlines if key[0] == digest]
            view = line.south.desk.message(digest)
            assert view is not None
            assert view.state_word == "UNVERIFIED"
            assert "revoked" in view.flags[0]
            assert "the key file was stolen" in view.flags[0]
            assert "UNVERIFIED" in line.south.desk.watch().notice
            # What was said before keeps the verdict that it was receipted with.
            assert line.south.state(before).verdict == "VERIFIED"
            line.north.person = "vega"
        async with line:
            await say(line, line.south, line.north)
            after = await say(line, line.north, line.south)
            assert line.south.state(after).verdict == "VERIFIED"
            assert len(withdrawn(line.south)) == 1
            with pytest.raises(OperatorError, match="not valid now"):
                await line.north.station.submit(
                    _by_ramos(line.north).sign(encode_statement(line.north.statement()))
                )
        assert_verify(line)

    asyncio.run(go())


def _by_ramos(place: Place) -> Place:
    place.officer = Officer(*open_officer(place.home, place.opened.line.roster, "ramos", None))
    return place


def test_revoked_officer_cannot_sit_down_or_authorise(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        at(line.north, lambda work: revoke(work, "ramos", "stolen"))
        async with line:
            with pytest.raises(OperatorError, match="ramos is revoked: stolen"):
                open_desk(
                    line.north.station,
                    line.north.home,
                    "ramos",
                    config=find_config(),
                    passphrase=None,
                    clock=line.north.clock_ms,
                    entropy=system_entropy,
                )
        details = {CERTIFICATE: "ab" * 32}
        with pytest.raises(OperatorError, match="ramos is revoked"):
            at(
                line.north,
                lambda work: work.authorise(Act.SUSPEND, details, "why", ["ramos", "vega"]),
            )

    asyncio.run(go())


def test_nobody_and_the_revoked_cannot_be_revoked(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    with pytest.raises(OperatorError, match="nobody of this station is called niven"):
        at(line.north, lambda work: revoke(work, "niven", "theirs"))
    at(line.north, lambda work: revoke(work, "ramos", "stolen"))
    with pytest.raises(OperatorError, match="revoked already"):
        at(line.north, lambda work: revoke(work, "ramos", "stolen"))
    (line.north.home.keys / "root.key").unlink()
    with pytest.raises(OperatorError, match=r"root\.key"):
        at(line.north, lambda work: revoke(work, "console", "stolen"))


def test_revocation_that_the_card_lost_comes_back_from_the_ledger(tmp_path: Path) -> None:
    line = FakeLine(tmp_path)
    card = line.north.directory / "line.json"
    older = card.read_bytes()
    at(line.north, lambda work: revoke(work, "ramos", "stolen"))
    newer = card.read_bytes()
    card.write_bytes(older)

    def head(work: Work) -> tuple[int, Digest]:
        return work.opened.line.roster.standing.head("NORTH")

    counter, digest = at(line.north, head)
    assert counter == 1
    assert digest != ZERO_DIGEST
    assert card.read_bytes() == newer


def test_packets_of_a_revoked_console_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The link would not come up: what comes in a packet is judged for itself.
    monkeypatch.setattr(calling_in, "may_open", lambda *_: True)

    async def go() -> None:
        line = FakeLine(tmp_path)
        at(line.north, lambda work: revoke(work, "console", "the console was taken"))
        # SOUTH is handed the list, since NORTH has no console left that could bring it.
        (record,) = [one.encode() for one in _records(line.north) if "revocation" in one]
        at(line.south, lambda work: use_prepared(work, record))
        async with line:
            heard = len(line.south.heard)
            digest = steal(line.north)
            line.north.station._outgoing.put(lambda: [its.NackItem(code="gap", detail="x")])
            await line.north.station.route.ping()
            await wait_for(lambda: line.south.station._refused.total() > 0)
            assert len(line.south.heard) == heard
            assert not line.south.holds(digest)

    asyncio.run(go())


def test_heads_by_a_revoked_ledger_key_are_not_countersigned(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        async with line:
            await say(line, line.north, line.south)
        at(line.north, lambda work: revoke(work, "ledger", "the ledger key was copied"))
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            held = line.south.station._witness.held("NORTH")
            digest = await line.north.say("conv/free-text", {}, text="under a revoked order")
            await wait_for(lambda: line.south.holds(digest))
            assert line.south.state(digest).verdict == "UNVERIFIED"
            line.north.station.show_head()
            await wait_for(lambda: line.south.reasons)
            assert line.south.station._witness.held("NORTH") == held
        assert_verify(line)

    asyncio.run(go())


def _records(place: Place) -> tuple[str, ...]:
    return read_card(place.directory).records


# --- suspended by two officers ----------------------------------------------------------


def test_two_officers_suspend_a_third_until_the_root_lifts_it(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        _add_officer(line.north, "third")
        at(line.north, lambda work: suspend(work, "third", "not reachable", ["ramos", "vega"]))
        line.north.person = "third"
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            (said,) = withdrawn(line.south)
            assert (said.how, said.reason) == ("suspended", "not reachable")
            digest = steal(line.north)
            await wait_for(lambda: line.south.holds(digest))
            assert line.south.state(digest).verdict == "UNVERIFIED"
        at(line.north, lambda work: lift(work, "third", "reached again"))
        async with line:
            await wait_for(lambda: line.south.recorded(ev.SuspensionLifted))
            again = await say(line, line.north, line.south)
            assert line.south.state(again).verdict == "VERIFIED"
            assert line.south.state(digest).verdict == "UNVERIFIED"
            assert not line.south.situation.withdrawn
        with pytest.raises(OperatorError, match="suspended"):
            at(line.north, lambda work: lift(work, "third", "once more"))
        assert_verify(line)

    asyncio.run(go())


def _add_officer(place: Place, person: str) -> Certificate:
    """Certify one more officer, as enrolment does, and record it."""
    seeds = draw_hybrid_seeds(system_entropy)
    held = {"officer/ed25519": seeds.ed25519, "officer/mldsa65": seeds.mldsa65}
    key = KeyFile(place.name, Realm.EXERCISE, held)
    write_key_file(place.home.officer(person), key, None, entropy=system_entropy)
    return _certify(place, person, Usage.STATEMENT, HybridSigner(seeds))


def _certify(place: Place, person: str, usage: Usage, signer: HybridSigner) -> Certificate:
    def add(work: Work) -> Certificate:
        line = work.opened.line
        issued = issue_certificate(
            root_of(work),
            signer,
            subject=Subject(person, f"Officer {person}", "LT", "Duty officer"),
            usage=usage,
            serial=100,
            not_before_ms=place.clock_ms() - 1_000,
            not_after_ms=place.clock_ms() + 86_400_000,
        )
        roster, certificate = line.roster.with_certificate(issued.certificate)
        line.admit(roster)
        admitted = ev.RecordAdmitted(record=certificate.id.hex())
        work.record(Planned(admitted, public=issued.certificate))
        take_into_card(work, issued.certificate)
        return certificate

    return at(place, add)


def test_same_person_twice_does_not_suspend(tmp_path: Path) -> None:
    line = FakeLine(tmp_path, deputies=True)
    with pytest.raises(OperatorError, match="the same person"):
        at(line.north, lambda work: suspend(work, "vega", "why", ["ramos", "ramos"]))
    with pytest.raises(OperatorError, match="1 persons signed"):
        at(line.north, lambda work: suspend(work, "vega", "why", ["ramos"]))
    at(line.north, lambda work: suspend(work, "console", "lost sight of", ["ramos", "vega"]))
    with pytest.raises(OperatorError, match="no certificate that counts now"):
        at(line.north, lambda work: suspend(work, "console", "again", ["ramos", "vega"]))


# --- prepared ---------------------------------------------------------------------------


def test_prepared_revocation_ends_a_certificate_without_the_root(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        ((certificate, envelope),) = at(line.north, lambda work: prepare(work, "ramos"))
        assert not line.north.home.path.joinpath("revocations").exists()
        parts = write_slip(envelope)
        assert all(len(part) < 1_400 for part in parts)
        (line.north.home.keys / "root.key").unlink()
        printed = "keep apart\n" + "\n\n".join(
            part[:60] + "\n  " + part[60:] for part in reversed(parts)
        )
        whose = at(line.north, lambda work: use_prepared(work, read_slip(printed)))
        assert "Ramos" in whose
        line.north.person = "ramos"
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            assert withdrawn(line.south)[0].certificate == certificate.id.hex()
            digest = steal(line.north)
            await wait_for(lambda: line.south.holds(digest))
            assert line.south.state(digest).verdict == "UNVERIFIED"
        with pytest.raises(OperatorError, match="recorded here already"):
            at(line.north, lambda work: use_prepared(work, envelope))
        assert_verify(line)

    asyncio.run(go())


def test_peer_that_is_handed_a_prepared_revocation_stops_trusting_at_once(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        ((_, envelope),) = at(line.north, lambda work: prepare(work, "ramos"))
        at(line.south, lambda work: use_prepared(work, envelope))
        async with line:
            digest = steal(line.north)
            await wait_for(lambda: line.south.holds(digest))
            assert line.south.state(digest).verdict == "UNVERIFIED"
            # The station whose officer it was hears of it by the line.
            await wait_for(lambda: withdrawn(line.north))

    asyncio.run(go())


def test_sender_is_told_that_its_statement_is_unverified_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        ((_, envelope),) = at(line.north, lambda work: prepare(work, "ramos"))
        at(line.south, lambda work: use_prepared(work, envelope))
        monkeypatch.setattr(receiving, "introductions", lambda *_: [])
        async with line:
            digest = await say(line, line.north, line.south)
            view = line.north.desk.message(digest)
            assert view is not None
            assert view.state_word == "UNVERIFIED"
            assert any("UNVERIFIED at SOUTH" in flag for flag in view.flags)
            (row,) = [one for one in line.north.desk.timeline(0, 99) if one.digest == digest]
            assert (row.symbol, row.mark) == ("?", "alarm")

    asyncio.run(go())


# --- lists that were rolled back --------------------------------------------------------


def test_rolled_back_revocation_list_is_refused_with_an_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        at(line.north, lambda work: revoke(work, "vega", "left the service"))
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            empty = RevocationHead(counter=0, digest=ZERO_DIGEST)
            with monkeypatch.context() as patched:
                patched.setattr(courier, "revocation_head", lambda _line: empty)
                digest = steal(line.north)
                await wait_for(lambda: line.south.recorded(ev.RevocationsRefused))
            assert not line.south.holds(digest)
            (said,) = line.south.recorded(ev.RevocationsRefused)
            assert (said.peer, said.counter, said.known) == ("NORTH", 0, 1)
            await wait_for(lambda: line.south.situation.refused_lists)
            rows = line.south.desk.timeline(0, 1_000)
            assert [one.mark for one in rows if one.state_word == "REFUSED"] == ["alarm"]

    asyncio.run(go())


def test_packet_of_before_a_revocation_that_is_played_again_accuses_nobody(tmp_path: Path) -> None:
    """Nobody knows that it was made now, so it does not show that a list was rolled back."""

    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        async with line:
            await say(line, line.north, line.south)
            early = list(line.south.cells)
        at(line.south, lambda work: revoke(work, "sorel", "left the service"))
        async with line:
            await wait_for(lambda: withdrawn(line.north))
            await wait_for(lambda: line.north.station._courier.pairs["SOUTH"].ready)
            heard = len(line.north.heard)
            for cell in early:
                await line.south.station.route.send(cell)
            await say(line, line.south, line.north)
            old = {one.packet.revocation.counter for one in line.north.heard[heard:]}
            assert 0 in old, "one of them must open"
            assert not line.north.recorded(ev.RevocationsRefused)

    asyncio.run(go())


def test_other_list_of_the_same_length_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        at(line.north, lambda work: revoke(work, "ledger", "left"))
        async with line:
            await wait_for(lambda: withdrawn(line.south))
            other = RevocationHead(counter=1, digest=Digest(b"\7" * 32))
            with monkeypatch.context() as patched:
                patched.setattr(courier, "revocation_head", lambda _line: other)
                digest = steal(line.north)
                await wait_for(lambda: line.south.recorded(ev.RevocationsRefused))
            assert not line.south.holds(digest)

    asyncio.run(go())


def test_station_that_was_put_back_is_given_its_own_revocations_again(tmp_path: Path) -> None:
    """Its home is from before the revocation: it hears of it from the peer, and goes on."""

    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        before = _snapshot(line.north)
        at(line.north, lambda work: revoke(work, "vega", "left the service"))
        (record,) = [one for one in _records(line.north) if "revocation" in one]
        at(line.south, lambda work: use_prepared(work, record.encode()))
        _put_back(line.north, before)
        async with line:
            await wait_for(lambda: withdrawn(line.north))
            await say(line, line.north, line.south)
        assert_verify(line)

    asyncio.run(go())


def test_station_that_was_put_back_with_its_keys_is_given_its_revocations_again(
    tmp_path: Path,
) -> None:
    """Besides, the peer knows a prekey of it that was lost: what it says of keys is heard."""

    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        before = _snapshot(line.north)
        at(line.north, lambda work: revoke(work, "vega", "left the service"))
        (record,) = [one for one in _records(line.north) if "revocation" in one]
        at(line.south, lambda work: use_prepared(work, record.encode()))
        _put_back(line.north, before)
        lost = TheirPrekey(line.north.clock_ms(), draw_prekey(system_entropy).public, 2**50)
        keys = open_line_keys(line.south.home.only_line(), None, system_entropy)
        keys.keep_announced("NORTH", lost)
        async with line:
            await wait_for(lambda: withdrawn(line.north), timeout_s=25)
            await say(line, line.north, line.south)
            assert line.south.recorded(ev.RevocationsRefused)
        assert_verify(line)

    asyncio.run(go())


def _snapshot(place: Place) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.home.path.rglob("*") if path.is_file()}


def _put_back(place: Place, files: dict[Path, bytes]) -> None:
    for path in place.home.path.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def test_revocations_that_did_not_come_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        monkeypatch.setattr(trusting, "ASK_AGAIN_S", 0.2)
        line = FakeLine(tmp_path, deputies=True)
        at(line.north, lambda work: revoke(work, "vega", "left the service"))
        monkeypatch.setattr(receiving, "introductions", lambda *_: [])
        async with line:
            line.north.station.show_head()
            await wait_for(lambda: line.north.heard_items(its.RevocationsWantedItem))
            await wait_for(lambda: withdrawn(line.south))
            digest = await say(line, line.north, line.south)
            assert line.south.state(digest).verdict == "VERIFIED"

    asyncio.run(go())


# --- certificates that come by the line -------------------------------------------------


def test_officer_added_after_the_line_was_founded_can_speak(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        certificate = _add_officer(line.north, "third")
        line.north.person = "third"
        async with line:
            digest = await say(line, line.north, line.south)
            assert line.south.state(digest).verdict == "VERIFIED"
            told = line.south.recorded(ev.KeyCertified)
            assert [(one.station, one.certificate, one.usage) for one in told] == [
                ("NORTH", certificate.id.hex(), "statement")
            ]
        async with line:
            await say(line, line.north, line.south)
            assert len(line.south.recorded(ev.KeyCertified)) == 1
        assert_verify(line)

    asyncio.run(go())


def test_revoked_ledger_key_is_left_behind_by_a_new_generation(tmp_path: Path) -> None:
    """`ledger renew --new-key` is the way out: a hand-over would be signed by the old key, too."""

    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        async with line:
            await say(line, line.north, line.south)
        at(line.north, lambda work: revoke(work, "ledger", "copied"))
        bench = Bench(line.north.home, line.north.clock_ms, system_entropy, no_passphrase)
        packs = load_catalogue(find_config()).packs
        renew_ledger(bench, ["ramos", "vega"], "the key was copied", packs, new_key=True)
        async with line:
            digest = await say(line, line.north, line.south)
            assert line.south.state(digest).verdict == "VERIFIED"

    asyncio.run(go())


def test_generation_that_a_revoked_officer_authorised_is_refused_by_the_peer(
    tmp_path: Path,
) -> None:
    """NORTH does not know yet that its officer's certificate was ended at SOUTH."""

    async def go() -> None:
        line = FakeLine(tmp_path, deputies=True)
        async with line:
            await say(line, line.north, line.south)
        ((_, envelope),) = at(line.north, lambda work: prepare(work, "ramos"))
        at(line.south, lambda work: use_prepared(work, envelope))
        bench = Bench(line.north.home, line.north.clock_ms, system_entropy, no_passphrase)
        packs = load_catalogue(find_config()).packs
        renew_ledger(bench, ["ramos", "vega"], "by a thief", packs, new_key=True)
        async with line:
            await wait_for(lambda: line.south.reasons)
            assert any("is not trusted any more" in one for one in line.south.reasons)
            assert not line.south.recorded(ev.PeerGenerationAdmitted)

    asyncio.run(go())


def test_new_console_key_that_the_line_made_known_signs_packets(tmp_path: Path) -> None:
    async def go() -> None:
        line = FakeLine(tmp_path)
        seeds = draw_hybrid_seeds(system_entropy)
        certificate = _certify(line.north, "console", Usage.TRANSPORT, HybridSigner(seeds))
        async with line:
            await wait_for(lambda: line.south.recorded(ev.KeyCertified))
            (told,) = line.south.recorded(ev.KeyCertified)
            assert (told.certificate, told.usage) == (certificate.id.hex(), "transport")
        path = line.north.home.keys / "console.key"
        held = read_key_file(path, None)
        halves = {"console/ed25519": seeds.ed25519, "console/mldsa65": seeds.mldsa65}
        changed = KeyFile(held.station, held.realm, {**held.seeds, **halves})
        write_key_file(path, changed, None, entropy=system_entropy, replace=True)
        async with line:
            await say(line, line.north, line.south)
        assert_verify(line)

    asyncio.run(go())
