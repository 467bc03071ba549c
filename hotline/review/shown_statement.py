"""The statement that a disclosed entry encloses: whose it is, and what it says.

Spec: docs/ledger.md §15.6
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.core.errors import IntegrityError, PeerError
from hotline.core.messages.statement import Statement, decode_statement
from hotline.core.records.disclosed import Disclosure, read_statement_item
from hotline.core.records.event import OrderRef
from hotline.core.records.events import Event
from hotline.review.sentences import printable
from hotline.review.trust_notes import signer_words
from hotline.sealing.certificate import Certificate
from hotline.sealing.order import order_digest, read_order, verify_order
from hotline.sealing.roster import Roster, identify_ledger
from hotline.sealing.statements import UnknownSignerError, verify_statement


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """A statement whose digest stands in the entry's leaf.

    Attributes:
        signers: Role, rank and name of the officers whose signatures verify, or empty
            when their certificates are not on the cards.
        expired: Whether a signer's certificate did not cover the time of the entry.
        withdrawn: What is known of signers whose keys were revoked or suspended since.
        ordered: Whether the place in the sender's order is signed by the sender's station.
    """

    statement: Statement
    signers: tuple[str, ...]
    expired: bool
    ordered: bool
    withdrawn: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield what the statement says, each line printable."""
        said = self.statement
        way = f"from {said.sender} to {' '.join(said.to)}"
        about = f"{said.precedence} {said.template.id}, written {said.at}"
        incident = f", incident {said.incident}" if said.incident else ""
        yield printable(f"  The statement, {way}: {about}{incident}.")
        yield from (printable(f"    {name} = {value}") for name, value in said.fields.items())
        if said.text:
            yield printable(f"    text: {said.text}")
        yield f"  {self._signed()}"
        yield from (printable(f"  {words}.") for words in self.withdrawn)

    def _signed(self) -> str:
        if not self.signers:
            return (
                "The officers' certificates are not on the cards, so who signed the statement "
                "was not checked; that it is this one, was."
            )
        flaw = ", whose certificate did not cover that time (UNVERIFIED)" if self.expired else ""
        return printable(f"Signed by {' and '.join(self.signers)}{flaw}.")

    def as_json(self) -> dict[str, Any]:
        """Return the statement as it was signed, and what was found of its signatures."""
        return {
            "statement": self.statement.model_dump(mode="json", by_alias=True),
            "signers": list(self.signers),
            "expired": self.expired,
            "ordered": self.ordered,
            "withdrawn": list(self.withdrawn),
        }


def judge_statement(
    disclosure: Disclosure,
    event: Event,
    records: Sequence[bytes],
    countersigned_at_ms: int | None = None,
) -> ShownStatement | None:
    """Return the enclosed statement, judged, or None if none is shown.

    Args:
        disclosure: Checked: the statement's digest is the leaf's subject.
        event: What the entry says; its order binds the enclosed one.
        records: Public records of the line that verify together.
        countersigned_at_ms: The earliest countersignature by a member that is shown, or None.
    Raises:
        IntegrityError: a signature on the statement, or its order, does not verify; or the
            entry is one of a station journal, which holds no statements.
    """
    if disclosure.disclosed.enclosure is None:
        return None
    if len(identify_ledger(records).members) == 1:
        raise IntegrityError("the entry is one of a station journal, and that holds no statements")
    try:
        envelope, order, payload = read_statement_item(disclosure.disclosed.enclosure)
        statement = decode_statement(payload)
        roster = Roster.read(records)
        ordered = _check_order(roster, order, event)
        at_ms = disclosure.leaf.recorded_at_ms
        signers = _signers(roster, envelope, at_ms)
    except PeerError as error:
        raise IntegrityError(f"the enclosed statement does not verify: {error}") from error
    told = (signer_words(roster, one, at_ms, countersigned_at_ms) for one in signers)
    return ShownStatement(
        statement,
        signers=tuple(one.shown for one in signers),
        expired=not all(one.covers(at_ms) for one in signers),
        ordered=ordered,
        withdrawn=tuple(words for words in told if words),
    )


def _signers(roster: Roster, envelope: bytes, at_ms: int) -> tuple[Certificate, ...]:
    """Return the officers who signed, none when a certificate is not on the cards."""
    try:
        return verify_statement(roster, envelope, at_ms=at_ms).signers
    except UnknownSignerError:
        return ()


def _check_order(roster: Roster, order: bytes, event: Event) -> bool:
    """Check that the enclosed order is the one that the entry's content names."""
    named = getattr(event, "order", None)
    if not isinstance(named, OrderRef) or order_digest(read_order(order)).hex() != named.digest:
        raise PeerError("the enclosed order is not the one that the entry names")
    verify_order(roster, order)
    return True
