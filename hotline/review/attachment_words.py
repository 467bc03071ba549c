"""Words for the events of attachments, for a reviewer (docs/ledger.md §24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.records import events as ev

_SHORT = 16


def _which(event: ev.AttachmentEvent) -> str:
    return f"file {event.place + 1} of {token_of(event.statement)}"


ATTACHMENT_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.AttachmentKeyed: lambda e: (
        f"the key of {_which(e)} is here; sealed stream {e.sealed[:_SHORT]}"
    ),
    ev.AttachmentReceived: lambda e: (
        f"{_which(e)} came whole, {e.size} bytes, digest {e.digest[:_SHORT]}"
    ),
    ev.AttachmentRefused: lambda e: f"{_which(e)} is not taken: {e.reason}",
    ev.AttachmentHeldThere: lambda e: f"{e.peer} says that it holds {_which(e)}",
    ev.AttachmentRefusedThere: lambda e: f"{e.peer} did not take {_which(e)}: {e.reason}",
    ev.AttachmentSaved: lambda e: f"{_which(e)} was taken out of the record by {e.by}",
}
"""Kind of event to its words."""
