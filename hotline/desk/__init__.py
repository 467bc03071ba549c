"""An officer's session: what the officer sees (views) and may do (port).

May import core, sealing, ledger, host and station; never textual, a socket or SQL.
"""
