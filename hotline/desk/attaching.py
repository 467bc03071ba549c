"""The files of a draft: sealed when they are attached, forgotten with the draft.

Spec: docs/protocol.md §13
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.messages.attachments import MAX_ATTACHMENTS
from hotline.desk.drafts import Draft
from hotline.desk.lock import DeskLock
from hotline.desk.views import DraftView
from hotline.station.station import Station


class Attachable:
    """A desk whose drafts may have files."""

    station: Station
    _lock: DeskLock
    _drafts: dict[str, Draft]

    def fill(
        self, draft: str, *, fields: Mapping[str, str], text: str, precedence: str
    ) -> DraftView:
        """Put values into a draft and check every field; the desk does."""
        raise NotImplementedError

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
        self._drafts[draft.name] = draft
        return self.fill(
            draft.name, fields=draft.entered, text=draft.text, precedence=draft.precedence.value
        )

    def _draft(self, name: str) -> Draft:
        draft = self._drafts.get(name)
        if draft is None:
            raise OperatorError("that draft is gone", hint="start it again with F3")
        return draft
