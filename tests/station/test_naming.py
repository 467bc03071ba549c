"""Naming outside witnesses: two officers, a public record, a file; and what verifies by it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.cli.main import main
from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import WitnessKey, encode_vkey
from hotline.core.records.checkpoint import Checkpoint, cosign, key_id, parse_cosignature
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Damage, Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.authorisation import Act
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.naming import check_witness_key, outside_keys, standing_namings
from hotline.sealing.roster import identify_ledger
from hotline.station import naming
from hotline.station.backing import back_up
from hotline.station.doctor import check_up
from hotline.station.drafts import draft_of
from hotline.station.home import Home
from hotline.station.manifest import read_manifest
from hotline.station.naming import drop_witness, list_witnesses, name_witness
from hotline.station.outsiders import WITNESSES, open_outsiders, place_of, read_places
from hotline.station.renewing import renew_ledger
from hotline.station.upkeep import Work, at_work
from tests.fakes.line import FakeLine, Place, catalogue
from tests.ledger import rig
from tests.ledger.rig import Key
from tests.station.months import NORTHERN, copied
from tests.station.test_cosigning import bench_of


class CrashError(Exception):
    pass


URL = "https://witness.example/w"
WHY = "a test"


def vkey(name: str = "witness.example/w1", key: bytes = b"one") -> str:
    return encode_vkey(WitnessKey(name, Key(key).public_key))


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("founded")
    FakeLine(directory, deputies=True)
    return directory


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Place:
    home = copied(Home(founded / "NORTH"), tmp_path / "NORTH")
    return Place("NORTH", "ramos", home, "SOUTH")


@contextlib.contextmanager
def work_at(place: Place) -> Iterator[Work]:
    with at_work(bench_of(place)) as work:
        yield work


def put(place: Place, key: str | None = None, url: str = URL) -> int | None:
    with work_at(place) as work:
        return name_witness(work, place_of(key or vkey(), url, None, ()), WHY, NORTHERN).index


def asked(place: Place) -> list[str]:
    with work_at(place) as work:
        line, records = work.opened.line, work.opened.ledger.public_records()
        found = open_outsiders(place.directory, line.roster, line.station, records)
        return [one.key.name for one in found]


def cosigned(place: Place, name: str, key: bytes, *, size: int = 5) -> None:
    """Store a cosignature as if a witness had answered."""
    with work_at(place) as work:
        ledger = work.opened.ledger
        head = Checkpoint(ledger.origin, size, ledger.root_at(size))
        note = cosign(head, name, Key(key), 1_795_357_886)
        ledger.append(cosignatures=[parse_cosignature(note)])


def sized(place: Place) -> int:
    """Return the size of a head of the place's ledger."""
    with work_at(place) as work:
        return work.opened.ledger.size


def test_named_witness_is_a_public_record_and_is_asked(place: Place) -> None:
    index = put(place)
    assert index is not None
    assert asked(place) == ["witness.example/w1"]
    with work_at(place) as work:
        ledger = work.opened.ledger
        (entry,) = ledger.of_kind(ev.WitnessNamed.kind)
        event = ev.decode_event(entry.kind, entry.content)
        assert isinstance(event, ev.WitnessNamed)
        assert event.vkey == vkey()
        assert len(event.officers) == 2
        assert entry.subject.hex() == event.authorisation
        records = ledger.public_records()
        identity = identify_ledger(records)
        keys = {"NORTH": {"witness.example/w1": (Key(b"one").public_key,)}}
        assert identity.outside_keys == keys
        assert standing_namings(work.opened.line.roster, records, "SOUTH") == {}
    assert place.verdict().ok
    assert list_witnesses(place.home)[0].startswith(f"{vkey()}  {URL}  countersigned 0 of ")


def test_other_address_of_a_named_witness_needs_no_officer_and_no_entry(place: Place) -> None:
    put(place)
    size = sized(place)
    other = place_of(vkey(), "https://elsewhere.example", None, ("ab" * 32,))
    with work_at(place) as work:
        assert name_witness(work, other, WHY, ()).index is None
    assert sized(place) == size
    assert read_places(place.directory).witnesses == (other,)


def test_dropped_witness_is_not_asked_and_its_cosignature_still_verifies(place: Place) -> None:
    put(place)
    size = sized(place)
    cosigned(place, "witness.example/w1", b"one", size=size)
    with work_at(place) as work:
        assert drop_witness(work, "witness.example/w1", WHY, NORTHERN).index is not None
    assert asked(place) == []
    assert list_witnesses(place.home) == ["No outside witness is asked."]
    verdict = place.verdict()
    assert verdict.ok, verdict.faults
    assert verdict.outside == {WitnessKey("witness.example/w1", Key(b"one").public_key): size}
    head = Checkpoint(verdict.origin, verdict.entries, verdict.root)
    for more in ({"cores": 2}, {"audit": True}, {"since": head}):
        again = verify_ledger(
            place.directory, identify=identify_ledger, verifier=verify_ed25519, **more
        )
        assert (again.ok, again.outside) == (True, verdict.outside), more
    put(place)
    assert asked(place) == ["witness.example/w1"]


def test_naming_and_dropping_need_two_officers(place: Place) -> None:
    with work_at(place) as work:
        size = work.opened.ledger.size
        for persons in ((), ("ramos",), ("ramos", "ramos")):
            with pytest.raises(OperatorError):
                name_witness(work, place_of(vkey(), URL, None, ()), WHY, persons)
        assert work.opened.ledger.size == size
    assert not (place.directory / WITNESSES).exists()
    put(place)
    with work_at(place) as work, pytest.raises(OperatorError, match="1 persons"):
        drop_witness(work, "witness.example/w1", WHY, ("ramos",))
    assert asked(place) == ["witness.example/w1"]


@pytest.mark.parametrize(
    ("key", "url", "pins"),
    [
        ("junk", URL, ()),
        (vkey()[:-2] + "AA", URL, ()),
        (vkey("hotline/LIVE/x/SOUTH"), URL, ()),
        (vkey(), "http://witness.example", ()),
        (vkey(), URL, ("ab",)),
    ],
)
def test_what_is_no_witness_is_refused(
    place: Place, key: str, url: str, pins: tuple[str, ...]
) -> None:
    with work_at(place) as work:
        size = work.opened.ledger.size
        with pytest.raises(OperatorError):
            name_witness(work, place_of(key, url, None, pins), WHY, NORTHERN)
        assert work.opened.ledger.size == size


def test_second_key_of_a_name_and_a_ninth_witness_are_refused(place: Place) -> None:
    put(place)
    with pytest.raises(OperatorError, match="another key"):
        put(place, vkey(key=b"two"))
    for number in range(2, 9):
        put(place, vkey(f"witness.example/w{number}"))
    with pytest.raises(OperatorError, match="at most 8"):
        put(place, vkey("witness.example/w9"))


def test_unknown_witness_cannot_be_dropped(place: Place) -> None:
    put(place)
    with work_at(place) as work, pytest.raises(OperatorError, match="no such witness") as refused:
        drop_witness(work, "witness.example/w2", WHY, NORTHERN)
    assert "witness.example/w1" in refused.value.sentence()


def test_naming_cut_short_after_its_record_is_ended_by_the_same_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(naming, "write_json", crash)
        with pytest.raises(CrashError):
            put(place)
    assert asked(place) == []
    assert "no address" in list_witnesses(place.home)[0]
    assert put(place) is None
    assert asked(place) == ["witness.example/w1"]


def test_doctor_tells_which_witness_is_not_asked_and_how_far_the_others_are(place: Place) -> None:
    def said() -> list[tuple[str, str]]:
        found = check_up(place.home, place.clock_ms, None)
        return [(one.level, one.what) for one in found if "outside witness" in one.what]

    assert said() == []
    put(place)
    ((level, what),) = said()
    assert level == "WARN"
    assert "countersigned nothing" in what
    cosigned(place, "witness.example/w1", b"one", size=sized(place))
    ((level, what),) = said()
    assert level == "OK"
    (place.directory / WITNESSES).unlink()
    ((level, what),) = said()
    assert level == "WARN"
    assert "no address" in what


def test_file_that_is_malformed_is_named(place: Place) -> None:
    (place.directory / WITNESSES).write_text('{"witnesses": [1]}')
    with pytest.raises(OperatorError, match=r"witnesses\.json"):
        read_places(place.directory)


def test_record_that_names_a_stations_name_spoils_the_records(place: Place) -> None:
    with pytest.raises(PeerError):
        check_witness_key(vkey("hotline/EXERCISE/a/SOUTH"))
    with work_at(place) as work:
        details = {"vkey": vkey("hotline/EXERCISE/a/SOUTH")}
        record, verified = work.authorise(Act.WITNESS, details, WHY, NORTHERN)
        with pytest.raises(PeerError):
            outside_keys(work.opened.line.roster, [record])
        event = ev.WitnessNamed(
            vkey=vkey(), authorisation=verified.digest.hex(), reason=WHY, officers=verified.names
        )
        planned = Planned(event, public=record)
        work.opened.ledger.append([draft_of(planned, place.clock_ms())])
    verdict = place.verdict()
    assert verdict.faults[0].damage is Damage.RECORDS


def test_commands_refuse_with_one_sentence(
    place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ("ledger", "witness", str(place.home.path))
    two = ("--officer", "ramos", "--officer", "vega")
    (tmp_path / "no.pem").write_bytes(b"\xff")
    for words in (
        ("--add", "junk", "--url", URL, *two),
        ("--add", vkey(), *two),
        ("--add", vkey(), "--url", URL, "--ca", str(tmp_path / "no.pem"), *two),
        ("--add", vkey(), "--url", URL, "--ca", str(tmp_path / "nothing"), *two),
        ("--add", vkey(), "--url", URL, "--officer", "ramos"),
        ("--add", vkey(), "--url", URL, "--remove", "w", *two),
        ("--remove", "w", *two),
    ):
        assert main([*command, *words]) == 2, words
        said = capsys.readouterr().err
        assert said.count("\n") == 1, said
    assert main([*command, "--add", vkey(), "--url", URL, *two]) == 0
    assert main([*command, "--remove", "witness.example/w1", *two]) == 0
    assert "is asked no more, recorded as entry" in capsys.readouterr().out


# --- what verifies ---------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), [("witness.example/w1", b"two"), ("other", b"one")])
def test_cosignature_by_another_key_or_name_is_unknown(place: Place, name: str, key: bytes) -> None:
    put(place)
    cosigned(place, name, key, size=sized(place))
    (fault,) = place.verdict().faults
    assert fault.damage is Damage.UNKNOWN_KEY


def test_cosignature_is_attributed_to_the_key_that_made_it_not_to_its_key_id(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody searched for a key of the same four bytes."""
    name, genuine, forged = "w", Key(b"one").public_key, Key(b"two").public_key
    size = sized(place)

    def identify(records):  # type: ignore[no-untyped-def]
        identity = identify_ledger(records)
        return replace(identity, outside_keys={"NORTH": {name: (genuine, forged)}})

    real = key_id
    same = real(name, genuine, 4)
    for module in ("core.records.checkpoint", "ledger.audit_heads"):
        monkeypatch.setattr(
            f"hotline.{module}.key_id",
            lambda of, key, kind=1: same if of == name else real(of, key, kind),
        )
    cosigned(place, name, b"two", size=size)
    verdict = verify_ledger(place.directory, identify=identify, verifier=verify_ed25519, cores=1)
    assert verdict.ok, verdict.faults
    assert verdict.outside == {WitnessKey(name, forged): size}


def test_receipt_rests_on_a_members_cosignature_and_on_no_outsiders(tmp_path: Path) -> None:
    north, south = (rig.Station(name, tmp_path / name) for name in ("NORTH", "SOUTH"))
    rig.work(north, south)
    rig.tamper(north.file, "DELETE FROM cosignature")
    outsider = Key(b"outsider")

    def identify(records):  # type: ignore[no-untyped-def]
        named = {"NORTH": {"w": (outsider.public_key,)}}
        return replace(rig.identify(records), outside_keys=named)

    def verify() -> Verdict:
        return verify_ledger(north.file, identify=identify, verifier=rig.verifier)

    missing = verify().faults
    assert [fault.damage for fault in missing] == [Damage.MISSING]
    ledger: Ledger = north.open()
    head = Checkpoint(north.origin, ledger.size, ledger.root)
    ledger.append(cosignatures=[parse_cosignature(cosign(head, "w", outsider, 1_795_357_886))])
    ledger.close()
    verdict = verify()
    assert verdict.faults == missing
    assert verdict.cosigned == {}
    assert list(verdict.outside.values()) == [head.size]


# --- what else keeps it -------------------------------------------------------------------


def test_next_generation_names_the_witnesses_that_stood(place: Place) -> None:
    put(place)
    put(place, vkey("witness.example/gone"))
    with work_at(place) as work:
        drop_witness(work, "witness.example/gone", WHY, NORTHERN)
    renew_ledger(bench_of(place), NORTHERN, WHY, catalogue().packs, new_key=True)
    assert asked(place) == ["witness.example/w1"]
    cosigned(place, "witness.example/w1", b"one", size=sized(place))
    verdict = place.verdict()
    assert verdict.ok, verdict.faults
    assert verdict.origin.endswith("/2")
    assert len(verdict.outside) == 1


def test_backup_holds_where_witnesses_are_asked(place: Place, tmp_path: Path) -> None:
    put(place)
    back_up(place.home, tmp_path / "backup", with_keys=False, clock=place.clock_ms)
    kept = next((tmp_path / "backup").glob(f"lines/*/{WITNESSES}"))
    assert kept.read_bytes() == (place.directory / WITNESSES).read_bytes()
    written = read_manifest(tmp_path / "backup").files
    assert str(kept.relative_to(tmp_path / "backup")) in written
