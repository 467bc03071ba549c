"""Revocations, suspensions and lineages: what is taken, and every forgery that is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.times import format_time
from hotline.core.values import ZERO_DIGEST, Digest, Realm
from hotline.sealing.authorisation import AUTHORISATION_TYPE, Act, Authorisation, sign_authorisation
from hotline.sealing.cell import OpenedCell
from hotline.sealing.certificate import CERTIFICATE_TYPE, Certificate, Usage, read_certificate
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.enrol import (
    CertifiedKey,
    RootKey,
    Subject,
    issue_certificate,
    make_root,
    make_successor,
)
from hotline.sealing.hybrid import HybridPublicKey, HybridSigner, draw_hybrid_seeds
from hotline.sealing.joining import join_record
from hotline.sealing.packet import encode_packet, sign_packet, verify_packet
from hotline.sealing.revocation import (
    PREPARED,
    REVOCATION_TYPE,
    Effect,
    Revocation,
    read_revocation,
    sign_revocation,
)
from hotline.sealing.root import ROOT_TYPE, read_root
from hotline.sealing.roster import Roster, identify_ledger
from hotline.sealing.slip import read_slip, write_slip
from hotline.sealing.standing import MAX_UNNUMBERED
from hotline.sealing.statements import Verdict, sign_statement, verify_statement

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DAY_MS = 86_400_000


def ending(world: World, **changes: Any) -> Revocation:
    values: dict[str, Any] = {
        "station": "NORTH",
        "realm": Realm.EXERCISE,
        "counter": 1,
        "previous": ZERO_DIGEST,
        "effect": Effect.REVOKE,
        "subject": world.n1.cert_id,
        "reason": "the key file was stolen",
        "at_ms": world.now_ms,
        "since_ms": world.now_ms,
    }
    return Revocation(**(values | changes))


def revoked(world: World, **changes: Any) -> bytes:
    return sign_revocation(ending(world, **changes), world.north.root)


def forged(world: World, root: RootKey | None = None, **changes: Any) -> bytes:
    """Write any payload and sign it as a root without asking whether it may."""
    body: dict[str, Any] = {
        "v": 1,
        "station": "NORTH",
        "realm": "EXERCISE",
        "counter": 1,
        "previous": bytes(32).hex(),
        "effect": "revoke",
        "subject": world.n1.cert_id.hex(),
        "reason": "by a thief",
        "at": format_time(world.now_ms),
        "since": format_time(world.now_ms),
    }
    body |= changes
    signer = root or world.north.root
    payload = canonical.encode({name: value for name, value in body.items() if value is not None})
    envelope = Envelope(REVOCATION_TYPE, payload)
    return encode_envelope(
        envelope.with_hybrid(signer.digest, signer.signer.sign(envelope.message))
    )


def joined(roster: Roster, *records: bytes) -> Roster:
    for record in records:
        roster = join_record(roster, record)
    return roster


def refuse(world: World, record: bytes, reason: str, roster: Roster | None = None) -> None:
    with pytest.raises(PeerError, match=reason):
        join_record(roster or world.roster, record)


def suspension(world: World, *keys: CertifiedKey, **changes: Any) -> bytes:
    values: dict[str, Any] = {
        "line": world.roster.line,
        "station": "NORTH",
        "act": Act.SUSPEND,
        "details": {"certificate": world.north.console.cert_id.hex()},
        "reason": "lost sight of",
        "at_ms": world.now_ms,
    }
    officers = [(world.roster.certificates[key.cert_id], key.signer) for key in keys]
    return sign_authorisation(Authorisation(**(values | changes)), officers)


def console(world: World) -> Certificate:
    return world.roster.certificates[world.north.console.cert_id]


# --- what a revocation does -------------------------------------------------------------


def test_revoked_signer_is_unverified_from_since_on_and_good_before(world: World) -> None:
    roster = joined(world.roster, revoked(world, since_ms=world.now_ms - 5_000))
    verdicts = [
        verify_statement(roster, world.signed(), at_ms=world.now_ms + after_ms).verdict
        for after_ms in (-5_001, -5_000, 0, DAY_MS)
    ]
    assert verdicts == [Verdict.VERIFIED, *[Verdict.UNVERIFIED] * 3]


def test_other_officers_of_the_station_are_untouched(world: World) -> None:
    roster = joined(world.roster, revoked(world))
    payload = world.payload(by=(world.n2.cert_id.hex(),))
    signed = sign_statement(payload, world.n2.signer, world.n2.cert_id)
    assert verify_statement(roster, signed, at_ms=world.now_ms).verdict is Verdict.VERIFIED


def test_one_revoked_signer_of_two_makes_the_statement_unverified(world: World) -> None:
    by = (world.n1.cert_id.hex(), world.n2.cert_id.hex())
    signed = world.forged(world.payload(by=by, need=2), world.n1, world.n2)
    roster = joined(world.roster, revoked(world))
    assert verify_statement(roster, signed, at_ms=world.now_ms).verdict is Verdict.UNVERIFIED


def test_records_in_any_order_give_the_same_standing(world: World) -> None:
    first = revoked(world)
    second = revoked(
        world,
        counter=2,
        previous=read_revocation(first).digest,
        subject=world.north.console.cert_id,
    )
    prepared = revoked(world, counter=PREPARED, subject=world.n2.cert_id)
    grown = joined(world.roster, first, second, prepared)
    read = Roster.read([second, *world.records, prepared, first])
    assert read.standing == grown.standing
    assert read.standing.head("NORTH") == (2, read_revocation(second).digest)
    assert read.record_digests == grown.record_digests
    assert identify_ledger([*world.records, first]).record_digests > set()


def test_known_revocation_changes_nothing(world: World) -> None:
    roster = joined(world.roster, revoked(world))
    again = revoked(world)
    assert joined(roster, again).standing == roster.standing


def test_revocation_of_a_certificate_that_is_not_here_waits_for_it(world: World) -> None:
    signer = HybridSigner(draw_hybrid_seeds(world.entropy))
    issued = issue_certificate(
        world.north.root,
        signer,
        subject=Subject("n9", "Officer n9", "CDR", "watch"),
        usage=Usage.STATEMENT,
        serial=77,
        not_before_ms=world.now_ms - 1_000,
        not_after_ms=world.now_ms + DAY_MS,
    )
    record = revoked(world, subject=issued.cert_id)
    roster = joined(world.roster, record, issued.certificate)
    assert not roster.trusts(roster.certificates[issued.cert_id], world.now_ms)
    Roster.read([*world.records, record, issued.certificate])


def test_revoked_console_signs_no_packet_and_revoked_ledger_key_is_not_among_the_keys(
    world: World,
) -> None:
    first = revoked(world, subject=world.north.console.cert_id)
    second = revoked(
        world,
        counter=2,
        previous=read_revocation(first).digest,
        subject=world.north.ledger.cert_id,
    )
    roster = joined(world.roster, first, second)
    assert roster.console_keys("NORTH", world.now_ms) == ()
    assert roster.console_keys("SOUTH", world.now_ms) != ()
    assert roster.unrevoked("NORTH", Usage.LEDGER, world.now_ms) == ()
    # History is still verified under it.
    assert roster.ledger_keys("NORTH") == world.roster.ledger_keys("NORTH")


# --- attacks on the list ----------------------------------------------------------------


def test_revocation_by_another_stations_root_is_refused(world: World) -> None:
    refuse(world, forged(world, world.south.root), "station or realm")
    refuse(world, forged(world, world.south.root, station="SOUTH"), "another station's")
    refuse(world, forged(world, world.east.root), "no root of a member")
    with pytest.raises(OperatorError, match="station or realm"):
        sign_revocation(ending(world), world.south.root)


def test_revocation_replayed_across_realms_is_refused(world: World) -> None:
    refuse(world, forged(world, realm="LIVE"), "station or realm")
    live = make_root(station="NORTH", realm=Realm.LIVE, at_ms=world.now_ms, entropy=world.entropy)
    refuse(world, forged(world, live, realm="LIVE"), "no root of a member")


def test_revocation_that_was_altered_or_signed_in_half_is_refused(world: World) -> None:
    envelope = read_revocation(revoked(world))
    altered = envelope.payload.replace(b"stolen", b"copied")
    assert altered != envelope.payload
    refuse(world, encode_envelope(replace(envelope, payload=altered)), "does not verify")
    half = replace(envelope, signatures=envelope.signatures[:1])
    refuse(world, encode_envelope(half), "one half")
    two = envelope.with_hybrid(
        world.south.root.digest, world.south.root.signer.sign(envelope.message)
    )
    refuse(world, encode_envelope(two), "this root alone")


def test_revocation_under_another_payload_type_is_refused(world: World) -> None:
    """Type confusion: what was signed as one kind is shown as another."""
    envelope = read_revocation(revoked(world))
    for kind in (AUTHORISATION_TYPE, ROOT_TYPE, CERTIFICATE_TYPE):
        with pytest.raises(PeerError):
            join_record(world.roster, encode_envelope(replace(envelope, payload_type=kind)))
    certificate = read_certificate(world.n1.certificate)
    refuse(world, encode_envelope(replace(certificate, payload_type=REVOCATION_TYPE)), "revocation")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, "revocation"),
        ({"counter": -1}, "revocation"),
        ({"counter": True}, "revocation"),
        ({"subject": "AB" * 32}, "hex digits"),
        ({"effect": "forgive"}, "revocation"),
        ({"reason": " "}, "the reason is empty"),
        ({"reason": "x" * 241}, "revocation"),
        ({"reason": "left\u202eright"}, "U\\+202E"),
        ({"extra": 1}, "revocation"),
        ({"since": None}, "revocation"),
        ({"since": "2036-01-01T00:00:00.000Z"}, "begins after"),
        ({"previous": "ab" * 32}, "zeros before"),
        ({"counter": 0, "effect": "lift"}, "only end a certificate"),
        ({"counter": 2}, "zeros before"),
    ],
)
def test_malformed_revocation_is_refused(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    refuse(world, forged(world, **changes), reason)


def test_chain_with_a_gap_a_fork_or_another_predecessor_is_refused(world: World) -> None:
    first = revoked(world)
    digest = read_revocation(first).digest
    roster = joined(world.roster, first)
    refuse(world, revoked(world, reason="another first"), "number 1 already", roster)
    third = revoked(world, counter=3, previous=digest, subject=world.n2.cert_id)
    refuse(world, third, "missing", roster)
    stranger = revoked(world, counter=2, previous=Digest(b"\7" * 32), subject=world.n2.cert_id)
    refuse(world, stranger, "missing", roster)
    for broken in ([third], [first, third], [first, revoked(world, reason="x")]):
        with pytest.raises(IntegrityError):
            Roster.read([*world.records, *broken])


def test_small_order_key_is_certified_by_nobody_and_signs_nothing(world: World) -> None:
    """Under such a key one signature fits every message, in libraries that take it."""
    mldsa = world.n1.signer.public_key.mldsa65
    small = [bytes(32), b"\x01" + bytes(31), bytes.fromhex("ec" + "ff" * 30 + "7f")]
    for point in small:
        with pytest.raises(PeerError):
            HybridPublicKey(point, mldsa)
        assert not verify_ed25519(point, b"any message", point + bytes(32))


def test_impersonation_with_another_officers_certificate_is_refused(world: World) -> None:
    """Signed by n2's key under n1's name: the certificate's own key must have signed."""
    envelope = Envelope("application/vnd.hotline.statement.v1+json", world.payload())
    false = envelope.with_hybrid(world.n1.cert_id, world.n2.signer.sign(envelope.message))
    with pytest.raises(PeerError, match="does not verify"):
        verify_statement(world.roster, encode_envelope(false), at_ms=world.now_ms)


def test_transport_key_signs_no_statement(world: World) -> None:
    key = world.north.console
    payload = world.payload(by=(key.cert_id.hex(),))
    with pytest.raises(PeerError, match="a transport key may not sign statements"):
        verify_statement(world.roster, world.forged(payload, key), at_ms=world.now_ms)


def test_officers_key_signs_no_packet(world: World) -> None:
    encoded = encode_packet(world.packet())
    for key, good in ((world.n1, False), (world.north.console, True)):
        opened = OpenedCell(
            packet=encoded,
            signature=sign_packet(encoded, key.signer.ed25519),
            peer="NORTH",
            key_id=world.south.prekey.key_id,
            day=0,
        )
        if good:
            verify_packet(world.roster, opened, our_station="SOUTH", at_ms=world.now_ms)
        else:
            with pytest.raises(PeerError, match="no console key"):
                verify_packet(world.roster, opened, our_station="SOUTH", at_ms=world.now_ms)


# --- prepared ---------------------------------------------------------------------------


def test_prepared_revocation_counts_without_a_number(world: World) -> None:
    record = revoked(world, counter=PREPARED)
    roster = joined(world.roster, record)
    assert roster.standing.head("NORTH") == (0, ZERO_DIGEST)
    assert not roster.trusts(roster.certificates[world.n1.cert_id], world.now_ms)
    assert joined(roster, record).standing == roster.standing


def test_slip_comes_back_whole_from_parts_in_any_order(world: World) -> None:
    record = revoked(world, counter=PREPARED)
    parts = write_slip(record)
    assert 1 < len(parts) <= 9
    text = "Prepared for Officer n1.\n" + "\n- and -\n".join(
        part[:70] + "\r\n" + part[70:] for part in reversed(parts)
    )
    assert read_slip(text) == record
    joined(world.roster, read_slip(text))


def test_slip_that_lacks_a_part_or_was_misread_is_refused(world: World) -> None:
    parts = write_slip(revoked(world, counter=PREPARED))
    other = write_slip(revoked(world, counter=PREPARED, subject=world.n2.cert_id))
    misread = parts[0].replace("A", "B", 1)
    for text, reason in (
        ("", "no parts"),
        ("x" * 100_000, "too long"),
        ("\n".join(parts[1:]), "part 1 of the slip is missing"),
        ("\n".join([misread, *parts[1:]]), "misread"),
        ("\n".join([parts[0], *other[1:]]), "parts of several"),
    ):
        with pytest.raises(OperatorError, match=reason):
            read_slip(text)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="HLR1:/29abcdefAQ==. \n", max_size=200))
def test_no_text_but_a_slip_gets_past_the_reader(text: str) -> None:
    with pytest.raises(OperatorError):
        read_slip(text)


def test_unnumbered_records_are_bounded(world: World) -> None:
    standing = world.roster.standing
    _, one = world.roster.with_revocation(read_revocation(revoked(world, counter=PREPARED)))
    for number in range(MAX_UNNUMBERED):
        digest = Digest(number.to_bytes(32))
        standing = replace(standing, prepared={**standing.prepared, digest: one})
    with pytest.raises(PeerError, match="too many prepared"):
        standing.with_revocation(one)


# --- suspensions ------------------------------------------------------------------------


def test_two_officers_suspend_a_key_of_their_station_until_the_root_lifts_it(
    world: World,
) -> None:
    record = suspension(world, world.n1, world.n2)
    roster = joined(world.roster, record)
    held = console(world)
    assert roster.trusts(held, world.now_ms - 1)
    assert not roster.trusts(held, world.now_ms)
    (digest,) = roster.standing.suspended_by(held)
    lifted = joined(roster, revoked(world, effect=Effect.LIFT, subject=digest))
    assert lifted.trusts(held, world.now_ms)
    # The same suspension, shown again, does not come to life again.
    assert joined(lifted, record).trusts(held, world.now_ms)
    assert not lifted.standing.suspended_by(held)
    Roster.read([*world.records, record])


def test_revocation_of_a_suspended_key_is_final_and_reaches_as_far_back(world: World) -> None:
    record = suspension(world, world.n1, world.n2, at_ms=world.now_ms - 9_000)
    subject = world.north.console.cert_id
    roster = joined(world.roster, record, revoked(world, subject=subject))
    found = roster.standing.withdrawal(console(world))
    assert found is not None
    assert (found.how, found.since_ms) == ("revoked", world.now_ms - 9_000)
    (digest,) = roster.standing.suspensions
    first = next(iter(roster.standing.chains["NORTH"]))
    lift = revoked(world, counter=2, previous=first.digest, effect=Effect.LIFT, subject=digest)
    assert not joined(roster, lift).trusts(console(world), world.now_ms)


def test_same_person_twice_on_a_suspension_is_refused(world: World) -> None:
    again = issue_certificate(
        world.north.root,
        HybridSigner(draw_hybrid_seeds(world.entropy)),
        subject=Subject("N1", "Officer One", "CDR", "watch"),
        usage=Usage.STATEMENT,
        serial=91,
        not_before_ms=world.now_ms - 1_000,
        not_after_ms=world.now_ms + DAY_MS,
    )
    roster, _ = world.roster.with_certificate(again.certificate)
    payload = decode_envelope(
        suspension(world, world.n1, world.n2),
        expect=(AUTHORISATION_TYPE,),
        what="x",
        max_bytes=1 << 20,
    ).payload
    twice = world.forged(payload, world.n1, again, kind=AUTHORISATION_TYPE)
    refuse(world, twice, "the same person signed twice", roster)
    alone = world.forged(payload, world.n1, kind=AUTHORISATION_TYPE)
    refuse(world, alone, "1 persons signed")


def test_suspension_of_another_stations_key_is_refused(world: World) -> None:
    theirs = world.south.officers["s1"].cert_id.hex()
    record = suspension(world, world.n1, world.n2, details={"certificate": theirs})
    refuse(world, record, "no certificate of the officers' station")
    nobody = suspension(world, world.n1, world.n2, details={"certificate": "ab" * 32})
    refuse(world, nobody, "no certificate of the officers' station")


@pytest.mark.parametrize(
    "details",
    [{}, {"certificate": 7}, {"certificate": "AB" * 32}, {"certificate": "ab" * 32, "more": 1}],
)
def test_suspension_without_one_certificate_is_refused(
    world: World, details: dict[str, str | int]
) -> None:
    refuse(world, suspension(world, world.n1, world.n2, details=details), "suspension")


def test_suspension_by_a_revoked_officer_is_refused(world: World) -> None:
    roster = joined(world.roster, revoked(world))
    refuse(world, suspension(world, world.n1, world.n2), "not trusted any more", roster)
    # What that officer signed before is still good.
    earlier = suspension(world, world.n1, world.n2, at_ms=world.now_ms - 1)
    joined(roster, earlier)


# --- roots that follow one another ------------------------------------------------------


def succeeded(world: World) -> RootKey:
    after = draw_hybrid_seeds(world.entropy)
    return make_successor(world.north.root, after, at_ms=world.now_ms)


def certified_by(world: World, root: RootKey, person: str = "n7") -> CertifiedKey:
    return issue_certificate(
        root,
        HybridSigner(draw_hybrid_seeds(world.entropy)),
        subject=Subject(person, f"Officer {person}", "CDR", "watch"),
        usage=Usage.STATEMENT,
        serial=50,
        not_before_ms=world.now_ms - 1_000,
        not_after_ms=world.now_ms + DAY_MS,
    )


def test_committed_successor_signed_by_both_is_the_newest_root(world: World) -> None:
    root = succeeded(world)
    key = certified_by(world, root)
    roster = joined(world.roster, root.record, key.certificate)
    assert roster.lineages["NORTH"].newest.digest == root.digest
    assert roster.roots["NORTH"].digest == world.north.root.digest
    assert roster.certificates[key.cert_id].root == root.digest
    third = make_successor(root, draw_hybrid_seeds(world.entropy), at_ms=world.now_ms)
    records = [third.record, key.certificate, *world.records, root.record]
    read = Roster.read(records)
    assert [one.digest for one in read.lineages["NORTH"].roots] == [
        world.north.root.digest,
        root.digest,
        third.digest,
    ]
    assert identify_ledger(records).line == world.roster.line


def test_successor_that_was_not_committed_is_refused(world: World) -> None:
    thief = make_root(
        station="NORTH", realm=Realm.EXERCISE, at_ms=world.now_ms, entropy=world.entropy
    )
    envelope = read_root(thief.record)
    root = world.north.root
    both = envelope.with_hybrid(root.digest, root.signer.sign(envelope.message))
    refuse(world, encode_envelope(both), "committed to")
    with pytest.raises(IntegrityError):
        Roster.read([*world.records, encode_envelope(both)])
    with pytest.raises(IntegrityError):
        Roster.read([*world.records, thief.record])


def test_successor_without_both_signatures_is_refused(world: World) -> None:
    whole = read_root(succeeded(world).record)
    for signatures in (whole.signatures[:2], whole.signatures[2:], whole.signatures[1:]):
        part = encode_envelope(replace(whole, signatures=signatures))
        with pytest.raises(PeerError):
            join_record(world.roster, part)
    altered = replace(whole, payload=whole.payload.replace(b'"v":1', b'"v":2'))
    with pytest.raises(PeerError):
        join_record(world.roster, encode_envelope(altered))


def test_two_successors_of_one_root_are_refused(world: World) -> None:
    """The seeds that were committed to make one key; their owner may sign two records."""
    one, other = succeeded(world), succeeded(world)
    roster = joined(world.roster, one.record)
    refuse(world, other.record, "successor root", roster)
    with pytest.raises(IntegrityError):
        Roster.read([*world.records, one.record, other.record])


def test_root_that_was_followed_issues_nothing_more(world: World) -> None:
    root = succeeded(world)
    late = certified_by(world, world.north.root, "late")
    roster = joined(world.roster, root.record)
    refuse(world, late.certificate, "not a member", roster)
    refuse(world, revoked(world), "another one has followed", roster)
    # What it issued before stays, also when it is read again; a slip of it still ends that.
    joined(roster, world.n1.certificate, revoked(world, counter=PREPARED))
    followed = sign_revocation(ending(world), root)
    assert joined(roster, followed).standing.head("NORTH")[0] == 1


def test_prepared_revocation_by_another_root_than_the_one_that_certified_is_refused(
    world: World,
) -> None:
    root = succeeded(world)
    roster = joined(world.roster, root.record)
    strange = sign_revocation(ending(world, counter=PREPARED), root)
    refuse(world, strange, "root that certified", roster)
