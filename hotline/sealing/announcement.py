"""What a station says of the keys that it opens with (docs/protocol.md §7.21)."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from hotline.core import canonical
from hotline.core.times import parse_time
from hotline.sealing.prekey import PREKEY_PUBLIC_BYTES
from hotline.sealing.shapes import Count, Time, Written, base64_field


class Announcement(Written):
    """A key to seal to.

    Attributes:
        aseq: Only rises; an older announcement than the known one is ignored.
        pk: The encoded sealing key; `PrekeyPublic` validates it.
        kind: `prekey` opens relay mail too, `turn` lives in memory only.
    """

    aseq: Count
    pk: Annotated[bytes, *base64_field(PREKEY_PUBLIC_BYTES, PREKEY_PUBLIC_BYTES)]
    kind: Literal["prekey", "turn"]
    not_after: Time

    @property
    def not_after_ms(self) -> int:
        """Last millisecond at which a peer may seal to it."""
        return parse_time(self.not_after)

    @cached_property
    def written(self) -> bytes:
        """The announcement as canonical JSON: base64 and a time need no escape."""
        pk = canonical.to_base64(self.pk)
        told = f'"kind":"{self.kind}","not_after":"{self.not_after}","pk":"{pk}"'
        return f'{{"aseq":{self.aseq},{told}}}'.encode()
