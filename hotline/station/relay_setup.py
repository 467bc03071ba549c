"""Adding a relay to a line, and taking it away: mailboxes made and dropped, both recorded.

What opens a mailbox is in line.key before the mailbox is made, and the record is written
before relays.json: cut short anywhere, the same command goes on.
Spec: docs/enrolment.md §15
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from hotline.core.errors import LinkError, OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.sealing.ed25519 import SEED_BYTES, verify_ed25519
from hotline.sealing.mailboxes import MAX_NUMBER
from hotline.station.line import Line
from hotline.station.line_keys import LineKeys
from hotline.station.relaying import key_stores, own_mailbox
from hotline.station.relays import (
    MAX_RELAYS,
    LineRelay,
    OurMailbox,
    RelayCard,
    read_relays,
    write_relays,
)
from hotline.station.routes import ROUTE_NAME
from hotline.station.upkeep import Work
from hotline.transport.link import Timings
from hotline.transport.relay.calling import NotTheRelayError, TurnedAwayError, open_mailboxes
from hotline.transport.relay.client import Mailboxes, RefusedError
from hotline.transport.relay.frames import NO_TOKEN, Code, Refusal
from hotline.transport.relay.route import OwnMailbox

AMEND_HINT = "amend the line first (hotline line amend): the line that follows can use relays"


@dataclass(frozen=True, slots=True)
class WantedRelay:
    """A relay that is to be added.

    Attributes:
        tokens: The operator's admission tokens, at least one for each other station.
    """

    name: str
    card: RelayCard
    priority: int
    tokens: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding a relay.

    Attributes:
        unreached: Why no mailbox could be made yet; "" when all were.
    """

    relay: LineRelay
    unreached: str


async def add_relay(work: Work, wanted: WantedRelay, timings: Timings | None = None) -> Added:
    """Make our mailboxes at a relay and work it as a route from the next start on.

    A relay that does not answer now is added all the same: the station makes the mailboxes.

    Raises:
        OperatorError: it is there already, the line knows no mailboxes, or a token is refused.
        NotTheRelayError: who answers is not the relay of that card.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/enrolment.md §15.2
    """
    line, directory = work.opened.line, work.opened.directory
    relays = read_relays(directory)
    _check_free(relays.relays, wanted)
    keys, openings = _openings(line, wanted)
    before = {peer: keys.opening(wanted.name, peer) for peer in openings}
    keys.keep_openings(wanted.name, openings)
    relay = LineRelay(
        name=wanted.name,
        card=wanted.card,
        priority=wanted.priority,
        mailboxes=tuple(
            OurMailbox(peer=peer, endpoint=line.peers[peer].endpoint) for peer in openings
        ),
    )
    unreached = ""
    try:
        made = [await _make(line, relay, one, timings or Timings()) for one in relay.mailboxes]
        relay = relay.model_copy(update={"mailboxes": tuple(made)})
    except (OperatorError, NotTheRelayError):
        keys.keep_openings(wanted.name, {peer: one for peer, one in before.items() if one})
        raise
    except LinkError as error:
        unreached = str(error)
    work.record(
        Planned(
            ev.RelayAdded(
                relay=relay.name,
                host=relay.card.host,
                port=relay.card.port,
                key=relay.card.key,
                priority=relay.priority,
                peers=tuple(openings),
            )
        )
    )
    write_relays(directory, relays.with_one(relay))
    return Added(relay, unreached)


def _check_free(there: Sequence[LineRelay], wanted: WantedRelay) -> None:
    if wanted.name == ROUTE_NAME:
        raise OperatorError(
            f"{ROUTE_NAME!r} is the route without a relay", hint="give another name"
        )
    for one in there:
        if one.name == wanted.name:
            raise OperatorError(
                f"the line has a relay {one.name} already",
                hint="give another --name, or remove that one first",
            )
        if one.card.key == wanted.card.key:
            raise OperatorError(
                f"this is the line's relay {one.name} under another name",
                hint="to change its address, remove it and add it again",
            )
    if len(there) >= MAX_RELAYS:
        raise OperatorError(f"a line has at most {MAX_RELAYS} relays", hint="remove one first")


def _openings(line: Line, wanted: WantedRelay) -> tuple[LineKeys, dict[str, bytes]]:
    """Return, for each peer, the token and the key that only we have for our mailbox."""
    peers = [one for one in line.roster.members if one != line.station]
    if any(not line.peers[peer].held.mailboxes for peer in peers):
        raise OperatorError("this line was set up before there were mailboxes", hint=AMEND_HINT)
    if len(set(wanted.tokens)) < len(peers):
        raise OperatorError(
            f"the token file holds {len(set(wanted.tokens))} tokens, and the line needs"
            f" {len(peers)}: one for each other station",
            hint="ask the relay's operator for more",
        )
    keys, openings = key_stores(line)[0], {}
    for peer, token in zip(peers, dict.fromkeys(wanted.tokens), strict=False):
        held = keys.opening(wanted.name, peer)
        # A call that was cut short may have made the mailbox with that key.
        known = held[: len(token)] == token
        openings[peer] = held if known else token + line.entropy(SEED_BYTES)
    return keys, openings


async def _make(line: Line, relay: LineRelay, mailbox: OurMailbox, timings: Timings) -> OurMailbox:
    """Make one of our mailboxes; return it with the number under which it could be had.

    Raises:
        OperatorError: the relay refuses the token.
        LinkError: it cannot be reached, or is not the relay of the card.
    Spec: docs/transport.md §10.3
    """
    peer = mailbox.peer
    for number in range(MAX_NUMBER + 1):
        tried = mailbox.model_copy(update={"number": number})
        ours = own_mailbox(line, relay, tried)
        assert ours is not None, "its opening was kept just now"
        try:
            async with _session(line, relay, ours, ours.token, timings) as mailboxes:
                await mailboxes.create(ours.box, ours.sender, ours.token)
                return tried
        except TurnedAwayError as error:
            if error.code != Refusal.FORBIDDEN:
                raise
            raise OperatorError(
                f"{relay.name} refuses the token for {peer}, or is not the relay of this card",
                hint="compare the relay's key with its operator, and ask for a token",
            ) from error
        except RefusedError as error:
            if error.code != Code.ADMISSION:
                raise
    raise OperatorError(
        f"the token for {peer} belongs to another mailbox at {relay.name}",
        hint="ask the relay's operator for another token",
    )


def _session(
    line: Line, relay: LineRelay, ours: OwnMailbox, token: bytes, timings: Timings
) -> AbstractAsyncContextManager[Mailboxes]:
    return open_mailboxes(
        relay.card.address,
        ours.box,
        ours.signer,
        verifier=verify_ed25519,
        entropy=line.entropy,
        token=token,
        timings=timings,
    )


async def remove_relay(
    work: Work, name: str, *, lost: bool = False, timings: Timings | None = None
) -> LineRelay:
    """Drop our mailboxes at a relay and work it no longer.

    Args:
        lost: Do not ask the relay: it is gone for good.
    Raises:
        OperatorError: the line has no relay of that name.
        LinkError: it cannot be reached; nothing was changed.
        StorageError: it could not be made durable; the same command goes on.
    Spec: docs/enrolment.md §15.4
    """
    line, directory = work.opened.line, work.opened.directory
    relays = read_relays(directory)
    relay = relays.named(name)
    if not lost:
        await _drop_all(line, relay, timings or Timings())
    work.record(Planned(ev.RelayRemoved(relay=name, key=relay.card.key, dropped=not lost)))
    write_relays(directory, relays.without(name))
    for keys in key_stores(line):
        keys.keep_openings(name, {})
    return relay


async def _drop_all(line: Line, relay: LineRelay, timings: Timings) -> None:
    for one in relay.mailboxes:
        ours = own_mailbox(line, relay, one)
        if ours is None:
            continue
        try:
            async with _session(line, relay, ours, NO_TOKEN, timings) as mailboxes:
                await mailboxes.drop(ours.box)
        except TurnedAwayError as error:
            if error.code != Refusal.FORBIDDEN:
                raise
        except RefusedError as error:
            if error.code != Code.NO_BOX:
                raise
