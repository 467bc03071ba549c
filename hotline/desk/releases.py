"""The second officer's side of a two-person release: read the very bytes, then sign or refuse.

Spec: docs/protocol.md §4.16
"""

from __future__ import annotations

import asyncio

from hotline.core.errors import OperatorError
from hotline.core.exchange.releasing import AWAITING
from hotline.core.exchange.standing import Release
from hotline.core.messages import phrasing
from hotline.core.messages.statement import Statement, decode_statement
from hotline.core.values import Digest
from hotline.desk.drafts import Writer, code_of, preview
from hotline.desk.lock import DeskLock
from hotline.desk.officer import Officer, Unlock
from hotline.desk.views import ReleaseView
from hotline.sealing.certificate import Certificate
from hotline.sealing.statements import add_signature
from hotline.station.station import Station


class Releases:
    """What awaits release at one station, as the officer of one desk can act on it."""

    def __init__(self, station: Station, own: DeskLock, writer: Writer, unlock: Unlock) -> None:
        """Act as the officer of `own`; `unlock` opens another one's key for one signature."""
        self._station, self._own = station, own
        self._writer, self._unlock = writer, unlock

    def view(self, digest: str) -> ReleaseView | None:
        """Return what awaits release, rendered from the very bytes; None when it does not wait."""
        release = self._station.situation.releases.get(digest)
        if release is None or release.state != AWAITING:
            return None
        try:
            waiting = self._station.waiting(digest)
        except OperatorError:
            return None
        return self._view(release, waiting.payload)

    def _view(self, release: Release, payload: bytes) -> ReleaseView:
        writer, statement = self._writer, decode_statement(payload)
        template = writer.rules.template_for(statement)
        first = self._is_own(release)
        return ReleaseView(
            digest=release.digest,
            token=release.token,
            number=template.number if template else "",
            title=phrasing.title(template, writer.own) if template else statement.template.id,
            precedence=statement.precedence.value,
            to=(*statement.to, *statement.info),
            first=release.officer,
            written_ms=statement.at_ms,
            until_ms=release.until_ms,
            preview_own=preview(statement, template, writer.own),
            preview_peer=preview(statement, template, writer.peer),
            own_language=writer.own.language,
            peer_language=writer.peer.language,
            warnings=(),
            code=code_of(template, payload),
            ours=first,
            officers=self._others(release, statement) if first else (),
        )

    def _is_own(self, release: Release) -> bool:
        certificates = self._station.line.roster.certificates
        first = certificates.get(Digest(bytes.fromhex(release.certificate)))
        own = self._own.certificate
        if first is None:
            return False
        return first.person.casefold() == own.person.casefold()

    def _others(self, release: Release, statement: Statement) -> tuple[tuple[str, str], ...]:
        """Return (person, words) of each officer whom the statement names besides the first."""
        certificates = self._station.line.roster.certificates
        named = [
            certificates.get(Digest(bytes.fromhex(one)))
            for one in statement.by
            if one != release.certificate
        ]
        return tuple((one.person, one.shown) for one in named if one is not None)

    async def release(self, digest: str, code: str, person: str, passphrase: str) -> None:
        """Sign the identical bytes as the second officer, and send.

        Args:
            person: Whose key is unlocked by `passphrase` for this one signature; "": the
                officer of this desk.
        Raises:
            OperatorError: that officer cannot, the code differs, or it may not be sent now.
        Spec: docs/protocol.md §4.16
        """
        second = await self._second(digest, person, passphrase)
        waiting = self._station.waiting(digest)
        template = self._writer.rules.template_for(decode_statement(waiting.payload))
        wanted = code_of(template, waiting.payload)
        if wanted and code.strip().upper() != wanted:
            raise OperatorError("the code does not match", hint=f"type {wanted}")
        certificate = second.certificate
        # Opening the other key took a while, in which the desk may have been locked.
        self._own.officer()
        signed = add_signature(waiting.envelope, second.signer, Digest(certificate.id))
        await self._station.submit(signed)

    async def refuse(self, digest: str, reason: str, person: str, passphrase: str) -> None:
        """Refuse it as the second officer; it will not be sent.

        Raises:
            OperatorError: that officer cannot, or no reason is given.
        """
        second = await self._second(digest, person, passphrase)
        self._own.officer()
        await self._station.end_release(digest, "REFUSED", second.certificate, reason)

    async def withdraw(self, digest: str, reason: str) -> None:
        """Withdraw what this desk's officer signed first.

        Raises:
            OperatorError: somebody else signed it first, or no reason is given.
        """
        own = self._own.officer().certificate
        await self._station.end_release(digest, "WITHDRAWN", own, reason)

    async def _second(self, digest: str, person: str, passphrase: str) -> Officer:
        own = self._own.officer()
        if person.casefold() in ("", own.certificate.person.casefold()):
            self._station.check_second(digest, own.certificate)
            return own
        # Opening a protected key takes half a second of work.
        second = await asyncio.to_thread(self._unlock, person, passphrase or None)
        if second.certificate.person.casefold() != person.casefold():
            raise OperatorError("that key is another officer's than the one named")
        self._station.check_second(digest, second.certificate)
        return second


def seconds_for(station: Station, first: Certificate) -> tuple[str, ...]:
    """Return the certificate ids (hex) of who may release what `first` signs."""
    return tuple(one.id.hex() for one in station.second_officers(first))
