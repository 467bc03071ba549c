"""The files of our statements, and what an officer takes out of the record.

Spec: docs/protocol.md §13, docs/ledger.md §24
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from hotline.core.errors import OperatorError, StorageError
from hotline.core.exchange.attachment_state import AttachmentId, travelling
from hotline.core.messages.statement import AttachmentRef, Statement
from hotline.core.records import events as ev
from hotline.sealing.attachment import seal_attachment
from hotline.station.attachments import Attached, check_place, read_to_attach, save_attachment
from hotline.station.footing import Footing


class Filing(Footing):
    """The part of a station that puts files beside statements and takes them out."""

    async def attach(self, path: Path) -> Attached:
        """Seal a file that is to travel beside a statement; it is on the disk after this.

        Raises:
            OperatorError: it may not travel, or this station keeps no files.
            StorageError: the disk refused, or has too little room left.
        Spec: docs/protocol.md §13.3, docs/ledger.md §24.1
        """
        if self._files is None:
            raise OperatorError("this station keeps no files", hint="send it without them")
        return await asyncio.to_thread(self._seal_file, path)

    def _seal_file(self, path: Path) -> Attached:
        name, type_, content = read_to_attach(path)
        made = seal_attachment(content, self.line.roster.line, self.line.entropy)
        if self._files is not None:
            self._files.keep_draft(made.sealed, made.stream)
        digest, sealed = made.digest.hex(), made.sealed.hex()
        ref = AttachmentRef(name=name, type=type_, size=made.size, digest=digest, sealed=sealed)
        return Attached(ref, made.key.hex())

    def file_progress(self, name: AttachmentId, peer: str) -> int | None:
        """Return how many bytes of an attachment came from, or lie at, a peer; None: not moving."""
        return self._attaching.progress.get((name, peer))

    def saved_content(self, name: AttachmentId) -> bytes:
        """Return what is in an attachment, ours or a peer's, compared with what was signed.

        Raises:
            OperatorError: there is none of that name, it is not here whole, or it was altered.
            StorageError: the disk.
        Spec: docs/protocol.md §13.7
        """
        known = self.situation.attachments.get(name)
        state = self.situation.statements.get(name[0])
        if known is None or state is None or self._files is None:
            raise OperatorError("no such file goes with that statement", hint="list them first")
        if not known.key or not (state.outbound or known.state == "HELD"):
            raise OperatorError(
                "that file is not here whole", hint="let the line work until it has come"
            )
        ref = state.statement.attachments[name[1]]
        return self._files.content(ref, bytes.fromhex(known.key), self.line.roster.line)

    async def save_attachment(self, name: AttachmentId, directory: Path, by: str) -> Path:
        """Write an attachment as a file into a directory; the record says who did.

        Args:
            by: Who asked for it, in words.
        Raises:
            OperatorError: as `saved_content`, or the directory or name cannot be used.
            StorageError: the disk refused; nothing was saved.
        Spec: docs/protocol.md §13.7, docs/ledger.md §24.3
        """
        content = await asyncio.to_thread(self.saved_content, name)
        ref = self.situation.statements[name[0]].statement.attachments[name[1]]
        directory = await asyncio.to_thread(check_place, directory, ref.name)
        await self._record_attachments(
            [ev.AttachmentSaved(statement=name[0], place=name[1], sealed=ref.sealed, by=by)]
        )
        return await asyncio.to_thread(save_attachment, directory, ref.name, content)

    def detach(self, attached: Attached) -> None:
        """Forget a sealed file whose statement will not be sent."""
        if self._files is not None:
            self._files.drop_draft(attached.ref.sealed)

    def _keyed(
        self, statement: Statement, digest: str, attached: Sequence[Attached]
    ) -> tuple[ev.AttachmentKeyed, ...]:
        """Return what is recorded of the keys of a statement's files, with the statement.

        Raises:
            OperatorError: a file that travels beside it is not here.
        Spec: docs/ledger.md §24.1
        """
        keys = {one.ref.sealed: one.key for one in attached}
        found = []
        for place, ref in travelling(statement):
            known = self.situation.attachments.get((digest, place))
            if known is not None and known.key:
                continue
            if ref.sealed not in keys:
                raise OperatorError(
                    "the statement was not sent: a file that goes with it is not here",
                    hint="attach it and write the statement again",
                )
            found.append(
                ev.AttachmentKeyed(
                    statement=digest,
                    place=place,
                    digest=ref.digest,
                    sealed=ref.sealed,
                    key=keys[ref.sealed],
                )
            )
        return tuple(found)

    def _adopt(self, attached: Sequence[Attached]) -> None:
        """Let the files count that are recorded now; the next start does it where this fails."""
        for one in attached:
            try:
                if self._files is not None:
                    self._files.adopt(one.ref.sealed)
            except StorageError as error:
                self._fault(error)
