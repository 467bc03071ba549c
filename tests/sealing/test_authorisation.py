"""Two officers authorise what a station does to its ledger: what is taken, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import IntegrityError, InvariantError, OperatorError, PeerError
from hotline.core.times import format_time
from hotline.core.values import Digest
from hotline.sealing.authorisation import (
    AUTHORISATION_TYPE,
    MAX_AUTHORISATION_ENVELOPE_BYTES,
    MAX_DETAIL_CHARACTERS,
    MAX_DETAILS,
    Act,
    Authorisation,
    VerifiedAuthorisation,
    sign_authorisation,
    verify_authorisation,
)
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.dsse import Envelope, decode_envelope, encode_envelope
from hotline.sealing.enrol import CertifiedKey, Subject, issue_certificate
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.roster import Roster, identify_ledger

if TYPE_CHECKING:
    from tests.sealing.conftest import World

MONTH_MS = 31 * 86_400_000


def erase(world: World, **changes: Any) -> Authorisation:
    values: dict[str, Any] = {
        "line": world.roster.line,
        "station": "NORTH",
        "act": Act.ERASE,
        "details": {"epoch": 202610},
        "reason": "retention ended",
        "at_ms": world.now_ms,
    }
    return Authorisation(**(values | changes))


def officer(world: World, key: CertifiedKey) -> tuple[Certificate, HybridSigner]:
    return world.roster.certificates[key.cert_id], key.signer


def signed(world: World, **changes: Any) -> bytes:
    both = [officer(world, world.n1), officer(world, world.n2)]
    return sign_authorisation(erase(world, **changes), both)


def forged(world: World, *keys: CertifiedKey, **changes: Any) -> bytes:
    """Write any payload and sign it without asking whether one may."""
    body: dict[str, Any] = {
        "v": 1,
        "line": world.roster.line.hex(),
        "station": "NORTH",
        "act": "erase",
        "details": {"epoch": 202610},
        "reason": "retention ended",
        "at": format_time(world.now_ms),
    }
    payload = canonical.encode(body | changes)
    return world.forged(payload, *(keys or (world.n1, world.n2)), kind=AUTHORISATION_TYPE)


def decoded(encoded: bytes) -> Envelope:
    return decode_envelope(encoded, expect=(AUTHORISATION_TYPE,), what="x", max_bytes=1 << 20)


def refuse(world: World, encoded: bytes, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        verify_authorisation(world.roster, encoded)


def test_authorisation_by_two_officers_is_verified(world: World) -> None:
    encoded = signed(world, details={"epoch": 202610, "root": "ab" * 32})
    verified = verify_authorisation(world.roster, encoded, act=Act.ERASE)
    assert verified.authorisation == erase(world, details={"epoch": 202610, "root": "ab" * 32})
    assert verified.digest == decoded(encoded).digest
    assert [one.person for one in verified.officers] == ["n1", "n2"]
    assert verified.names == ("watch CDR Officer n1", "watch CDR Officer n2")


def test_authorisation_made_by_hand_is_our_bug(world: World) -> None:
    with pytest.raises(InvariantError):
        VerifiedAuthorisation(Digest(bytes(32)), erase(world), (), object())


def test_authorisation_for_another_act_is_refused(world: World) -> None:
    with pytest.raises(PeerError, match="not for generation"):
        verify_authorisation(world.roster, signed(world), act=Act.GENERATION)


def test_authorisation_of_another_line_is_refused(world: World) -> None:
    refuse(world, signed(world, line=Digest(b"\7" * 32)), "another line")


def test_authorisation_by_one_officer_is_refused(world: World) -> None:
    refuse(world, forged(world, world.n1), "1 persons signed")
    with pytest.raises(OperatorError, match="1 persons"):
        sign_authorisation(erase(world), [officer(world, world.n1)])


def test_authorisation_by_one_person_with_two_certificates_is_refused(world: World) -> None:
    seeds = draw_hybrid_seeds(world.entropy)
    again = issue_certificate(
        world.north.root,
        HybridSigner(seeds),
        subject=Subject("N1", "Officer One", "CDR", "watch"),
        usage=Usage.STATEMENT,
        serial=90,
        not_before_ms=world.now_ms,
        not_after_ms=world.now_ms + MONTH_MS,
    )
    roster, certificate = world.roster.with_certificate(again.certificate)
    encoded = forged(world, world.n1, again)
    with pytest.raises(PeerError, match="same person"):
        verify_authorisation(roster, encoded)
    with pytest.raises(OperatorError, match="same person"):
        sign_authorisation(erase(world), [officer(world, world.n1), (certificate, again.signer)])


def test_authorisation_signed_by_one_officer_twice_is_refused(world: World) -> None:
    refuse(world, forged(world, world.n1, world.n1), "twice")


def test_authorisation_that_an_officer_of_the_peer_signed_is_refused(world: World) -> None:
    south = world.south.officers["s1"]
    refuse(world, forged(world, world.n1, south), "another station")
    refuse(world, forged(world, world.n1, world.n2, south), "another station")
    refuse(world, forged(world, world.n1, world.n2, station="SOUTH"), "another station")


def test_authorisation_by_a_stranger_is_refused(world: World) -> None:
    stranger = world.east.officers["e1"]
    refuse(world, forged(world, world.n1, stranger), "not of this line")
    refuse(world, forged(world, world.n1, world.n2, stranger), "not of this line")


@pytest.mark.parametrize("usage", ["console", "ledger"])
def test_authorisation_signed_by_a_working_key_is_refused(world: World, usage: str) -> None:
    key: CertifiedKey = getattr(world.north, usage)
    refuse(world, forged(world, world.n1, world.n2, key), "no officer's")


@pytest.mark.parametrize("shift_ms", [-MONTH_MS, 4 * MONTH_MS])
def test_authorisation_outside_the_officers_certificates_is_refused(
    world: World, shift_ms: int
) -> None:
    at = format_time(world.now_ms + shift_ms)
    refuse(world, forged(world, at=at), "does not cover")
    with pytest.raises(OperatorError, match="does not cover"):
        signed(world, at_ms=world.now_ms + shift_ms)


def test_authorisation_with_any_byte_of_its_payload_changed_is_refused(world: World) -> None:
    envelope = decoded(signed(world))
    for place in range(len(envelope.payload)):
        altered = bytearray(envelope.payload)
        altered[place] ^= 1
        again = Envelope(AUTHORISATION_TYPE, bytes(altered), envelope.signatures)
        with pytest.raises(PeerError):
            verify_authorisation(world.roster, encode_envelope(again))


@pytest.mark.parametrize("place", range(4))
def test_authorisation_without_one_half_or_with_a_foreign_one_is_refused(
    world: World, place: int
) -> None:
    one, other = decoded(signed(world)), decoded(signed(world, reason="another"))
    rest = [entry for at, entry in enumerate(one.signatures) if at != place]
    refuse(world, encode_envelope(replace(one, signatures=tuple(rest))), "one half")
    mixed = list(one.signatures)
    mixed[place] = other.signatures[place]
    refuse(world, encode_envelope(replace(one, signatures=tuple(mixed))), "does not verify")


def test_authorisation_under_another_payload_type_is_refused(world: World) -> None:
    envelope = decoded(signed(world))
    statement = replace(envelope, payload_type="application/vnd.hotline.statement.v1+json")
    refuse(world, encode_envelope(statement), "another kind")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": True}, "v"),
        ({"v": 2}, "v"),
        ({"act": "shutdown"}, "act"),
        ({"reason": ""}, "reason is empty"),
        ({"reason": "   "}, "reason is empty"),
        ({"reason": "x" * 241}, "reason"),
        ({"reason": "two\nlines"}, "U\\+000A"),
        ({"reason": "\u202eover"}, "canonical|U\\+202E"),
        ({"extra": 1}, "unknown key"),
        ({"details": []}, "details"),
        ({"details": {"epoch": True}}, "a detail is"),
        ({"details": {"epoch": -1}}, "a detail is"),
        ({"details": {"epoch": None}}, "a detail is"),
        ({"details": {"epoch": {"a": 1}}}, "a detail is"),
        ({"details": {"Epoch!": 1}}, "a detail's name"),
        ({"details": {"epoch": "x" * (MAX_DETAIL_CHARACTERS + 1)}}, "a detail is"),
        ({"details": {f"d{place}": 1 for place in range(MAX_DETAILS + 1)}}, "at most"),
        ({"at": "2026-11-22"}, "a time"),
        ({"line": "ab"}, "hex"),
        ({"station": "north"}, "station"),
    ],
)
def test_authorisation_of_another_shape_is_refused(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    refuse(world, forged(world, **changes), reason)


def test_authorisation_refused_does_not_quote_what_it_brought(world: World) -> None:
    for details in ({"Evil name!": 1}, {"epoch": {"evil": 1}}, {"a": "evil\u0000"}):
        with pytest.raises(PeerError) as refused:
            verify_authorisation(world.roster, forged(world, details=details))
        assert "vil" not in str(refused.value)


def test_authorisation_beyond_its_bound_is_refused_before_it_is_read(world: World) -> None:
    refuse(world, b"[" * (MAX_AUTHORISATION_ENVELOPE_BYTES + 1), "the bound is")


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(junk=st.binary(max_size=400))
def test_authorisation_of_any_bytes_raises_only_peer_errors(world: World, junk: bytes) -> None:
    refuse(world, junk, "authorisation")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    payload=st.dictionaries(
        st.sampled_from(["v", "line", "station", "act", "details", "reason", "at", "odd"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-5, 2**53),
            st.text(max_size=20),
            st.dictionaries(st.text(max_size=5), st.integers(0, 5), max_size=3),
        ),
    )
)
def test_authorisation_of_any_json_raises_only_peer_errors(
    world: World, payload: dict[str, Any]
) -> None:
    body = canonical.encode(payload) if "\ud800" not in str(payload) else b"{}"
    refuse(world, world.forged(body, world.n1, world.n2, kind=AUTHORISATION_TYPE), r"\w")


def test_key_that_is_not_the_certified_one_is_our_bug(world: World) -> None:
    certificate, _ = officer(world, world.n1)
    with pytest.raises(InvariantError):
        sign_authorisation(erase(world), [(certificate, world.n2.signer), officer(world, world.n2)])


# --- among the public records


def test_roster_takes_an_authorisation_and_names_its_digest(world: World) -> None:
    encoded = signed(world, act=Act.GENERATION, details={"generation": 2})
    records = [encoded, *world.records]
    assert decoded(encoded).digest in Roster.read(records).record_digests
    assert decoded(encoded).digest in identify_ledger(records).record_digests


def test_roster_refuses_an_authorisation_that_does_not_verify(world: World) -> None:
    for bad in (forged(world, world.n1), signed(world, line=Digest(b"\7" * 32))):
        with pytest.raises(IntegrityError, match="authorisation"):
            Roster.read([*world.records, bad])
