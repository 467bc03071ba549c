"""One vector before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """What goes in, what must come out, and which paragraph says so.

    Attributes:
        given: Bytes (written as base64) or plain JSON values, by name.
        expected: `verdict`, and what else can be compared.
        reason: Part of hotline's sentence when it refuses.
        at: When it arrives, if not with all the others.
    """

    name: str
    about: str
    paragraph: str
    given: dict[str, Any]
    expected: dict[str, Any]
    reason: str = ""
    at: str = ""


REFUSED = {"verdict": "REFUSED"}
