"""The lock of one desk: the officer's key is in memory while it is open, nowhere while locked.

Spec: docs/enrolment.md §13
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

from hotline.core.errors import OperatorError
from hotline.core.records.events import DeskLocked, DeskUnlocked, Event
from hotline.core.seams import Clock
from hotline.desk.officer import Officer, Unlock
from hotline.desk.views import LockView

FIRST_PAUSE_S, MAX_PAUSE_S, MAX_DOUBLINGS = 1.0, 8.0, 3
"""After a wrong passphrase; twice as long after each further one. No number of them ends it."""

Why = Literal["IDLE", "ASKED"]


class DeskLock:
    """Holds the key of a desk's officer, drops it, and takes it again from its key file.

    Python cannot wipe memory: dropped means that nothing of ours refers to it any more.
    """

    def __init__(
        self,
        officer: Officer,
        open_key: Unlock,
        *,
        protected: bool,
        clock: Clock,
        record: Callable[[Event], Awaitable[object]],
    ) -> None:
        """Begin unlocked.

        Args:
            open_key: Opens the officer's key file.
            protected: Whether the key file has a passphrase.
            record: Makes an event durable.
        """
        self.certificate = officer.certificate
        self._officer: Officer | None = officer
        self._open_key, self._protected = open_key, protected
        self._clock, self._record = clock, record
        self._opening = asyncio.Lock()
        self._since_ms, self._why, self._failed = 0, "ASKED", 0

    @property
    def name(self) -> str:
        """Rank and name of whose desk it is."""
        return f"{self.certificate.rank} {self.certificate.name}".strip()

    @property
    def locked(self) -> bool:
        """Whether the key is gone."""
        return self._officer is None

    def officer(self) -> Officer:
        """Return the officer with the key.

        Raises:
            OperatorError: the desk is locked.
        Spec: docs/enrolment.md §13.1
        """
        if self._officer is None:
            raise OperatorError(
                "nothing was done: this desk is locked", hint=f"{self.name} unlocks it"
            )
        return self._officer

    def view(self) -> LockView | None:
        """Return what a front end says of the lock; None while it is open."""
        if self._officer is not None:
            return None
        return LockView(
            who=self.name,
            since_ms=self._since_ms,
            idle=self._why == "IDLE",
            protected=self._protected,
        )

    def lock(self, why: Why, idle_ms: int) -> Coroutine[Any, Any, None]:
        """Drop the key now, whatever becomes of the record; await what is returned to record it.

        Spec: docs/enrolment.md §13.1, §13.6
        """
        fell = self._officer is not None
        if fell:
            self._officer = None
            self._since_ms, self._why, self._failed = self._clock(), why, 0
        return self._tell(why, idle_ms) if fell else _nothing()

    async def _tell(self, why: Why, idle_ms: int) -> None:
        certificate = self.certificate
        await self._record(
            DeskLocked(
                certificate=certificate.id.hex(),
                name=self.name,
                role=certificate.role,
                why=why,
                idle_ms=idle_ms,
            )
        )

    async def unlock(self, passphrase: str) -> None:
        """Open the officer's key file again; nothing happens where the desk is open.

        Raises:
            OperatorError: it does not open with that passphrase, the certificate is revoked
                or suspended, or the file holds another key by now.
        Spec: docs/enrolment.md §13.4, §13.5
        """
        async with self._opening:
            if self._officer is not None:
                return
            officer = await self._opened(passphrase)
            certificate = self.certificate
            await self._record(
                DeskUnlocked(
                    certificate=certificate.id.hex(),
                    name=self.name,
                    role=certificate.role,
                    how="PASSPHRASE" if self._protected else "CONFIRMED",
                    failed=self._failed,
                )
            )
            self._officer = officer

    async def _opened(self, passphrase: str) -> Officer:
        person = self.certificate.person
        try:
            # Deriving the key takes half a second, in which the console goes on.
            found = await asyncio.to_thread(self._open_key, person, passphrase or None)
            if found.certificate.key != self.certificate.key:
                raise OperatorError(
                    f"the key file of {person} holds another key than this desk was opened with",
                    hint="leave the console and open it again",
                )
        except OperatorError:
            self._failed += 1
            # Bounded before it is a power: a desk may be tried for days.
            doubled = min(self._failed - 1, MAX_DOUBLINGS)
            await asyncio.sleep(min(MAX_PAUSE_S, FIRST_PAUSE_S * 2**doubled))
            raise
        # Drafts name the certificate that the desk was opened with; the key is the same.
        return Officer(self.certificate, found.signer)


async def _nothing() -> None:
    """Stand in where there is nothing to record."""


class Lockable:
    """A desk with a lock.

    Attributes:
        lock_after_ms: How long no key is pressed before it is locked; 0: for ever.
    """

    _lock: DeskLock
    lock_after_ms: int

    def lock(self, why: Why, idle_ms: int = 0) -> Coroutine[Any, Any, None]:
        """Drop the officer's key now; await what is returned to record it."""
        return self._lock.lock(why, idle_ms)

    async def unlock(self, passphrase: str) -> None:
        """Take the officer's key again; "" where it has no passphrase.

        Raises:
            OperatorError: it does not open with that passphrase, or may not be used any more.
        """
        await self._lock.unlock(passphrase)
