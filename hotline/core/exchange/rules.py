"""What a decision goes by besides the situation: templates, tables, clocks, members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.core.errors import PeerError
from hotline.core.messages.catalogue import Catalogue, Known
from hotline.core.messages.fields import check_fields
from hotline.core.messages.statement import Statement, TemplateRef
from hotline.core.messages.template import Template
from hotline.core.protocols.channel import ChannelTimes
from hotline.core.protocols.ladder import LadderTable
from hotline.core.values import Precedence

ACKNOWLEDGEMENT = "link/ack-read"
READ_BACK = "conv/readback"
RETRACTION = "conv/retract"
CORRECTION = "conv/correction"
RESPONSE = "conv/response"
OFFICERS_TEST = "link/test"
OFFICERS_ECHO = "link/echo"

ROLES = {
    ACKNOWLEDGEMENT: "says READ BY OFFICER",
    READ_BACK: "reads critical fields back",
    RETRACTION: "withdraws a statement",
    CORRECTION: "corrects a statement",
    RESPONSE: "answers with one word",
    OFFICERS_TEST: "tests the line from officer to officer",
    OFFICERS_ECHO: "says the phrase of such a test back",
}
"""Templates whose meaning the exchange itself knows (docs/protocol.md §5.4)."""

FORK = "fork"
"""With this word begins the reason for which the second of two statements is kept."""

ERASED = "erased"
"""With this word begins the reason for which nothing is kept of what was refused."""


def addresses_all(statement: Statement, members: tuple[str, ...]) -> bool:
    """Return whether every member but the sender stands once among those who act or are told.

    Spec: docs/protocol.md §5.5
    """
    named = sorted((*statement.to, *statement.info))
    return named == sorted(member for member in members if member != statement.sender)


FIRST_GENERATION = 1
"""Generation of a station's first ledger of a line; one that was left behind opens the next."""

DEFAULT_READ_CLOCKS_MS: Mapping[Precedence, int] = {
    Precedence.FLASH: 10 * 60_000,
    Precedence.IMMEDIATE: 30 * 60_000,
    Precedence.PRIORITY: 3 * 3_600_000,
    Precedence.ROUTINE: 6 * 3_600_000,
}
"""How long an officer may leave a statement unread: handling times of the field."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """When a statement of ours is missed that nobody there has acknowledged.

    Attributes:
        steps_ms: From the time it was recorded here, rising; at each the peer is asked.
        voice_ms: When the voice line is to be tried too; 0: never.
    """

    steps_ms: tuple[int, ...]
    voice_ms: int = 0


_MINUTE_MS = 60_000
DEFAULT_REMINDERS: Mapping[Precedence, Reminders] = {
    Precedence.FLASH: Reminders((2 * _MINUTE_MS, 5 * _MINUTE_MS, 10 * _MINUTE_MS), 5 * _MINUTE_MS),
    Precedence.IMMEDIATE: Reminders((10 * _MINUTE_MS, 20 * _MINUTE_MS, 30 * _MINUTE_MS)),
    Precedence.PRIORITY: Reminders((60 * _MINUTE_MS, 120 * _MINUTE_MS, 180 * _MINUTE_MS)),
    Precedence.ROUTINE: Reminders((360 * _MINUTE_MS,)),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Frozen for the life of a station.

    Attributes:
        members: Stations of the line, as its charter orders them.
        catalogue: The templates held here.
        read_clocks_ms: Per precedence, from arrival to an officer's acknowledgement.
        reminders: Per precedence, when a missing acknowledgement is asked for.
        channel: The clocks of channel tests.
        clock_doubt_ms: A packet's time may differ from ours by this much.
    """

    members: tuple[str, ...]
    catalogue: Catalogue
    ladder: LadderTable
    read_clocks_ms: Mapping[Precedence, int] = field(
        default_factory=lambda: dict(DEFAULT_READ_CLOCKS_MS)
    )
    clock_doubt_ms: int = 60_000
    reminders: Mapping[Precedence, Reminders] = field(
        default_factory=lambda: dict(DEFAULT_REMINDERS)
    )
    channel: ChannelTimes = field(default_factory=ChannelTimes)

    def template_of(self, ref: TemplateRef) -> Template | None:
        """Return the template when ours is the same to the byte, else None."""
        found = self.catalogue.lookup(ref)
        return found.template if isinstance(found, Known) else None

    def template_for(self, statement: Statement) -> Template | None:
        """Return the template by whose rules a statement has consequences, else None.

        A statement whose fields do not fit its template is shown as a table with
        a flag; a machine must not act on it.
        Spec: docs/protocol.md §5.2
        """
        template = self.template_of(statement.template)
        if template is None:
            return None
        try:
            check_fields(template, statement.fields)
        except PeerError:
            return None
        return template
