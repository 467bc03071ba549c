"""A relay: it keeps sealed cells in mailboxes until their recipient has taken them.

Frames, handshake, stores, the server, a client for stations, metrics
(docs/transport.md §9). May import core, the transport, websockets, sqlite3 and
nats; keys, clocks and chance are handed in. It knows no station and no line.
"""
