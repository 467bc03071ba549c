"""What a new statement belongs to: its incident, the one that it answers, its files."""

from __future__ import annotations

from hotline.core.exchange.attachment_state import AttachmentState, travelling
from hotline.core.exchange.situation import Situation
from hotline.core.messages.statement import Statement


def join(situation: Situation, digest: str, statement: Statement) -> None:
    """Put a statement that is new into its incident, and beside the one that it answers.

    Files that a peer's statement has are on their way from now on.
    """
    if statement.incident in situation.incidents:
        situation.incidents[statement.incident].statements.append(digest)
    situation.early.pop(digest, None)
    if statement.answers is not None and statement.answers not in situation.statements:
        situation.early.setdefault(statement.answers, []).append(digest)
    for place, _ in travelling(statement):
        situation.attachments.setdefault((digest, place), AttachmentState())
        if statement.sender != situation.station:
            situation.arriving[digest, place] = None
