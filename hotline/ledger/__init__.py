"""The append-only record of one line: SQLite store, proofs, checkpoints, witness.

Signing, verifying and sealing come in through the seams of core.
May import core, sqlite3 and sqlite_utils; never sealing, transport or host.
"""
