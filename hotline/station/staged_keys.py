"""A new key beside the old one in console.key, and how it takes the old one's place.

The new key is on the disk before anything speaks of it, and the old one goes when the
new one counts. What a crash leaves is found by its name.
Spec: docs/ledger.md §20.10, docs/enrolment.md §10.2
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.seams import Entropy
from hotline.host.keyfile import KeyFile, read_key_file, write_key_file
from hotline.sealing.hybrid import HybridSeeds

_HALVES = ("ed25519", "mldsa65")
_NEXT = "-next"


def key_pair(seeds: Mapping[str, bytes], name: str) -> HybridSeeds:
    """Return the pair of seeds that a key file keeps under `name`.

    Raises:
        OperatorError: it keeps none.
    """
    try:
        return HybridSeeds(*(seeds[f"{name}/{half}"] for half in _HALVES))
    except KeyError as error:
        raise OperatorError(f"the key file holds no {name} key") from error


def staged_pair(seeds: Mapping[str, bytes], name: str) -> HybridSeeds | None:
    """Return the key that is to follow the one of that name, None when none was made."""
    return key_pair(seeds, name + _NEXT) if f"{name}{_NEXT}/{_HALVES[0]}" in seeds else None


def stage_pair(
    path: Path, name: str, made: HybridSeeds, passphrase: str | None, entropy: Entropy
) -> None:
    """Put a new key beside the old one in a key file, durably; nothing uses it yet.

    Raises:
        StorageError: the disk refused.
    """
    held = read_key_file(path, passphrase)
    _write(path, held, {**held.seeds, **_named(name + _NEXT, made)}, passphrase, entropy)


def adopt_pair(path: Path, name: str, passphrase: str | None, entropy: Entropy) -> None:
    """Put the staged key in the place of the old one, which is overwritten.

    Raises:
        OperatorError: none is staged.
        StorageError: the disk refused.
    """
    held = read_key_file(path, passphrase)
    staged = key_pair(held.seeds, name + _NEXT)
    kept = {one: seed for one, seed in held.seeds.items() if not one.startswith(name + _NEXT)}
    _write(path, held, {**kept, **_named(name, staged)}, passphrase, entropy)


def _write(
    path: Path,
    held: KeyFile,
    seeds: Mapping[str, bytes],
    passphrase: str | None,
    entropy: Entropy,
) -> None:
    renewed = KeyFile(held.station, held.realm, seeds)
    write_key_file(path, renewed, passphrase, entropy=entropy, replace=True, wipe=True)


def _named(name: str, seeds: HybridSeeds) -> dict[str, bytes]:
    return {f"{name}/{_HALVES[0]}": seeds.ed25519, f"{name}/{_HALVES[1]}": seeds.mldsa65}
