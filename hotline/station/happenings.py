"""From ledger entries to happenings: how the fold reads a ledger, live and in replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hotline.core import canonical
from hotline.core.errors import IntegrityError, PeerError
from hotline.core.exchange.situation import Happening
from hotline.core.messages.statement import Statement, decode_statement
from hotline.core.records import events as ev
from hotline.core.records.checkpoint import parse_origin
from hotline.core.records.entry import Entry, Erased

MAX_ITEM_BYTES = 65_536


def happenings(entries: Iterable[Entry], enclosure: Callable[[int], bytes]) -> Iterator[Happening]:
    """Yield what the fold takes for each entry, in order; of an erased one what is left.

    Args:
        enclosure: Gives the statement item kept beside an entry.
    Raises:
        IntegrityError: an entry or its statement does not read.
    """
    for entry in entries:
        if entry.erased is not None:
            yield Happening(entry.index, entry.recorded_at_ms, _left_of(entry, entry.erased))
            continue
        event = ev.decode_event(entry.kind, entry.content)
        statement: Statement | None = None
        signers: tuple[str, ...] = ()
        if isinstance(event, ev.StatementSent | ev.StatementReceived | ev.StatementRecovered):
            statement, signers = said_in(enclosure(entry.index))
        elif isinstance(event, ev.ReleaseAsked):
            statement, signers = said_in(enclosure(entry.index), ordered=False)
        yield Happening(entry.index, entry.recorded_at_ms, event, statement, signers)


def _left_of(entry: Entry, erased: Erased) -> ev.Event:
    """Return what is known of an erased entry; the first says no more than the origin does."""
    if entry.index == 0:
        origin = parse_origin(erased.origin)
        return ev.LedgerOpened(
            realm=origin.realm.value,
            line=origin.line,
            station=origin.station,
            generation=origin.generation,
        )
    return ev.ContentErased(was=entry.kind, epoch=erased.epoch, subject=entry.subject.hex())


def said_in(enclosed: bytes, *, ordered: bool = True) -> tuple[Statement, tuple[str, ...]]:
    """Return the statement in a recorded packet item, and the certificate ids of who signed it.

    Args:
        ordered: Whether its order stands beside the envelope; else it is the envelope alone.
    Raises:
        IntegrityError: the item holds none.
    """
    try:
        body = canonical.decode(enclosed, what="recorded statement", max_bytes=MAX_ITEM_BYTES)
        envelope = body["envelope"] if ordered else body
        payload = canonical.from_base64(envelope["payload"], what="payload")
        signers = dict.fromkeys(one["keyid"].partition("#")[0] for one in envelope["signatures"])
        return decode_statement(payload), tuple(signers)
    except (PeerError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError("a recorded statement does not read") from error
