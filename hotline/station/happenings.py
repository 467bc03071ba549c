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
        statement = None
        if isinstance(event, ev.StatementSent | ev.StatementReceived | ev.StatementRecovered):
            statement = statement_of(enclosure(entry.index))
        yield Happening(entry.index, entry.recorded_at_ms, event, statement)


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


def statement_of(item: bytes) -> Statement:
    """Return the statement inside a recorded packet item.

    Raises:
        IntegrityError: the item holds none.
    """
    try:
        body = canonical.decode(item, what="recorded statement", max_bytes=MAX_ITEM_BYTES)
        payload = canonical.from_base64(body["envelope"]["payload"], what="payload")
        return decode_statement(payload)
    except (PeerError, KeyError, TypeError) as error:
        raise IntegrityError("a recorded statement does not read") from error
