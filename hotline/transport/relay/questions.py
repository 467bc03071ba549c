"""What a client has asked a relay and not been answered yet, within the relay's window.

Spec: docs/transport.md §9.4
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hotline.core.errors import LinkError

Question = tuple[int, bytes]
"""The request's type and its reference, as NAK repeats them."""


@dataclass(slots=True)
class _Open:
    answer: asyncio.Future[None]
    size: int


class Questions:
    """Open questions by what they ask; those of cells take of the window."""

    def __init__(self, window_cells: int, window_bytes: int) -> None:
        self._window_cells, self._window_bytes = window_cells, window_bytes
        self._open: dict[Question, _Open] = {}
        self._cells = self._bytes = 0
        self._turn = asyncio.Lock()
        self._room = asyncio.Event()
        self._over = False

    def find(self, question: Question) -> asyncio.Future[None] | None:
        """Return the answer that is awaited already, or None if nobody asked."""
        there = self._open.get(question)
        return None if there is None else there.answer

    def expect(self, question: Question, size: int = 0) -> asyncio.Future[None]:
        """Note a question; return its answer to be.

        Raises:
            LinkError: the session is over.
        """
        if self._over:
            raise LinkError("the relay's session is over")
        asked = _Open(asyncio.get_running_loop().create_future(), size)
        self._open[question] = asked
        self._cells += size > 0
        self._bytes += size
        return asked.answer

    async def expect_cell(self, question: Question, size: int) -> tuple[asyncio.Future[None], bool]:
        """Wait until a cell of `size` bytes fits the window, then note it.

        Returns:
            Its answer to be, and whether it still has to be asked: nobody else did.

        Raises:
            LinkError: the session is over.
        """
        # One at a time waits for room: else each answer would wake all that wait.
        async with self._turn:
            while not (self._over or self._fits(size)):
                self._room.clear()
                await self._room.wait()
            there = self.find(question)
            return (self.expect(question, size), True) if there is None else (there, False)

    def _fits(self, size: int) -> bool:
        return self._cells < self._window_cells and self._bytes + size <= self._window_bytes

    def answer(self, question: Question, error: Exception | None = None) -> bool:
        """Settle a question; return whether it was open."""
        asked = self._open.pop(question, None)
        if asked is None:
            return False
        self._cells -= asked.size > 0
        self._bytes -= asked.size
        self._room.set()
        if error is None:
            asked.answer.set_result(None)
        else:
            asked.answer.set_exception(error)
            asked.answer.exception()  # Whoever asked may have gone meanwhile.
        return True

    def end(self) -> None:
        """Take no more, and tell whoever waits that no answer will come."""
        self._over = True
        self._room.set()
        for question in tuple(self._open):
            self.answer(question, LinkError("the relay's session ended before it answered"))
