"""Where a ledger closed its line in favour of another one."""

from __future__ import annotations

import contextlib

from hotline.core.errors import HotlineError
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.values import Digest, digest_from_hex
from hotline.ledger.reader import LedgerReader
from hotline.ledger.snapshot import LEDGER_NAME
from hotline.ledger.store import Ledger
from hotline.station.lineup import Lined


def closing_head(ledger: LedgerReader, successor: Digest) -> Checkpoint | None:
    """Return the head at which a ledger closed its line in favour of `successor`, or None.

    Spec: docs/ledger.md §22.1
    """
    index = ledger.find(successor, ev.LineClosed.kind)
    if index is None:
        return None
    return Checkpoint(ledger.origin, index + 1, ledger.root_at(index + 1))


def is_closed_for(before: Lined, after: Lined) -> bool:
    """Return whether the change-over from one line to the other has begun; needs no key.

    Raises:
        OperatorError: the first one has no ledger.
        IntegrityError: it was altered.
        StorageError: the disk refused.
    """
    with contextlib.closing(Ledger.open_read_only(before.directory / LEDGER_NAME)) as reader:
        return closing_head(reader, digest_from_hex(after.line)) is not None


def ended_for(line: Lined) -> Digest | None:
    """Return the line for which a line was closed by its own ledger, None while it is worked.

    Needs no key. A ledger that does not read says nothing here.
    """
    with (
        contextlib.suppress(HotlineError),
        contextlib.closing(Ledger.open_read_only(line.directory / LEDGER_NAME)) as reader,
    ):
        return next((successor for _, successor in reader.subjects_of(ev.LineClosed.kind)), None)
    return None
