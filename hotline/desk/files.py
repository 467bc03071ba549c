"""What is said of the files that travel beside a statement: where each of them is."""

from __future__ import annotations

from collections.abc import Callable

from hotline.core.exchange.attachment_state import AttachmentId, AttachmentState, travelling
from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.situation import Situation
from hotline.core.messages.statement import AttachmentRef

_UNITS = ((1024 * 1024, "MiB"), (1024, "KiB"))

Progress = Callable[[AttachmentId, str], int | None]
"""How many bytes of an attachment came from, or lie at, a peer; None where nothing moves."""


def nowhere(_name: AttachmentId, _peer: str) -> None:
    """Say that nothing moves, as in a replay."""


def amount(size: int) -> str:
    """Return a number of bytes for a reader, as in "3.0 MiB"."""
    for bytes_each, unit in _UNITS:
        if size >= bytes_each:
            return f"{size / bytes_each:.1f} {unit}"
    return f"{size} bytes"


def file_lines(
    situation: Situation, state: StatementState, progress: Progress = nowhere
) -> tuple[str, ...]:
    """Return a line for each file: its place from 1, its name, and where it is.

    Spec: docs/protocol.md §13.8
    """
    return tuple(
        f"{place + 1}. {ref.name}: {_where(situation, state, place, ref, progress)}"
        for place, ref in travelling(state.statement)
    )


def _where(
    situation: Situation, state: StatementState, place: int, ref: AttachmentRef, progress: Progress
) -> str:
    name = (state.digest, place)
    known = situation.attachments.get(name, AttachmentState())
    if state.outbound:
        peers = (*state.statement.to, *state.statement.info)
        return "; ".join(_at(peer, known, progress(name, peer), ref.size) for peer in peers)
    match known.state:
        case "HELD":
            return f"HERE, {amount(ref.size)}, compared with what was signed"
        case "REFUSED":
            return f"NOT HERE: {known.reason}"
    came = progress(name, state.statement.sender)
    if came is None:
        return f"ON ITS WAY, {amount(ref.size)}"
    return f"ON ITS WAY, {amount(min(came, ref.size))} of {amount(ref.size)}"


def _at(peer: str, known: AttachmentState, came: int | None, size: int) -> str:
    reason = known.there.get(peer)
    if reason is not None:
        return f"{peer} did not take it: {reason}" if reason else f"{peer} holds it"
    if came is None:
        return f"{peer} has not asked for it yet"
    return f"{peer} has {amount(min(came, size))} of {amount(size)}"
