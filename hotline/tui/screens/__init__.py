"""One screen per module, each a FrameScreen. May import widgets, never the app."""
