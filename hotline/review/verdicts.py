"""What verifying found, in sentences for a tired reviewer and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.core.errors import OperatorError
from hotline.core.exchange.delivery import token_of
from hotline.core.records.events import EVENTS
from hotline.core.values import Digest
from hotline.ledger.reconcile import Reconciliation, reconcile
from hotline.ledger.verdict import Fault, Verdict
from hotline.review.locating import locate
from hotline.review.opening import check_file
from hotline.review.sentences import printable

MAX_TOLD = 10
"""More faults, notes or statements than this are counted, not told."""

_KIND = re.compile(r"\(kind (\d+),")


@dataclass(frozen=True, slots=True)
class Review:
    """One ledger verified, or two verified and held against each other."""

    ours: Verdict
    theirs: Verdict | None = None
    reconciliation: Reconciliation | None = None

    @property
    def ok(self) -> bool:
        """Whether everything verifies and nothing contradicts."""
        whole = self.theirs is None or self.theirs.ok
        return self.ours.ok and whole and (self.reconciliation is None or self.reconciliation.ok)

    def lines(self) -> list[str]:
        """Return the findings as lines of text, each printable."""
        found = list(verdict_lines(self.ours))
        if self.theirs is not None:
            found += verdict_lines(self.theirs)
        if self.theirs is not None and self.reconciliation is not None:
            found += reconciliation_lines(self.ours, self.theirs, self.reconciliation)
        found += self._limits()
        return [printable(line) for line in found]

    def _limits(self) -> Iterator[str]:
        """Yield what no check of these files can say, and what to do next."""
        if self.ok and self.theirs is None:
            yield "With --peer LEDGER the other station's ledger says whether the end was cut off."
        if self.ok:
            yield "What was never recorded leaves no trace that a check could find."
        words = self.ours.root_words or (self.theirs.root_words if self.theirs else {})
        if words:
            yield "Identity not established: no card was given. Compare with the stations' cards:"
            yield from (f"  {station}: {said}" for station, said in words.items())
        if not self.ok:
            yield "Keep every file as it is and call the reviewer."

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a machine: ok, ledger, peer, reconciliation."""
        return {
            "ok": self.ok,
            "ledger": verdict_json(self.ours),
            "peer": None if self.theirs is None else verdict_json(self.theirs),
            "reconciliation": None
            if self.reconciliation is None
            else reconciliation_json(self.reconciliation),
        }


def review_ledgers(path: Path, peer: Path | None) -> Review:
    """Verify the ledger at `path` and, with `peer`, the other station's against it.

    Raises:
        OperatorError: a path names no ledger, or the two are not of one line and
            two stations.
        StorageError: a file cannot be copied.
    """
    file = locate(path)
    if peer is None:
        return Review(check_file(file))
    other = locate(peer)
    ours, theirs = check_file(file), check_file(other)
    if ours.ok and theirs.ok:
        _check_pair(ours, theirs)
    return Review(ours, theirs, reconcile(ours, file, theirs, other))


def _check_pair(ours: Verdict, theirs: Verdict) -> None:
    hint = "after --peer name the other station's ledger of the same line"
    if (ours.line, ours.realm) != (theirs.line, theirs.realm):
        raise OperatorError("the two ledgers are of different lines", hint=hint)
    if ours.station == theirs.station:
        raise OperatorError(f"both ledgers are of {ours.station}", hint=hint)


def headline_of(verdict: Verdict) -> str:
    """Say whose ledger it is, how long, and whether it verifies, on one line."""
    outcome = "VERIFIED" if verdict.ok else "DOES NOT VERIFY"
    entries = _count(verdict.entries, "entry", "entries")
    if not verdict.station:
        return f"The ledger {outcome}: {entries} read; the file does not establish whose it is."
    realm = verdict.realm.value if verdict.realm else "realm unknown"
    line = f"line {verdict.line_name}, {realm}"
    return printable(f"The ledger of {verdict.station} on {line}: {entries}, {outcome}.")


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield what one verdict says: the fault and what stands, or what is known and what is not."""
    yield headline_of(verdict)
    if verdict.first_fault is not None:
        yield from _fault_lines(verdict, verdict.first_fault)
    else:
        yield "  Every entry, link, signature and public record agrees with the signed heads."
        yield from _tail_lines(verdict)
    yield from _told("  Note: ", verdict.notes)


def _fault_lines(verdict: Verdict, fault: Fault) -> Iterator[str]:
    what = "First fault" if fault.index is None else "First bad entry"
    yield f"  {what}: {fault_sentence(fault)}."
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


def _tail_lines(verdict: Verdict) -> Iterator[str]:
    covered = countersigned(verdict)
    for station, size in covered.items():
        yield f"  {station} countersigned the first {_count(size, 'entry', 'entries')}."
    known = max(covered.values(), default=0)
    if known < verdict.entries:
        tail = _span(known, verdict.entries)
        yield (
            f"  {tail}: countersigned by nobody yet, so {verdict.station} alone vouches for "
            f"{_them(verdict.entries - known)}."
        )


def reconciliation_lines(ours: Verdict, theirs: Verdict, found: Reconciliation) -> Iterator[str]:
    """Yield what holding two ledgers against each other says."""
    names = f"{ours.station or 'one ledger'} and {theirs.station or 'the other'}"
    if not found.ok:
        yield f"The ledgers of {names} DO NOT RECONCILE."
        yield from _told("  ", [f"{fault}." for fault in found.faults])
    else:
        statements = _count(found.statements, "statement", "statements")
        yield (
            f"The ledgers of {names} RECONCILE: {statements}, {found.receipted} receipted, "
            "no contradiction."
        )
    yield from _one_sided(ours, theirs, found.only_ours)
    yield from _one_sided(theirs, ours, found.only_theirs)
    yield from _told("  Note: ", found.notes)


def _one_sided(sender: Verdict, receiver: Verdict, digests: Sequence[Digest]) -> Iterator[str]:
    if not digests:
        return
    tokens = ", ".join(token_of(digest.hex()) for digest in digests[:MAX_TOLD])
    more = f" and {len(digests) - MAX_TOLD} more" if len(digests) > MAX_TOLD else ""
    sent = _count(len(digests), "statement", "statements")
    yield f"  {sent} of {sender.station} not recorded at {receiver.station}: {tokens}{more}."


def fault_sentence(fault: Fault) -> str:
    """Return a fault without its full stop; the kind of an entry by name."""

    def named(match: re.Match[str]) -> str:
        event = EVENTS.get(int(match[1]))
        return f"({event.__name__}," if event else match[0]

    return _KIND.sub(named, fault.sentence())


def countersigned(verdict: Verdict) -> dict[str, int]:
    """Return for each station that countersigned the size of the largest head it did."""
    return {name.rpartition("/")[2]: size for name, size in sorted(verdict.cosigned.items())}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON: digests in hex, entries by their number."""
    first = verdict.first_fault
    return {
        "ok": verdict.ok,
        "station": verdict.station,
        "realm": None if verdict.realm is None else verdict.realm.value,
        "line": None if verdict.line is None else verdict.line.hex(),
        "line_name": verdict.line_name,
        "members": list(verdict.members),
        "origin": verdict.origin,
        "entries": verdict.entries,
        "root": verdict.root.hex(),
        "stands": verdict.stands,
        "countersigned": countersigned(verdict),
        "identity": "not established",
        "root_words": dict(verdict.root_words),
        "first_fault": None if first is None else _fault_json(first),
        "faults": [_fault_json(fault) for fault in verdict.faults],
        "notes": list(verdict.notes),
    }


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {"entry": fault.index, "where": fault.where, "what": fault.what}


def reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    """Return a reconciliation as JSON: digests in hex, indexes both included."""
    return {
        "ok": found.ok,
        "statements": found.statements,
        "receipted": found.receipted,
        "only_ours": [digest.hex() for digest in found.only_ours],
        "only_theirs": [digest.hex() for digest in found.only_theirs],
        "missing_tail": [
            {"station": tail.station, "first": tail.first, "last": tail.last}
            for tail in found.missing_tail
        ],
        "faults": list(found.faults),
        "notes": list(found.notes),
    }


def _told(prefix: str, sentences: Sequence[str]) -> Iterator[str]:
    yield from (f"{prefix}{one}" for one in sentences[:MAX_TOLD])
    if len(sentences) > MAX_TOLD:
        yield f"{prefix}{len(sentences) - MAX_TOLD} more"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _span(start: int, stop: int) -> str:
    """Name the entries of [start, stop)."""
    return f"Entry {start}" if stop - start == 1 else f"Entries {start} to {stop - 1}"


def _s(number: int) -> str:
    return "s" if number == 1 else ""


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
