"""Files that travel beside a statement: their names, types and bounds (docs/protocol.md §13)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hotline.core.errors import PeerError

MAX_ATTACHMENT_BYTES = 16 * 1024 * 1024
MAX_ATTACHMENTS = 4
"""Files that one statement may have travel beside it."""

MAX_NAME_BYTES = 120
"""In UTF-8: with what is put around it, every file system takes such a name."""

TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "application/geo+json": (".geojson",),
        "application/json": (".json",),
        "application/pdf": (".pdf",),
        "image/jpeg": (".jpg", ".jpeg"),
        "image/png": (".png",),
        "image/tiff": (".tif", ".tiff"),
        "text/csv": (".csv",),
        "text/plain": (".txt",),
    }
)
"""Type to the endings that a name of it may have: nothing among them is run by being opened."""

_REFUSED_IN_NAMES = frozenset('/\\:*?"<>|')
"""What leads out of a directory, or means something to one file system or another."""


def check_attachment(name: str, type_: str, size: int) -> None:
    """Refuse a file that may not travel; its name has been checked for hidden characters.

    Raises:
        PeerError: the name could lead elsewhere or hides what the file is, the type is not
            one of TYPES, or the file is empty or too large.
    Spec: docs/protocol.md §13.2
    """
    if not _REFUSED_IN_NAMES.isdisjoint(name):
        raise PeerError("attachment: its name holds a character that leads elsewhere")
    if name.startswith((".", " ", "-", "~")) or name != name.strip() or name.endswith("."):
        raise PeerError("attachment: its name begins or ends as no file's may")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise PeerError(f"attachment: its name is over {MAX_NAME_BYTES} bytes")
    endings = TYPES.get(type_)
    if endings is None:
        raise PeerError("attachment: files of its type do not travel")
    if not name.lower().endswith(endings) or name.lower() in endings:
        raise PeerError("attachment: its name does not end as its type does")
    if not 1 <= size <= MAX_ATTACHMENT_BYTES:
        raise PeerError(f"attachment: it must have 1 to {MAX_ATTACHMENT_BYTES} bytes")


def type_of(name: str) -> str | None:
    """Return the type of a file of that name, None when files of its ending do not travel."""
    for type_, endings in TYPES.items():
        if name.lower().endswith(endings):
            return type_
    return None
