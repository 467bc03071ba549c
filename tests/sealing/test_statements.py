"""Attacks on statements: each must be refused, and for the reason that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hotline.core import canonical
from hotline.core.errors import IntegrityError, InvariantError, OperatorError, PeerError
from hotline.core.messages.statement import STATEMENT_TYPE, statement_digest
from hotline.core.values import Realm
from hotline.sealing.certificate import Usage, read_certificate, verify_certificate
from hotline.sealing.charter import CHARTER_TYPE, default_policy
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.enrol import (
    CertifiedKey,
    Subject,
    countersign_charter,
    issue_certificate,
    make_charter,
    new_station_keys,
)
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.order import ORDER_TYPE
from hotline.sealing.roster import Roster
from hotline.sealing.statements import (
    UnknownSignerError,
    Verdict,
    VerifiedStatement,
    add_signature,
    sign_statement,
    verify_partly_signed,
    verify_statement,
)

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DAY_MS = 86_400_000


def refuse(world: World, envelope: bytes, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        verify_statement(world.roster, envelope, at_ms=world.now_ms)


def by(*keys: CertifiedKey) -> tuple[str, ...]:
    return tuple(key.cert_id.hex() for key in keys)


def entries(envelope: bytes) -> Envelope:
    return decode_envelope(envelope, expect=(STATEMENT_TYPE,), what="x", max_bytes=60_000)


def test_statement_signed_by_its_officer_is_verified(world: World) -> None:
    payload = world.payload()
    verified = verify_statement(world.roster, world.signed(), at_ms=world.now_ms)
    assert verified.verdict is Verdict.VERIFIED
    assert (verified.payload, verified.digest) == (payload, statement_digest(payload))
    assert [signer.person for signer in verified.signers] == ["n1"]


def test_statement_signed_by_two_officers_is_verified(world: World) -> None:
    two = {"by": by(world.n1, world.n2), "need": 2}
    envelope = add_signature(world.signed(**two), world.n2.signer, world.n2.cert_id)
    verified = verify_statement(world.roster, envelope, at_ms=world.now_ms)
    assert {signer.person for signer in verified.signers} == {"n1", "n2"}


def test_verified_statement_made_by_hand_is_our_bug(world: World) -> None:
    with pytest.raises(InvariantError):
        VerifiedStatement(
            world.statement(), b"", statement_digest(b""), (), Verdict.VERIFIED, object()
        )


def test_statement_with_any_byte_of_its_payload_changed_is_refused(world: World) -> None:
    envelope = entries(world.signed())
    for place in range(0, len(envelope.payload), 37):
        altered = bytearray(envelope.payload)
        altered[place] ^= 1
        forged = Envelope(envelope.payload_type, bytes(altered), envelope.signatures)
        with pytest.raises(PeerError):
            verify_statement(world.roster, encode_envelope(forged), at_ms=world.now_ms)


def test_statement_with_changed_text_is_refused(world: World) -> None:
    signatures = entries(world.signed()).signatures
    forged = Envelope(STATEMENT_TYPE, world.payload(text="other"), signatures)
    refuse(world, encode_envelope(forged), "does not verify")


@pytest.mark.parametrize("mixed", [0, 1])
def test_statement_with_halves_of_two_signatures_is_refused(world: World, mixed: int) -> None:
    one, other = entries(world.signed()), entries(world.signed(text="other"))
    signatures = list(one.signatures)
    signatures[mixed] = other.signatures[mixed]
    forged = Envelope(STATEMENT_TYPE, one.payload, tuple(signatures))
    refuse(world, encode_envelope(forged), "does not verify")


@pytest.mark.parametrize("kept", [0, 1])
def test_statement_with_one_half_only_is_refused(world: World, kept: int) -> None:
    envelope = entries(world.signed())
    half = Envelope(STATEMENT_TYPE, envelope.payload, (envelope.signatures[kept],))
    refuse(world, encode_envelope(half), "one half")


def test_statement_with_halves_by_two_officers_is_refused(world: World) -> None:
    payload = world.payload(by=by(world.n1, world.n2))
    first = entries(world.forged(payload, world.n1)).signatures[0]
    second = entries(world.forged(payload, world.n2)).signatures[1]
    refuse(world, encode_envelope(Envelope(STATEMENT_TYPE, payload, (first, second))), "one half")


@pytest.mark.parametrize("usage", ["console", "ledger"])
def test_statement_signed_by_a_working_key_is_refused(world: World, usage: str) -> None:
    key: CertifiedKey = getattr(world.north, usage)
    forged = world.forged(world.payload(by=by(key)), key)
    refuse(world, forged, "may not sign statements")


def test_statement_signed_under_another_payload_type_is_refused(world: World) -> None:
    payload = world.payload()
    refuse(world, world.forged(payload, world.n1, kind=ORDER_TYPE), "another kind")
    as_order = world.forged(payload, world.n1, kind=ORDER_TYPE)
    signatures = decode_envelope(
        as_order, expect=(ORDER_TYPE,), what="x", max_bytes=60_000
    ).signatures
    confused = Envelope(STATEMENT_TYPE, payload, signatures)
    refuse(world, encode_envelope(confused), "does not verify")


def test_statement_by_a_stranger_is_refused_and_told_apart(world: World) -> None:
    stranger = world.east.officers["e1"]
    forged = world.forged(world.payload(by=by(stranger)), stranger)
    with pytest.raises(UnknownSignerError):
        verify_statement(world.roster, forged, at_ms=world.now_ms)


def test_statement_naming_another_sender_than_its_signers_station_is_refused(
    world: World,
) -> None:
    south = world.south.officers["s1"]
    forged = world.forged(world.payload(by=by(south)), south)
    refuse(world, forged, "another station")


def test_statement_signed_by_somebody_whom_it_does_not_name_is_refused(world: World) -> None:
    refuse(world, world.forged(world.payload(), world.n1, world.n2), "does not name")
    refuse(world, world.forged(world.payload(), world.n2), "does not name")


def test_statement_under_the_id_of_another_certificate_is_refused(world: World) -> None:
    payload = world.payload(by=by(world.n2))
    liar = CertifiedKey(world.n1.signer, world.n1.certificate, world.n2.cert_id)
    refuse(world, world.forged(payload, liar), "does not verify")


def test_statement_with_one_officer_where_two_are_needed_is_refused(world: World) -> None:
    refuse(world, world.signed(by=by(world.n1, world.n2), need=2), "1 of 2 persons")


def test_statement_with_lowered_need_under_a_two_person_policy_is_refused(world: World) -> None:
    template = {"id": "sea/commitment", "version": 1, "digest": "ab" * 32}
    refuse(world, world.signed(template=template, need=1), "1 of 2 persons")


def test_statement_signed_by_the_same_person_twice_is_refused(world: World) -> None:
    again = issue_certificate(
        world.north.root,
        HybridSigner(draw_hybrid_seeds(world.entropy)),
        subject=Subject("N1", "Officer n1, renewed"),
        usage=Usage.STATEMENT,
        serial=70,
        not_before_ms=world.now_ms,
        not_after_ms=world.now_ms + DAY_MS,
    )
    roster, _ = world.roster.with_certificate(again.certificate)
    forged = world.forged(world.payload(by=by(world.n1, again), need=2), world.n1, again)
    with pytest.raises(PeerError, match="same person"):
        verify_statement(roster, forged, at_ms=world.now_ms)


def test_statement_signed_with_one_key_under_two_names_is_refused(world: World) -> None:
    """No roster certifies one key twice; the statement is judged as if one did."""
    twin = issue_certificate(
        world.north.root,
        world.n1.signer,
        subject=Subject("n9", "Officer n9"),
        usage=Usage.STATEMENT,
        serial=71,
        not_before_ms=world.now_ms,
        not_after_ms=world.now_ms + DAY_MS,
    )
    with pytest.raises(PeerError, match="one key serves two persons"):
        world.roster.with_certificate(twin.certificate)
    other = verify_certificate(read_certificate(twin.certificate), world.roster.roots["NORTH"])
    certificates = {**world.roster.certificates, other.id: other}
    lax = replace(world.roster, certificates=certificates)
    forged = world.forged(world.payload(by=by(world.n1, twin), need=2), world.n1, twin)
    with pytest.raises(PeerError, match="same person"):
        verify_statement(lax, forged, at_ms=world.now_ms)


# --- waiting for the second officer ------------------------------------------------------


def test_statement_partly_signed_is_read_for_a_release_and_verified_by_nobody(
    world: World,
) -> None:
    two = {"by": by(world.n1, world.n2), "need": 2}
    one = world.signed(**two)
    partly = verify_partly_signed(world.roster, one)
    assert ([signer.person for signer in partly.signers], partly.need) == (["n1"], 2)
    assert partly.payload == world.payload(**two)
    refuse(world, one, "1 of 2 persons")
    both = add_signature(one, world.n2.signer, world.n2.cert_id)
    with pytest.raises(PeerError, match="everybody who must sign"):
        verify_partly_signed(world.roster, both)


def test_statement_that_needs_one_officer_waits_for_nobody(world: World) -> None:
    with pytest.raises(PeerError, match="everybody who must sign"):
        verify_partly_signed(world.roster, world.signed())


def test_statement_partly_signed_is_checked_in_all_else(world: World) -> None:
    two = {"by": by(world.n1, world.n2), "need": 2}
    signatures = entries(world.signed(**two)).signatures
    altered = Envelope(STATEMENT_TYPE, world.payload(**two, text="other"), signatures)
    half = Envelope(STATEMENT_TYPE, world.payload(**two), signatures[:1])
    for forged in (altered, half):
        with pytest.raises(PeerError, match=r"does not verify|one half"):
            verify_partly_signed(world.roster, encode_envelope(forged))


def test_statement_whose_second_officer_signed_other_bytes_is_refused(world: World) -> None:
    two = {"by": by(world.n1, world.n2), "need": 2}
    mine = entries(world.signed(**two))
    others = entries(world.forged(world.payload(**two, text="other"), world.n2))
    joined = Envelope(STATEMENT_TYPE, mine.payload, (*mine.signatures, *others.signatures))
    refuse(world, encode_envelope(joined), "does not verify")


@pytest.mark.parametrize("mixed", [0, 1])
def test_statement_whose_second_signature_is_halves_of_two_is_refused(
    world: World, mixed: int
) -> None:
    two = {"by": by(world.n1, world.n2), "need": 2}
    payload = world.payload(**two)
    good = list(entries(world.forged(payload, world.n1, world.n2)).signatures)
    others = entries(world.forged(world.payload(**two, text="other"), world.n2)).signatures
    good[2 + mixed] = others[mixed]
    refuse(world, encode_envelope(Envelope(STATEMENT_TYPE, payload, tuple(good))), "not verify")


def test_add_signature_of_an_officer_whom_it_does_not_name_is_refused(world: World) -> None:
    with pytest.raises(OperatorError, match="does not name you"):
        add_signature(world.signed(), world.n2.signer, world.n2.cert_id)


@pytest.mark.parametrize("template", ["link/ack-read", "conv/holding", "aid/sitrep", "safety/fire"])
def test_charter_that_would_mute_a_lone_officer_is_refused_when_made_and_when_read(
    world: World, template: str
) -> None:
    policy = default_policy((template, "sea/commitment"))
    members = [("NORTH", world.north.root.digest), ("SOUTH", world.south.root.digest)]
    with pytest.raises(OperatorError, match=f"{template} must stay possible"):
        make_charter(world.north.root, name="x", members=members, policy=policy, at_ms=world.now_ms)
    body = canonical.decode(entries_of_charter(world).payload, what="x", max_bytes=60_000)
    body["policy"]["two_person"] = [template]
    envelope = Envelope(CHARTER_TYPE, canonical.encode(body))
    for root in (world.north.root, world.south.root):
        envelope = envelope.with_hybrid(root.digest, root.signer.sign(envelope.message))
    records = [*world.north.records, *world.south.records, encode_envelope(envelope)]
    with pytest.raises(IntegrityError, match="must stay possible"):
        Roster.read(records)


def entries_of_charter(world: World) -> Envelope:
    return decode_envelope(world.charter, expect=(CHARTER_TYPE,), what="x", max_bytes=131_072)


def test_policy_with_something_that_is_no_template_is_refused() -> None:
    with pytest.raises(OperatorError, match="policy"):
        default_policy(("not a template",))
    assert default_policy(("b/b", "a/a", "b/b")).two_person == ("a/a", "b/b")


def test_statement_of_the_live_realm_on_an_exercise_line_is_refused(world: World) -> None:
    refuse(world, world.signed(realm=Realm.LIVE), "its realm is LIVE")


def test_statement_of_another_line_is_refused(world: World) -> None:
    refuse(world, world.signed(line="00" * 32), "another line")


@pytest.mark.parametrize("change", [{"to": ("EAST",)}, {"info": ("EAST",)}, {"from": "EAST"}])
def test_statement_from_or_to_a_station_outside_the_charter_is_refused(
    world: World, change: dict[str, Any]
) -> None:
    refuse(world, world.signed(**change), "outside the charter")


def test_statement_with_duplicate_json_keys_is_refused(world: World) -> None:
    payload = world.payload().replace(b'"need":1', b'"need":1,"need":1')
    refuse(world, world.forged(payload, world.n1), "canonical")


@pytest.mark.parametrize("key", ["from", "info"])
def test_statement_with_a_key_missing_or_under_another_name_is_refused(
    world: World, key: str
) -> None:
    """One statement must not have two identities."""
    body = canonical.decode(world.payload(), what="x", max_bytes=60_000)
    value = body.pop(key)
    if key == "from":
        body["sender"] = value
    forged = world.forged(canonical.encode(body), world.n1)
    with pytest.raises(PeerError):
        verify_statement(world.roster, forged, at_ms=world.now_ms)


def test_statement_with_a_signature_entry_twice_is_refused(world: World) -> None:
    envelope = entries(world.signed())
    doubled = Envelope(STATEMENT_TYPE, envelope.payload, envelope.signatures * 2)
    refuse(world, encode_envelope(doubled), "twice")


@pytest.mark.parametrize("days", [-1, 93])
def test_statement_outside_its_signers_validity_is_unverified(world: World, days: int) -> None:
    verified = verify_statement(world.roster, world.signed(), at_ms=world.now_ms + days * DAY_MS)
    assert verified.verdict is Verdict.UNVERIFIED


def test_statement_outside_validity_and_altered_is_refused(world: World) -> None:
    signatures = entries(world.signed()).signatures
    forged = Envelope(STATEMENT_TYPE, world.payload(text="other"), signatures)
    with pytest.raises(PeerError, match="does not verify"):
        verify_statement(world.roster, encode_envelope(forged), at_ms=world.now_ms + 93 * DAY_MS)


def test_statement_oversized_or_nested_deeply_is_refused(world: World) -> None:
    refuse(world, b"[" * 200_000, "the bound is")
    refuse(world, b"[" * 20_000, "nested|not JSON|canonical")
    deep = canonical.encode({"payload": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]})
    refuse(world, deep, "nested")


def test_sign_statement_by_an_officer_whom_it_does_not_name_is_refused(world: World) -> None:
    with pytest.raises(OperatorError, match="does not name you"):
        sign_statement(world.payload(), world.n2.signer, world.n2.cert_id)


def test_add_signature_by_the_same_officer_is_refused(world: World) -> None:
    with pytest.raises(OperatorError, match="already"):
        add_signature(world.signed(), world.n1.signer, world.n1.cert_id)


def test_exercise_statement_on_a_live_line_is_refused(world: World) -> None:
    live = [
        new_station_keys(
            station=name,
            realm=Realm.LIVE,
            officers=[Subject(name.lower(), "Officer")],
            at_ms=world.now_ms,
            entropy=world.entropy,
        )
        for name in ("NORTH", "SOUTH")
    ]
    charter = make_charter(
        live[0].root,
        name="real",
        members=[(keys.root.station, keys.root.digest) for keys in live],
        policy=default_policy(),
        at_ms=world.now_ms,
    )
    charter = countersign_charter(charter, live[1].root)
    roster = Roster.read([*live[0].records, *live[1].records, charter])
    officer = live[0].officers["north"]
    good = world.forged(
        world.payload(realm=Realm.LIVE, line=roster.line.hex(), by=by(officer)), officer
    )
    assert verify_statement(roster, good, at_ms=world.now_ms).verdict is Verdict.VERIFIED
    exercised = world.payload(line=roster.line.hex(), by=by(officer))
    with pytest.raises(PeerError, match="its realm is EXERCISE"):
        verify_statement(roster, world.forged(exercised, officer), at_ms=world.now_ms)
    exercise_key = world.payload(realm=Realm.LIVE, line=roster.line.hex())
    with pytest.raises(UnknownSignerError):
        verify_statement(roster, world.forged(exercise_key, world.n1), at_ms=world.now_ms)
    with pytest.raises(PeerError, match="issuer"):
        roster.with_certificate(world.n1.certificate)
