"""What verifying found, in sentences for a tired reviewer and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.events import EVENTS
from hotline.core.values import Digest
from hotline.ledger.reconcile import Reconciliation
from hotline.ledger.verdict import Damage, Examined, Fault, Verdict
from hotline.review.findings import countersigned, identity_json, reconciliation_json, verdict_json
from hotline.review.generations import Generations, is_journal
from hotline.review.identity import Identity, identify_by_cards
from hotline.review.outsiders import missing_lines, outsider_lines, witnessed_size
from hotline.review.sentences import printable

MAX_TOLD = 10
"""More faults, notes or statements than this are counted, not told."""

_KIND = re.compile(r"\(kind (\d+),")

DAMAGE_WORDS = {
    Damage.ALTERED: "something was changed after it was written",
    Damage.MISSING: "something that belongs there is gone",
    Damage.INSERTED: "something is there that does not belong there",
    Damage.REORDERED: "entries stand in another order than they were written",
    Damage.CUT: "the end was cut off",
    Damage.REWRITTEN: "entries were replaced by others that fit one another",
    Damage.FORKED: "two different logs were signed under one name",
    Damage.UNSIGNED: "entries were added that no signed head covers",
    Damage.UNKNOWN_KEY: "it is signed by a key that nobody certified",
    Damage.OVERSIZED: "something is larger than any station writes",
    Damage.RECORDS: "the records that name stations and keys do not hold",
    Damage.SCHEMA: "the file is not built as a ledger is",
    Damage.DAMAGED_FILE: "the file itself is damaged, by the disk or by hand",
}
"""What each kind of damage is, as a clause (docs/ledger.md §11.5)."""


@dataclass(frozen=True, slots=True)
class Review:
    """One ledger verified, or two verified and held against each other.

    Attributes:
        our_past: Its earlier generations, None when nobody looked for any; likewise theirs.
        identity: What the cards say; None without looking at any.
        trusted: Keys of the outside witnesses that the reviewer trusts.
    """

    ours: Verdict
    theirs: Verdict | None = None
    reconciliation: Reconciliation | None = None
    our_past: Generations | None = None
    their_past: Generations | None = None
    identity: Identity | None = None
    trusted: frozenset[WitnessKey] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether everything verifies and nothing contradicts."""
        verdicts = [self.ours] + ([self.theirs] if self.theirs is not None else [])
        pasts = [past for past in (self.our_past, self.their_past) if past is not None]
        return (
            all(verdict.ok for verdict in verdicts)
            and all(past.ok for past in pasts)
            and (self.reconciliation is None or self.reconciliation.ok)
            and self.known.ok
        )

    @property
    def known(self) -> Identity:
        """What is known of whose ledgers these are."""
        verdicts = [self.ours] + ([self.theirs] if self.theirs is not None else [])
        return self.identity or identify_by_cards(verdicts, frozenset())

    def lines(self) -> list[str]:
        """Return the findings as lines of text, each printable."""
        trusted = self.trusted
        found = [*verdict_lines(self.ours, trusted), *past_lines(self.our_past, trusted)]
        if self.theirs is not None:
            found += verdict_lines(self.theirs, trusted)
            found += past_lines(self.their_past, trusted)
        if self.theirs is not None and self.reconciliation is not None:
            found += reconciliation_lines(self.ours, self.theirs, self.reconciliation)
        found += self._limits()
        return [printable(line) for line in found]

    def _limits(self) -> Iterator[str]:
        """Yield what no check of these files can say, and what to do next."""
        if self.ok and self.theirs is None and not is_journal(self.ours):
            yield "With --peer LEDGER the other station's ledger says whether the end was cut off."
        if self.ok:
            yield "What was never recorded leaves no trace that a check could find."
        yield from missing_lines(self._verdicts(), self.trusted)
        yield from identity_lines(self.known, self.ok)
        if not self.ok:
            yield "Keep every file as it is and call the reviewer."

    def _verdicts(self) -> Iterator[Verdict]:
        for verdict, past in ((self.ours, self.our_past), (self.theirs, self.their_past)):
            if verdict is not None:
                yield verdict
            yield from (one.verdict for one in (past.earlier if past is not None else ()))

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a machine: ok, identity, ledger, peer, reconciliation."""
        return {
            "ok": self.ok,
            "identity": identity_json(self.known),
            "ledger": verdict_json(self.ours, self.known, self.our_past, self.trusted),
            "peer": None
            if self.theirs is None
            else verdict_json(self.theirs, self.known, self.their_past, self.trusted),
            "reconciliation": None
            if self.reconciliation is None
            else reconciliation_json(self.reconciliation),
        }


def headline_of(verdict: Verdict) -> str:
    """Say whose ledger it is, how long, and whether it verifies, on one line."""
    outcome = "VERIFIED" if verdict.ok else "DOES NOT VERIFY"
    entries = _count(verdict.entries, "entry", "entries")
    if not verdict.station:
        return f"The ledger {outcome}: {entries} read; the file does not establish whose it is."
    realm = verdict.realm.value if verdict.realm else "realm unknown"
    if is_journal(verdict):
        whose = f"The {verdict.line_name} of {verdict.station}, {realm}"
        return printable(f"{whose}: {entries}, {outcome}.")
    line = f"line {verdict.line_name}, {realm}"
    return printable(f"The ledger of {verdict.station} on {line}: {entries}, {outcome}.")


def verdict_lines(verdict: Verdict, trusted: frozenset[WitnessKey] = frozenset()) -> Iterator[str]:
    """Yield what one verdict says: the fault and what stands, or what is known and what is not.

    Args:
        trusted: Keys of the outside witnesses that the reviewer trusts.
    """
    yield headline_of(verdict)
    if verdict.first_fault is not None:
        yield from _fault_lines(verdict, verdict.first_fault)
    elif verdict.exported:
        yield (
            "  An export: every leaf and link agrees with its one signed head. Contents, earlier "
            "heads and what its station countersigned are not in it."
        )
        if verdict.cosigned or verdict.outside:
            yield from _tail_lines(verdict, trusted)
        else:
            yield "  Nobody has countersigned that head; whether an earlier one was, it cannot say."
    else:
        judged = " that were judged" if verdict.examined.passed_over else ""
        yield (
            "  Every entry, link, signature and public record agrees with the signed heads"
            f"{judged}."
        )
        yield from _tail_lines(verdict, trusted)
    yield from _examined_lines(verdict)
    yield from _told("  Note: ", verdict.notes)


def _fault_lines(verdict: Verdict, fault: Fault) -> Iterator[str]:
    what = "First fault" if fault.index is None else "First bad entry"
    yield f"  {what}: {fault_sentence(fault)}."
    yield f"  Kind of damage: {fault.damage.upper()}, {DAMAGE_WORDS[fault.damage]}."
    yield f"  {_standing(verdict, fault)}"
    others = [fault_sentence(one) for one in verdict.faults if one is not fault]
    yield from _told("  Also: ", others)


def _standing(verdict: Verdict, fault: Fault) -> str:
    if not verdict.stands:
        return "No entry stands on this file alone."
    stands = f"{_span(0, verdict.stands)} still stand{_s(verdict.stands)}"
    if fault.index is None:
        return f"{stands}: good signed heads cover {_them(verdict.stands)}."
    return (
        f"{stands}: a good signed head covers {_them(verdict.stands)}. "
        "What comes after cannot be known from this file."
    )


def _tail_lines(verdict: Verdict, trusted: frozenset[WitnessKey]) -> Iterator[str]:
    if is_journal(verdict):
        yield (
            f"  No peer sees a journal, so {verdict.station} alone vouches for it here; "
            "the ledgers of its lines anchor its heads, and peers countersign those."
        )
        return
    covered = countersigned(verdict)
    for station, size in covered.items():
        yield f"  {station} countersigned the first {_count(size, 'entry', 'entries')}."
    yield from outsider_lines(verdict, trusted)
    known = max(witnessed_size(verdict, trusted), *covered.values(), 0)
    if known < verdict.entries:
        tail = _span(known, verdict.entries)
        yield (
            f"  {tail}: countersigned by nobody yet, so {verdict.station} alone vouches for "
            f"{_them(verdict.entries - known)}."
        )


def _examined_lines(verdict: Verdict) -> Iterator[str]:
    """Yield what was not looked at, and how to have it looked at."""
    since, seen = verdict.since, verdict.examined
    if since is not None and since.size:
        yield (
            f"  {_span(0, since.size)}: not looked at again, because a head that you trust "
            "covers them. Whether their contents are still there was not checked; "
            "without --since it is."
        )
    if seen.passed_over:
        yield f"  Judged were {_judged(seen)}. --audit judges every one."


def _judged(seen: Examined) -> str:
    return (
        f"{seen.heads} of {_count(seen.heads_stored, 'head', 'heads')}, "
        f"{seen.cosignatures} of {_count(seen.cosignatures_stored, 'cosignature', 'cosignatures')}"
        f" and {seen.witnessed} of {_count(seen.witnessed_stored, 'witnessed head', 'witnessed')}"
    )


def past_lines(
    past: Generations | None, trusted: frozenset[WitnessKey] = frozenset()
) -> Iterator[str]:
    """Yield what is known of a ledger's earlier generations."""
    if past is None:
        return
    yield from _told("  ", [f"{fault}." for fault in past.faults])
    yield from _told("  ", [f"{_capital(note)}." for note in past.notes])
    for one in past.earlier:
        yield f"Earlier: {one.path.parent.name}."
        yield from verdict_lines(one.verdict, trusted)
        if one.explained:
            yield "  So it was when the officers left it behind: the damage is not news."
    for one in past.before:
        yield f"The line before: {one.path.parent.name}."
        yield from verdict_lines(one.verdict, trusted)


def identity_lines(known: Identity, ok: bool) -> Iterator[str]:
    """Yield whose ledgers these are, as far as cards say so.

    Args:
        ok: What is under review verifies.
    """
    if known.strange:
        yield "A card names a root that is not in this evidence:"
        yield from (f"  {words}" for words in known.strange)
    if known.established:
        yield f"Identity established for {', '.join(known.established)}: by card."
    if not known.open:
        return
    if not known.cards:
        consistent = "Internally consistent; identity" if ok else "Identity"
        yield (
            f"{consistent} not established: no card was given. Compare with the stations' cards:"
        )
    else:
        names = ", ".join(known.open)
        yield f"Identity not established for {names}: no card names it. Compare:"
    yield from (f"  {station}: {said}" for station, said in known.open.items())


def reconciliation_lines(
    ours: Verdict, theirs: Verdict, found: Reconciliation, *, of_more: bool = False
) -> Iterator[str]:
    """Yield what holding two ledgers against each other says.

    Args:
        of_more: The line has more stations. Receipts are not counted then: one that a sender
            holds may be of a third station, and what both received was receipted elsewhere.
    """
    names = [verdict.station for verdict in (ours, theirs) if verdict.station]
    whose = f"The ledgers of {' and '.join(names)}" if len(names) == 2 else "The two ledgers"
    if not found.ok:
        yield f"{whose} DO NOT RECONCILE."
        yield from _told("  ", [f"{fault}." for fault in found.faults])
    else:
        statements = _count(found.statements, "statement", "statements")
        receipted = "" if of_more else f" {found.receipted} receipted,"
        yield f"{whose} RECONCILE: {statements},{receipted} no contradiction."
    yield from _one_sided(ours, theirs, found.only_ours, found.only_ours_count)
    yield from _one_sided(theirs, ours, found.only_theirs, found.only_theirs_count)
    yield from _told("  Note: ", found.notes)


def _one_sided(
    sender: Verdict, receiver: Verdict, digests: Sequence[Digest], count: int
) -> Iterator[str]:
    if not digests:
        return
    tokens = ", ".join(token_of(digest.hex()) for digest in digests[:MAX_TOLD])
    more = f" and {count - MAX_TOLD} more" if count > MAX_TOLD else ""
    sent = _count(count, "statement", "statements")
    yield f"  {sent} of {sender.station} not recorded at {receiver.station}: {tokens}{more}."


def fault_sentence(fault: Fault) -> str:
    """Return a fault without its full stop; the kind of an entry by name."""

    def named(match: re.Match[str]) -> str:
        event = EVENTS.get(int(match[1]))
        return f"({event.__name__}," if event else match[0]

    return _KIND.sub(named, fault.sentence())


def _told(prefix: str, sentences: Sequence[str]) -> Iterator[str]:
    yield from (f"{prefix}{one}" for one in sentences[:MAX_TOLD])
    if len(sentences) > MAX_TOLD:
        yield f"{prefix}{len(sentences) - MAX_TOLD} more"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _span(start: int, stop: int) -> str:
    """Name the entries of [start, stop)."""
    return f"Entry {start}" if stop - start == 1 else f"Entries {start} to {stop - 1}"


def _s(number: int) -> str:
    return "s" if number == 1 else ""


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
