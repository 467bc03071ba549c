"""Roots, certificates, charters and the roster: who is believed, and who is not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from hotline.core import canonical
from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.times import format_time
from hotline.core.values import Realm
from hotline.sealing.certificate import (
    CERTIFICATE_TYPE,
    MAX_VALIDITY_MS,
    Usage,
    read_certificate,
    verify_certificate,
)
from hotline.sealing.charter import charter_of, default_policy, read_charter, verify_charter
from hotline.sealing.dsse import Envelope, encode_envelope
from hotline.sealing.enrol import (
    RootKey,
    Subject,
    certificate_request,
    countersign_charter,
    issue_certificate,
    make_charter,
    make_root,
    new_station_keys,
    restore_root,
    sign_certificate,
)
from hotline.sealing.fingerprint import root_words
from hotline.sealing.hybrid import HybridSeeds, HybridSigner, draw_hybrid_seeds
from hotline.sealing.root import ROOT_TYPE, next_root_hash, verify_root
from hotline.sealing.roster import Roster, identify_ledger

if TYPE_CHECKING:
    from tests.sealing.conftest import World

DAY_MS = 86_400_000


def decoded(encoded: bytes) -> Any:
    return canonical.decode(encoded, what="x", max_bytes=1 << 20)


def resigned(encoded: bytes, root: RootKey, **changes: Any) -> bytes:
    """Change a record's payload and sign it anew as `root` would."""
    body = decoded(encoded)
    payload = decoded(canonical.from_base64(body["payload"], what="x")) | changes
    envelope = Envelope(body["payloadType"], canonical.encode(payload))
    signer = envelope.digest if body["payloadType"] == ROOT_TYPE else root.digest
    return encode_envelope(envelope.with_hybrid(signer, root.signer.sign(envelope.message)))


def flipped_signature(encoded: bytes, place: int) -> bytes:
    body = copy.deepcopy(decoded(encoded))
    signature = bytearray(canonical.from_base64(body["signatures"][place]["sig"], what="x"))
    signature[7] ^= 1
    body["signatures"][place]["sig"] = canonical.to_base64(bytes(signature))
    return canonical.encode(body)


# --- roots


def test_root_that_is_made_verifies_and_commits_to_its_successor(world: World) -> None:
    root = verify_root(world.north.root.record)
    assert (root.station, root.realm) == ("NORTH", Realm.EXERCISE)
    assert root.digest == world.north.root.digest
    successor = HybridSigner(world.north.root.next_seeds).public_key
    assert root.next_root_hash == next_root_hash(successor)


@pytest.mark.parametrize("place", [0, 1])
def test_root_with_one_bad_half_is_refused(world: World, place: int) -> None:
    with pytest.raises(PeerError, match="does not verify"):
        verify_root(flipped_signature(world.north.root.record, place))


def test_root_signed_by_another_root_is_refused(world: World) -> None:
    with pytest.raises(PeerError, match="does not verify"):
        verify_root(resigned(world.north.root.record, world.east.root))


def test_root_with_small_order_key_is_refused(
    world: World, small_order_points: tuple[bytes, ...]
) -> None:
    keys = {
        "ed25519": canonical.to_base64(small_order_points[0]),
        "mldsa65": canonical.to_base64(world.north.root.signer.public_key.mldsa65),
    }
    with pytest.raises(PeerError, match="prime-order"):
        verify_root(resigned(world.north.root.record, world.north.root, keys=keys))


def test_root_with_a_name_that_is_none_cannot_be_made(world: World) -> None:
    with pytest.raises(OperatorError):
        make_root(station="north", realm=Realm.LIVE, at_ms=0, entropy=world.entropy)


def test_root_restored_with_other_seeds_is_refused(world: World) -> None:
    root = world.north.root
    again = restore_root(root.record, root.signer.seeds, root.next_seeds)
    assert again.digest == root.digest
    with pytest.raises(Exception, match="seeds"):
        restore_root(root.record, root.next_seeds, root.next_seeds)


# --- certificates


def test_certificate_under_its_root_verifies(world: World) -> None:
    certificate = world.roster.certificates[world.n1.cert_id]
    assert (certificate.station, certificate.person) == ("NORTH", "n1")
    assert certificate.usage is Usage.STATEMENT
    assert certificate.covers(certificate.not_after_ms)
    assert not certificate.covers(certificate.not_after_ms + 1)
    assert not certificate.covers(certificate.not_before_ms - 1)


def test_certificate_altered_is_refused(world: World) -> None:
    root = verify_root(world.north.root.record)
    for place in (0, 1):
        with pytest.raises(PeerError, match="does not verify"):
            verify_certificate(
                read_certificate(flipped_signature(world.n1.certificate, place)), root
            )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Somebody else"},
        {"usage": "ledger"},
        {"person": "n2"},
        {"not_after": format_time(1_795_357_886_000 + DAY_MS)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_certificate_whose_subject_did_not_prove_possession_is_refused(
    world: World, changes: dict[str, Any]
) -> None:
    """A root alone cannot certify a key for what its holder never asked."""
    root = verify_root(world.north.root.record)
    forged = resigned(world.n1.certificate, world.north.root, **changes)
    with pytest.raises(PeerError, match="possession"):
        verify_certificate(read_certificate(forged), root)


@pytest.mark.parametrize("not_after_ms", [-1, 0, MAX_VALIDITY_MS + 1])
def test_certificate_of_impossible_validity_cannot_be_made(world: World, not_after_ms: int) -> None:
    with pytest.raises(OperatorError, match="92 days"):
        certificate_request(
            world.n1.signer,
            subject=Subject("n1", "N One"),
            station="NORTH",
            realm=Realm.EXERCISE,
            usage=Usage.STATEMENT,
            serial=9,
            not_before_ms=world.now_ms,
            not_after_ms=world.now_ms + not_after_ms,
        )


@pytest.mark.parametrize(("station", "realm"), [("SOUTH", Realm.EXERCISE), ("NORTH", Realm.LIVE)])
def test_certificate_of_another_station_or_realm_than_its_root_is_refused(
    world: World, station: str, realm: Realm
) -> None:
    request = certificate_request(
        world.n1.signer,
        subject=Subject("n1", "N One"),
        station=station,
        realm=realm,
        usage=Usage.STATEMENT,
        serial=9,
        not_before_ms=world.now_ms,
        not_after_ms=world.now_ms + DAY_MS,
    )
    with pytest.raises(OperatorError, match="another station or realm"):
        sign_certificate(request, world.north.root)
    envelope = Envelope(CERTIFICATE_TYPE, request)
    signature = world.north.root.signer.sign(envelope.message)
    forged = envelope.with_hybrid(world.north.root.digest, signature)
    with pytest.raises(PeerError, match="not its root's"):
        verify_certificate(forged, verify_root(world.north.root.record))


def test_certificate_by_a_root_outside_the_charter_is_refused(world: World) -> None:
    with pytest.raises(IntegrityError, match="issuer"):
        Roster.read([*world.records, world.east.officers["e1"].certificate])


def test_certificate_by_an_impostor_with_the_same_station_name_is_refused(world: World) -> None:
    root = make_root(
        station="NORTH", realm=Realm.EXERCISE, at_ms=world.now_ms, entropy=world.entropy
    )
    key = issue(world, root, Usage.STATEMENT, "n1")
    with pytest.raises(PeerError, match="issuer"):
        world.roster.with_certificate(key.certificate)


def issue(world: World, root: RootKey, usage: Usage, person: str, **changes: Any) -> Any:
    values = {
        "subject": Subject(person, "Name"),
        "usage": usage,
        "serial": 50,
        "not_before_ms": world.now_ms,
        "not_after_ms": world.now_ms + DAY_MS,
    }
    key = changes.pop("key", None) or HybridSigner(draw_hybrid_seeds(world.entropy))
    return issue_certificate(root, key, **(values | changes))


# --- charters


def test_charter_signed_by_all_members_verifies(world: World) -> None:
    assert world.roster.members == ("NORTH", "SOUTH")
    assert world.roster.line == read_charter(world.charter).digest
    assert world.roster.charter.policy.authentic == "en"


def test_charter_without_one_members_signature_is_refused(world: World) -> None:
    alone = make_charter(
        world.north.root,
        name="x",
        members=[("NORTH", world.north.root.digest), ("SOUTH", world.south.root.digest)],
        policy=default_policy(),
        at_ms=world.now_ms,
    )
    with pytest.raises(IntegrityError, match="every member's root"):
        Roster.read([*world.north.records, *world.south.records, alone])


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_charter_with_one_bad_half_is_refused(world: World, place: int) -> None:
    bad = flipped_signature(world.charter, place)
    with pytest.raises(IntegrityError, match="does not verify"):
        Roster.read([*world.north.records, *world.south.records, bad])


def test_charter_signed_by_a_stranger_too_is_refused(world: World) -> None:
    envelope = read_charter(world.charter)
    more = envelope.with_hybrid(
        world.east.root.digest, world.east.root.signer.sign(envelope.message)
    )
    roots = {root.digest: root for root in world.roster.roots.values()}
    with pytest.raises(PeerError, match="nobody else"):
        verify_charter(more, roots)


def test_charter_of_another_realm_than_its_roots_is_refused(world: World) -> None:
    """A live line must not stand on exercise roots."""
    body = decoded(canonical.from_base64(decoded(world.charter)["payload"], what="x"))
    live = Envelope(
        read_charter(world.charter).payload_type, canonical.encode(body | {"realm": "LIVE"})
    )
    for root in (world.north.root, world.south.root):
        live = live.with_hybrid(root.digest, root.signer.sign(live.message))
    with pytest.raises(IntegrityError, match="realm"):
        Roster.read([*world.north.records, *world.south.records, encode_envelope(live)])
    with pytest.raises(OperatorError, match="EXERCISE"):
        countersign_charter(
            encode_envelope(Envelope(live.payload_type, live.payload, live.signatures[:2])),
            world.south.root,
        )


def test_charter_countersigned_twice_or_by_a_stranger_is_refused(world: World) -> None:
    with pytest.raises(OperatorError, match="already"):
        countersign_charter(world.charter, world.south.root)
    with pytest.raises(OperatorError, match="does not name"):
        countersign_charter(world.charter, world.east.root)


@pytest.mark.parametrize(
    "change",
    [
        {"suite_floor": 2},
        {"languages": ["en", "en"]},
        {"authentic": "de"},
        {"two_person": ["sea/b", "sea/a"]},
        {"two_person": ["sea/a", "sea/a"]},
        {"presence": 1},
        {"test_period_s": 1},
    ],
    ids=str,
)
def test_charter_with_impossible_policy_is_refused(world: World, change: dict[str, Any]) -> None:
    body = decoded(canonical.from_base64(decoded(world.charter)["payload"], what="x"))
    body["policy"] |= change
    envelope = Envelope(read_charter(world.charter).payload_type, canonical.encode(body))
    with pytest.raises(PeerError):
        charter_of(envelope)


def test_charter_with_a_member_twice_cannot_be_made(world: World) -> None:
    with pytest.raises(OperatorError, match="twice"):
        make_charter(
            world.north.root,
            name="x",
            members=[("NORTH", world.north.root.digest), ("SOUTH", world.north.root.digest)],
            policy=default_policy(),
            at_ms=world.now_ms,
        )


def test_charter_policy_minimum_is_raised_by_need_and_never_lowered(world: World) -> None:
    charter = world.roster.charter
    assert charter.least_signers("sea/contact", 1) == 1
    assert charter.least_signers("sea/contact", 3) == 3
    assert charter.least_signers("sea/commitment", 1) == 2


# --- roster


def test_roster_from_records_in_any_order_is_the_same(world: World) -> None:
    roster = Roster.read(list(reversed(world.records)))
    assert roster.certificates.keys() == world.roster.certificates.keys()
    assert roster.record_digests == world.roster.record_digests


@pytest.mark.parametrize("missing", [0, 4, -1], ids=["root of NORTH", "n2", "charter"])
def test_roster_without_a_record_is_smaller_or_refused(world: World, missing: int) -> None:
    records = list(world.records)
    record = records.pop(missing)
    if CERTIFICATE_TYPE.encode() in record:
        assert len(Roster.read(records).certificates) == len(world.roster.certificates) - 1
    else:
        with pytest.raises(IntegrityError):
            Roster.read(records)


def test_roster_with_a_strangers_root_is_refused(world: World) -> None:
    with pytest.raises(IntegrityError, match="no member"):
        Roster.read([*world.records, world.east.root.record])


def test_roster_with_two_charters_is_refused(world: World) -> None:
    other = make_charter(
        world.north.root,
        name="other",
        members=[("NORTH", world.north.root.digest), ("SOUTH", world.south.root.digest)],
        policy=default_policy(),
        at_ms=world.now_ms,
    )
    with pytest.raises(IntegrityError, match="exactly one charter"):
        Roster.read([*world.records, countersign_charter(other, world.south.root)])


@pytest.mark.parametrize("junk", [b"", b"{}", b"null", b"\xff" * 40])
def test_roster_with_junk_is_refused(world: World, junk: bytes) -> None:
    with pytest.raises(IntegrityError):
        Roster.read([*world.records, junk])


def test_roster_with_a_statement_among_the_records_is_refused(world: World) -> None:
    with pytest.raises(IntegrityError, match="another kind"):
        Roster.read([*world.records, world.signed()])


def test_roster_with_one_key_for_two_usages_is_refused(world: World) -> None:
    double = issue(world, world.north.root, Usage.TRANSPORT, "n1", key=world.n1.signer)
    with pytest.raises(PeerError, match="two persons or two usages"):
        world.roster.with_certificate(double.certificate)


def test_roster_with_one_key_for_two_persons_is_refused(world: World) -> None:
    double = issue(world, world.north.root, Usage.STATEMENT, "n9", key=world.n1.signer)
    with pytest.raises(PeerError, match="two persons or two usages"):
        world.roster.with_certificate(double.certificate)


def test_roster_with_one_half_of_a_key_shared_is_refused(world: World) -> None:
    seeds = HybridSeeds(world.n1.signer.seeds.ed25519, world.entropy(32))
    double = issue(world, world.north.root, Usage.STATEMENT, "n9", key=HybridSigner(seeds))
    with pytest.raises(PeerError, match="two persons or two usages"):
        world.roster.with_certificate(double.certificate)


def test_roster_with_a_renewed_certificate_keeps_both(world: World) -> None:
    renewed = issue(world, world.north.root, Usage.STATEMENT, "n1", key=world.n1.signer, serial=51)
    roster, certificate = world.roster.with_certificate(renewed.certificate)
    assert certificate.id == renewed.cert_id
    assert len(roster.certified("NORTH", Usage.STATEMENT)) == 3
    assert len(world.roster.certified("NORTH", Usage.STATEMENT)) == 2


def test_identify_ledger_names_ledger_keys_and_words(world: World) -> None:
    identity = identify_ledger(world.records)
    assert identity.members == ("NORTH", "SOUTH")
    assert identity.ledger_keys["SOUTH"] == (world.south.ledger.signer.ed25519.public_key,)
    assert identity.root_words["NORTH"] == root_words(world.north.root.digest)
    assert world.roster.line in identity.record_digests
    assert len(identity.record_digests) == len(world.records)


def test_roster_console_keys_when_expired_are_none(world: World) -> None:
    assert world.roster.console_keys("NORTH", world.now_ms)
    assert not world.roster.console_keys("NORTH", world.now_ms + 93 * DAY_MS)


def test_new_station_with_a_person_twice_is_refused(world: World) -> None:
    with pytest.raises(OperatorError, match="same person"):
        new_station_keys(
            station="WEST",
            realm=Realm.EXERCISE,
            officers=[Subject("a", "A"), Subject("A", "A")],
            at_ms=world.now_ms,
            entropy=world.entropy,
        )
