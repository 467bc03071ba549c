"""How what reads attachments from outside is fed."""

from __future__ import annotations

from hotline.core.messages import attachments
from hotline.core.values import Digest, sha256
from hotline.sealing import attachment
from hotline.station.attachments import read_to_attach
from tests.fakes.parser_rows import Targets
from tests.fakes.parsers import Rig, Target

LINE = Digest(bytes(32))


def files_beside_statements(rig: Rig) -> Targets:
    """Return the parsers of attachments."""
    made = attachment.seal_attachment(b"a file" * 1_000, LINE, lambda size: b"k" * size)

    def opened(raw: bytes) -> object:
        # Under its own digest, so that more is looked at than that.
        return attachment.open_attachment(
            raw, made.key, line=LINE, size=made.size, digest=made.digest, sealed=sha256(raw)
        )

    def named(raw: bytes) -> object:
        name, _, type_ = raw.decode("utf-8", "replace").partition("|")
        return attachments.check_attachment(name, type_, len(raw))

    samples = tuple(f"chart{ends[0]}|{type_}".encode() for type_, ends in attachments.TYPES.items())
    return {
        "hotline.sealing.attachment.open_attachment": Target(opened, (made.stream,)),
        "hotline.station.attachments.read_to_attach": Target(
            rig.file("chart.png", read_to_attach), (b"", b"a file"), 8
        ),
        "hotline.core.messages.attachments.check_attachment": Target(named, samples),
    }
