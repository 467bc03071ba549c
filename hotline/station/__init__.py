"""One station on its lines: decide, record, then act.

Nothing leaves, and nothing is shown as done, before its event is durable.
May import core, sealing, ledger, transport and host; never desk or a front end.
"""
