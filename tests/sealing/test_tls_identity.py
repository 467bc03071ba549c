"""The TLS identity in a real TLS 1.3 handshake, at both ends."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from hotline.core.errors import PeerError
from hotline.sealing.tls_identity import TlsIdentity, make_tls_identity, tls_pin

NOW_MS = 1_795_357_886_000


def identity(station: str) -> TlsIdentity:
    seed = station.encode().ljust(32, b"\0")
    return make_tls_identity(station=station, at_ms=NOW_MS, entropy=lambda size: seed[:size])


def context(side: int, ours: TlsIdentity, theirs: TlsIdentity, place: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(side)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=theirs.certificate_pem.decode())
    # The test's clock is the certificate's, not the machine's.
    made.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
    chain, key = place / f"{ours.pin.hex()}.pem", place / f"{ours.pin.hex()}.key"
    chain.write_bytes(ours.certificate_pem)
    key.write_bytes(ours.key_pem)
    made.load_cert_chain(chain, key)
    return made


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        server.wrap_bio(up, down, server_side=True),
        client.wrap_bio(down, up, server_side=False),
    )
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends


def test_tls_identity_at_both_ends_shakes_hands_and_shows_its_pin(tmp_path: Path) -> None:
    north, south = identity("NORTH"), identity("SOUTH")
    server, client = shake(
        context(ssl.PROTOCOL_TLS_SERVER, north, south, tmp_path),
        context(ssl.PROTOCOL_TLS_CLIENT, south, north, tmp_path),
    )
    assert client.version() == "TLSv1.3"
    shown = client.getpeercert(binary_form=True)
    seen = server.getpeercert(binary_form=True)
    assert shown
    assert tls_pin(shown) == north.pin
    assert seen
    assert tls_pin(seen) == south.pin


def test_tls_identity_of_somebody_else_does_not_shake_hands(tmp_path: Path) -> None:
    north, south, east = identity("NORTH"), identity("SOUTH"), identity("EAST")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(
            context(ssl.PROTOCOL_TLS_SERVER, east, south, tmp_path),
            context(ssl.PROTOCOL_TLS_CLIENT, south, north, tmp_path),
        )


@pytest.mark.parametrize("junk", [b"", b"\x30\x03abc", bytes(20_000)])
def test_tls_pin_of_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(PeerError):
        tls_pin(junk)


def test_tls_identity_is_valid_for_92_days_from_an_hour_before(tmp_path: Path) -> None:
    path = tmp_path / "north.pem"
    path.write_bytes(identity("NORTH").certificate_pem)
    shown = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
    assert shown["notBefore"] == "Nov 22 13:31:26 2026 GMT"
    assert shown["subject"] == ((("commonName", "NORTH"),),)
