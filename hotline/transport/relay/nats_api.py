"""JetStream's interface as a relay uses it: requests, their answers, their refusals.

Streams are read as JSON, not through the library's classes: a setting that the
library does not know yet must be visible to the checks.
Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from hotline.core.errors import StorageError

REQUEST_TIMEOUT_S = 5.0
NOT_FOUND = {10037, 10043, 10057, 10059}
"""No message, no message, sequence not found, no stream."""
NO_ROOM = {10023, 10047}
WRONG_LAST_SEQUENCE = {10071, 10164}
STORE_FAILED = 10077
"""A limit of the stream, or of one subject; the words tell which."""


class ApiRefusalError(StorageError):
    """The server answered a request with an error.

    Attributes:
        code: JetStream's own number.
        words: What it says.
    """

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"JetStream refused a request ({code})")
        self.code, self.words = code, words


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream keeps it."""

    seq: int
    subject: str
    payload: bytes


class JetStream:
    """Asks the servers behind one connection."""

    def __init__(self, client: Client, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self._client, self._timeout_s = client, timeout_s

    async def call(self, api: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call `$JS.API.<api>` and return the answer.

        Raises:
            ApiRefusalError: the answer is an error.
            StorageError: no answer came.
        """
        request = b"" if body is None else json.dumps(body).encode()
        return await self._ask(f"$JS.API.{api}", request, None)

    async def publish(
        self, subject: str, payload: bytes, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Publish and return the acknowledgement, which says that it is durable.

        Raises:
            ApiRefusalError: the stream did not take it.
            StorageError: nobody knows whether it did.
        """
        return await self._ask(subject, payload, headers)

    async def _ask(
        self, subject: str, payload: bytes, headers: dict[str, str] | None
    ) -> dict[str, Any]:
        try:
            answer = await self._client.request(
                subject, payload, timeout=self._timeout_s, headers=headers
            )
            said: dict[str, Any] = json.loads(answer.data)
        except (NatsError, TimeoutError, ValueError) as error:
            raise StorageError("JetStream gave no answer") from error
        if "error" in said:
            refused = said["error"]
            raise ApiRefusalError(refused.get("err_code", 0), refused.get("description", ""))
        return said

    async def get(self, stream: str, question: dict[str, Any]) -> Stored | None:
        """Return the message that `question` asks for, as the stream's leader knows it.

        Args:
            question: {"last_by_subj": S}, or {"seq": N, "next_by_subj": S}.
        """
        try:
            said = await self.call(f"STREAM.MSG.GET.{stream}", question)
        except ApiRefusalError as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
        message = said["message"]
        payload = base64.b64decode(message.get("data", ""))
        return Stored(message["seq"], message["subject"], payload)

    async def delete(self, stream: str, seq: int) -> bool:
        """Delete one message; return False when it was gone already."""
        try:
            await self.call(f"STREAM.MSG.DELETE.{stream}", {"seq": seq, "no_erase": True})
        except ApiRefusalError as refused:
            if refused.code in NOT_FOUND:
                return False
            raise
        return True

    async def describe(self, stream: str, **asked: Any) -> dict[str, Any] | None:
        """Return what the servers say of a stream, or None when it is not there."""
        try:
            return await self.call(f"STREAM.INFO.{stream}", asked or None)
        except ApiRefusalError as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
