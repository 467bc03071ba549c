"""Entries disclosed and checked with cards alone: docs/ledger.md §15."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core import canonical
from hotline.core.errors import IntegrityError, OperatorError
from hotline.core.records import events as ev
from hotline.core.records.add_checkpoint import decode_add_checkpoint
from hotline.core.records.cards import format_cards, parse_cards
from hotline.core.records.checkpoint import cosign, format_note, parse_note
from hotline.core.records.cosigned import merge_notes
from hotline.core.records.disclosed import decode_disclosed, encode_disclosed
from hotline.core.records.fork_evidence import make_fork_evidence, read_fork_evidence
from hotline.core.records.tlog_proof import TlogProof, decode_tlog_proof, encode_tlog_proof
from hotline.core.values import sha256
from hotline.ledger.store import Ledger
from hotline.review.answers import DisclosureAnswer, ForkAnswer
from hotline.review.checking import check
from hotline.review.disclosing import Wish, disclose
from hotline.review.exporting import export_add_checkpoint
from hotline.review.forks import extract_forks
from tests.review.outsider import (
    OutsideWitness,
    Pair,
    Side,
    admit,
    draft,
    head_of,
    make_pair,
    receive,
)


def unasked(name: str) -> str:
    pytest.fail(f"asked for the passphrase of {name}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("pair"), filler=40)


@pytest.fixture
def cards(pair: Pair, tmp_path: Path) -> Path:
    """Everything public of the line, got by hand."""
    path = tmp_path / "line.cards"
    path.write_bytes(format_cards(pair.records))
    return path


@pytest.fixture
def shown(pair: Pair, tmp_path: Path) -> Path:
    """The statement entry, disclosed with its statement."""
    out = tmp_path / "shown.tlog-proof"
    wish = Wish((pair.statement_entry,), statement=True)
    assert disclose(pair.north.file, out, wish, unasked) == [out]
    return out


def checked(path: Path, *cards: Path, witnesses: tuple[str, ...] = ()) -> DisclosureAnswer:
    answer = check(path, [str(card) for card in cards], witnesses)
    assert isinstance(answer, DisclosureAnswer)
    return answer


def test_disclosed_statement_is_proved_in_one_sentence(
    pair: Pair, shown: Path, cards: Path
) -> None:
    answer = checked(shown, cards)
    assert answer.lines()[0] == (
        f"PROVED: NORTH recorded entry {pair.statement_entry}, StatementReceived, at "
        "2026-11-22T14:31:26.004Z by its own clock, on line north-south, EXERCISE; SOUTH "
        f"countersigned the first {pair.cosigned_size} entries of NORTH, this one among them, "
        "at 2026-11-22T14:31:31.000Z by its clock."
    )
    assert answer.lines()[1:] == [
        "  The statement, from SOUTH to NORTH: FLASH sea/contact, written "
        "2026-11-22T14:31:26.000Z, incident CG-1122-01.",
        "    track = T4471",
        "    text: EXERCISE EXERCISE EXERCISE: closing fast.",
        "  Signed by watch CDR Officer s1.",
    ]
    assert answer.statement is not None
    assert answer.statement.statement == pair.sent


def test_answer_for_a_machine_says_the_same(pair: Pair, shown: Path, cards: Path) -> None:
    found = checked(shown, cards).as_json()
    assert (found["ok"], found["identity"], found["station"]) == (True, "established", "NORTH")
    assert (found["entry"], found["kind"]) == (pair.statement_entry, "StatementReceived")
    assert found["countersigned"] == [
        {"by": "SOUTH", "outside": False, "at": "2026-11-22T14:31:31.000Z"}
    ]
    assert found["statement"]["signers"] == ["watch CDR Officer s1"]


def test_file_needs_nothing_of_the_ledger_s_home(
    pair: Pair, shown: Path, cards: Path, tmp_path: Path
) -> None:
    away = tmp_path / "elsewhere" / "x"
    away.parent.mkdir()
    shutil.copy(shown, away)
    assert checked(away, cards).unvouched == ()


def test_without_any_card_nothing_is_verified_and_that_is_said(shown: Path) -> None:
    with pytest.raises(OperatorError, match="no signature in it can be checked"):
        check(shown, [], [])


def test_records_beside_the_file_name_keys_but_establish_nobody(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "e.tlog-proof"
    disclose(pair.north.file, out, Wish((0,), cards=True), unasked)
    answer = checked(out)
    assert answer.lines()[0].startswith("Internally consistent: NORTH recorded entry 0, Ledger")
    assert answer.unvouched == ("NORTH", "SOUTH")
    words = answer.identity.root_words
    assert answer.lines()[-2:] == [f"  {name}: {words[name]}" for name in ("NORTH", "SOUTH")]
    assert answer.as_json()["identity"] == "not established"


def test_card_with_the_root_alone_establishes_its_station(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "e.tlog-proof"
    disclose(pair.north.file, out, Wish((0,), cards=True), unasked)
    for number, root in enumerate(pair.roots):
        (tmp_path / f"{number}.card").write_bytes(root)
    assert checked(out, tmp_path / "0.card").unvouched == ("SOUTH",)
    both = checked(out, tmp_path / "0.card", tmp_path / "1.card")
    assert both.lines()[0].startswith("PROVED: NORTH recorded entry 0, LedgerOpened, ")


def test_root_s_words_read_out_by_an_officer_establish_its_station(
    pair: Pair, tmp_path: Path
) -> None:
    out = tmp_path / "e.tlog-proof"
    disclose(pair.north.file, out, Wish((0,), cards=True), unasked)
    words = checked(out).identity.root_words
    spoken = check(out, [f"NORTH: {words['NORTH']}"], [])
    assert isinstance(spoken, DisclosureAnswer)
    assert spoken.unvouched == ("SOUTH",)
    written = tmp_path / "words.txt"
    written.write_text("".join(f"{name}: {said}\n" for name, said in words.items()))
    assert checked(out, written).unvouched == ()


def test_records_beside_hold_no_officer_unless_the_statement_is_shown(
    pair: Pair, tmp_path: Path
) -> None:
    wishes = {"plain": Wish((10,), cards=True), "whole": Wish((10,), statement=True, cards=True)}
    found = {}
    for name, wish in wishes.items():
        _, cards = disclose(pair.north.file, tmp_path / name, wish, unasked)
        found[name] = len(parse_cards(cards.read_bytes()))
    assert found == {"plain": 5, "whole": 6}


def test_statement_without_its_officer_s_certificate_is_shown_unjudged(
    pair: Pair, shown: Path, tmp_path: Path
) -> None:
    officers = {pair.south.keys.officers["s1"].certificate}
    path = tmp_path / "few.cards"
    path.write_bytes(format_cards([one for one in pair.records if one not in officers]))
    lines = checked(shown, path).lines()
    assert "who signed the statement was not checked" in lines[-1]


def test_entry_without_a_countersigned_head_says_that_nobody_vouches(
    pair: Pair, cards: Path, tmp_path: Path
) -> None:
    out = tmp_path / "late"
    disclose(pair.north.file, out, Wish((pair.cosigned_size + 3,)), unasked)
    first = checked(out, cards).lines()[0]
    assert "; nobody countersigned the head shown, so NORTH alone vouches for it." in first


def test_several_entries_become_files_in_one_directory(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "many"
    files = disclose(pair.north.file, out, Wish((3, 1, 3)), unasked)
    assert [file.name for file in files] == ["entry-3.tlog-proof", "entry-1.tlog-proof"]
    assert disclose(pair.north.file, out, Wish((1,)), unasked) == [out / "entry-1.tlog-proof"]


def test_file_in_the_way_is_kept(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "here"
    out.write_bytes(b"somebody's")
    with pytest.raises(OperatorError, match="is there already"):
        disclose(pair.north.file, out, Wish((1,)), unasked)
    assert out.read_bytes() == b"somebody's"


def test_disclosed_file_is_its_owner_s_alone(shown: Path) -> None:
    assert shown.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("index", [-1, 10_000])
def test_entry_that_is_not_there_is_refused(pair: Pair, tmp_path: Path, index: int) -> None:
    with pytest.raises(OperatorError, match=f"no entry {index}"):
        disclose(pair.north.file, tmp_path / "x", Wish((index,)), unasked)


def test_statement_of_an_entry_without_one_is_refused(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="encloses no statement"):
        disclose(pair.north.file, tmp_path / "x", Wish((1,), statement=True), unasked)


def test_content_key_of_another_ledger_is_named_as_the_fault(pair: Pair, tmp_path: Path) -> None:
    home = tmp_path / "mixed"
    shutil.copytree(pair.north.directory, home)
    other = make_pair(tmp_path / "other").south
    other.open(create=True).close()
    shutil.copy(other.directory / "content.key", home)
    with pytest.raises(OperatorError, match="does not open the first entry"):
        disclose(home / "ledger.db", tmp_path / "x", Wish((10,)), unasked)


# --- hostile files -----------------------------------------------------------

Spoil = Callable[[TlogProof], TlogProof]


def with_path(proof: TlogProof) -> TlogProof:
    return replace(proof, path=(proof.path[1], proof.path[0], *proof.path[2:]))


def with_leaf(proof: TlogProof) -> TlogProof:
    shown = decode_disclosed(proof.extra or b"")
    late = shown.leaf[:19] + bytes([shown.leaf[19] ^ 1]) + shown.leaf[20:]
    return replace(proof, extra=encode_disclosed(replace(shown, leaf=late)))


def with_content(proof: TlogProof) -> TlogProof:
    shown = decode_disclosed(proof.extra or b"")
    lie = shown.content.replace(b"VERIFIED", b"UNVERIFI")
    assert lie != shown.content
    return replace(proof, extra=encode_disclosed(replace(shown, content=lie)))


def with_index(proof: TlogProof) -> TlogProof:
    return replace(proof, index=proof.index + 1)


def with_swapped_signatures(proof: TlogProof) -> TlogProof:
    note = parse_note(proof.note)
    own, theirs = note.signatures
    lines = [replace(own, signature=theirs.signature[8:]), theirs]
    return replace(proof, note=format_note(note.checkpoint, lines))


def with_shorter_log(proof: TlogProof) -> TlogProof:
    return replace(proof, note=proof.note.replace(b"\n11\n", b"\n10\n"))


def with_forged_order(proof: TlogProof) -> TlogProof:
    shown = decode_disclosed(proof.extra or b"")
    enclosure = shown.enclosure or b""
    at = enclosure.index(b'"sig":"', enclosure.index(b'"order"')) + 7
    other = b"B" if enclosure[at : at + 1] == b"A" else b"A"
    forged = enclosure[:at] + other + enclosure[at + 1 :]
    return replace(proof, extra=encode_disclosed(replace(shown, enclosure=forged)))


@pytest.mark.parametrize(
    "spoil",
    [
        with_path,
        with_leaf,
        with_content,
        with_index,
        with_swapped_signatures,
        with_shorter_log,
        with_forged_order,
    ],
)
def test_file_that_was_altered_does_not_verify(shown: Path, cards: Path, spoil: Spoil) -> None:
    spoiled = spoil(decode_tlog_proof(shown.read_bytes()))
    shown.write_bytes(encode_tlog_proof(spoiled))
    with pytest.raises(IntegrityError):
        check(shown, [str(cards)], [])


def test_every_byte_of_the_file_matters(shown: Path, cards: Path, pair: Pair) -> None:
    """One flip in each place: nothing changed may pass with the same words."""
    whole = shown.read_bytes()
    good = checked(shown, cards).lines()
    step = max(1, len(whole) // 160)
    passed = []
    for place in range(0, len(whole), step):
        spoiled = bytearray(whole)
        spoiled[place] ^= 0x01
        shown.write_bytes(bytes(spoiled))
        try:
            lines = check(shown, [str(cards)], []).lines()
        except (OperatorError, IntegrityError):
            continue
        # A cosigner's name or key id with a flipped bit is nobody we know: not judged, and said.
        if lines == good or "Not judged" not in " ".join(lines):
            passed.append(place)
    assert passed == []


def test_cards_of_another_line_check_nothing(shown: Path, tmp_path: Path) -> None:
    other = make_pair(tmp_path / "other", seed="other")
    path = tmp_path / "other.cards"
    path.write_bytes(format_cards(other.records))
    with pytest.raises(OperatorError, match="no card names the line"):
        check(shown, [str(path)], [])


def test_cards_of_many_lines_serve_the_one(
    pair: Pair, shown: Path, cards: Path, tmp_path: Path
) -> None:
    """Records of strangers among the cards change nothing."""
    more = tmp_path / "more.cards"
    other = make_pair(tmp_path / "other", seed="other")
    more.write_bytes(format_cards([*other.records, *pair.records]))
    assert checked(shown, more).unvouched == ()


def test_record_of_absurd_size_among_the_cards_is_refused_in_words(
    pair: Pair, shown: Path, cards: Path, tmp_path: Path
) -> None:
    """Its issuer is a root of the line, its payload longer than any certificate."""
    officer = canonical.decode(pair.records[1], what="x", max_bytes=1 << 20)
    payload = canonical.to_base64(b'{"x":"' + b"y" * 60_000 + b'"}')
    huge = canonical.encode({**officer, "payload": payload})
    more = tmp_path / "more.cards"
    more.write_bytes(cards.read_bytes() + huge + b"\n")
    with pytest.raises(IntegrityError, match="do not verify"):
        check(shown, [str(more)], [])


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x00" * 900, b"{", b"{}", b"SQLite format 3\x00"])
def test_junk_is_refused_as_input(tmp_path: Path, cards: Path, junk: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk)
    with pytest.raises(OperatorError):
        check(path, [str(cards)], [])
    path.write_bytes(b"c2sp.org/tlog-proof@v1\n" + junk)
    with pytest.raises(OperatorError, match="is malformed"):
        check(path, [str(cards)], [])


def test_truncated_file_is_refused_at_every_length(shown: Path, cards: Path) -> None:
    whole = shown.read_bytes()
    for length in range(0, len(whole), 173):
        shown.write_bytes(whole[:length])
        with pytest.raises((OperatorError, IntegrityError)):
            check(shown, [str(cards)], [])


def test_huge_file_is_refused_unread(tmp_path: Path, cards: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(OperatorError, match="is longer than"):
        check(path, [str(cards)], [])


# --- forks -------------------------------------------------------------------


def forks_of(pair: Pair, out: Path) -> tuple[Path, ...]:
    return extract_forks(pair.north.file, out, unasked).files


def test_fork_is_taken_out_and_proved(pair: Pair, cards: Path, tmp_path: Path) -> None:
    (file,) = forks_of(pair, tmp_path / "forks")
    answer = check(file, [str(cards)], [])
    assert isinstance(answer, ForkAnswer)
    assert answer.ok
    assert answer.lines()[0] == (
        "FORK PROVED: SOUTH's ledger key signed two different histories of 9 entries on line "
        "north-south, EXERCISE; NORTH saw both."
    )
    assert answer.as_json()["contradiction"] == "fork"


def test_fork_file_alone_carries_the_keys_and_says_that_nobody_vouches(
    pair: Pair, tmp_path: Path
) -> None:
    (file,) = forks_of(pair, tmp_path / "forks")
    assert len(read_fork_evidence(file.read_bytes()).records) == 5
    lines = check(file, [], []).lines()
    assert lines[0].startswith("FORK PROVED: ")
    assert any(line.startswith("Identity not established: ") for line in lines)
    assert [line.partition(":")[0] for line in lines][-1] == "  SOUTH"


def test_heads_of_two_sizes_are_said_to_prove_nothing(pair: Pair, tmp_path: Path) -> None:
    (file,) = forks_of(pair, tmp_path / "forks")
    body = read_fork_evidence(file.read_bytes())
    longer = head_of(pair.south, 12, b"longer").note
    file.write_bytes(make_fork_evidence(body.held, longer, pair.records, "NORTH"))
    answer = check(file, [], [])
    assert not answer.ok
    assert answer.lines()[0].startswith("NOT PROVED by this file alone: SOUTH signed heads of 9")


def test_forged_accusation_does_not_verify(pair: Pair, tmp_path: Path) -> None:
    held = head_of(pair.south, 9, b"one history").note
    impostor = replace(pair.south, keys=pair.north.keys)
    forged = head_of(impostor, 9, b"forged").note
    path = tmp_path / "forged.json"
    path.write_bytes(make_fork_evidence(held, forged, pair.records, "NORTH"))
    with pytest.raises(IntegrityError):
        check(path, [], [])


def test_refused_head_of_another_size_is_taken_out_as_the_weaker_evidence(
    pair: Pair, tmp_path: Path
) -> None:
    shown = head_of(pair.south, 12, b"not joined").note.decode()
    side = noted(pair, tmp_path / "weak", shown, "INCONSISTENT")
    (file,) = extract_forks(side.file, tmp_path / "out", unasked).files
    assert not check(file, [], []).ok


@pytest.mark.parametrize("origin", ["SOUTH", "EAST"])
def test_refused_head_with_nothing_to_hold_against_it_is_named(
    pair: Pair, tmp_path: Path, origin: str
) -> None:
    same = head_of(pair.south, 9, b"one history") if origin == "SOUTH" else None
    note = same or head_of(replace(pair.south, name="EAST"), 9, b"x")
    side = noted(pair, tmp_path / "alone", note.note.decode(), "FORK")
    found = extract_forks(side.file, tmp_path / "out", unasked)
    assert (found.files, found.alone) == ((), (len(pair.records) + 2,))


def noted(pair: Pair, directory: Path, note: str, verdict: str) -> Side:
    """Make a ledger of NORTH that witnessed SOUTH at 9 entries and refused `note`."""
    side = replace(pair.north, directory=directory)
    ledger = side.open(create=True)
    ledger.append([draft(ev.CellsRefused(count=1, reason="noise"), 1)])
    ledger.append(list(map(admit, pair.records)))
    held = head_of(pair.south, 9, b"one history")
    ledger.append([draft(ev.CellsRefused(count=2, reason="noise"), 2)], witnessed=[held])
    ledger.append([draft(ev.HeadRefused(peer="SOUTH", verdict=verdict, note=note), 3)])
    ledger.close()
    return side


def test_entry_of_a_station_journal_is_disclosed_and_checked(pair: Pair, tmp_path: Path) -> None:
    """A journal has no charter: its line is the station's root."""
    keys = pair.north.keys
    side = replace(pair.north, directory=tmp_path / "journal", line=keys.root.digest)
    ledger = side.open(create=True)
    opened = ev.LedgerOpened(realm="EXERCISE", line=side.line.hex(), station="NORTH", generation=1)
    records = [keys.root.record, keys.ledger.certificate]
    ledger.append([draft(opened, 1, side.line), *map(admit, records)])
    ledger.close()
    out, card = tmp_path / "e", tmp_path / "north.card"
    disclose(side.file, out, Wish((0,), cards=True), unasked)
    card.write_bytes(format_cards([keys.root.record]))
    answer = checked(out, card)
    assert answer.lines() == [
        "PROVED: NORTH recorded entry 0, LedgerOpened, at 1970-01-01T00:00:00.001Z by its own "
        "clock, on line station journal, EXERCISE; nobody countersigned the head shown, so NORTH "
        "alone vouches for it.",
        "  It says: the ledger of NORTH begins, EXERCISE, generation 1.",
    ]


def test_statement_in_a_station_journal_is_refused_in_one_sentence(
    pair: Pair, tmp_path: Path
) -> None:
    keys = pair.north.keys
    side = replace(pair.north, directory=tmp_path / "journal", line=keys.root.digest)
    ledger = side.open(create=True)
    opened = ev.LedgerOpened(realm="EXERCISE", line=side.line.hex(), station="NORTH", generation=1)
    records = [keys.root.record, keys.ledger.certificate]
    _, received = receive(pair.south, pair.roster)
    ledger.append([draft(opened, 1, side.line), *map(admit, records), received])
    ledger.close()
    out, card = tmp_path / "e", tmp_path / "north.card"
    disclose(side.file, out, Wish((3,), statement=True, cards=True), unasked)
    card.write_bytes(format_cards([keys.root.record]))
    with pytest.raises(IntegrityError, match="a station journal, and that holds no statements"):
        check(out, [str(card)], ())


def test_ledger_without_a_refused_head_has_no_evidence(pair: Pair, tmp_path: Path) -> None:
    side = replace(pair.south, directory=tmp_path / "clean")
    ledger = side.open(create=True)
    ledger.append([draft(ev.CellsRefused(count=1, reason="noise"), 1)])
    ledger.close()
    with pytest.raises(OperatorError, match="refused no head"):
        extract_forks(side.file, tmp_path / "out", unasked)


# --- outside witnesses -------------------------------------------------------


def witness_of(pair: Pair) -> OutsideWitness:
    keys = [pair.north.signer.public_key]
    return OutsideWitness(pair.north.origin, keys, "witness.example/w1")


def ask(pair: Pair, witness: OutsideWitness, body: Path, old: int) -> tuple[int, bytes]:
    body.unlink(missing_ok=True)
    export_add_checkpoint(pair.north.file, body, old)
    return witness.add_checkpoint(body.read_bytes())


def test_outside_witness_countersigns_and_counts_when_it_is_named(
    pair: Pair, cards: Path, tmp_path: Path
) -> None:
    witness, body = witness_of(pair), tmp_path / "body"
    status, answer = ask(pair, witness, body, 0)
    assert status == 200
    body.write_bytes(body.read_bytes() + answer)
    out = tmp_path / "e"
    disclose(pair.north.file, out, Wish((20,), cosigned=body), unasked)
    unnamed = checked(out, cards)
    assert unnamed.cosigners == ()
    assert (
        "  Not judged, since no key was given (--witness): cosignatures of "
        + ("witness.example/w1.")
        in unnamed.lines()
    )
    named = checked(out, cards, witnesses=(witness.vkey,))
    assert [(one.name, one.outside) for one in named.cosigners] == [("witness.example/w1", True)]
    assert "the outside witness witness.example/w1 countersigned the first " in named.lines()[0]


def test_key_given_for_a_member_s_name_replaces_none_of_its_keys(
    pair: Pair, shown: Path, cards: Path
) -> None:
    impostor = OutsideWitness(pair.north.origin, [], pair.south.witness_name)
    answer = checked(shown, cards, witnesses=(impostor.vkey,))
    assert [(one.name, one.outside) for one in answer.cosigners] == [("SOUTH", False)]


def test_witness_refuses_what_does_not_extend_its_view(pair: Pair, tmp_path: Path) -> None:
    witness, body = witness_of(pair), tmp_path / "body"
    assert ask(pair, witness, body, 5) == (409, b"0\n")
    assert ask(pair, witness, body, 0)[0] == 200
    size = witness.newest.size if witness.newest else 0
    assert ask(pair, witness, body, 0) == (409, b"%d\n" % size)
    assert ask(pair, witness, body, size)[0] == 200
    witness.newest = replace(witness.newest, size=5, root=sha256(b"other"))  # type: ignore[type-var]
    assert ask(pair, witness, body, 5)[0] == 422


def test_lie_under_a_named_witness_s_key_is_refused(
    pair: Pair, cards: Path, tmp_path: Path
) -> None:
    witness, body = witness_of(pair), tmp_path / "body"
    _, answer = ask(pair, witness, body, 0)
    note = decode_add_checkpoint(body.read_bytes()).note
    head = parse_note(note).checkpoint
    longer = replace(head, size=head.size + 1)
    lie = cosign(longer, witness.name, witness, 1_795_357_886).partition(b"\n\n")[2]
    body.write_bytes(note + lie)
    out = tmp_path / "e"
    disclose(pair.north.file, out, Wish((1,), cosigned=body), unasked)
    with pytest.raises(IntegrityError):
        check(out, [str(cards)], [witness.vkey])
    assert answer


def test_head_of_another_log_is_not_taken_in(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(head_of(pair.south, 9, b"x").note)
    with pytest.raises(OperatorError, match=r"no head of this ledger|another ledger"):
        disclose(pair.north.file, tmp_path / "e", Wish((1,), cosigned=path), unasked)


def test_witnessed_head_that_does_not_cover_the_entry_is_refused(
    pair: Pair, tmp_path: Path
) -> None:
    reader = Ledger.open_read_only(pair.north.file)
    path = tmp_path / "early"
    path.write_bytes(merge_notes([reader.head(pair.cosigned_size)]))
    reader.close()
    with pytest.raises(OperatorError, match="does not cover entry 30"):
        disclose(pair.north.file, tmp_path / "e", Wish((30,), cosigned=path), unasked)
