"""Two officers, one statement: at one desk, at two, through a restart. docs/protocol.md §4.16."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.fold import fold
from hotline.core.messages.statement import encode_statement, statement_digest
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.desk.desk import OfficerDesk
from hotline.desk.officer import Officer
from hotline.sealing import items as its
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.statements import STATEMENT_TYPE, add_signature, sign_statement
from tests.fakes.line import CEASE, ENCOUNTER, FakeLine, Place, wait_for
from tests.station.months import Calendar

TWO = ("conv/free-text", "deesc/cease-propose")
TEXT = {"text": "We regret the near miss"}


@asynccontextmanager
async def two_person(tmp_path: Path, *, run: bool = True) -> AsyncIterator[FakeLine]:
    async with FakeLine(tmp_path, deputies=True, two_person=TWO, run=run) as line:
        yield line


async def signed_first(place: Place) -> str:
    """Let the first officer sign a statement that needs a second one."""
    digest = await place.say("conv/free-text", {}, **TEXT)
    assert place.situation.releases[digest].state == "AWAITING"
    return digest


async def test_statement_waits_until_the_second_officer_at_another_desk_releases_it(
    tmp_path: Path,
) -> None:
    async with two_person(tmp_path) as line:
        north = line.north
        digest = await signed_first(north)
        assert not north.holds(digest)
        assert north.situation.our_order is None
        vega = north.desk_of("vega")
        shown = vega.awaiting(digest)
        assert shown is not None
        assert (shown.ours, shown.officers) == (False, ())
        assert any("near miss" in one for one in shown.preview_own)
        assert any("near miss" in one for one in shown.preview_peer)
        await vega.release(digest)
        await wait_for(lambda: north.receipted(digest))
        assert vega.awaiting(digest) is None
        for place in line.places:
            message = place.desk.message(digest)
            assert message is not None
            assert [one.split()[-1] for one in message.signers] == ["Ramos", "Vega"]
        first, second = north.state(digest).steps[:2]
        assert "AWAITING RELEASE: signed by Duty officer LT A. Ramos" in first[1]
        assert "sent, number 1" in second[1]
        for place in line.places:
            assert place.situation == fold(place.happenings())
        assert (await line.judged()).ok


async def test_second_officer_at_the_same_desk_signs_with_an_own_key(tmp_path: Path) -> None:
    async with two_person(tmp_path) as line:
        north = line.north
        digest = await signed_first(north)
        shown = north.desk.awaiting(digest)
        assert shown is not None
        assert shown.ours
        assert shown.officers == (("vega", "Commander CDR B. Vega"),)
        await north.desk.release(digest, person="vega")
        await wait_for(lambda: north.receipted(digest))
        # The key was there for one signature: the next one waits again.
        await signed_first(north)


async def test_ladder_step_is_released_with_its_code_only(tmp_path: Path) -> None:
    async with two_person(tmp_path) as line:
        north, south = line.north, line.south
        opened = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: north.holds(opened))
        (incident,) = north.situation.incidents
        digest = await north.say("deesc/cease-propose", CEASE, incident=incident)
        vega = north.desk_of("vega")
        shown = vega.awaiting(digest)
        assert shown is not None
        assert len(shown.code) == 4
        for wrong in ("", "ZZZZ"):
            with pytest.raises(OperatorError, match="code does not match"):
                await vega.release(digest, code=wrong)
        assert not north.holds(digest)
        await vega.release(digest, code=shown.code.lower())
        await wait_for(lambda: south.holds(digest))
        assert south.situation.incidents[incident].ladder.state == "PROPOSED"


async def test_what_one_officer_may_say_alone_waits_for_nobody(tmp_path: Path) -> None:
    async with two_person(tmp_path) as line:
        north, south = line.north, line.south
        digest = await north.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.holds(digest))
        await south.desk.acknowledge(digest)
        await wait_for(lambda: north.state(digest).read_by)
        assert not north.situation.releases
        assert not south.situation.releases


async def test_officer_without_a_second_one_is_told_before_signing(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, two_person=TWO, run=False) as line:
        draft = line.north.draft("conv/free-text", {}, **TEXT)
        assert not draft.ready
        assert draft.faults == (
            "2 officers must sign it, and no other officer of this station is certified now",
        )


# --- who may not --------------------------------------------------------------------------


async def test_same_person_twice_is_refused_by_desk_name_and_key(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        north = line.north
        digest = await signed_first(north)
        twin = north.desk_of("ramos")
        with pytest.raises(OperatorError, match="another person must release it"):
            await twin.release(digest)
        for name in ("ramos", "RAMOS", "Ramos"):
            with pytest.raises(OperatorError, match="another person must release it"):
                await north.desk.release(digest, person=name)
        # A key file under another's name that holds the first officer's key.
        liar = _desk(north, "ramos", lambda _person, _secret: north.officer)
        with pytest.raises(OperatorError, match="another officer's than the one named"):
            await liar.release(digest, person="vega")
        assert north.situation.releases[digest].state == "AWAITING"
        assert not north.holds(digest)


async def test_first_officer_cannot_refuse_and_second_cannot_withdraw(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        north = line.north
        digest = await signed_first(north)
        with pytest.raises(OperatorError, match="another person must release it"):
            await north.desk.refuse_release(digest, "no")
        with pytest.raises(OperatorError, match="only who signed it first"):
            await north.desk_of("vega").withdraw_release(digest, "no")


async def test_officer_of_the_peer_cannot_release(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        north, south = line.north, line.south
        digest = await signed_first(north)
        foreign = _desk(north, "ramos", lambda _person, _secret: south.officer)
        with pytest.raises(OperatorError, match="does not name that officer"):
            await foreign.release(digest, person="niven")


async def test_wrong_name_or_no_key_file_is_one_sentence(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        digest = await signed_first(line.north)
        with pytest.raises(OperatorError, match="no key of an officer 'nobody'"):
            await line.north.desk.release(digest, person="nobody")
        bare = OfficerDesk(
            line.north.station,
            line.north.officer,
            own=line.north.desk._writer.own,
            peer=line.north.desk._writer.peer,
            clock=line.north.clock_ms,
            entropy=bytes,
        )
        with pytest.raises(OperatorError, match="no other officer's key"):
            await bare.release(digest, person="vega")


def _desk(place: Place, person: str, unlock: object) -> OfficerDesk:
    desk = place.desk_of(person)
    desk._releases._unlock = unlock  # type: ignore[assignment]
    return desk


# --- refused, withdrawn, expired -----------------------------------------------------------


async def test_refused_statement_is_never_sent_and_the_reason_is_recorded(tmp_path: Path) -> None:
    async with two_person(tmp_path) as line:
        north, south = line.north, line.south
        digest = await signed_first(north)
        for reason in ("", "   ", "x" * 241, "a\u202eb"):
            with pytest.raises(OperatorError):
                await north.desk_of("vega").refuse_release(digest, reason)
        await north.desk.refuse_release(digest, "the wrong ship is named", person="vega")
        (ended,) = north.recorded(ev.ReleaseEnded)
        assert (ended.how, ended.officer) == ("REFUSED", "Commander CDR B. Vega")
        message = north.desk.message(digest)
        assert message is not None
        assert message.state_word == "REFUSED"
        assert "the wrong ship is named" in message.flags[0]
        with pytest.raises(OperatorError, match="is REFUSED already"):
            await north.desk_of("vega").release(digest)
        following = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: north.holds(following))
        assert not south.holds(digest)


async def test_withdrawn_statement_is_never_sent(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        north = line.north
        digest = await signed_first(north)
        await north.desk.withdraw_release(digest, "overtaken by a call")
        with pytest.raises(OperatorError, match="is WITHDRAWN already"):
            await north.desk_of("vega").release(digest)
        rows = north.desk.timeline(0, 99)
        assert [row.state_word for row in rows if row.digest == digest] == ["WITHDRAWN"]
        assert "overtaken by a call" in rows[-1].headline


async def test_statement_that_waited_too_long_expires_by_itself(tmp_path: Path) -> None:
    calendar = Calendar("2026-11-22T08:00:00.000Z")
    async with FakeLine(tmp_path, clock=calendar, deputies=True, two_person=TWO) as line:
        north = line.north
        digest = await signed_first(north)
        calendar.set("2026-11-22T12:00:00.000Z")  # PRIORITY is handled within three hours
        with pytest.raises(OperatorError, match=r"expired at|EXPIRED already"):
            await north.desk_of("vega").release(digest)
        await wait_for(lambda: north.situation.releases[digest].state == "EXPIRED")
        assert not north.holds(digest)
        assert not north.desk.watch().awaiting


# --- what must survive ----------------------------------------------------------------------

_CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.fakes.line import Place
from hotline.station.home import Home

async def main():
    north = Place("NORTH", "ramos", Home(Path(sys.argv[1])), "SOUTH")
    await north.start(run=False)
    print(await north.say("conv/free-text", {}, text="We regret the near miss"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_first_signature_survives_kill_9_and_is_shown_and_released_after_it(
    tmp_path: Path,
) -> None:
    async with two_person(tmp_path) as line:
        north, south = line.north, line.south
        await north.stop()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _CHILD, str(north.home.path)), stdout=subprocess.PIPE
        )
        async with asyncio.timeout(60):
            said, _ = await child.communicate()
        assert child.returncode == -signal.SIGKILL
        digest = said.decode().strip()
        await north.start()
        assert north.desk.watch().awaiting == (digest,)
        assert "needs a second officer" in north.desk.watch().notice
        (row,) = [row for row in north.desk.timeline(0, 99) if row.digest == digest]
        assert row.state_word == "AWAITING RELEASE"
        await north.desk_of("vega").release(digest)
        await wait_for(lambda: south.holds(digest))
        await line.up()
        assert (await line.judged()).ok


async def test_bytes_that_were_changed_in_the_ledger_are_not_signed(tmp_path: Path) -> None:
    async with two_person(tmp_path, run=False) as line:
        north = line.north
        digest = await signed_first(north)
        other = await signed_first(north)
        station, releases = north.station, north.situation.releases
        swapped = station._enclosure(releases[other].index)
        honest = station._enclosure

        def lying(index: int) -> bytes:
            return swapped if index == releases[digest].index else honest(index)

        station._enclosure = lying  # type: ignore[method-assign]
        with pytest.raises(IntegrityError, match="not those that were signed"):
            await north.desk_of("vega").release(digest)
        station._enclosure = lambda _index: swapped.replace(b"payload", b"paylaod")  # type: ignore[method-assign]
        with pytest.raises(IntegrityError, match="does not verify"):
            await north.desk_of("vega").release(digest)
        assert not north.situation.statements


async def test_release_of_another_station_or_a_third_signature_is_not_taken(
    tmp_path: Path,
) -> None:
    async with two_person(tmp_path, run=False) as line:
        north, south = line.north, line.south
        theirs = south.statement(by=_ids(south), need=2)
        with pytest.raises(OperatorError, match="not one of this station's"):
            await north.station.ask_release(_sign(south.officer, encode_statement(theirs)))
        three = north.statement(by=_ids(north), need=3)
        with pytest.raises(OperatorError, match="released here by 2 officers"):
            await north.station.ask_release(_sign(north.officer, encode_statement(three)))
        alone = north.statement("sea/encounter")
        with pytest.raises(OperatorError, match="everybody who must sign"):
            await north.station.ask_release(_sign(north.officer, encode_statement(alone)))
        assert not north.situation.releases


def _ids(place: Place) -> tuple[str, ...]:
    seconds = place.station.second_officers(place.officer.certificate)
    return tuple(one.id.hex() for one in (place.officer.certificate, *seconds))


def _sign(officer: Officer, payload: bytes) -> bytes:
    return sign_statement(payload, officer.signer, Digest(officer.certificate.id))


# --- what the peer refuses --------------------------------------------------------------


async def quarantined(north: Place, item: its.StatementItem, south: Place) -> str:
    known = len(north.reasons)
    south.inject(item)
    await wait_for(lambda: len(north.reasons) > known)
    return north.reasons[-1]


async def test_peer_refuses_one_officer_lowered_need_replay_and_other_bytes(
    tmp_path: Path,
) -> None:
    async with two_person(tmp_path) as line:
        north, south = line.north, line.south
        by = _ids(south)
        sorel = south.unlock("sorel", None)
        first = south.statement(by=by, need=2)
        payload = encode_statement(first)
        one = _sign(south.officer, payload)
        order = {"seq": 1}
        # One officer where two are needed.
        assert "1 of 2 persons" in await quarantined(
            north, south.item(first, envelope=one, **order), south
        )
        # The same, with a `need` that says that one is enough.
        low = south.statement(by=by[:1], need=1)
        assert "1 of 2 persons" in await quarantined(
            north, south.item(low, envelope=_sign(south.officer, encode_statement(low))), south
        )
        # The second officer signed other bytes.
        other = south.statement(by=by, need=2, text="other words")
        foreign = _entries(_sign(sorel, encode_statement(other)))
        joined = Envelope(STATEMENT_TYPE, payload, (*_entries(one).signatures, *foreign.signatures))
        assert "does not verify" in await quarantined(
            north, south.item(first, envelope=encode_envelope(joined)), south
        )
        # Both signed it: taken. Then the same under the next number: replayed.
        both = add_signature(one, sorel.signer, Digest(sorel.certificate.id))
        south.inject(south.item(first, envelope=both))
        digest = statement_digest(payload).hex()
        await wait_for(lambda: north.holds(digest))
        order_of_first = north.situation.their_orders["SOUTH"]
        again = south.item(
            first,
            envelope=both,
            seq=2,
            prev=Digest(bytes.fromhex(order_of_first.digest)),
        )
        assert "replayed" in await quarantined(north, again, south)
        assert list(north.situation.statements) == [digest]


def _entries(envelope: bytes) -> Envelope:
    return decode_envelope(envelope, expect=(STATEMENT_TYPE,), what="x", max_bytes=60_000)
