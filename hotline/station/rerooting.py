"""A station's root is followed by the one it committed to.

The seeds of the root after the new one are on the disk before the record speaks of
it, and the old root goes after the record does. Cut short, the same call goes on.
Spec: docs/protocol.md §4.24
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.trust import admit_record
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.enrol import make_successor
from hotline.sealing.hybrid import HybridSeeds, HybridSigner, draw_hybrid_seeds
from hotline.sealing.root import Root, read_root
from hotline.station.amending import check_keys_stay
from hotline.station.home import ED25519, MLDSA65, hybrid_seeds, read_card
from hotline.station.identity import STATION_FILE, take_from_line
from hotline.station.introducing import root_changed
from hotline.station.laying import ROOT_KEY, SUCCESSOR_KEY
from hotline.station.revoking import root_of, take_into_card
from hotline.station.upkeep import Work

ROOT, NEXT, AFTER = "root", "next", "after"


def succeed_root(
    work: Work, root_file: Path | None = None, successor_file: Path | None = None
) -> Root:
    """Bring the committed successor of the station's root into office; return it.

    The other station learns of it when the line is up; until its officers have compared
    the words, nothing counts there that the new root certifies.

    Args:
        root_file: Where root.key is, if not in the home.
        successor_file: Likewise successor.key; not needed where root.key holds both.
    Raises:
        OperatorError: no such key there, a wrong passphrase, or another root's.
        StorageError: the disk refused; the same call goes on.
    Spec: docs/protocol.md §4.24
    """
    check_keys_stay(work.bench.home)
    kept = _KeyFiles.open(work, root_file, successor_file)
    newest = work.opened.line.roster.lineages[work.opened.line.station].newest
    if not _is_in_office(kept.seeds, newest):
        root = replace(root_of(work, kept.root), next_seeds=hybrid_seeds(kept.seeds, NEXT))
        after = _after(kept.seeds) or draw_hybrid_seeds(work.bench.entropy)
        kept.stage(work, after)
        record = make_successor(root, after, at_ms=work.bench.clock()).record
        newest = _admit(work, record)
    home, directory = work.bench.home, work.opened.directory
    if (home.path / STATION_FILE).exists():
        # A drill's home has none.
        take_from_line(home, read_card(directory), work.opened.line.roster)
    kept.move_up(work)
    return newest


@dataclass(slots=True)
class _KeyFiles:
    """root.key, and successor.key where the succession is kept apart.

    Attributes:
        seeds: What both hold, by name.
    """

    root: Path
    successor: Path | None
    held: KeyFile
    seeds: dict[str, bytes] = field(repr=False)

    @classmethod
    def open(cls, work: Work, root: Path | None, successor: Path | None) -> _KeyFiles:
        """Unlock them.

        Raises:
            OperatorError: one is not there, does not open, or is another station's.
        """
        keys = work.bench.home.keys
        root = _found(root or keys / ROOT_KEY, "--root")
        held = read_key_file(root, work.bench.passphrase(root))
        if f"{NEXT}/{ED25519}" in held.seeds:
            return cls(root, None, held, dict(held.seeds))
        successor = _found(successor or keys / SUCCESSOR_KEY, "--successor")
        beside = read_key_file(successor, work.bench.passphrase(successor))
        if f"{NEXT}/{ED25519}" not in beside.seeds or beside.station != held.station:
            raise OperatorError(
                f"{successor.name} holds no successor of this station's root",
                hint="name the successor.key that was made with it",
            )
        return cls(root, successor, held, {**held.seeds, **beside.seeds})

    def stage(self, work: Work, after: HybridSeeds) -> None:
        """Keep the root after the next one, before any record speaks of it."""
        self.seeds |= _named(AFTER, after)
        if self.successor is None:
            self._write(work, self.root, self.seeds)
        else:
            self._write(work, self.successor, self._of(NEXT, AFTER))

    def move_up(self, work: Work) -> None:
        """Let the next root take the old one's place, and the one after it that of the next.

        root.key first: with the record in office and successor.key as it was, the same
        call finds out and goes on.
        """
        others = {
            name: seed
            for name, seed in self.held.seeds.items()
            if name.partition("/")[0] not in (ROOT, NEXT, AFTER)
        }
        root = {**others, **_named(ROOT, hybrid_seeds(self.seeds, NEXT))}
        following = _named(NEXT, hybrid_seeds(self.seeds, AFTER))
        if self.successor is None:
            self._write(work, self.root, {**root, **following})
        else:
            self._write(work, self.root, root)
            self._write(work, self.successor, following)

    def _of(self, *names: str) -> dict[str, bytes]:
        return {n: seed for n, seed in self.seeds.items() if n.partition("/")[0] in names}

    def _write(self, work: Work, path: Path, seeds: Mapping[str, bytes]) -> None:
        passphrase, entropy = work.bench.passphrase(path), work.bench.entropy
        changed = KeyFile(self.held.station, self.held.realm, seeds)
        write_key_file(path, changed, passphrase, entropy=entropy, replace=True, wipe=True)


def _found(path: Path, option: str) -> Path:
    if not path.is_file():
        hint = f"bring it from where it is kept, and name it with {option}"
        raise OperatorError(f"{path.name} is not there", hint=hint)
    return path


def _is_in_office(seeds: Mapping[str, bytes], newest: Root) -> bool:
    """Return whether the record of the next root stands already and only the files are behind."""
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


def _named(name: str, seeds: HybridSeeds) -> dict[str, bytes]:
    return {f"{name}/{ED25519}": seeds.ed25519, f"{name}/{MLDSA65}": seeds.mldsa65}
