"""Ending trust in a key: revoked by the root, by a prepared slip, or suspended by two officers.

The station is stopped meanwhile. What is recorded here the other station is shown
first when the line is up again.
Spec: docs/protocol.md §4.21 to §4.23
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotline.core.errors import OperatorError, PeerError
from hotline.core.exchange.commands import AdmitRecord
from hotline.core.exchange.trust import admit_record
from hotline.core.values import ZERO_DIGEST, Digest
from hotline.sealing.authorisation import Act
from hotline.sealing.certificate import Certificate
from hotline.sealing.enrol import RootKey
from hotline.sealing.revocation import PREPARED, Effect, Revocation, sign_revocation
from hotline.sealing.roster import Roster
from hotline.sealing.standing import CERTIFICATE
from hotline.station.home import read_card, write_json
from hotline.station.introducing import admit_withdrawal
from hotline.station.ledger_keys import open_root
from hotline.station.line import Line
from hotline.station.upkeep import MAX_REASON_CHARACTERS, Work, clean

WHY_PREPARED = "prepared with the certificate; used without the root"


def revoke(
    work: Work,
    person: str,
    reason: str,
    since_ms: int | None = None,
    root_file: Path | None = None,
) -> list[Certificate]:
    """Revoke every certificate of a person that counted since then, by the root; return those.

    Args:
        person: Of this station; `console` and `ledger` name its unattended keys.
        since_ms: From when nothing of theirs is trusted; now if None.
        root_file: Where the root's key file is, if it is not in the home.
    Raises:
        OperatorError: no root key here, a wrong passphrase, nobody of that name, or all
            that the person has is revoked already.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.21
    """
    line, now_ms = work.opened.line, work.bench.clock()
    since_ms = now_ms if since_ms is None else since_ms
    text = clean(reason, "the reason", MAX_REASON_CHARACTERS)
    counted = [one for one in certificates_of(line, person) if one.not_after_ms >= since_ms]
    ended = [one for one in counted if not _is_revoked(line.roster, one)]
    if not ended:
        raise OperatorError(f"every certificate of {person} is revoked already, or has ended")
    root = root_of(work, root_file)
    for certificate in ended:
        said = _next(line, certificate.id, Effect.REVOKE, text, now_ms, since_ms)
        _admit(work, sign_revocation(said, root))
    return ended


def lift(work: Work, person: str, reason: str, root_file: Path | None = None) -> list[Certificate]:
    """Lift every suspension of a person's certificates, by the root; return those.

    Raises:
        OperatorError: as `revoke`; or none of the person's certificates is suspended.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.23
    """
    line, now_ms = work.opened.line, work.bench.clock()
    text = clean(reason, "the reason", MAX_REASON_CHARACTERS)
    standing = line.roster.standing
    suspended = {one: standing.suspended_by(one) for one in certificates_of(line, person)}
    if not any(suspended.values()):
        raise OperatorError(f"no certificate of {person} is suspended")
    root = root_of(work, root_file)
    for suspension in (digest for found in suspended.values() for digest in found):
        said = _next(line, suspension, Effect.LIFT, text, now_ms, now_ms)
        _admit(work, sign_revocation(said, root))
    return [one for one, found in suspended.items() if found]


def suspend(work: Work, person: str, reason: str, persons: Sequence[str]) -> list[Certificate]:
    """Suspend every certificate of a person on the authority of two officers; return those.

    Raises:
        OperatorError: nobody of that name, all withdrawn already, not two persons.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.23
    """
    line, now_ms = work.opened.line, work.bench.clock()
    held = [
        one
        for one in certificates_of(line, person)
        if one.covers(now_ms) and line.roster.standing.withdrawal(one) is None
    ]
    if not held:
        raise OperatorError(f"{person} has no certificate that counts now")
    for certificate in held:
        details = {CERTIFICATE: certificate.id.hex()}
        record, _ = work.authorise(Act.SUSPEND, details, reason, persons)
        _admit(work, record)
    return held


def prepare(
    work: Work, person: str, root_file: Path | None = None
) -> list[tuple[Certificate, bytes]]:
    """Have the root sign revocations of a person's certificates that stand in no chain.

    Nothing is recorded: whoever holds one can end that certificate without the root,
    and can do nothing else with it.

    Raises:
        OperatorError: as `revoke`.
    Spec: docs/protocol.md §4.22
    """
    line, now_ms = work.opened.line, work.bench.clock()
    found = [one for one in certificates_of(line, person) if one.covers(now_ms)]
    if not found:
        raise OperatorError(f"{person} has no certificate that is valid now")
    root = root_of(work, root_file)
    return [(one, sign_revocation(prepared(one, now_ms), root)) for one in found]


def prepared(certificate: Certificate, at_ms: int) -> Revocation:
    """Return the revocation of a certificate that a root signs beforehand.

    Spec: docs/protocol.md §4.22
    """
    return Revocation(
        station=certificate.station,
        realm=certificate.realm,
        counter=PREPARED,
        previous=ZERO_DIGEST,
        effect=Effect.REVOKE,
        subject=certificate.id,
        reason=WHY_PREPARED,
        at_ms=at_ms,
        since_ms=at_ms,
    )


def use_prepared(work: Work, envelope: bytes) -> str:
    """Record a prepared revocation, of either station; return whose certificate it ends.

    Raises:
        OperatorError: it does not verify on this line, or is recorded already.
        StorageError: the disk refused.
    Spec: docs/protocol.md §4.22
    """
    admitted = _admit(work, envelope)
    if admitted is None:
        raise OperatorError("that revocation is recorded here already")
    return getattr(admitted.event, "name", "") or f"certificate {admitted.digest[:16]}"


# --- parts -------------------------------------------------------------------------------


def certificates_of(line: Line, person: str) -> list[Certificate]:
    """Return the certificates of one person of this station, expired ones too.

    Raises:
        OperatorError: there is nobody of that name.
    """
    ours = [one for one in line.roster.certificates.values() if one.station == line.station]
    found = [one for one in ours if one.person.casefold() == person.casefold()]
    if not found:
        people = ", ".join(sorted({one.person for one in ours}))
        raise OperatorError(
            f"nobody of this station is called {person}", hint=f"certified here: {people}"
        )
    return sorted(found, key=lambda one: (one.not_before_ms, one.id))


def root_of(work: Work, root_file: Path | None = None) -> RootKey:
    """Unlock the newest root of this station, wherever its key file is now.

    Raises:
        OperatorError: it is not here, a wrong passphrase, or it is one that was followed.
    """
    line, path = work.opened.line, root_file or work.bench.home.keys / "root.key"
    records = [record.encode() for record in work.opened.card.records]
    root = open_root(path, work.bench.passphrase(path), records)
    if root.digest != line.roster.lineages[line.station].newest.digest:
        raise OperatorError(
            "root.key is not the root of this station that counts now",
            hint="put the newest root's key file in its place",
        )
    return root


def _is_revoked(roster: Roster, certificate: Certificate) -> bool:
    found = roster.standing.withdrawal(certificate)
    return found is not None and found.how == "revoked"


def _next(
    line: Line, subject: Digest, effect: Effect, reason: str, at_ms: int, since_ms: int
) -> Revocation:
    """Return the next of our chain."""
    counter, previous = line.roster.standing.head(line.station)
    return Revocation(
        station=line.station,
        realm=line.realm,
        counter=counter + 1,
        previous=previous,
        effect=effect,
        subject=subject,
        reason=reason,
        at_ms=at_ms,
        since_ms=since_ms,
    )


def _admit(work: Work, record: bytes) -> AdmitRecord | None:
    """Record a revocation or suspension and put it into line.json; None when it is known.

    Raises:
        OperatorError: it does not verify on this line.
    Spec: docs/protocol.md §4.22
    """
    try:
        admitted = admit_withdrawal(work.opened.line, record)
    except PeerError as error:
        raise OperatorError(str(error), hint="nothing was recorded") from error
    if admitted is not None:
        work.record(*admit_record(admitted).events)
        take_into_card(work, record)
    return admitted


def take_into_card(work: Work, record: bytes) -> None:
    """Put a record that the ledger binds into line.json; cut short, the next opening does it.

    Raises:
        StorageError: the disk refused.
    """
    directory = work.opened.directory
    card = read_card(directory)
    records = (*card.records, record.decode())
    write_json(directory / "line.json", card.model_copy(update={"records": records}))
