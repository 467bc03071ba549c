"""TLS of a relay: everybody may come in, nobody with less than TLS 1.3.

Who is whom is settled by mailbox keys, inside. Spec: docs/transport.md §9.1
"""

from __future__ import annotations

import ssl

from hotline.core.errors import OperatorError
from hotline.transport.tls import NO_CHECK_TIME, PinnedPeer, TlsIdentity


def relay_context(identity: TlsIdentity) -> ssl.SSLContext:
    """Build the relay's context.

    Raises:
        OperatorError: the certificate or the key cannot be loaded.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A ticket would be one more thing to tell returning clients by.
    context.num_tickets = 0
    try:
        context.load_cert_chain(
            identity.certificate_path, identity.key_path, password=identity.passphrase
        )
    except (OSError, ValueError) as error:
        raise OperatorError(
            "the relay's certificate or key cannot be loaded", hint="look at --cert and --key"
        ) from error
    return context


def pinned_context(peer: PinnedPeer) -> ssl.SSLContext:
    """Build a client's context that trusts the relay's pinned certificates and no authority.

    Raises:
        OperatorError: one of them cannot be loaded.
    Spec: docs/transport.md §10.8
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(NO_CHECK_TIME)
    try:
        context.load_verify_locations(cadata=b"".join(peer.certificates))
    except (OSError, ValueError) as error:
        raise OperatorError("the relay's certificate cannot be loaded") from error
    return context
