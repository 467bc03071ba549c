"""Every entry of a ledger that stations really worked can be shown and checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hotline.core.errors import ErasedContentError
from hotline.core.records.cards import format_cards
from hotline.core.records.entry import Erased
from hotline.ledger.reader import LedgerReader
from hotline.ledger.store import Ledger
from hotline.review.answers import DisclosureAnswer
from hotline.review.checking import check
from hotline.review.disclosing import Wish, disclose
from hotline.review.exporting import export_tiles
from tests.review.rig import Worked, ledger_of


def unasked(name: str) -> str:
    pytest.fail(f"asked for the passphrase of {name}")


@pytest.fixture
def card(kept: Worked, tmp_path: Path) -> Path:
    """The public records of the line, taken out of SOUTH's ledger."""
    reader = Ledger.open_read_only(ledger_of(kept.south))
    path = tmp_path / "line.cards"
    path.write_bytes(format_cards(reader.public_records()))
    reader.close()
    return path


def test_every_entry_of_a_worked_ledger_is_disclosed_and_proved(
    kept: Worked, card: Path, tmp_path: Path
) -> None:
    reader = Ledger.open_read_only(ledger_of(kept.north))
    size, kinds = reader.size, [leaf.kind for leaf in reader.leaves(0, reader.size)]
    reader.close()
    out = tmp_path / "all"
    files = disclose(kept.north, out, Wish(tuple(range(size))), unasked)
    assert len(files) == size > 40
    answers = [check(file, [str(card)], []) for file in files]
    assert all(isinstance(one, DisclosureAnswer) and not one.unvouched for one in answers)
    assert [one.disclosure.leaf.kind for one in answers] == kinds  # type: ignore[union-attr]
    said = [one.lines()[0] for one in answers]
    assert all(one.startswith("PROVED: NORTH recorded entry ") for one in said)
    countersigned = [index for index, one in enumerate(said) if "; SOUTH countersigned " in one]
    assert countersigned == list(range(len(countersigned)))
    assert len(countersigned) > size // 2


def test_every_statement_of_a_worked_ledger_is_shown_with_its_signer(
    kept: Worked, card: Path, tmp_path: Path
) -> None:
    reader = Ledger.open_read_only(ledger_of(kept.north))
    entries = [leaf.index for leaf in reader.leaves(0, reader.size) if leaf.kind in (3, 4)]
    reader.close()
    wish = Wish(tuple(entries), statement=True)
    for file in disclose(kept.north, tmp_path / "all", wish, unasked):
        answer = check(file, [str(card)], [])
        assert isinstance(answer, DisclosureAnswer)
        assert answer.statement is not None
        assert answer.statement.ordered
        assert len(answer.statement.signers) == 1
    assert len(entries) > 6


def test_ledger_of_a_worked_line_is_exported(kept: Worked, tmp_path: Path) -> None:
    done = export_tiles(kept.south, tmp_path / "tiles")
    assert done.size > 40


def test_entry_whose_content_was_erased_is_not_disclosed(
    kept: Worked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = LedgerReader.entries

    def erased(self: LedgerReader, start: int, stop: int):  # type: ignore[no-untyped-def]
        for entry in whole(self, start, stop):
            yield replace(entry, content=b"", salt=b"", erased=Erased(self.origin, 202611))

    monkeypatch.setattr(LedgerReader, "entries", erased)
    with pytest.raises(ErasedContentError, match="entry 5 was erased"):
        disclose(kept.north, tmp_path / "e", Wish((5,)), unasked)
    assert not (tmp_path / "e").exists()
