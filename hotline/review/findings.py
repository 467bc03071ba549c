"""Verdicts and reconciliations as JSON for a machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hotline.core.records.add_checkpoint import WitnessKey
from hotline.ledger.reconcile import Reconciliation
from hotline.ledger.verdict import Fault, Verdict
from hotline.review.generations import Generations
from hotline.review.identity import Identity
from hotline.review.outsiders import outsiders_json


def countersigned(verdict: Verdict) -> dict[str, int]:
    """Return for each station that countersigned the size of the largest head it did."""
    return {name.rpartition("/")[2]: size for name, size in sorted(verdict.cosigned.items())}


def verdict_json(
    verdict: Verdict,
    known: Identity,
    past: Generations | None = None,
    trusted: frozenset[WitnessKey] = frozenset(),
) -> dict[str, Any]:
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
        "exported": verdict.exported,
        "outside_witnesses": outsiders_json(verdict, trusted),
        "identity": known.word,
        "root_words": dict(verdict.root_words),
        "first_fault": None if first is None else _fault_json(first),
        "faults": [_fault_json(fault) for fault in verdict.faults],
        "notes": list(verdict.notes),
        "examined": {**asdict(verdict.examined), "passed_over": verdict.examined.passed_over},
        "since": None
        if verdict.since is None
        else {"size": verdict.since.size, "root": verdict.since.root.hex()},
        "generations": None if past is None else _past_json(past, known, trusted),
    }


def _past_json(
    past: Generations, known: Identity, trusted: frozenset[WitnessKey]
) -> dict[str, Any]:
    return {
        "ok": past.ok,
        "faults": list(past.faults),
        "notes": list(past.notes),
        "earlier": [verdict_json(one.verdict, known, trusted=trusted) for one in past.earlier],
        "before": [verdict_json(one.verdict, known, trusted=trusted) for one in past.before],
        "left_behind": [
            {
                "generation": one.generation,
                "opened": one.opened,
                "kept_size": one.kept_size,
                "kept_root": one.kept_root.hex(),
                "countersigned_size": one.countersigned_size,
                "countersigned_root": one.countersigned_root.hex(),
                "officers": list(one.officers),
                "reason": one.reason,
                "at_ms": one.at_ms,
            }
            for one in past.records
        ],
    }


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "entry": fault.index,
        "where": fault.where,
        "what": fault.what,
        "damage": fault.damage.value,
    }


def identity_json(known: Identity) -> dict[str, Any]:
    """Return what the cards say of the members' roots."""
    return {
        "state": known.word,
        "established": list(known.established),
        "open": dict(known.open),
        "strange": list(known.strange),
    }


def reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    """Return a reconciliation as JSON: digests in hex, indexes both included."""
    return {
        "ok": found.ok,
        "statements": found.statements,
        "receipted": found.receipted,
        "only_ours": [digest.hex() for digest in found.only_ours],
        "only_theirs": [digest.hex() for digest in found.only_theirs],
        "only_ours_count": found.only_ours_count,
        "only_theirs_count": found.only_theirs_count,
        "missing_tail": [
            {"station": tail.station, "first": tail.first, "last": tail.last}
            for tail in found.missing_tail
        ],
        "faults": list(found.faults),
        "notes": list(found.notes),
    }
