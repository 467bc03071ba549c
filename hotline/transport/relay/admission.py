"""The operator's list of admission tokens: each lets one mailbox be at a time.

Spec: docs/transport.md §9.5
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.values import sha256
from hotline.transport.relay.frames import NO_TOKEN

MAX_FILE_BYTES = 16 * 1024 * 1024
_TOKEN = re.compile(r"[0-9a-f]{64}")
_OTHERS = 0o077


class Admission:
    """Reads the file, and again when it changed. One token on a line: 64 hex digits, or `#`."""

    def __init__(self, path: Path) -> None:
        """Read the file once.

        Raises:
            OperatorError: it cannot be read, others may read it, or a line is no token.
        """
        self._path = path
        self._digests, self._stamp = self._read()

    def admits(self, token: bytes) -> bool:
        """Return whether the operator gave `token` (32 bytes) out.

        A file that was broken meanwhile keeps admitting what it admitted before.
        """
        return token != NO_TOKEN and digest_of(token) in self._current()

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return len(self._digests)

    def _current(self) -> frozenset[bytes]:
        try:
            if self._stamped() != self._stamp:
                self._digests, self._stamp = self._read()
        except (OperatorError, OSError):
            return self._digests
        return self._digests

    def _stamped(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[frozenset[bytes], tuple[int, int]]:
        try:
            status, stamp = self._path.stat(), self._stamped()
            if status.st_mode & _OTHERS:
                raise OperatorError(
                    "others may read the admission file", hint="chmod 600 it, and start again"
                )
            if status.st_size > MAX_FILE_BYTES:
                raise OperatorError(f"the admission file has more than {MAX_FILE_BYTES} bytes")
            lines = self._path.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(
                "the admission file cannot be read", hint="name another --admission"
            ) from error
        tokens = read_tokens(lines, "the admission file")
        return frozenset(digest_of(one) for one in tokens), stamp


def digest_of(token: bytes) -> bytes:
    """Return what a store keeps of a token: SHA-256, since a token lets its bearer in."""
    return sha256(token)


def read_tokens(lines: Iterable[str], what: str) -> list[bytes]:
    """Read admission tokens, one on a line: 64 hex digits, or `#` and a word about it.

    Args:
        what: Names the file in the error.
    Raises:
        OperatorError: a line is no token; names its number and never shows it.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        token = line.partition("#")[0].strip()
        if not token:
            continue
        if not _TOKEN.fullmatch(token):
            raise OperatorError(
                f"line {number} of {what} is no token",
                hint="a token is 64 lowercase hex digits; make one with `openssl rand -hex 32`",
            )
        found.append(bytes.fromhex(token))
    return found
