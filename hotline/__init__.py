"""hotline: a crisis-communication console for two or more stations on one line."""

__version__ = "0.1.0"
