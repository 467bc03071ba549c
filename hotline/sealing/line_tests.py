"""Packet items of channel tests and of queries for missing acknowledgements.

Spec: docs/protocol.md §7.40, §7.42
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hotline.sealing.shapes import Count, DigestHex, GivenReason, Strict

Serial = Annotated[Count, Field(ge=1)]


class LineTestItem(Strict):
    """A test of the channel: say its phrase back once it is recorded.

    Attributes:
        serial: Counts the sender's tests with the receiver, over all routes.
    """

    t: Literal["test"] = "test"
    serial: Serial
    phrase: GivenReason


class LineEchoItem(Strict):
    """What came of a test of the receiver's, recorded; `size`: of the sender's ledger then."""

    t: Literal["test-echo"] = "test-echo"
    serial: Serial
    phrase: GivenReason
    size: Count


class QueryItem(Strict):
    """No officer has acknowledged that statement of the sender's yet; `step`: the how manieth."""

    t: Literal["query"] = "query"
    digest: DigestHex
    step: Serial
