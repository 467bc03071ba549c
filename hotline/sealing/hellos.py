"""The three items of the handshake (docs/protocol.md §7.26)."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from hotline.sealing.announcement import Announcement
from hotline.sealing.shapes import Count, DigestHex, SaltHex, Written


class HelloItem(Written):
    """H1 of the handshake: answer this, and tell me your newest key.

    Attributes:
        prekey: The sender's newest key on disk.
        known: The newest announcement of the receiver's that the sender has accepted.
        holds: The newest of the receiver's prekeys that the sender has on its disk.
    """

    t: Literal["hello"] = "hello"
    nonce: SaltHex
    prekey: Announcement
    known: Count
    holds: Count

    @cached_property
    def written(self) -> bytes:
        """The item as canonical JSON; it is hashed and sent, and nothing in it needs an escape."""
        told = f'"holds":{self.holds},"known":{self.known},"nonce":"{self.nonce.hex()}"'
        return b'{%b,"prekey":%b,"t":"hello"}' % (told.encode(), self.prekey.written)


class HelloAnswerItem(Written):
    """H2: what H1 says, and the digest of H1, which nobody could know before."""

    t: Literal["hello-answer"] = "hello-answer"
    answers: DigestHex
    nonce: SaltHex
    prekey: Announcement
    known: Count
    holds: Count

    @cached_property
    def written(self) -> bytes:
        """The item as canonical JSON, as of H1."""
        told = (
            f'"answers":"{self.answers.hex()}",'
            f'"holds":{self.holds},"known":{self.known},"nonce":"{self.nonce.hex()}"'
        )
        return b'{%b,"prekey":%b,"t":"hello-answer"}' % (told.encode(), self.prekey.written)


class HelloEndItem(Written):
    """H3: the digest of H1 and H2."""

    t: Literal["hello-end"] = "hello-end"
    answers: DigestHex
    known: Count
    holds: Count

    @cached_property
    def written(self) -> bytes:
        """The item as canonical JSON, as of H1."""
        told = f'"answers":"{self.answers.hex()}","holds":{self.holds},"known":{self.known}'
        return f'{{{told},"t":"hello-end"}}'.encode()


GREETINGS = (HelloItem, HelloAnswerItem, HelloEndItem)
"""The handshake."""
