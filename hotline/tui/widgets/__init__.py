"""One widget per module. May import looks, literals and views, never a screen or the app."""
