"""The key file: seeds at rest, sealed under a passphrase (docs/protocol.md §4.13).

Two lines of text: a header in canonical JSON, which names the parameters and
is authenticated, and base64 of commitment 32 ‖ nonce 24 ‖ XChaCha20-Poly1305.
"""

from __future__ import annotations

import glob
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import nacl.bindings as sodium
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from pydantic import BaseModel, ConfigDict, ValidationError

from hotline.core import canonical
from hotline.core.errors import InvariantError, OperatorError, PeerError, StorageError
from hotline.core.messages.statement import StationName
from hotline.core.seams import Entropy
from hotline.core.values import Realm

FORMAT: Final = "hotline-key-file-1"
MAX_FILE_BYTES = 262_144
MAX_SEEDS = 1_024
MAX_NAME_CHARACTERS = 160
MAX_SEED_BYTES = 256
SALT_BYTES = 16
MIN_OPERATIONS, MAX_OPERATIONS = argon2id.OPSLIMIT_MODERATE, 16
MIN_MEMORY_BYTES, MAX_MEMORY_BYTES = argon2id.MEMLIMIT_MODERATE, 2**30
_KEY_BYTES = 32
_COMMITMENT_BYTES = 32
_NONCE_BYTES = 24
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file holds.

    Attributes:
        seeds: Name, as in "console/ed25519", to seed of 1 to MAX_SEED_BYTES.
    """

    station: str
    realm: Realm
    seeds: Mapping[str, bytes] = field(repr=False)


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["hotline-key-file-1"]
    memory_bytes: int
    operations: int
    protection: Literal["argon2id", "none"]
    realm: Literal["LIVE", "EXERCISE"]
    salt: str
    station: StationName


def write_key_file(
    path: Path,
    keys: KeyFile,
    passphrase: str | None,
    *,
    entropy: Entropy,
    replace: bool = False,
    wipe: bool = False,
) -> None:
    """Write a key file that is whole on disk, readable by its owner only, or not there.

    Args:
        path: Where; its directory exists.
        passphrase: None stores the seeds unprotected, for EXERCISE only.
        replace: Whether a file of that name may be replaced.
        wipe: Whether the bytes of the file that is replaced, and of part files that crashes
            left of it, are overwritten where they lie, once the new one is durable. The disk
            may hold copies all the same.
    Raises:
        OperatorError: a LIVE file without a passphrase, an empty passphrase, or
            `path` exists and may not be replaced.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.13
    """
    _check_protection(keys.realm, protected=passphrase is not None)
    if path.exists() and not replace:
        raise OperatorError(f"{path.name} exists already", hint="choose another name or move it")
    header = _write_header(keys, entropy(SALT_BYTES), protected=passphrase is not None)
    content = _seal(header, _derive(header, passphrase), keys.seeds, entropy)
    with _replaced(path, wipe and replace):
        _write_atomically(path, content, entropy(8).hex())


def _seal(header: bytes, derived: bytes, seeds: Mapping[str, bytes], entropy: Entropy) -> bytes:
    nonce = entropy(_NONCE_BYTES)
    sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        _write_seeds(seeds), header, nonce, derived[:_KEY_BYTES]
    )
    body = canonical.to_base64(derived[_KEY_BYTES:] + nonce + sealed).encode()
    return header + b"\n" + body + b"\n"


class OpenKeyFile:
    """A key file that can be written anew without its passphrase: its key stays in memory.

    Deriving that key takes half a second, which nobody has while a line is worked.
    """

    __slots__ = ("_derived", "_header", "keys", "path")

    def __init__(self, path: Path, keys: KeyFile, header: bytes, derived: bytes) -> None:
        """Hold an opened file; callers use `open_key_file`."""
        self.path, self.keys = path, keys
        self._header, self._derived = header, derived

    def rewrite(self, seeds: Mapping[str, bytes], entropy: Entropy) -> None:
        """Put `seeds` in the place of all others, durably, and overwrite what the file held.

        Raises:
            StorageError: the disk refused.
        Spec: docs/protocol.md §7.24
        """
        content = _seal(self._header, self._derived, seeds, entropy)
        with _replaced(self.path, wipe=True):
            _write_atomically(self.path, content, entropy(8).hex())
        self.keys = KeyFile(self.keys.station, self.keys.realm, dict(seeds))

    def __repr__(self) -> str:
        return f"OpenKeyFile({self.path.name})"


@contextmanager
def _replaced(path: Path, wipe: bool) -> Iterator[None]:
    """Hold on to the file at `path` while it is replaced, then overwrite what it held.

    So are the part files that crashes left of it: they hold what it held.
    """
    if not wipe or not path.exists():
        yield
        return
    try:
        with path.open("r+b") as old:
            yield
            _overwrite(old)
        for stray in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            if stray.is_file() and not stray.is_symlink():
                with suppress(FileNotFoundError), stray.open("r+b") as left:
                    # First: if it is another's, who moves it now, nothing of it is overwritten.
                    stray.unlink()
                    _overwrite(left)
    except OSError as error:
        raise StorageError(f"the disk refused to overwrite the old {path.name}") from error


def _overwrite(file: BinaryIO) -> None:
    file.write(bytes(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())


def is_protected(path: Path) -> bool:
    """Return whether a key file wants a passphrase; what is wrong with it `read_key_file` says."""
    try:
        header, _ = _read_lines(path)
        return _parse_header(header, path.name).protection != "none"
    except (OperatorError, StorageError):
        return False


def whose_key_file(path: Path) -> tuple[str, Realm]:
    """Return station and realm of a key file; no passphrase is needed, and nothing is proven.

    Raises:
        OperatorError: missing, no key file, or damaged.
        StorageError: the disk refused.
    """
    header, _ = _read_lines(path)
    parameters = _parse_header(header, path.name)
    return parameters.station, Realm(parameters.realm)


def read_key_file(path: Path, passphrase: str | None) -> KeyFile:
    """Return what a key file holds.

    Raises:
        OperatorError, StorageError: as `open_key_file`.
    Spec: docs/protocol.md §4.13
    """
    return open_key_file(path, passphrase).keys


def open_key_file(path: Path, passphrase: str | None) -> OpenKeyFile:
    """Open a key file.

    Raises:
        OperatorError: missing, no key file, damaged, a wrong or missing
            passphrase, weaker parameters than MODERATE, or unprotected and LIVE.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.13
    """
    header, body = _read_lines(path)
    parameters = _parse_header(header, path.name)
    protected = parameters.protection != "none"
    _check_protection(Realm(parameters.realm), protected=protected)
    if protected and passphrase is None:
        raise OperatorError(f"{path.name} needs its passphrase", hint="give the passphrase")
    derived = _derive(header, passphrase if protected else None)
    commitment = body[:_COMMITMENT_BYTES]
    if not hmac.compare_digest(commitment, derived[_KEY_BYTES:]):
        raise OperatorError(
            f"{path.name} does not open with that passphrase", hint="type the passphrase again"
        )
    plaintext = _open(body[_COMMITMENT_BYTES:], header, derived[:_KEY_BYTES], path.name)
    seeds = _read_seeds(plaintext, path.name)
    held = KeyFile(parameters.station, Realm(parameters.realm), seeds)
    return OpenKeyFile(path, held, header, derived)


def _check_protection(realm: Realm, *, protected: bool) -> None:
    if realm is Realm.LIVE and not protected:
        raise OperatorError(
            "a LIVE key file must be protected by a passphrase",
            hint="protect it, or use EXERCISE keys",
        )


def _damaged(name: str) -> OperatorError:
    return OperatorError(f"{name} is not a whole key file", hint="restore it from its backup")


def _write_header(keys: KeyFile, salt: bytes, *, protected: bool) -> bytes:
    header = _Header(
        format=FORMAT,
        memory_bytes=MIN_MEMORY_BYTES if protected else 0,
        operations=MIN_OPERATIONS if protected else 0,
        protection="argon2id" if protected else "none",
        realm=keys.realm.value,
        salt=canonical.to_base64(salt),
        station=keys.station,
    )
    return canonical.encode(header.model_dump())


def _parse_header(encoded: bytes, name: str) -> _Header:
    try:
        header = _Header.model_validate(canonical.decode(encoded, what=name, max_bytes=1_024))
        salt = canonical.from_base64(header.salt, what=name)
    except (PeerError, ValidationError) as error:
        raise _damaged(name) from error
    if len(salt) != SALT_BYTES:
        raise _damaged(name)
    # Bounds before work: a planted file must neither weaken the key nor eat the memory.
    if header.protection == "argon2id" and not (
        MIN_OPERATIONS <= header.operations <= MAX_OPERATIONS
        and MIN_MEMORY_BYTES <= header.memory_bytes <= MAX_MEMORY_BYTES
    ):
        raise OperatorError(f"{name} is protected by parameters outside the accepted bounds")
    return header


def _derive(header: bytes, passphrase: str | None) -> bytes:
    """Return key 32 ‖ commitment 32; without a passphrase, a checksum and no secret."""
    if passphrase is None:
        return hashlib.sha512(b"hotline unprotected key file" + header).digest()
    if not passphrase:
        raise OperatorError("a passphrase must not be empty")
    parameters: Any = canonical.decode(header, what="header", max_bytes=1_024)
    return argon2id.kdf(
        _KEY_BYTES + _COMMITMENT_BYTES,
        unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass"),
        canonical.from_base64(parameters["salt"], what="salt"),
        opslimit=parameters["operations"],
        memlimit=parameters["memory_bytes"],
    )


def _open(sealed: bytes, header: bytes, key: bytes, name: str) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, header, nonce, key)
    except CryptoError:
        raise _damaged(name) from None


def _write_seeds(seeds: Mapping[str, bytes]) -> bytes:
    for name, seed in seeds.items():
        fits = 1 <= len(name) <= MAX_NAME_CHARACTERS and name.isascii() and name.isprintable()
        if not fits or not 1 <= len(seed) <= MAX_SEED_BYTES or len(seeds) > MAX_SEEDS:
            raise InvariantError("a key file holds named seeds of 1 to 256 bytes")
    return canonical.encode({name: canonical.to_base64(seed) for name, seed in seeds.items()})


def _read_seeds(plaintext: bytes, name: str) -> dict[str, bytes]:
    try:
        body = canonical.decode(plaintext, what=name, max_bytes=MAX_FILE_BYTES)
        if not isinstance(body, dict):
            raise _damaged(name)
        return {key: canonical.from_base64(text, what=name) for key, text in body.items()}
    except (PeerError, AttributeError):
        # The cause would carry the contents: it is left out.
        raise _damaged(name) from None


def _read_lines(path: Path) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError) as error:
        raise OperatorError(
            f"the key file {path.name} cannot be read", hint="check the path and its owner"
        ) from error
    except OSError as error:
        raise StorageError(f"the disk refused to read {path.name}") from error
    header, newline, rest = content.partition(b"\n")
    text, end, trailing = rest.partition(b"\n")
    if len(content) > MAX_FILE_BYTES or not (newline and end) or trailing:
        raise _damaged(path.name)
    try:
        body = canonical.from_base64(text.decode("ascii"), what=path.name)
    except (PeerError, UnicodeDecodeError) as error:
        raise _damaged(path.name) from error
    if len(body) < _COMMITMENT_BYTES + _NONCE_BYTES + _TAG_BYTES:
        raise _damaged(path.name)
    return header, body


def _write_atomically(path: Path, content: bytes, token: str) -> None:
    """Write beside `path`, fsync, rename over it, fsync the directory.

    A crash leaves the old file or the new one, and at most a stray part file; the next
    writing that wipes takes that away.
    """
    if len(content) > MAX_FILE_BYTES:
        raise InvariantError(f"a key file has at most {MAX_FILE_BYTES} bytes")
    part = path.with_name(f".{path.name}.{token}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_directory(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"the disk refused to write {path.name}") from error


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
