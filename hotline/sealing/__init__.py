"""Sealing: identities, signatures, packets and cells.

Every cryptographic library call of the running system is made here (and in
the key file). May import hotline.core, cryptography and nacl; never the
ledger, the transport or the host. Chance and time come in as arguments.
"""
