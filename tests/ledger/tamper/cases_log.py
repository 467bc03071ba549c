"""Attacks on the log itself: entries and their enclosures."""

from __future__ import annotations

from tests.ledger.tamper import forge
from tests.ledger.tamper.cases import ALONE, BESIDE, EVERY, REVIEW, WHEN_READ, Case, Why, missed
from tests.ledger.tamper.forge import blob, cut_neatly, flipped, relinked, sql, stored_as
from tests.ledger.tamper.judging import Way
from tests.ledger.tamper.scene import Scene


def zeros(before: bytes) -> bytes:
    """Return zeros of the same length."""
    return bytes(len(before))


def swap(table: str, key: str, one: int, other: int) -> forge.Sql:
    """Return an act that lets two rows change places."""
    return sql(
        f"UPDATE {table} SET {key} = 1000 WHERE {key} = {one}",
        f"UPDATE {table} SET {key} = {one} WHERE {key} = {other}",
        f"UPDATE {table} SET {key} = {other} WHERE {key} = 1000",
    )


def rewrite_one(scene: Scene) -> None:
    """Let entry 4 say other words, and sign everything after it anew."""
    relinked(forge.other_words(scene.north, 4), signed=True)(scene)


def _entry(operation: str, how: str, act: forge.Act, why: dict[Way, Why] | None = None) -> Case:
    return Case("entry", operation, how, act, why or {})


COPY = "INSERT INTO entry SELECT {}, kind, zeroblob(32), leaf, sealed FROM entry WHERE idx = 11"
WHOLE = missed(ALONE, Why.WHOLE) | missed([Way.READING], Why.WHOLE)

ENTRIES = (
    _entry("edit", "the time in a leaf", blob("entry", "leaf", "idx = 5", flipped(19))),
    _entry(
        "edit",
        "the time in a leaf, chain and tree after it made to fit",
        relinked(forge.later(5), signed=False),
    ),
    _entry("edit", "sealed content", blob("entry", "sealed", "idx = 5", zeros), {**WHEN_READ}),
    _entry(
        "edit",
        "the kind that stands beside the leaf",
        sql("UPDATE entry SET kind = 7 WHERE idx = 5"),
        {**BESIDE},
    ),
    _entry(
        "edit",
        "the subject that stands beside the leaf",
        sql("UPDATE entry SET subject = zeroblob(32) WHERE idx = 5"),
        {**BESIDE},
    ),
    _entry("flip a bit", "in a leaf", blob("entry", "leaf", "idx = 7", flipped(60))),
    _entry(
        "flip a bit",
        "in sealed content",
        blob("entry", "sealed", "idx = 7", flipped(-1)),
        {**WHEN_READ},
    ),
    _entry("delete", "one from the middle", sql("DELETE FROM entry WHERE idx = 6")),
    _entry("insert", "one after the end", sql(COPY.format(16))),
    _entry("insert", "one before the first", sql(COPY.format(-1)), {**BESIDE}),
    _entry("reorder", "two change places", swap("entry", "idx", 4, 11)),
    _entry(
        "replace",
        "INSERT OR REPLACE over one",
        sql(
            "INSERT OR REPLACE INTO entry SELECT 5, kind, zeroblob(32), leaf, sealed FROM entry"
            " WHERE idx = 11"
        ),
    ),
    _entry("truncate", "the last two, their head stays", sql("DELETE FROM entry WHERE idx >= 14")),
    _entry("truncate", "neatly, beneath what the peer countersigned", cut_neatly(10), WHOLE),
    _entry(
        "truncate",
        "neatly, the end that nobody countersigned",
        cut_neatly(14),
        WHOLE | missed([Way.PEER], Why.NOBODY_SAW),
    ),
    _entry("truncate", "everything", cut_neatly(0), missed([Way.READING], Why.WHOLE)),
    _entry(
        "oversize",
        "sealed content of 500,000 bytes",
        sql("UPDATE entry SET sealed = zeroblob(500000) WHERE idx = 3"),
        {**WHEN_READ},
    ),
    _entry(
        "oversize",
        "a leaf of 500,000 bytes",
        sql("UPDATE entry SET leaf = zeroblob(500000) WHERE idx = 3"),
    ),
    _entry("wrong type", "text as a leaf", stored_as("entry", "leaf", "idx = 5", "'a leaf'")),
    _entry(
        "wrong type",
        "a number as a subject",
        stored_as("entry", "subject", "idx = 5", "7"),
        {**BESIDE},
    ),
    _entry("lie", "other content, validly sealed with its key", forge.resealed, {**WHEN_READ}),
    _entry(
        "lie",
        "recorded by the operator: committed to one content, sealed another",
        forge.lying_commitment,
        missed(REVIEW, Why.SEALED) | WHEN_READ,
    ),
    _entry(
        "clock back", "an entry with an earlier time", forge.clock_back, missed(EVERY, Why.NOTED)
    ),
    _entry(
        "rewrite",
        "one entry says other words, all after it signed anew with the ledger key",
        rewrite_one,
        missed([Way.READING], Why.WHOLE),
    ),
)


def _enclosure(operation: str, how: str, act: forge.Act, why: dict[Way, Why] | None = None) -> Case:
    return Case("enclosure", operation, how, act, {**WHEN_READ} if why is None else why)


ENCLOSURES = (
    _enclosure("edit", "its bytes", blob("enclosure", "sealed", "idx = 2", zeros)),
    _enclosure("flip a bit", "in it", blob("enclosure", "sealed", "idx = 5", flipped(30))),
    _enclosure("delete", "one", sql("DELETE FROM enclosure WHERE idx = 5")),
    _enclosure(
        "insert", "for an entry that has none", sql("INSERT INTO enclosure VALUES(3, x'00')")
    ),
    _enclosure(
        "insert", "for no entry", sql("INSERT INTO enclosure VALUES(99, x'00')"), {**BESIDE}
    ),
    _enclosure("reorder", "two change places", swap("enclosure", "idx", 2, 5)),
    _enclosure(
        "replace",
        "INSERT OR REPLACE over one",
        sql("INSERT OR REPLACE INTO enclosure SELECT 2, sealed FROM enclosure WHERE idx = 8"),
    ),
    _enclosure(
        "lie",
        "the entry's sealed content in its place",
        sql("UPDATE enclosure SET sealed = (SELECT sealed FROM entry WHERE idx = 2) WHERE idx = 2"),
    ),
    _enclosure(
        "oversize",
        "500,000 bytes",
        sql("UPDATE enclosure SET sealed = zeroblob(500000) WHERE idx = 2"),
    ),
)
