"""Pins and contexts, without sockets. Spec: docs/transport.md §3.1, §3.2, §3.3, §3.4."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import OperatorError, PeerError
from hotline.transport.tls import (
    PinnedPeer,
    TlsIdentity,
    client_context,
    pin_of,
    pinned,
    server_context,
    spki_of,
)
from tests.transport.rig import Papers, mint

Three = tuple[Papers, Papers, Papers]


def test_spki_cut_out_is_the_one_cryptography_finds(papers: Three) -> None:
    for one in papers:
        assert spki_of(one.der) == one.spki
        assert pin_of(one.der) == hashlib.sha256(one.spki).digest()


def test_spki_of_every_truncation_is_refused(papers: Three) -> None:
    der = papers[0].der
    for length in range(len(der)):
        with pytest.raises(PeerError):
            spki_of(der[:length])


@given(st.data())
def test_spki_of_altered_bytes_raises_peer_error_only(papers: Three, data: st.DataObject) -> None:
    altered = bytearray(papers[0].der)
    for place in data.draw(st.lists(st.integers(0, len(altered) - 1), min_size=1, max_size=4)):
        altered[place] = data.draw(st.integers(0, 255))
    try:
        assert spki_of(bytes(altered)) in bytes(altered)
    except PeerError:
        assert bytes(altered) != papers[0].der


@given(st.binary(max_size=64))
def test_spki_of_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(PeerError):
        spki_of(junk)


def test_spki_of_too_long_a_certificate_is_refused() -> None:
    with pytest.raises(PeerError):
        spki_of(b"\x30\x83\x01\x00\x01" + bytes(65_537))


def test_pins_of_current_and_next_both_match_and_a_third_does_not(papers: Three) -> None:
    current, following, stranger = (one.der for one in papers)
    peer = pinned(current, following)
    assert peer.matches(current)
    assert peer.matches(following)
    assert not peer.matches(stranger)
    assert not peer.matches(None)
    assert not peer.matches(b"junk")


def test_pins_of_one_key_leave_its_other_certificate_out(papers: Three) -> None:
    peer = replace(pinned(papers[0].der, papers[1].der), pins=(pin_of(papers[1].der),))
    assert not peer.matches(papers[0].der)


@pytest.mark.parametrize("count", [0, 3])
def test_peer_with_no_or_three_pins_is_refused(papers: Three, count: int) -> None:
    with pytest.raises(OperatorError):
        PinnedPeer((papers[0].der,), (bytes(32),) * count)
    with pytest.raises(OperatorError):
        PinnedPeer((papers[0].der,) * count, (bytes(32),))


def test_peer_with_a_short_pin_is_refused(papers: Three) -> None:
    with pytest.raises(OperatorError):
        PinnedPeer((papers[0].der,), (bytes(31),))


def test_contexts_speak_tls13_only_and_demand_the_one_certificate(papers: Three) -> None:
    north, south, _ = papers
    server = server_context(north.identity, pinned(south.der))
    client = client_context(south.identity, pinned(north.der))
    for context, trusted in ((server, south), (client, north)):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert not context.check_hostname
        assert context.keylog_filename is None
        assert context.cert_store_stats()["x509"] == 1
        client_store = context.get_ca_certs(binary_form=True)
        assert client_store in ([], [trusted.der])
    assert server.num_tickets == 0


def test_context_from_files_that_do_not_load_is_the_operators_fault(
    papers: Three, tmp_path: Path
) -> None:
    north, south, _ = papers
    nowhere = TlsIdentity(tmp_path / "none.crt", tmp_path / "none.key")
    crossed = TlsIdentity(north.identity.certificate_path, south.identity.key_path)
    for identity in (nowhere, crossed):
        with pytest.raises(OperatorError) as caught:
            server_context(identity, pinned(south.der))
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(OperatorError):
        client_context(south.identity, PinnedPeer((b"junk",), (bytes(32),)))


def test_context_from_an_encrypted_key_uses_the_passphrase(tmp_path: Path, papers: Three) -> None:
    closed = mint(tmp_path, "CLOSED")
    closed.identity.key_path.write_bytes(
        closed.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"right"),
        )
    )
    peer = pinned(papers[0].der)
    assert client_context(replace(closed.identity, passphrase=lambda: b"right"), peer)
    with pytest.raises(OperatorError):
        client_context(replace(closed.identity, passphrase=lambda: b"wrong"), peer)
