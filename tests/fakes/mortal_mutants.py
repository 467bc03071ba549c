"""Stations that are wrong in one way each. The kills must find every one.

A mutant is applied in the child that is killed, before it opens its home.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hotline.core.exchange import decide
from hotline.core.records import events as ev
from hotline.core.records.entry import Draft
from hotline.core.values import sha256
from hotline.host.entropy import system_entropy
from hotline.ledger import connection, handle, store
from hotline.ledger.schema import RECEIVED_KIND


@dataclass(frozen=True)
class Mutant:
    """How to be wrong, and where to die so that it shows.

    Attributes:
        power: Whether it takes a power cut; a killed program loses nothing by it.
    """

    apply: Callable[[], None]
    point: str
    side: str
    power: bool = False


class _Late:
    """A connection on which every COMMIT is still to come."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real

    def execute(self, sql: str, *values: Any) -> Any:
        put_off = sql.startswith(("COMMIT", "PRAGMA wal_checkpoint"))
        if put_off or (sql.startswith("BEGIN") and self._real.in_transaction):
            return self._real.execute("SELECT 0")
        return self._real.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def acknowledge_before_commit() -> None:
    """Answer the peer, and the officer, when a COMMIT is still to come."""
    begin = handle.Handle.__init__

    def late(self: Any, connection: sqlite3.Connection, **more: Any) -> None:
        kept: Any = _Late(connection)
        # What is not committed is seen by its own connection alone.
        begin(self, kept, **{**more, "reads": kept if more.get("reads") else None})

    def release(self: store.Ledger) -> Any:
        # A head.db that is ahead would tell at once.
        return self._newest

    handle.Handle.__init__ = late  # type: ignore[method-assign]
    store.Ledger.release = release  # type: ignore[method-assign]


def commit_without_sync() -> None:
    """Commit with synchronous=NORMAL."""
    weaker = tuple(
        ("synchronous", "NORMAL", 1) if name == "synchronous" else (name, value, expected)
        for name, value, expected in connection._LEDGER
    )
    connection._LEDGER = weaker


def take_twice() -> None:
    """Record a statement as often as it comes."""
    honest = decide._take

    def take(situation: Any, rules: Any, command: Any, now_ms: int) -> Any:
        told = command.told
        if told.digest not in situation.statements:
            return honest(situation, rules, command, now_ms)
        received = ev.StatementReceived.model_validate(
            {
                "digest": told.digest,
                "order": told.order,
                "verdict": command.verdict,
                "received_at_ms": now_ms,
            }
        )
        return decide.Decision((decide.Planned.of_told(received, told),))

    def append(ledger: store.Ledger, drafts: Sequence[Draft] = (), **more: Any) -> Any:
        return honest_append(ledger, [_renamed(ledger, draft) for draft in drafts], **more)

    honest_append = store.Ledger.append
    decide._take = take
    store.Ledger.append = append  # type: ignore[method-assign, assignment]


def _renamed(ledger: store.Ledger, draft: Draft) -> Draft:
    """Give what is recorded already a subject under which the ledger does not know it."""
    if draft.kind != RECEIVED_KIND or ledger.find(draft.subject, draft.kind) is None:
        return draft
    return replace(draft, subject=sha256(draft.subject + system_entropy(16)))


MUTANTS = {
    "acknowledges before it commits": Mutant(acknowledge_before_commit, "send receipt", "after"),
    "synchronous is NORMAL": Mutant(commit_without_sync, "send receipt", "after", power=True),
    "takes a statement twice": Mutant(take_twice, "commit received", "after"),
}
