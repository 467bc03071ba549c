"""What the guided setup of a station rests on: how far a home has come, and each next act.

May import what the desk may; the console's screens import `port` and `views` of it.
"""
