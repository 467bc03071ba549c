"""What an attack finds: two linked ledgers, older copies of them, and every key.

The line is the one of tests/ledger/rig.py with long-lasting signatures added.
Nothing here is secret from the attacker of a test: who holds the ledger key may
sign, who holds the content key may seal.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hotline.core import canonical
from hotline.core.errors import PeerError
from hotline.core.records.checkpoint import (
    cosign,
    parse_cosignature,
    parse_note,
    verify_checkpoint,
)
from hotline.core.records.lasting import cosign_lasting, sign_lasting
from hotline.core.seams import LedgerIdentity
from hotline.ledger.heads import Head
from hotline.ledger.store import Ledger
from hotline.sealing.mldsa import MldsaSigner
from tests.ledger import rig
from tests.ledger.rig import NOW_MS, Key, Station, admit, deliver, draft, verifier

OUTSIDER = "witness.example/w1"
"""An outside witness that the records of NORTH name; its key is the one from b"outsider"."""
OUTSIDE_SIZE = 10
BACKUP_STATEMENTS = 3
STATEMENTS = 6


@cache
def lasting_key(station: str) -> MldsaSigner:
    """Return the ML-DSA-65 half of a station's ledger key."""
    return MldsaSigner(hashlib.sha256(b"lasting " + station.encode()).digest())


def identify(records: Sequence[bytes]) -> LedgerIdentity:
    """As the rig's, with the long-lasting halves of the keys; strict as the product's is.

    Raises:
        PeerError: a record is malformed.
        IntegrityError: a record is signed by nobody known.
    """
    keys = {name: (lasting_key(name).public_key,) for name in ("NORTH", "SOUTH")}
    try:
        for record in records:
            envelope = canonical.decode(record, what="record", max_bytes=10_000)
            (signature,) = envelope["signatures"]
            if canonical.encode(envelope) != record or signature["keyid"] != "root":
                raise PeerError("a public record is not spelt as it was signed")
        named = {"NORTH": {OUTSIDER: (Key(b"outsider").public_key,)}}
        return replace(rig.identify(records), lasting_keys=keys, outside_keys=named)
    except (KeyError, TypeError, IndexError) as error:
        raise PeerError("a public record is malformed") from error


@dataclass(frozen=True)
class Scene:
    """Files of a line, spoilt by one attack or not.

    Attributes:
        north: Whose file is attacked; `north.home` also holds head.db.
        older: NORTH's directory as it was when half of the statements had gone.
        at_work: NORTH's directory as it was copied while the ledger was open: its
            last transactions are in the write-ahead log only.
    """

    north: Station
    south: Station
    older: Path
    at_work: Path

    @classmethod
    def under(cls, directory: Path) -> Scene:
        """Return the scene whose files lie under `directory`."""
        return cls(
            Station("NORTH", directory / "north"),
            Station("SOUTH", directory / "south"),
            directory / "older",
            directory / "at-work",
        )

    def copy(self, directory: Path) -> Scene:
        """Return a copy that may be spoilt."""
        shutil.copytree(self.north.home.parent, directory, dirs_exist_ok=True)
        return Scene.under(directory)

    def take(self, directory: Path) -> None:
        """Put another copy of NORTH's ledger, and not of its head.db, in the place of NORTH's."""
        for name in ("ledger.db", "ledger.db-wal"):
            (self.north.home / name).unlink(missing_ok=True)
            if (directory / name).exists():
                shutil.copy(directory / name, self.north.home / name)


def sign_for_long(station: Station, ours: Ledger, head: Head, witness: Station) -> None:
    """Add the station's and the witness's long-lasting signatures on a head of ours."""
    checkpoint = verify_checkpoint(head.note, [station.key.public_key], verifier)
    mine = sign_lasting(checkpoint, lasting_key(station.name))
    at_s = NOW_MS // 1000
    theirs = cosign_lasting(checkpoint, witness.witness_name, lasting_key(witness.name), at_s)
    ours.append(lasting=[mine, theirs])


def play(directory: Path, *, statements: int = STATEMENTS) -> Scene:
    """Let the line work under `directory`, keeping the copies that attacks need."""
    scene = Scene.under(directory)
    north, south = scene.north, scene.south
    ours, theirs = north.create(), south.create()
    admit(ours)
    admit(theirs)
    for number in range(statements):
        if number == statements // 2:
            ours.close()
            shutil.copytree(north.home, scene.older)
            ours = north.open()
        sides = (north, ours, south, theirs) if number % 2 == 0 else (south, theirs, north, ours)
        deliver(*sides, number)
    sign_for_long(north, ours, ours.append([draft(90)]), south)
    seen = parse_note(ours.head(min(OUTSIDE_SIZE, ours.size))).checkpoint
    outside = cosign(seen, OUTSIDER, Key(b"outsider"), NOW_MS // 1000)
    ours.append(cosignatures=[parse_cosignature(outside)])
    # From here on in a write-ahead log of its own: short enough to flip every bit of it.
    ours.close()
    ours = north.open()
    deliver(north, ours, south, theirs, statements)
    ours.append([draft(91), draft(92)])
    shutil.copytree(north.home, scene.at_work)
    ours.close()
    theirs.close()
    return scene
