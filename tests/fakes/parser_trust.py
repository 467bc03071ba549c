"""How the parsers of revocations, suspensions and successor roots are fed."""

from __future__ import annotations

from hotline.core.values import ZERO_DIGEST, Realm
from hotline.host.entropy import system_entropy
from hotline.sealing import joining, revocation, root, slip
from hotline.sealing.authorisation import Act, Authorisation, sign_authorisation
from hotline.sealing.charter import default_policy
from hotline.sealing.enrol import (
    Subject,
    countersign_charter,
    make_charter,
    make_successor,
    new_station_keys,
)
from hotline.sealing.hybrid import draw_hybrid_seeds
from hotline.sealing.roster import Roster
from tests.fakes.parsers import Rig, Target

SEALING = "hotline.sealing"


def records_of_trust(rig: Rig) -> dict[str, Target]:
    """Feed what ends or follows a key, on a line whose roots sign it here."""
    north, south = (
        new_station_keys(
            station=name,
            realm=Realm.EXERCISE,
            officers=[Subject(f"{name[0]}{number}", f"Officer {number}") for number in (1, 2)],
            at_ms=rig.at_ms,
            entropy=system_entropy,
        )
        for name in ("NORTH", "SOUTH")
    )
    charter = countersign_charter(
        make_charter(
            north.root,
            name="trust",
            members=[("NORTH", north.root.digest), ("SOUTH", south.root.digest)],
            policy=default_policy(),
            at_ms=rig.at_ms,
        ),
        south.root,
    )
    roster = Roster.read([*north.records, *south.records, charter])
    subject = north.console.cert_id
    ended = [
        revocation.sign_revocation(
            revocation.Revocation(
                station="NORTH",
                realm=Realm.EXERCISE,
                counter=counter,
                previous=ZERO_DIGEST,
                effect=revocation.Effect.REVOKE,
                subject=subject,
                reason="taken",
                at_ms=rig.at_ms,
                since_ms=rig.at_ms,
            ),
            north.root,
        )
        for counter in (revocation.PREPARED, 1)
    ]
    suspended = sign_authorisation(
        Authorisation(
            line=roster.line,
            station="NORTH",
            act=Act.SUSPEND,
            details={"certificate": subject.hex()},
            reason="lost sight of",
            at_ms=rig.at_ms,
        ),
        [(roster.certificates[one.cert_id], one.signer) for one in north.officers.values()],
    )
    after = draw_hybrid_seeds(system_entropy)
    successor = make_successor(north.root, after, at_ms=rig.at_ms).record
    roots = (north.root.record, successor)
    return {
        f"{SEALING}.joining.join_record": Target(
            lambda raw: joining.join_record(roster, raw), (*ended, suspended, successor)
        ),
        f"{SEALING}.revocation.read_revocation": Target(revocation.read_revocation, tuple(ended)),
        f"{SEALING}.slip.write_slip": Target(slip.write_slip, tuple(ended)),
        f"{SEALING}.root.read_root": Target(root.read_root, roots),
        f"{SEALING}.root.parse_root": Target(root.parse_root, roots),
    }
