"""Outside witnesses: whom the reviewer trusts, and what a ledger holds of them.

The ledger's record says which witnesses the station named. Whether such a key is
the witness's the reviewer must know: what comes with evidence vouches for nobody.
Spec: docs/ledger.md §11.8
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from hotline.core.errors import OperatorError, PeerError
from hotline.core.records.add_checkpoint import WitnessKey, decode_vkey, encode_vkey
from hotline.core.records.checkpoint import format_note, parse_note, verify_cosignature
from hotline.ledger.verdict import Verdict
from hotline.sealing.ed25519 import verify_ed25519


def read_witnesses(vkeys: Sequence[str]) -> frozenset[WitnessKey]:
    """Return the keys of the witnesses that a reviewer trusts.

    Raises:
        OperatorError: one is no key of a witness.
    """
    try:
        return frozenset(map(decode_vkey, vkeys))
    except PeerError as error:
        raise OperatorError(str(error), hint="copy the witness's key once more") from error


def cosigned_by(note: bytes, trusted: Collection[WitnessKey]) -> dict[WitnessKey, int]:
    """Return which of the trusted witnesses signed a head's note, and how many entries it has.

    Raises:
        PeerError: it is no note.
    """
    parsed = parse_note(note)
    found = {}
    for line in parsed.signatures:
        alone = format_note(parsed.checkpoint, [line])
        for key in trusted:
            with contextlib.suppress(PeerError):
                verify_cosignature(alone, key.name, [key.public_key], verify_ed25519)
                found[key] = parsed.checkpoint.size
    return found


def outsider_lines(verdict: Verdict, trusted: Collection[WitnessKey]) -> Iterator[str]:
    """Yield what outside witnesses countersigned: the trusted ones, then the station's own word."""
    for key, size in _sorted(verdict):
        entries = "entry" if size == 1 else f"{size} entries"
        if key in trusted:
            yield f"  The outside witness {key.name} countersigned the first {entries}."
        else:
            yield (
                f"  Not counted: {key.name} countersigned the first {entries}, by a key that "
                f"{verdict.station} itself named; --witness with the witness's own key counts it."
            )


def missing_lines(verdicts: Iterable[Verdict], trusted: Collection[WitnessKey]) -> Iterator[str]:
    """Yield a line for each trusted witness that countersigned nothing here by that key."""
    found = {key for verdict in verdicts for key in verdict.outside}
    for name in sorted(key.name for key in set(trusted) - found):
        yield f"The outside witness {name} countersigned nothing of this by the key you gave."


def witnessed_size(verdict: Verdict, trusted: Collection[WitnessKey]) -> int:
    """Return how many entries a trusted outside witness countersigned, or 0."""
    return max((size for key, size in verdict.outside.items() if key in trusted), default=0)


def outsiders_json(verdict: Verdict, trusted: Collection[WitnessKey]) -> list[dict[str, Any]]:
    """Return for a machine which outside witnesses countersigned how much."""
    return [
        {"name": key.name, "vkey": encode_vkey(key), "size": size, "trusted": key in trusted}
        for key, size in _sorted(verdict)
    ]


def _sorted(verdict: Verdict) -> list[tuple[WitnessKey, int]]:
    return sorted(verdict.outside.items(), key=lambda one: (one[0].name, one[0].public_key))
