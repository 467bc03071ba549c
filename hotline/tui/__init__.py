"""The console: screens, widgets, keys and looks. Start it through `entry`.

May import core (values, times, text, errors, seams), desk.views and desk.port,
and it alone may import textual. Never a station, a socket, a key or SQL.
"""
