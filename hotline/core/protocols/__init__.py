"""Machines as tables: the de-escalation ladder, turn keys, the handshake.

Tables that an authority may change stand in config/protocols/*.toml; those of keys and
handshake stand here. Pure.
"""
