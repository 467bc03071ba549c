"""What the words of the guided setup mean, for a reader in a second language."""

from __future__ import annotations

GLOSSARY = (
    ("Station", "One side of a line: a place with officers, keys and a record of its own."),
    ("Home", "The directory on this machine in which a station's keys and record lie."),
    ("Line", "A lasting connection between stations that know each other."),
    ("LIVE", "Real. What is said on a live line counts."),
    ("EXERCISE", "Practice. Keys of an exercise can never speak on a live line."),
    ("Route", "Address and port at which the other station's machine dials this one."),
    ("Key file", "A file with secret keys, locked with a passphrase."),
    ("Passphrase", "Several words that open a key file. Nobody can find a lost one."),
    ("root.key", "The station's highest key. It names officers and signs charters. In a safe."),
    ("successor.key", "The key that follows root.key if that is lost or stolen. Another safe."),
    ("console.key", "The key that this machine works with while the console is open."),
    ("Officer", "A person with a key of their own, who signs what goes over the line."),
    (
        "Certificate",
        "What root.key signs to say: this key is this officer's. It ends after 92 days.",
    ),
    ("Card", "A file that says who a station is. Nothing in it is secret."),
    ("24 words", "They spell a station's root. Officers compare them by telephone."),
    ("Charter", "The rules of a line. The root keys of both stations sign it."),
    ("Opening file", "What the station that opens a line sends to the one that joins."),
    ("Answer file", "What the station that joins sends back. It completes the line."),
    ("Two officers", "A rule: one officer signs, a second one reads it and signs, too."),
    ("Ladder", "Agreed steps by which both sides calm an incident down."),
)
