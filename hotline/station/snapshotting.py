"""The situation cache: a station with a long ledger opens without folding all of it.

lines/<handle>/situation.cache holds the Situation after the first entries, and
the head of that size. It is a cache and nothing else: it is believed only when
it opens under the ledger's content keys and its head is one of this very
ledger, and deleting it costs time. It says in the open what the ledger says
sealed, so it is sealed, too, under all epoch keys together: destroying one of
them destroys the cache.

Inside is a pickle, made and read by the same version of the same code; nothing
is unpickled that our own keys did not authenticate, and then only the classes
that a Situation is made of.
Spec: docs/ledger.md §18.11, §18.12
"""

from __future__ import annotations

import gc
import hashlib
import io
import os
import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pydantic

from hotline import core
from hotline.core.errors import HotlineError, IntegrityError, StorageError
from hotline.core.exchange.attachment_state import AttachmentState
from hotline.core.exchange.delivery import Delivery, StatementState
from hotline.core.exchange.situation import (
    Deadline,
    Dialogue,
    Happening,
    Incident,
    Link,
    Situation,
)
from hotline.core.exchange.standing import Fork, Gap, Release
from hotline.core.exchange.tested import PeerTests, RouteTests
from hotline.core.messages.statement import AttachmentRef, Statement, TemplateRef
from hotline.core.protocols.channel import Channel
from hotline.core.protocols.ladder import LadderState, Proposal
from hotline.core.records.event import OrderRef
from hotline.core.records.events import EVENTS
from hotline.core.values import DIGEST_BYTES, Precedence, Realm
from hotline.ledger.reader import LedgerReader
from hotline.station.months import MonthlyKeys

CACHE_NAME = "situation.cache"
MAX_CACHE_BYTES = 2**31
MAGIC = b"hotline situation cache 1\n"
_SIZE_BYTES = 8

_PARTS: tuple[type, ...] = (
    Situation,
    StatementState,
    Incident,
    Dialogue,
    Deadline,
    Link,
    Happening,
    Release,
    Gap,
    Fork,
    AttachmentState,
    RouteTests,
    PeerTests,
    Channel,
    Delivery,
    Statement,
    TemplateRef,
    AttachmentRef,
    Precedence,
    Realm,
    LadderState,
    Proposal,
    OrderRef,
    *EVENTS.values(),
)
_ALLOWED = {(part.__module__, part.__qualname__): part for part in _PARTS}


@cache
def code_digest() -> bytes:
    """Return a digest of the code that folds; another one reads no cache of this one.

    Where the source is not on the disk it is empty, and there is no cache.
    """
    top = Path(core.__file__).parent
    found = sorted(top.rglob("*.py"))
    if not found:
        return b""
    digest = hashlib.sha256(pydantic.VERSION.encode())
    for path in found:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


class SituationCache:
    """The cache of one ledger, in the file beside it."""

    def __init__(
        self, directory: Path, months: MonthlyKeys, past: Sequence[LedgerReader] = ()
    ) -> None:
        """Serve the ledger in `directory`; `months` holds its content keys.

        Args:
            past: The ledgers of its earlier generations, oldest first: the situation
                is folded from them, too.
        """
        self._path, self._months = directory / CACHE_NAME, months
        self._past = tuple(past)

    def read(self, ledger: LedgerReader) -> Situation | None:
        """Return the situation after the first entries of `ledger`, or None.

        None when there is no cache, it does not open, another version wrote it, or it
        is of another ledger: then everything is folded.
        Spec: docs/ledger.md §18.11
        """
        try:
            return self._read(ledger)
        except (HotlineError, OSError):
            return None

    def _read(self, ledger: LedgerReader) -> Situation | None:
        if not code_digest() or self._path.stat().st_size > MAX_CACHE_BYTES:
            return None
        blob = self._path.read_bytes()
        plaintext = self._months.sealer.open_beside(self._context(ledger), blob)
        front = MAGIC + code_digest()
        if plaintext is None or not plaintext.startswith(front):
            return None
        body = memoryview(plaintext)[len(front) :]
        size = int.from_bytes(body[:_SIZE_BYTES])
        root = bytes(body[_SIZE_BYTES : _SIZE_BYTES + DIGEST_BYTES])
        if size > ledger.size or ledger.root_at(size) != root:
            return None
        situation = _unpickled(body[_SIZE_BYTES + DIGEST_BYTES :])
        return situation if situation is not None and situation.length == size else None

    def write(self, situation: Situation, ledger: LedgerReader) -> None:
        """Write the situation whole or not at all.

        Raises:
            StorageError: the disk refused; nothing is lost but time.
        Spec: docs/ledger.md §18.12
        """
        if not code_digest():
            return
        try:
            context = self._context(ledger)
        except IntegrityError:
            # An earlier generation does not read: what was folded of it is bound to nothing.
            return
        size = situation.length
        front = MAGIC + code_digest() + size.to_bytes(_SIZE_BYTES) + ledger.root_at(size)
        plaintext = front + pickle.dumps(situation, protocol=5)
        self._replace(self._months.sealer.seal_beside(context, plaintext))

    def _context(self, ledger: LedgerReader) -> bytes:
        """Return what the cache is bound to: the ledger, and the files folded before it."""
        lines = [f"situation {ledger.origin}"]
        lines += [f"{one.origin} {one.size} {one.root_at(one.size).hex()}" for one in self._past]
        return "\n".join(lines).encode()

    def _replace(self, blob: bytes) -> None:
        part = self._path.with_suffix(".part")
        try:
            # No fsync: what a crash leaves half written does not open and is ignored.
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(blob)
            os.replace(part, self._path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError("the situation cache cannot be written") from error


class _Unpickler(pickle.Unpickler):
    """Makes the parts of a Situation and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise pickle.UnpicklingError("a cache holds what no situation is made of")
        return found


def _unpickled(pickled: memoryview) -> Situation | None:
    collects = gc.isenabled()
    # Nothing of it is garbage yet, and looking for some takes half of the time.
    gc.disable()
    try:
        found = _Unpickler(io.BytesIO(pickled)).load()
    except (pickle.UnpicklingError, AttributeError, EOFError, TypeError, ValueError, KeyError):
        return None
    finally:
        if collects:
            gc.enable()
    return found if isinstance(found, Situation) else None
