"""The files of a draft: sealed when they are attached, forgotten with the draft.

Spec: docs/protocol.md §13
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.messages.attachments import MAX_ATTACHMENTS
from hotline.core.seams import Clock
from hotline.desk.drafts import Draft, Writer, draft_view, fill
from hotline.desk.feed import PresentedFeed
from hotline.desk.files import file_lines
from hotline.desk.lock import DeskLock
from hotline.desk.views import DraftView, MessageView
from hotline.station.station import Station


class Attachable(PresentedFeed):
    """A desk whose drafts may have files, and that says how far files are on their way."""

    station: Station
    _lock: DeskLock
    _writer: Writer
    _clock: Clock
    _drafts: dict[str, Draft]

    def message(self, digest: str) -> MessageView | None:
        """Return one statement with its files, or None when the ledger holds none."""
        view, state = super().message(digest), self.station.situation.statements.get(digest)
        if view is None or state is None or not view.files:
            return view
        files = file_lines(self.station.situation, state, self.station.file_progress)
        return replace(view, files=files)

    async def attach(self, draft: str, path: str) -> DraftView:
        """Let a file of this machine travel beside the statement of a draft.

        Raises:
            OperatorError: there is no such draft, it may not travel, or it is one too many.
            StorageError: the disk refused, or has too little room left.
        Spec: docs/protocol.md §13.2
        """
        self._lock.officer()
        if len(self._draft(draft).attached) >= MAX_ATTACHMENTS:
            raise OperatorError(
                f"at most {MAX_ATTACHMENTS} files go with a statement", hint="send another one"
            )
        made = await self.station.attach(Path(path))
        held = self._drafts.get(draft)
        if held is None:
            self.station.detach(made)
            raise OperatorError("that draft is gone", hint="start it again with F3")
        return self._refilled(replace(held, attached=(*held.attached, made)))

    def detach(self, draft: str) -> DraftView:
        """Let no file travel beside the statement of a draft any more.

        Raises:
            OperatorError: there is no such draft.
        """
        held = self._draft(draft)
        self._forget_files(held)
        return self._refilled(replace(held, attached=()))

    async def save_file(self, digest: str, number: int, directory: str) -> str:
        """Write a file of a statement into a directory; the record says who did.

        Args:
            number: Which of its files, from 1.
        Returns:
            The path of the file.
        Raises:
            OperatorError: it is not here whole, was altered, or cannot be written there.
            StorageError: the disk refused; nothing was saved.
        Spec: docs/protocol.md §13.7
        """
        by = self._lock.officer().certificate.shown
        name, into = (digest, number - 1), Path(directory)
        return str(await self.station.save_attachment(name, into, by))

    def discard(self, draft: str) -> None:
        """Forget a draft, and its files."""
        held = self._drafts.pop(draft, None)
        if held is not None:
            self._forget_files(held)

    def _forget_files(self, draft: Draft) -> None:
        for one in draft.attached:
            self.station.detach(one)

    def _refilled(self, draft: Draft) -> DraftView:
        """Check a draft again: what was previewed is not what would be signed now."""
        urgency = draft.precedence.value
        filled = fill(self._writer, draft, draft.entered, draft.text, urgency, self._clock())
        self._drafts[draft.name] = filled
        return draft_view(self._writer, filled)

    def _draft(self, name: str) -> Draft:
        draft = self._drafts.get(name)
        if draft is None:
            raise OperatorError("that draft is gone", hint="start it again with F3")
        return draft
