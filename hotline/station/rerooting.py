"""A station's root is followed by the one it committed to.

The seeds of the root after the new one are in root.key before the record speaks of
it, and the old root goes after the record does. Cut short, the same call goes on.
Spec: docs/protocol.md §4.24
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.trust import admit_record
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.enrol import make_successor
from hotline.sealing.hybrid import HybridSeeds, HybridSigner, draw_hybrid_seeds
from hotline.sealing.root import Root, read_root
from hotline.station.home import ED25519, MLDSA65, hybrid_seeds
from hotline.station.introducing import root_changed
from hotline.station.revoking import root_of, take_into_card
from hotline.station.upkeep import Work

ROOT, NEXT, AFTER = "root", "next", "after"


def succeed_root(work: Work, root_file: Path | None = None) -> Root:
    """Bring the committed successor of the station's root into office; return it.

    The other station learns of it when the line is up; until its officers have compared
    the words, nothing counts there that the new root certifies.

    Raises:
        OperatorError: no root key there, a wrong passphrase, or another root's.
        StorageError: the disk refused; the same call goes on.
    Spec: docs/protocol.md §4.24
    """
    path = root_file or work.bench.home.keys / "root.key"
    if not path.is_file():
        raise OperatorError(
            f"{path.name} is not there", hint="bring it from where it is kept, and name it"
        )
    held = read_key_file(path, work.bench.passphrase(path))
    line = work.opened.line
    newest = line.roster.lineages[line.station].newest
    if not _is_in_office(held.seeds, newest):
        root = root_of(work, path)
        after = _after(held.seeds) or draw_hybrid_seeds(work.bench.entropy)
        _write(work, path, held, {**held.seeds, **_named(AFTER, after)})
        record = make_successor(root, after, at_ms=work.bench.clock()).record
        newest = _admit(work, record)
        held = read_key_file(path, work.bench.passphrase(path))
    _move_up(work, path, held)
    return newest


def _is_in_office(seeds: Mapping[str, bytes], newest: Root) -> bool:
    """Return whether the record of the next root stands already and only the file is behind."""
    staged = _after(seeds) is not None
    return staged and HybridSigner(hybrid_seeds(seeds, NEXT)).public_key == newest.key


def _after(seeds: Mapping[str, bytes]) -> HybridSeeds | None:
    return hybrid_seeds(seeds, AFTER) if f"{AFTER}/{ED25519}" in seeds else None


def _admit(work: Work, record: bytes) -> Root:
    line = work.opened.line
    try:
        roster, root = line.roster.with_successor(read_root(record))
    except PeerError as error:
        raise OperatorError(str(error), hint="use the key file of the root that counts") from error
    changed = root_changed(line.roster, roster, line.station)
    line.admit(roster)
    work.record(*admit_record(AdmitRecord(root.digest.hex(), record, changed)).events)
    take_into_card(work, record)
    return root


def _move_up(work: Work, path: Path, held: KeyFile) -> None:
    """Let the next root take the place of the old one, and the one after it that of the next."""
    moved = _named(ROOT, hybrid_seeds(held.seeds, NEXT))
    moved |= _named(NEXT, hybrid_seeds(held.seeds, AFTER))
    kept = {
        name: seed
        for name, seed in held.seeds.items()
        if name.partition("/")[0] not in (ROOT, NEXT, AFTER)
    }
    _write(work, path, held, {**kept, **moved})


def _write(work: Work, path: Path, held: KeyFile, seeds: Mapping[str, bytes]) -> None:
    passphrase, entropy = work.bench.passphrase(path), work.bench.entropy
    changed = KeyFile(held.station, held.realm, seeds)
    write_key_file(path, changed, passphrase, entropy=entropy, replace=True, wipe=True)


def _named(name: str, seeds: HybridSeeds) -> dict[str, bytes]:
    return {f"{name}/{ED25519}": seeds.ed25519, f"{name}/{MLDSA65}": seeds.mldsa65}
