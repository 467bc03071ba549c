"""From ledger entries to happenings: how the fold reads a ledger, live and in replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hotline.core import canonical
from hotline.core.errors import IntegrityError, PeerError
from hotline.core.exchange.situation import Happening
from hotline.core.messages.statement import Statement, decode_statement
from hotline.core.records import events as ev
from hotline.core.records.entry import Entry

MAX_ITEM_BYTES = 65_536


def happenings(entries: Iterable[Entry], enclosure: Callable[[int], bytes]) -> Iterator[Happening]:
    """Yield what the fold takes for each entry, in order.

    Args:
        enclosure: Gives the statement item kept beside an entry.
    Raises:
        IntegrityError: an entry or its statement does not read.
    """
    for entry in entries:
        event = ev.decode_event(entry.kind, entry.content)
        statement = None
        if isinstance(event, ev.StatementSent | ev.StatementReceived):
            statement = statement_of(enclosure(entry.index))
        yield Happening(entry.index, entry.recorded_at_ms, event, statement)


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
