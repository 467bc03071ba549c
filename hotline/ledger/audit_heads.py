"""The signatures over a run of entries: heads, cosignatures, long-lasting ones.

A head that nobody asks for costs as much to judge as a hundred entries; so by
default only those are judged on which somebody may rely: the newest one, those
signed for long, and what each witness countersigned last.
Spec: docs/ledger.md §11.4
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.checkpoint import (
    COSIGNATURE_V1,
    ED25519,
    Checkpoint,
    Origin,
    hands_over,
    key_id,
    parse_note,
    verify_checkpoint,
    verify_cosignature,
)
from hotline.core.records.lasting import lasting_key_id, parse_lasting, verify_lasting
from hotline.core.seams import LedgerIdentity, Verifier
from hotline.core.values import Digest
from hotline.ledger.audit_tree import Growth
from hotline.ledger.schema import KEY_CHANGED_KIND
from hotline.ledger.verdict import MAX_FAULTS, Damage, Fault

FIRST_SIZE, LAST_SIZE = -(2**63), 2**63 - 1
"""Bounds of SQLite's integers: whatever stands in a size column is judged with some block."""

_HEADS = """SELECT size, note FROM head WHERE size BETWEEN ?1 AND ?2 AND (?3 OR size = ?4
 OR size IN (SELECT size FROM lasting WHERE signer = ?5)
 OR size IN (SELECT idx + 1 FROM entry WHERE kind = ?6)) ORDER BY size"""
_COSIGNATURES = """SELECT size, note FROM cosignature
 WHERE signer = ?1 AND size BETWEEN ?2 AND ?3 AND (?4 OR size = ?5) ORDER BY size"""
_LASTING = "SELECT size, note FROM lasting WHERE signer = ? AND size BETWEEN ? AND ? ORDER BY size"


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose ledger it is and whose keys may sign what.

    Attributes:
        lasting_verifier: Checks ML-DSA-65, None when nobody can.
    """

    origin: str
    parsed: Origin
    identity: LedgerIdentity
    verifier: Verifier
    lasting_verifier: Verifier | None = None

    def keys_of(self, station: str) -> Sequence[bytes]:
        """Return the certified ledger keys of a member, none for a stranger."""
        return self.identity.ledger_keys.get(station, ())

    def lasting_keys_of(self, station: str) -> Sequence[bytes]:
        """Return the halves of the same keys that sign for long."""
        return self.identity.lasting_keys.get(station, ())

    def others(self) -> list[str]:
        """Return the members that are not the ledger's own station."""
        return [name for name in self.identity.members if name != self.parsed.station]

    def outside_keys_of(self, signer: str) -> Sequence[bytes]:
        """Return the keys of an outside witness that the ledger's own station named."""
        return self.identity.outside_keys.get(self.parsed.station, {}).get(signer, ())

    def cosigner_keys_of(self, signer: str) -> Sequence[bytes]:
        """Return the keys that may cosign under a key name; a member's name is the member's.

        Spec: docs/ledger.md §16.13
        """
        station = self.witness_of(signer)
        return self.keys_of(station) if station else self.outside_keys_of(signer)

    def witness_of(self, signer: str) -> str:
        """Return the other member whose cosignature key name that is, or nothing."""
        own = f"hotline/{self.parsed.realm}/{self.parsed.line}/"
        name = signer.removeprefix(own)
        return name if signer.startswith(own) and name in self.others() else ""


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """Which signatures are judged; the same for all blocks.

    Attributes:
        audit: Every stored one.
        newest: Size of the newest head.
        cosigned: For each witness the size of its newest cosignature.
        lasting: Key names under which long-lasting signatures on this log are stored.
    """

    parties: Parties
    audit: bool
    newest: int
    cosigned: dict[str, int]
    lasting: tuple[str, ...]


@dataclass(slots=True)
class HeadsFound:
    """What the signatures that end in a block show.

    Attributes:
        good: Size of the largest head that verifies over the entries, -1 for none.
        contradicts: A head is signed as it should be and its root or size is not
            that of the entries.
        faults: MAX_FAULTS at most.
        cosigned: For each member the largest size at which its cosignature verifies.
        outside: The same for each outside witness that the station named, by name and key.
    """

    good: int = -1
    contradicts: bool = False
    faults: list[Fault] = field(default_factory=list)
    cosigned: dict[str, int] = field(default_factory=dict)
    outside: dict[WitnessKey, int] = field(default_factory=dict)
    heads: int = 0
    cosignatures: int = 0
    lasting: int = 0

    def blame(self, what: str, where: str, damage: Damage) -> None:
        """Add a fault, once there are enough of them none."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(None, what, where, damage))


def judge_heads(
    connection: sqlite3.Connection, plan: HeadPlan, low: int, high: int, growth: Growth
) -> HeadsFound:
    """Judge what is signed at the sizes `low` to `high`, both included, over `growth`."""
    found = HeadsFound()
    for checkpoint in good_heads(connection, plan, low, high, found):
        found.heads += 1
        if _root(growth, checkpoint.size) == checkpoint.root:
            found.good = checkpoint.size
        else:
            found.contradicts = True
    for signer, newest in plan.cosigned.items():
        values = (signer, low, high, plan.audit, newest)
        for size, note in connection.execute(_COSIGNATURES, values):
            found.cosignatures += 1
            root = _root(growth, size)
            judge_cosignature(plan.parties, signer, size, note, root, found)
    for signer in plan.lasting:
        for size, note in connection.execute(_LASTING, (signer, low, high)):
            found.lasting += 1
            _judge_lasting(plan.parties, signer, size, note, _root(growth, size), found)
    return found


def _root(growth: Growth, size: int) -> Digest | None:
    """Return the root at a size that the run reaches."""
    reached = growth.before.size <= size <= growth.after.size
    return growth.root_at(size) if reached else None


def good_heads(
    connection: sqlite3.Connection, plan: HeadPlan, low: int, high: int, found: HeadsFound
) -> Iterator[Checkpoint]:
    """Yield the planned heads that are of this log and signed by its key; blame the others."""
    parties = plan.parties
    keys = parties.keys_of(parties.parsed.station)
    values = (low, high, plan.audit, plan.newest, parties.origin, KEY_CHANGED_KIND)
    for size, note in connection.execute(_HEADS, values):
        where = f"the head of size {size}"
        try:
            checkpoint = verify_checkpoint(note, keys, parties.verifier)
        except PeerError as error:
            damage = signature_damage(note, keys, _ed25519_id)
            found.blame(f"it was altered: {error}", where, damage)
            continue
        if (checkpoint.size, checkpoint.origin) != (size, parties.origin):
            found.blame("it is of another log or size", where, Damage.INSERTED)
            continue
        if hands_over(note) and not _changes_key(connection, size):
            found.blame("two keys signed it over no change of the key", where, Damage.INSERTED)
            continue
        yield checkpoint


def _changes_key(connection: sqlite3.Connection, size: int) -> bool:
    """Return whether the newest entry under a head changes the ledger key.

    Spec: docs/ledger.md §7.7
    """
    row = connection.execute("SELECT kind FROM entry WHERE idx = ?", (size - 1,)).fetchone()
    return row is not None and row[0] == KEY_CHANGED_KIND


def judge_cosignature(
    parties: Parties, signer: str, size: int, note: bytes, root: Digest | None, found: HeadsFound
) -> None:
    """Count a witness's cosignature that is on the root at that size; blame any other."""
    where = f"a cosignature on the head of size {size}"
    keys = parties.cosigner_keys_of(signer)
    try:
        checkpoint = verify_cosignature(note, signer, keys, parties.verifier).checkpoint
    except PeerError as error:
        found.blame(f"it was altered: {error}", where, signature_damage(note, keys, _cosigner_id))
        return
    if root is None or checkpoint != Checkpoint(parties.origin, size, root):
        forked = (checkpoint.origin, checkpoint.size) == (parties.origin, size)
        damage = Damage.FORKED if forked else Damage.INSERTED
        found.blame("the witness saw another log than this one", where, damage)
    elif parties.witness_of(signer):
        found.cosigned[signer] = max(size, found.cosigned.get(signer, 0))
    else:
        outside = WitnessKey(signer, _key_behind(note, signer, keys, parties.verifier))
        found.outside[outside] = max(size, found.outside.get(outside, 0))


def _key_behind(note: bytes, signer: str, keys: Sequence[bytes], verifier: Verifier) -> bytes:
    """Return which of `keys` made a cosignature that verifies by one of them.

    Not by the key id: another key with the same four bytes can be searched for.
    """
    *others, last = keys
    for key in others:
        with contextlib.suppress(PeerError):
            verify_cosignature(note, signer, [key], verifier)
            return key
    return last


def _judge_lasting(
    parties: Parties, signer: str, size: int, note: bytes, root: Digest | None, found: HeadsFound
) -> None:
    where = f"a long-lasting signature on the head of size {size}"
    own = signer == parties.origin
    station = parties.parsed.station if own else parties.witness_of(signer)
    what = lasting_fault(parties, signer, station, note)
    if what:
        damage = signature_damage(note, parties.lasting_keys_of(station), lasting_key_id)
        found.blame(what, where, damage)
    elif root is None or parse_note(note).checkpoint != Checkpoint(parties.origin, size, root):
        found.blame("it is on another log than this one", where, Damage.FORKED)


def lasting_fault(parties: Parties, signer: str, station: str, note: bytes) -> str | None:
    """Return what is wrong with a long-lasting signature by `station`, or None."""
    keys, check = parties.lasting_keys_of(station), parties.lasting_verifier
    try:
        if not station:
            raise PeerError("its signer is no member of the line")
        head = parse_lasting(note) if check is None else verify_lasting(note, signer, keys, check)
    except PeerError as error:
        return f"it was altered: {error}"
    return None if head.signer == signer else "it was altered: it names another signer"


def signature_damage(
    note: bytes, keys: Sequence[bytes], id_of: Callable[[str, bytes], bytes]
) -> Damage:
    """Tell a signature that was spoiled from one by a key that nobody certified."""
    try:
        signatures = parse_note(note).signatures
    except PeerError:
        return Damage.ALTERED
    known = any(one.key_id == id_of(one.name, key) for one in signatures for key in keys)
    return Damage.ALTERED if known else Damage.UNKNOWN_KEY


def _ed25519_id(name: str, key: bytes) -> bytes:
    return key_id(name, key, ED25519)


def _cosigner_id(name: str, key: bytes) -> bytes:
    return key_id(name, key, COSIGNATURE_V1)
