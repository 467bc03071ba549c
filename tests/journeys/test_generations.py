"""A ledger put back: found out, left behind with two officers' word, and the line goes on."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.exchange.delivery import Delivery
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import sign_checkpoint
from hotline.core.records.fork_evidence import (
    Contradiction,
    read_fork_evidence,
    verify_fork_evidence,
)
from hotline.core.records.merkle import EMPTY_ROOT
from hotline.core.values import sha256
from hotline.desk.views import Mark
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.review.reviewing import review_ledgers
from hotline.sealing import items as its
from hotline.sealing.authorisation import AUTHORISATION_TYPE, Act, Authorisation, _body_of
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.shapes import write_shape
from hotline.station import outgoing, recovering
from hotline.station.admission import Renewal
from hotline.station.home import open_officer
from hotline.station.renewing import Renewed, renew_ledger
from hotline.station.upkeep import Bench
from tests.fakes.line import ENCOUNTER, FakeLine, Place, catalogue, wait_for

LEDGER_FILES = ("ledger.db", "ledger.db-wal")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "RETRY_S", 0.2)


def put_aside(place: Place, directory: Path, names: tuple[str, ...]) -> None:
    """Copy files of a stopped station's line away."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (place.directory / name).exists():
            shutil.copy2(place.directory / name, directory / name)


def put_back(place: Place, directory: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (place.directory / name).unlink(missing_ok=True)
        if (directory / name).exists():
            shutil.copy2(directory / name, place.directory / name)


def never_asked(name: str) -> str:
    raise AssertionError(name)


def renew(place: Place, *persons: str, new_key: bool = False) -> Renewed:
    bench, reason = (
        Bench(place.home, system_clock, system_entropy, never_asked),
        "the disk was exchanged",
    )
    people = persons or ("ramos", "vega")
    return renew_ledger(bench, people, reason, catalogue().packs, new_key=new_key)


async def say(place: Place, text: str, **more: str) -> str:
    digest = await place.say("conv/free-text", {}, text=text, **more)
    await wait_for(lambda: place.receipted(digest))
    return digest


async def test_ledger_and_head_put_back_are_told_by_the_peer_and_the_line_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (*LEDGER_FILES, "head.db")
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        opened = await south.say("sea/encounter", ENCOUNTER)
        await wait_for(lambda: south.receipted(opened))
        early = [await say(north, "the first of NORTH"), await say(south, "the first of SOUTH")]
        await line.settled()
        await north.stop()
        put_aside(north, tmp_path / "older", files)
        await north.start()
        await line.up()
        # SOUTH countersigns that the link came up, which the older copy will say otherwise.
        await line.settled()
        lost = [await say(north, f"lost {number} of NORTH") for number in range(3)]
        theirs = [await say(south, f"lost {number} of SOUTH") for number in range(3)]
        await line.settled()
        full = north.opened.ledger.size
        await north.stop()

        put_back(north, tmp_path / "older", files)
        await north.start()
        error = await north.died()
        assert isinstance(error, IntegrityError)
        assert error.exit_code == 1
        assert "put back" in str(error)
        assert "hotline ledger renew" in error.sentence()
        await north.stop()
        with pytest.raises(IntegrityError, match=r"put back|rewritten") as again:
            await north.start()
        assert "hotline ledger renew" in again.value.sentence()

        assert main(["ledger", "renew", str(north.home.path), "--officer", "ramos"]) == 2
        officers = ("--officer", "ramos", "--officer", "vega")
        reason = ("--reason", "the disk was exchanged")
        assert main(["ledger", "renew", str(north.home.path), *officers, *reason]) == 0
        said = capsys.readouterr().out
        assert "Generation 2 of this station's ledger is open" in said

        await north.start()
        await line.up()
        assert north.situation.generation == 2
        # What happened before is there: the incident, its statements, what was said early.
        assert all(north.holds(digest) for digest in (opened, *early))
        assert south.situation.incidents.keys() == north.situation.incidents.keys()
        await wait_for(lambda: all(north.holds(digest) for digest in (*lost, *theirs)))
        assert [event.digest for event in north.recorded(ev.StatementRecovered)] == lost
        assert all(north.receipted(digest) for digest in lost)
        assert south.situation.generations == {"NORTH": 2}
        (admitted,) = south.recorded(ev.PeerGenerationAdmitted)
        assert admitted.fits
        assert admitted.held_size == full or admitted.held_size <= full
        assert admitted.reason == "the disk was exchanged"
        await say(north, "NORTH goes on")
        await say(south, "SOUTH goes on")
        assert not north.reasons
        assert not south.reasons
        await line.settled()
        assert len(south.recorded(ev.PeerGenerationAdmitted)) == 1
        (follows,) = north.recorded(ev.GenerationOpened)
        assert follows.officers == ("Duty officer LT A. Ramos", "Commander CDR B. Vega")
        assert follows.countersigned_size <= full
        for place in line.places:
            await place.stop()
            verdict = place.verdict()
            assert verdict.ok, verdict
        kept = north.directory / "generation-1"
        assert main(["verify", str(kept / "ledger.db")]) == 0
        assert main(["verify", str(north.directory / "ledger.db")]) == 0
        capsys.readouterr()
        assert main(["replay", str(north.directory / "ledger.db")]) == 0
        replayed = capsys.readouterr().out
        assert "a new generation" in replayed
        assert "Duty officer LT A. Ramos and Commander CDR B. Vega" in replayed
        assert replayed.count("our lost statement") == 3
        reconciles(north, south, renewed=follows, lost=3)


def reconciles(north: Place, south: Place, *, renewed: ev.GenerationOpened, lost: int) -> None:
    """Both sides reconcile, and the words say what was kept and lost, by whom, and what came back.

    NORTH's copy had recorded that the link came up, before SOUTH told it that it was put back.
    """
    for path, peer in ((north.directory, south.directory), (south.directory, north.directory)):
        review = review_ledgers(path, peer)
        text = "\n".join(review.lines())
        assert review.ok, text
        assert "rewritten" not in text
        assert review.reconciliation is not None
        told, back = review.reconciliation.notes[:2]
        for words in (
            f"generation 1 of NORTH's ledger was left behind at {renewed.kept_size} entries",
            "; SOUTH had countersigned ",
            "are the same there, the file then ends in ",
            "that SOUTH did not countersign, as when a ledger is put back and written on",
            "are lost to this station",
            "; Duty officer LT A. Ramos and Commander CDR B. Vega authorised this at ",
            ": the disk was exchanged",
        ):
            assert words in told, told
        assert back == (
            f"{lost} statements of NORTH that it had lost came back from SOUTH and stand in its "
            "ledger again"
        )
        assert not review.reconciliation.only_ours
        assert not review.reconciliation.only_theirs
    assert main(["verify", str(north.directory), "--peer", str(south.directory)]) == 0
    # The kept file alone, without what the officers signed, stays accused.
    kept = north.directory / "generation-1" / "ledger.db"
    assert main(["verify", str(kept), "--peer", str(south.directory)]) == 1


async def test_ledger_alone_put_back_is_told_by_its_head_and_the_line_goes_on(
    tmp_path: Path,
) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        early = await say(north, "early")
        await line.settled()
        await north.stop()
        put_aside(north, tmp_path / "older", LEDGER_FILES)
        await north.start()
        await line.up()
        lost, theirs = await say(north, "lost"), await say(south, "lost there")
        await line.settled()
        full = north.opened.ledger.size
        await north.stop()
        put_back(north, tmp_path / "older", LEDGER_FILES)
        with pytest.raises(IntegrityError, match=r"put back: head\.db knows") as refused:
            await north.start()
        assert refused.value.exit_code == 1

        renewed = renew(north)
        assert renewed.renewal is not None
        assert renewed.renewal.released_size >= full
        assert renewed.renewal.kept_size < full
        await north.start()
        await line.up()
        await wait_for(lambda: north.holds(lost) and north.holds(theirs))
        assert north.receipted(lost)
        assert north.state(early).index < 0
        (follows,) = north.recorded(ev.GenerationOpened)
        assert follows.released_size == renewed.renewal.released_size
        await goes_on(line)


async def goes_on(line: FakeLine) -> None:
    """Statements go both ways and are receipted; nothing was refused; both ledgers verify."""
    for place in line.places:
        await say(place, f"{place.name} goes on")
    await line.settled()
    for place in line.places:
        assert not place.reasons
        await place.stop()
        verdict = place.verdict()
        assert verdict.ok, verdict


async def test_lost_head_is_replaced_by_the_view_that_the_peer_gave(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north = line.north
        await say(north, "one")
        await line.settled()
        await north.stop()
        await north.start()
        await line.up()
        await wait_for((north.directory / "peer-view.note").exists)
        await north.stop()
        (north.directory / "head.db").unlink()
        await north.start()
        await line.up()
        assert north.situation.generation == 1
        await goes_on(line)


async def test_lost_head_without_a_view_needs_the_ceremony(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        known = await say(north, "one")
        await line.settled()
        await north.stop()
        (north.directory / "head.db").unlink()
        (north.directory / "peer-view.note").unlink(missing_ok=True)
        with pytest.raises(IntegrityError, match=r"head\.db does not know"):
            await north.start()
        renew(north)
        await north.start()
        await line.up()
        await wait_for(lambda: south.situation.generations == {"NORTH": 2})
        assert north.receipted(known)
        (admitted,) = south.recorded(ev.PeerGenerationAdmitted)
        assert admitted.fits
        await goes_on(line)


async def test_statements_that_never_arrived_are_sent_again_under_new_orders(
    tmp_path: Path,
) -> None:
    files = (*LEDGER_FILES, "head.db")
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        await say(north, "early")
        await line.settled()
        await south.stop()
        waits = await north.say("conv/free-text", {}, text="waits for the link")
        arrives = await north.say("conv/free-text", {}, text="arrives, and its receipt is lost")
        await north.stop()
        put_aside(north, tmp_path / "older", files)
        await north.start()
        await south.start()
        await wait_for(lambda: north.receipted(waits) and north.receipted(arrives))
        never = await north.say("conv/free-text", {}, text="lost")
        await wait_for(lambda: north.receipted(never))
        await line.settled()
        await north.stop()
        put_back(north, tmp_path / "older", files)
        await north.start()
        await north.died()
        await north.stop()
        renew(north)
        await north.start()
        await line.up()
        await wait_for(lambda: all(north.receipted(one) for one in (waits, arrives)))
        await wait_for(lambda: north.holds(never) and north.receipted(never))
        for digest in (waits, arrives):
            assert {one.generation for one in north.state(digest).orders} == {1, 2}
        received = [one.digest for one in south.recorded(ev.StatementReceived)]
        assert sorted(received) == sorted(set(received))
        await goes_on(line)


async def test_both_sides_and_one_side_twice_leave_their_ledgers_behind(tmp_path: Path) -> None:
    files = (*LEDGER_FILES, "head.db")
    async with FakeLine(tmp_path, deputies=True) as line:
        said = {place.name: [await say(place, "early")] for place in line.places}
        await line.settled()
        for place in line.places:
            await place.stop()
            put_aside(place, tmp_path / place.name / "older", files)
        for place in line.places:
            await place.start()
        await line.up()
        for place in line.places:
            said[place.name].append(await say(place, "lost"))
        await line.settled()
        persons = {"NORTH": ("ramos", "vega"), "SOUTH": ("niven", "sorel")}
        for place in (*line.places, line.north):
            await place.stop()
            keep = tmp_path / place.name / "older"
            for name in files:
                (place.directory / name).unlink(missing_ok=True)
            if place.situation.generation == 1:
                put_back(place, keep, files)
            with pytest.raises((IntegrityError, OperatorError)):
                await refuses(place)
            renew(place, *persons[place.name])
            await place.start()
            await line.up()
            for digest in (*said["NORTH"], *said["SOUTH"]):
                await wait_for(lambda d=digest: all(each.holds(d) for each in line.places))
            said[place.name].append(await say(place, "again"))
            await line.settled()
        assert line.north.situation.generation == 3
        assert line.south.situation.generations == {"NORTH": 3}
        assert line.north.situation.generations == {"SOUTH": 2}
        await goes_on(line)


async def refuses(place: Place) -> None:
    """Start a place that must refuse, at once or when the peer shows what it holds."""
    await place.start()
    error = await place.died()
    await place.stop()
    raise error


async def test_doubted_key_is_replaced_and_the_line_goes_on(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        early = await say(north, "early")
        await line.settled()
        await north.stop()
        renew(north, new_key=True)
        await north.start()
        await line.up()
        await wait_for(lambda: south.situation.generations == {"NORTH": 2})
        assert north.state(early).index < 0
        assert len(south.opened.line.roster.ledger_keys("NORTH")) == 2
        await goes_on(line)


# --- what no honest station says -----------------------------------------------------------


@asynccontextmanager
async def attacked(tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    """Give the victim and the attacker; afterwards the line must work and both ledgers verify."""
    async with FakeLine(tmp_path, deputies=True) as line:
        await say(line.south, "before")
        await say(line.north, "before")
        await line.settled()
        yield line.north, line.south
        for place in line.places:
            assert place.task is not None
            assert not place.task.done()
            await say(place, f"honest words of {place.name}")
        await line.settled()
        for place in line.places:
            await place.stop()
            verdict = place.verdict()
            assert verdict.ok, verdict


async def settled_down(place: Place) -> None:
    """Let everything that is on its way between the stations be worked off."""
    await place.station.route.ping()
    await place.station.route.ping()


async def refused(place: Place, words: str, times: int = 1) -> None:
    """Wait until something was quarantined for `words`, so often and no more."""
    await wait_for(lambda: any(words in reason for reason in place.reasons))
    await settled_down(place)
    assert sum(words in reason for reason in place.reasons) == times, place.reasons


async def test_head_shown_back_that_we_never_signed_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        origin = north.opened.line.origin
        forged = sign_checkpoint(origin, 9_999, sha256(b"x"), south.opened.line.ledger)
        south.inject(its.HeldItem(checkpoint=forged.decode()))
        south.inject(its.HeldItem(checkpoint=forged.decode()))
        await refused(north, "not signed")
        own = south.opened.ledger.head()
        south.inject(its.HeldItem(checkpoint=own.decode()))
        await wait_for(lambda: len(north.reasons) == 1 or len(north.reasons) == 2)


async def test_generation_that_two_officers_of_the_peer_did_not_sign_is_refused(
    tmp_path: Path,
) -> None:
    async with attacked(tmp_path) as (north, south):
        for item, words in (
            (generation(south, ("niven",)), "1 persons"),
            (generation(south, ("niven", "sorel"), station="NORTH"), "another station"),
            (generation(south, ("niven", "sorel"), act=Act.ERASE), "for erase"),
            (generation(south, ("niven", "sorel"), kept_origin="elsewhere"), "does not follow"),
            (generation(south, ("niven", "sorel"), generation=1), "not 2 to"),
            (generation(south, ("niven", "sorel"), more=1), "the details"),
        ):
            south.inject(item)
            await refused(north, words)
        assert not north.situation.generations
        assert not north.recorded(ev.PeerGenerationAdmitted)


def generation(
    place: Place,
    persons: tuple[str, ...],
    *,
    station: str = "",
    act: Act = Act.GENERATION,
    **changes: str | int,
) -> its.GenerationItem:
    """Return an authorisation of a place's next generation, signed with its officers' real keys."""
    roster, ledger = place.opened.line.roster, place.opened.ledger
    renewal = Renewal(place.opened.line.origin, ledger.size, ledger.root, 0, EMPTY_ROOT, 0, 2)
    authorisation = Authorisation(
        roster.line,
        station or place.name,
        act,
        {**renewal.details(), **changes},
        "a lie",
        place.clock_ms(),
    )
    body = _body_of(authorisation)
    envelope = Envelope(AUTHORISATION_TYPE, write_shape(body))
    message = envelope.message
    for person in persons:
        certificate, signer = open_officer(place.home, roster, person, None)
        envelope = envelope.with_hybrid(certificate.id, signer.sign(message))
    return its.GenerationItem(envelope=encode_envelope(envelope))


async def test_statements_given_back_unasked_or_not_ours_are_not_recorded(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        ours = next(one for one in north.situation.statements.values() if one.outbound)
        item = its.decode_item(north.opened.ledger.enclosure(ours.index))
        assert isinstance(item, its.StatementItem)
        unasked = its.ReturnedItem(envelope=item.envelope, order=item.order)
        south.inject(unasked)
        await refused(north, "nothing was asked back")
        north.station._recoveries["SOUTH"].asked = True
        south.inject(unasked, unasked)
        await refused(north, "a generation that lost nothing")
        forged = south.item()
        south.inject(its.ReturnedItem(envelope=forged.envelope, order=forged.order))
        await refused(north, "not one of this station's")
        assert not north.recorded(ev.StatementRecovered)


async def test_flood_of_asking_is_answered_a_few_times_only(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        everything = ((1, 1, 2**53 - 1),)
        for _ in range(20):
            south.inject(its.RefetchItem(ours=everything, yours=everything))
        await wait_for(lambda: south.heard_items(its.ReturnedItem))
        await settled_down(south)
        assert len(south.heard_items(its.ReturnedItem)) <= recovering.MAX_ANSWERS
        assert not south.recorded(ev.StatementRecovered)
        assert not north.reasons


async def test_fork_is_told_to_its_signer_and_kept_as_a_file(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        line = south.opened.line
        held = north.opened.ledger.witnessed(line.origin)
        assert held is not None
        forged = sign_checkpoint(line.origin, held.size, sha256(b"other"), line.ledger).decode()
        for _ in range(3):
            south.inject(its.HeadItem(checkpoint=forged, old_size=held.size, proof=()))
        await wait_for(lambda: south.situation.refused_there)
        await settled_down(south)
        (told,) = south.recorded(ev.HeadRefusedThere)
        assert (told.peer, told.size, told.verdict) == ("NORTH", held.size, "FORK")
        (path,) = (north.directory / "evidence").iterdir()
        assert path.name == f"fork-SOUTH-1-{held.size}.json"
        evidence = read_fork_evidence(path.read_bytes())
        keys = line.roster.ledger_keys("SOUTH")
        assert verify_fork_evidence(evidence, keys, verify_ed25519) is Contradiction.FORK
        rows = south.desk.timeline(0, 99)
        assert any("NORTH refused our ledger" in row.headline for row in rows)


async def test_refusal_of_a_head_that_we_never_signed_is_quarantined(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (north, south):
        origin = north.opened.line.origin
        south.inject(its.HeadRefusedItem(origin=origin, size=9_999, verdict="FORK"))
        await refused(north, "never signed")
        assert not north.recorded(ev.HeadRefusedThere)


async def test_orders_and_heads_of_a_generation_left_behind_are_refused(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        await say(south, "early")
        await line.settled()
        south.inject(generation(south, ("niven", "sorel"), countersigned_size=9_999))
        await wait_for(lambda: north.situation.generations == {"SOUTH": 2})
        (admitted,) = north.recorded(ev.PeerGenerationAdmitted)
        assert not admitted.fits
        rows = north.desk.timeline(0, 99)
        assert any("NOT so" in row.headline and row.mark is Mark.ALARM for row in rows)
        late = await south.say("conv/free-text", {}, text="under the older order")
        await wait_for(lambda: south.state(late).rejected)
        assert "left behind" in south.state(late).rejected["NORTH"]
        assert not north.holds(late)
        assert any("another ledger or generation" in reason for reason in north.reasons)


async def test_station_whose_head_agrees_works_while_the_peer_is_away(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north, south = line.north, line.south
        await say(north, "early")
        await line.settled()
        await south.stop()
        await north.stop()
        await north.start()
        waits = await north.say("conv/free-text", {}, text="waits for the link")
        assert north.state(waits).least == Delivery.QUEUED
        await south.start()
        await wait_for(lambda: north.receipted(waits))
        assert north.situation.generation == 1


async def test_peer_view_that_we_never_signed_is_named_at_the_opening(tmp_path: Path) -> None:
    async with FakeLine(tmp_path, deputies=True) as line:
        north = line.north
        await north.stop()
        origin, other = north.opened.line.origin, line.south.opened.line.ledger
        forged = sign_checkpoint(origin, 9_999, sha256(b"x"), other)
        (north.directory / "peer-view.note").write_bytes(forged)
        with pytest.raises(IntegrityError, match=r"peer-view\.note does not hold a head"):
            await north.start()
        (north.directory / "peer-view.note").unlink()
        await north.start()
