"""Words for the events of keeping a ledger, for a reviewer (docs/ledger.md §18-20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotline.core.exchange.delivery import token_of
from hotline.core.records import events as ev
from hotline.core.times import format_time

_OCCASIONS = {"hour": "hourly", "watch": "at the watch relief", "close": "at the close"}


def _signed(officers: tuple[str, ...]) -> str:
    return "authorised by " + " and ".join(officers)


def _generation(event: ev.GenerationOpened) -> str:
    known = max(event.countersigned_size, event.released_size)
    who = "the peer" if known == event.countersigned_size else "head.db"
    gap = f", of which {who} knew {known}" if known > event.kept_size else ""
    return (
        f"a new generation; the ledger left behind had {event.kept_size} entries{gap}; "
        f"{event.reason}; {_signed(event.officers)}"
    )


def _admitted(event: ev.PeerGenerationAdmitted) -> str:
    flaw = "" if event.fits else "; EVIDENCE: what it says of our countersignatures is not so"
    return (
        f"{event.peer} put back its ledger and opened generation {event.generation}: it kept "
        f"{event.kept_size} entries, we had countersigned {event.held_size}; {event.reason}{flaw}"
    )


def _recovered(event: ev.StatementRecovered) -> str:
    return (
        f"our lost statement {token_of(event.digest)}, number {event.order.seq} of generation "
        f"{event.order.generation}, given back by {event.peer}"
    )


def _erased(event: ev.EpochKeyDestroyed) -> str:
    return f"the content of epoch {event.epoch} was erased, {_signed(event.officers)}"


def _refused_there(event: ev.HeadRefusedThere) -> str:
    return f"EVIDENCE: {event.peer} refused our head of {event.size} entries ({event.verdict})"


def _key(event: ev.LedgerKeyChanged) -> str:
    return f"{event.station} signs heads with a new key, certificate {event.certificate[:12]}"


def _restored(event: ev.LedgerRestored) -> str:
    made = format_time(event.backed_up_at_ms)[:16]
    return (
        f"a backup of {made}Z was put in place with {event.size} entries; nothing newer was known"
    )


def _answered(event: ev.WitnessAnswered) -> str:
    evidence = "EVIDENCE: " if event.state == "CONTRADICTS" else ""
    return (
        f"{evidence}the outside witness {event.witness} now {event.state}, our ledger having "
        f"{event.our_size} entries: {event.reason}"
    )


def _closed(event: ev.LineClosed) -> str:
    left = (
        f"left behind: {event.undelivered} undelivered, {event.unreleased} awaiting release, "
        f"{event.unanswered} unanswered"
    )
    tokens = " ".join(map(token_of, event.left))
    named = f" ({tokens})" if tokens else ""
    return f"the line is closed, {event.name} ({event.successor[:16]}) follows; {left}{named}"


KEEPING_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.JournalAnchored: lambda e: (
        f"the station journal stands at {e.size} entries, {_OCCASIONS[e.occasion]}"
    ),
    ev.HeadRefusedThere: _refused_there,
    ev.StatementRecovered: _recovered,
    ev.GenerationOpened: _generation,
    ev.PeerGenerationAdmitted: _admitted,
    ev.StatementRenumbered: lambda e: (
        f"{e.peer} sent {token_of(e.digest)} again, now as number {e.order.seq} of generation "
        f"{e.order.generation}"
    ),
    ev.LedgerKeyChanged: _key,
    ev.EpochKeyMade: lambda e: f"epoch {e.epoch} has a content key of its own",
    ev.EpochKeyDestroyed: _erased,
    ev.HoldPlaced: lambda e: f"LEGAL HOLD on case {e.case} by {e.by}: {e.reason}",
    ev.HoldReleased: lambda e: f"hold on case {e.case} released, {_signed(e.officers)}: {e.reason}",
    ev.LedgerRestored: _restored,
    ev.WitnessNamed: lambda e: (
        f"the outside witness {e.vkey} is asked from here on, {_signed(e.officers)}: {e.reason}"
    ),
    ev.WitnessDropped: lambda e: (
        f"the outside witness {e.vkey} is asked no more, {_signed(e.officers)}: {e.reason}"
    ),
    ev.WitnessAnswered: _answered,
    ev.LineClosed: _closed,
    ev.LineContinued: lambda e: (
        f"this line follows {e.name} ({e.predecessor[:16]}), whose ledger ended with "
        f"{e.size} entries, root {e.root[:16]}"
    ),
    ev.RouteChanged: lambda e: (
        f"{e.peer} is dialled at {e.host}:{e.port} from the next start on, before at {e.before}"
    ),
    ev.RelayAdded: lambda e: (
        f"the relay {e.relay} at {e.host}:{e.port} (key {e.key[:16]}) is a route to "
        f"{', '.join(e.peers)} from the next start on"
    ),
    ev.RelayRemoved: lambda e: (
        f"the relay {e.relay} (key {e.key[:16]}) is no route any more; our mailboxes there "
        f"{'were dropped' if e.dropped else 'were left to expire'}"
    ),
    ev.ContentErased: lambda e: (
        f"what this entry (kind {e.was}) said was erased with epoch {e.epoch}; its proofs stand"
    ),
}
"""Kind of event to its words."""
