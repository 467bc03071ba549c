"""The help screen's texts, in short sentences for a reader in a second language."""

from __future__ import annotations

EXCHANGE = (
    "A statement comes in. It stands at the end of the timeline; a FLASH also rings.",
    "Open it: mark it with Up and Down, press Enter. Read it to its end.",
    "Press F8. The sender is told READ BY OFFICER. This does not say that you agree.",
    "If READ BACK stands in NEXT: type those values from memory. The machine compares.",
    "To answer: mark an answer in NEXT and press Enter, or press F3 for all forms.",
    "Fill the fields; Tab goes on. Left and Right change a choice. A fault stands below.",
    "Press ^P. You see what will be signed, in your language and in theirs.",
    "Press ^G. Read to the end, type the code if one is asked, go to SEND, press Enter.",
    "Where two officers must sign: the first signs, then ^R. The second reads it and signs.",
    "Watch its state: QUEUED, DELIVERED, DISPLAYED, READ BY OFFICER, ANSWERED, CLOSED.",
    "DEADLINES says who must act next, YOU or THEY, and how long there is.",
    "When you leave the desk press ^L. Your passphrase unlocks it; drafts are kept.",
)

READING_ONLY = (
    "This is a record. Nothing can be sent or changed here.",
    "Right and Left go one event on or back; PgDn and PgUp ten.",
    "Home goes to the start, End to the last event. Space plays and pauses.",
    "Every pane shows what this station knew at that event.",
    "Enter opens the marked line; F4 opens the incident; Esc goes back.",
)

SYMBOLS = (
    ("!! ! + .", "FLASH, IMMEDIATE, PRIORITY, ROUTINE: how urgent a statement is."),
    ("IN OUT LOG", "From them, from us, or this station's own log; Enter opens each of them."),
    ("AWAITING RELEASE", "One officer signed. It is not sent before a second one signs: ^R."),
    ("QUEUED", "Recorded here, not yet at the other station."),
    ("DELIVERED", "The other station proved that it recorded it. No person has read it."),
    ("LINK DOWN", "It is not there: nothing goes out. It leaves by itself when the link is up."),
    ("NOT DELIVERED", "The link is up, but they have not proved yet that they recorded it."),
    ("AT PEER, NOT READ", "It is there and nobody has read it. Their station was asked."),
    ("READ, NO REPLY", "An officer there read it; the answer is late."),
    ("UP untested", "Connected, but no test of the link has passed lately."),
    ("DEGRADED", "Connected, but tests of the link do not come back. Have voice ready."),
    ("NO ECHO", "Connected, but nothing comes back. Use voice."),
    (
        "TESTS 24 of 24",
        "Tests of the link by machine on one day: so many came back. ^T shows more.",
    ),
    ("test F3", "Once a watch an officer here and one there test the line: F3, Link test."),
    ("DISPLAYED", "It was on their console. Not yet read."),
    ("READ BY OFFICER", "An officer there read it. Not agreed, not answered."),
    ("READ BACK", "They typed the critical fields and these were compared."),
    ("UNVERIFIED ?", "Nobody can say who signed it: do not act on it, call them."),
    ("v p * !", "On the ladder: taken by us, by them, by both, broken."),
    ("T-08:19  LATE", "Time left on a clock; LATE when it ran out."),
    ("YOU  THEY", "Whose turn it is."),
    ("NEXT EXCON", "What is expected of you now; EXCON directs an exercise and advises."),
    ("GAP", "Statements of theirs are missing; they are asked for. F9 tells more."),
    ("FORK  FROZEN", "Two statements with one number, or two records. Speak by voice; see F9."),
    ("LOCKED", "Only the officer of this desk gets on. All can be read; nothing is signed."),
    ("OOW", "Officer of the watch: who has the watch here now."),
)
