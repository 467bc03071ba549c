"""What reviewers are told of withdrawn keys: after or before a statement was countersigned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.core.records.cards import format_cards, ledger_records, parse_cards
from hotline.core.records.checkpoint import parse_origin
from hotline.core.records.events import StatementReceived
from hotline.host.entropy import system_entropy
from hotline.ledger.store import Ledger
from hotline.review.answers import DisclosureAnswer
from hotline.review.cards import Cards, identify
from hotline.review.checking import check
from hotline.review.disclosing import Wish, disclose
from hotline.review.reviewing import Asked, review_ledgers
from hotline.review.trust_notes import signer_words
from hotline.sealing.roster import Roster
from hotline.station.rerooting import succeed_root
from hotline.station.revoking import revoke, suspend
from hotline.station.upkeep import Bench, Work, at_work
from tests.fakes.line import FakeLine, Place, wait_for
from tests.station.months import no_passphrase, say


def at(place: Place, act: Callable[[Work], object]) -> None:
    with at_work(Bench(place.home, place.clock_ms, system_entropy, no_passphrase)) as work:
        act(work)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> FakeLine:
    """NORTH spoke, then its officer was revoked and its deputy suspended; SOUTH knows."""
    line = FakeLine(tmp_path_factory.mktemp("revoked"), deputies=True)

    async def go() -> None:
        async with line:
            await say(line, line.north, line.south)
        at(line.north, lambda work: suspend(work, "console", "why not", ["ramos", "vega"]))
        at(line.north, lambda work: revoke(work, "ramos", "the key was stolen"))
        line.south.person = "niven"
        async with line:
            await wait_for(lambda: len(line.north.situation.withdrawn) == 2)

    asyncio.run(go())
    return line


def test_review_names_each_withdrawn_key_with_its_entry(line: FakeLine) -> None:
    notes = review_ledgers(line.north.directory, None).ours.notes
    revoked, suspended = (next(one for one in notes if how in one) for how in ("revok", "suspend"))
    assert "A. Ramos of NORTH" in revoked
    assert "the key was stolen; recorded as entry " in revoked
    assert "NORTH console of NORTH" in suspended
    assert "What was receipted before stands as it was" in suspended


def test_statement_countersigned_before_its_signer_was_revoked_stands(
    line: FakeLine, tmp_path: Path
) -> None:
    cards = tmp_path / "line.cards"
    records = Ledger.open_read_only(line.north.directory).public_records()
    cards.write_bytes(b"".join(record + b"\n" for record in records))
    reader = Ledger.open_read_only(line.south.directory)
    kinds = [leaf.kind for leaf in reader.leaves(0, reader.size)]
    entry = kinds.index(StatementReceived.kind)
    out = tmp_path / "shown"
    disclose(line.south.directory, out, Wish((entry,), statement=True), no_passphrase)
    answer = check(out, [str(cards)], [])
    assert isinstance(answer, DisclosureAnswer)
    assert answer.statement is not None
    (told,) = answer.statement.withdrawn
    assert "A. Ramos of NORTH" in told
    assert told.endswith("That was after this entry was countersigned, so the entry stands")
    assert not answer.statement.expired
    assert told in "\n".join(answer.statement.lines())
    assert answer.statement.as_json()["withdrawn"] == [told]


def test_card_with_a_changed_root_vouches_for_the_one_that_the_charter_names(
    tmp_path: Path,
) -> None:
    place = FakeLine(tmp_path, run=False).north
    at(place, succeed_root)
    records = Ledger.open_read_only(place.directory).public_records()
    card = tmp_path / "line.cards"
    card.write_bytes(format_cards(ledger_records(records)))
    found = review_ledgers(place.directory, None, Asked(cards=[str(card)]))
    assert found.identity is not None
    assert found.identity.word == "established"
    assert any("committed next root" in note for note in found.ours.notes)
    origin = parse_origin(found.ours.origin)
    identity, kept = identify(Cards(tuple(parse_cards(card.read_bytes())), frozenset()), origin)
    assert identity.line == found.ours.line
    assert len(kept) == len(ledger_records(records))


def test_card_with_a_gap_in_its_revocations_is_read_as_far_as_it_goes(line: FakeLine) -> None:
    records = Ledger.open_read_only(line.north.directory).public_records()
    origin = parse_origin(Ledger.open_read_only(line.north.directory).origin)
    revocation = next(one for one in records if b"revocation" in one)
    _, whole = identify(Cards(tuple(records), frozenset()), origin)
    assert revocation in whole
    junk = revocation.replace(b'"payload":"eyJ', b'"payload":"eyK')
    _, kept = identify(Cards((*records, junk), frozenset()), origin)
    assert junk not in kept


def test_words_say_before_where_nothing_was_countersigned_in_time(line: FakeLine) -> None:
    records = Ledger.open_read_only(line.north.directory).public_records()
    roster = Roster.read(records)
    ramos, vega = (
        next(one for one in roster.certificates.values() if one.person == person)
        for person in ("ramos", "vega")
    )
    found = roster.standing.withdrawal(ramos)
    assert found is not None
    since_ms = found.since_ms
    assert "BEFORE" in signer_words(roster, ramos, since_ms, None)
    assert "BEFORE" in signer_words(roster, ramos, since_ms, since_ms)
    assert "after this entry was recorded" in signer_words(roster, ramos, since_ms - 1, None)
    assert "so the entry stands" in signer_words(roster, ramos, since_ms - 1, since_ms - 1)
    assert signer_words(roster, vega, since_ms, None) == ""
