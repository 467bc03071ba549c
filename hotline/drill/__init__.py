"""Exercises: the director, the robot counterpart, link faults and the scorecard.

The robot works a desk as an officer would; it has no way in of its own.
May import core, sealing, ledger, transport, host, station and desk; never review.
"""
