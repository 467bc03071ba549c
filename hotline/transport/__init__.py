"""Routes that carry sealed cells between two stations.

Frames, the route machine, TLS with pins, the listener and the dialer
(docs/transport.md). May import core and websockets; never a key, SQL, a
wall clock or chance: those are handed in.
"""
