"""After the watch: replay, comparison of two ledgers, metrics, report, evidence.

Needs no socket and no signing key; content keys only to read what was said.
May import core, sealing, ledger, transport, host, station and desk; never drill.
"""
