"""Two-person release: the first signature waits in the ledger, the second one sends.

Spec: docs/protocol.md §4.16
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.exchange.commands import AskRelease, EndRelease, Note
from hotline.core.exchange.releasing import check_awaiting
from hotline.core.exchange.standing import Release
from hotline.core.values import Digest
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.statements import (
    PartlySigned,
    verify_partly_signed,
)
from hotline.station.attachments import Attached
from hotline.station.sending import MAX_SENT_ITEM_BYTES, Sending
from hotline.station.upkeep import MAX_REASON_CHARACTERS, clean

MOST_SIGNERS = 2
"""So many signatures a station collects; a statement that needs more is not written here."""

ORDER_ROOM_BYTES = 8_192
"""What the second signature and the order may still add to a statement that waits."""

SAME_PERSON = "you signed it first, so another person must release it"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The bytes that await release: `payload` is what the envelope's signatures cover."""

    envelope: bytes
    payload: bytes


class Releasing(Sending):
    """The part of a station that lets a second officer release what the first one signed."""

    async def ask_release(
        self,
        envelope: bytes,
        *,
        inject: tuple[str, str] | None = None,
        attached: Sequence[Attached] = (),
    ) -> str:
        """Record the first officer's signature; nothing is ordered and nothing leaves.

        Args:
            envelope: As `sign_statement` made it, with one signature.
            inject: (id, trigger) when a drill's script sends it: it plays once only.
            attached: The files that travel beside it, as `attach` made them.
        Returns:
            The statement's digest in hex; "" when the inject was played before.
        Raises:
            OperatorError: it may not be sent now, needs no second officer, or is not one
                of this station's.
            StorageError: it could not be recorded.
        Spec: docs/protocol.md §4.16
        """
        asked = self._asked_by(envelope)
        (first,) = asked.signers
        digest = asked.digest.hex()
        command = AskRelease(
            statement=asked.statement,
            digest=digest,
            envelope=envelope,
            template=self.rules.template_for(asked.statement),
            certificate=first.id.hex(),
            officer=first.shown,
            need=asked.need,
            inject=inject,
        )
        keyed = self._keyed(asked.statement, digest, attached)
        recorded = await self._record(lambda _situation, _now_ms: [command, Note(keyed)])
        if recorded.decisions[0].duplicate:
            return ""
        self._adopt(attached)
        return digest

    def _asked_by(self, envelope: bytes) -> PartlySigned:
        try:
            asked = verify_partly_signed(self.line.roster, envelope)
        except PeerError as error:
            raise OperatorError(f"the statement was not signed: {error}") from error
        if asked.statement.sender != self.line.station:
            raise OperatorError("the statement was not signed: it is not one of this station's")
        if asked.need > MOST_SIGNERS or len(asked.signers) != 1:
            raise OperatorError(f"a statement is released here by {MOST_SIGNERS} officers")
        self._check_own(asked.signers[0], "the statement was not signed")
        if len(envelope) > MAX_SENT_ITEM_BYTES - ORDER_ROOM_BYTES:
            raise OperatorError("the statement is too long to be sent", hint="shorten its text")
        return asked

    def waiting(self, digest: str) -> Waiting:
        """Return what awaits release, as the ledger has it.

        Raises:
            OperatorError: it does not await release (any more).
            IntegrityError: the ledger does not read there, or holds other bytes.
        Spec: docs/protocol.md §4.16
        """
        release = check_awaiting(self.situation, digest)
        envelope = self._enclosure(release.index)
        try:
            held = verify_partly_signed(self.line.roster, envelope)
        except PeerError as error:
            raise IntegrityError("what awaits release does not verify in the ledger") from error
        if held.digest.hex() != digest:
            raise IntegrityError("the bytes that await release are not those that were signed")
        return Waiting(envelope, held.payload)

    def check_second(self, digest: str, second: Certificate) -> Release:
        """Refuse a second officer who is the first one, by person or by key, or is not named.

        Raises:
            OperatorError: that officer cannot release or refuse it; it says why.
        Spec: docs/protocol.md §4.16
        """
        release = check_awaiting(self.situation, digest)
        if self._is_first(release, second):
            raise OperatorError(SAME_PERSON, hint="call the second officer to the desk")
        if second.id.hex() not in release.statement.by:
            raise OperatorError(
                "the statement does not name that officer among its signers",
                hint="withdraw it and write it again",
            )
        return release

    def _is_first(self, release: Release, officer: Certificate) -> bool:
        first = self.line.roster.certificates.get(Digest(bytes.fromhex(release.certificate)))
        if first is None:
            return release.certificate == officer.id.hex()
        keys = {officer.key.ed25519, officer.key.mldsa65}
        same_key = keys & {first.key.ed25519, first.key.mldsa65}
        return bool(same_key) or first.person.casefold() == officer.person.casefold()

    async def end_release(
        self, digest: str, how: Literal["REFUSED", "WITHDRAWN"], officer: Certificate, reason: str
    ) -> None:
        """Record that the second officer refused what waits, or the first one withdrew it.

        Raises:
            OperatorError: not that officer's to say, the officer's certificate is not valid
                now, no reason, or it does not wait any more.
            StorageError: it could not be recorded.
        Spec: docs/protocol.md §4.16, §4.23
        """
        self._check_own(officer, f"it was not {how.lower()}")
        if how == "REFUSED":
            self.check_second(digest, officer)
        elif not self._is_first(check_awaiting(self.situation, digest), officer):
            raise OperatorError("only who signed it first can withdraw it", hint="refuse it")
        command = EndRelease(
            digest=digest,
            how=how,
            certificate=officer.id.hex(),
            officer=officer.shown,
            reason=clean(reason, "the reason", MAX_REASON_CHARACTERS),
        )
        await self._record(lambda _situation, _now_ms: [command])

    def second_officers(self, first: Certificate) -> tuple[Certificate, ...]:
        """Return who may release what `first` signs: one certificate for each other person."""
        found: dict[str, Certificate] = {}
        now_ms = self.line.clock()
        for one in self.line.roster.certified(self.line.station, Usage.STATEMENT):
            if (
                self.line.roster.trusts(one, now_ms)
                and one.person.casefold() != first.person.casefold()
            ):
                found[one.person.casefold()] = one
        return tuple(found.values())
