"""Machines as tables: the de-escalation ladder, reply classes, deadlines.

The tables themselves stand in config/protocols/*.toml. Pure.
"""
