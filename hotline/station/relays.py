"""The relays of a line: what an operator hands out of one, and what lies in relays.json.

lines/<handle>/relays.json   each relay with its address, key, certificates, and the numbers
                             of our mailboxes there; nothing secret (that is in line.key)
Spec: docs/enrolment.md §15
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from hotline.core.errors import OperatorError, PeerError, StorageError
from hotline.core.messages.statement import HexDigest, StationName, first_fault
from hotline.sealing.certificate import FIRST_ENDPOINT
from hotline.sealing.mailboxes import MAX_NUMBER
from hotline.station.home import write_json
from hotline.transport.relay.calling import RelayAddress
from hotline.transport.tls import MAX_PINS, pinned

RELAYS = "relays.json"
MAX_RELAYS = 8
MAX_CARD_BYTES = 65_536
RELAY_CARD = "hotline-relay-1"

RelayName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}\z")]
_NAME: TypeAdapter[str] = TypeAdapter(RelayName)
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\z")]


class RelayCard(BaseModel):
    """What a relay's operator hands out: where it is and how it is known. Nothing secret.

    Attributes:
        key: The relay's Ed25519 public key; certificates: PEM, current and perhaps next.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[str, StringConstraints(pattern=rf"^{RELAY_CARD}\z")] = RELAY_CARD
    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)]
    key: HexDigest
    certificates: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_PINS)]

    @property
    def address(self) -> RelayAddress:
        """What a client dials.

        Raises:
            OperatorError: a certificate does not read.
        """
        try:
            ders = [ssl.PEM_cert_to_DER_cert(one) for one in self.certificates]
            return RelayAddress(self.host, self.port, bytes.fromhex(self.key), pinned(*ders))
        except (ValueError, PeerError) as error:
            raise OperatorError(
                "a certificate on the relay's card does not read", hint="ask its operator for it"
            ) from error


class OurMailbox(BaseModel):
    """One mailbox of ours at a relay: whose words come by it, and under which number it is.

    Attributes:
        endpoint: The console of the peer that puts into it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    peer: StationName
    endpoint: Annotated[int, Field(ge=FIRST_ENDPOINT)] = FIRST_ENDPOINT
    number: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0


class LineRelay(BaseModel):
    """One relay of a line.

    Attributes:
        name: What this station calls it; routes and events bear that name.
        priority: Of two routes that are equally well the one with the smaller number is taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RelayName
    card: RelayCard
    priority: Annotated[int, Field(ge=1, le=99)]
    mailboxes: Annotated[tuple[OurMailbox, ...], Field(min_length=1, max_length=15)]

    def mailbox_for(self, peer: str) -> OurMailbox | None:
        """Return our mailbox for a peer; None: there is none."""
        return next((one for one in self.mailboxes if one.peer == peer), None)


class Relays(BaseModel):
    """What lines/<handle>/relays.json holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relays: Annotated[tuple[LineRelay, ...], Field(max_length=MAX_RELAYS)] = ()

    def named(self, name: str) -> LineRelay:
        """Return the relay of that name.

        Raises:
            OperatorError: there is none; says which there are.
        """
        for one in self.relays:
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.relays) or "none"
        raise OperatorError("the line has no relay of that name", hint=f"its relays: {there}")

    def without(self, name: str) -> Self:
        """Return the relays without the one of that name."""
        left = tuple(one for one in self.relays if one.name != name)
        return self.model_copy(update={"relays": left})

    def with_one(self, relay: LineRelay) -> Self:
        """Return the relays with one more, in the order in which they are preferred."""
        found = (*self.without(relay.name).relays, relay)
        ordered = tuple(sorted(found, key=lambda one: (one.priority, one.name)))
        return self.model_copy(update={"relays": ordered})


def read_relays(directory: Path) -> Relays:
    """Read lines/<handle>/relays.json; a line without the file has no relays.

    Raises:
        OperatorError: it is not such a file.
        StorageError: the disk.
    """
    try:
        return Relays.model_validate_json((directory / RELAYS).read_bytes())
    except FileNotFoundError:
        return Relays()
    except ValidationError as error:
        raise OperatorError(
            f"{RELAYS}: {first_fault(error)}",
            hint="put the file back, or move it away and add the relays again",
        ) from error
    except OSError as error:
        raise StorageError(f"{RELAYS} cannot be read") from error


def write_relays(directory: Path, relays: Relays) -> None:
    """Write relays.json whole, or not at all.

    Raises:
        StorageError: the disk refused.
    """
    write_json(directory / RELAYS, relays)


def read_name(text: str) -> str:
    """Return a relay's name as an officer typed it.

    Raises:
        OperatorError: no relay can be called so.
    """
    try:
        return _NAME.validate_python(text)
    except ValidationError as error:
        raise OperatorError(
            "that is no name for a relay", hint="use a-z, digits and -, as in relay-a"
        ) from error


def read_relay_card(content: bytes) -> RelayCard:
    """Read what `hotline relay --card` wrote.

    Raises:
        OperatorError: it is something else.
    """
    wrong = "this file is not a relay's card"
    hint = "ask the relay's operator for what hotline relay --card writes"
    if len(content) > MAX_CARD_BYTES:
        raise OperatorError(wrong, hint=hint)
    try:
        card = RelayCard.model_validate_json(content)
    except ValidationError as error:
        raise OperatorError(wrong, hint=hint) from error
    # A certificate that does not read is found now, not by a station on watch.
    _ = card.address
    return card
