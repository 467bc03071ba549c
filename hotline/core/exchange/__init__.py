"""Commands in, decisions out, and the one fold that live and replay share. Pure."""
