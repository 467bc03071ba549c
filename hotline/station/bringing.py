"""Bringing our attachments to who asks for them: one piece for one asking.

Spec: docs/protocol.md §13.5
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from hotline.core.exchange.attachment_state import AttachmentId, travelling
from hotline.core.exchange.situation import Situation
from hotline.core.messages.statement import AttachmentRef
from hotline.core.records import events as ev
from hotline.sealing import attachment_items as its
from hotline.sealing.attachment import stream_bytes
from hotline.sealing.items import Item
from hotline.station.attachments import AttachmentShelf
from hotline.station.line import Line
from hotline.station.outgoing import Items

Record = Callable[[Sequence[ev.AttachmentEvent]], Awaitable[None]]
Put = Callable[[str, Items, str], None]
"""Puts a letter to a peer, under a key, below everything else."""

Progress = dict[tuple[AttachmentId, str], int]


class Bringing:
    """The sender's side of the attachments of one line."""

    def __init__(
        self,
        line: Line,
        situation: Callable[[], Situation],
        record: Record,
        put: Put,
        progress: Progress,
    ) -> None:
        """Serve `line`; `progress` is told what each peer had when it asked last."""
        self._line, self._situation = line, situation
        self._record, self._put, self._progress = record, put, progress

    def bring(self, shelf: AttachmentShelf, peer: str, item: its.ChunksWantedItem) -> None:
        """Bring one piece of ours, when everything else has gone out.

        Spec: docs/protocol.md §13.5
        """
        name = (item.statement.hex(), item.place)
        ref = self._ours(name, peer)
        if ref is None:
            return
        known = self._situation().attachments.get(name)
        key = known.key if known is not None else ""
        if not key or not shelf.whole(ref.sealed).is_file():
            gone = state_item(name, "GONE", "the file is not here any more")
            self._put(peer, lambda: [gone], f"gone {name[0]} {name[1]}")
            return
        total = stream_bytes(ref.size)
        if item.first > total // its.PIECE_BYTES + 1:
            return
        self._progress[name, peer] = min(total, item.first * its.PIECE_BYTES)
        letter = partial(_piece, shelf, ref.sealed, item, key)
        self._put(peer, letter, f"chunk {name[0]} {name[1]}")

    def _ours(self, name: AttachmentId, peer: str) -> AttachmentRef | None:
        """Return an attachment of a statement that we sent and `peer` is named in, or None."""
        state = self._situation().statements.get(name[0])
        if state is None or state.statement.sender != self._line.station:
            return None
        if peer not in (*state.statement.to, *state.statement.info):
            return None
        return dict(travelling(state.statement)).get(name[1])

    async def told(self, peer: str, item: its.AttachmentStateItem) -> None:
        """Record how an attachment of ours ended at a peer.

        Spec: docs/ledger.md §24.3
        """
        name = (item.statement.hex(), item.place)
        if self._ours(name, peer) is None:
            return
        self._progress.pop((name, peer), None)
        said: ev.AttachmentEvent
        if item.state == "HELD":
            said = ev.AttachmentHeldThere(statement=name[0], place=name[1], peer=peer)
        else:
            said = ev.AttachmentRefusedThere(
                statement=name[0], place=name[1], peer=peer, reason=item.reason or "no reason given"
            )
        await self._record([said])


def _piece(
    shelf: AttachmentShelf, sealed: str, wanted: its.ChunksWantedItem, key: str
) -> Sequence[Item]:
    """Return the letter that answers: the key if it is lacking, and the piece if there is one.

    Raises:
        StorageError: the stored stream does not read.
    """
    statement, place = wanted.statement, wanted.place
    found: list[Item] = []
    if wanted.key:
        found.append(
            its.AttachmentKeyItem(statement=statement, place=place, key=bytes.fromhex(key))
        )
    content = shelf.piece(sealed, wanted.first)
    if content:
        found.append(
            its.ChunkItem(statement=statement, place=place, index=wanted.first, content=content)
        )
    return found


def state_item(name: AttachmentId, state: str, reason: str) -> its.AttachmentStateItem:
    """Return the item that says how an attachment ended."""
    return its.AttachmentStateItem.model_validate(
        {
            "t": "attachment-state",
            "statement": name[0],
            "place": name[1],
            "state": state,
            "reason": reason[:240],
        }
    )
