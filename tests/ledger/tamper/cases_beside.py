"""Attacks on what stands beside the log: records, heads, signatures of witnesses, nodes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.ledger.rig import Key, public_record
from tests.ledger.tamper import forge
from tests.ledger.tamper.cases import ALONE, BESIDE, EVERY, OLDER, Case, Missed, Why, missed
from tests.ledger.tamper.cases_log import swap
from tests.ledger.tamper.forge import blob, flipped, note_by, sql, stored_as
from tests.ledger.tamper.judging import Way
from tests.ledger.tamper.scene import OUTSIDER

HUGE = "zeroblob(1000000)"
STRANGER = "hotline/EXERCISE/x/SOUTH"
NO_UTF8 = "CAST(x'ff00fe' AS TEXT)"
NORTH = Key(b"NORTH")
SUPERFLUOUS = missed(EVERY, Why.SUPERFLUOUS)
SIGNERS = missed([Way.READING], Why.NOT_SIGNERS)
CAUGHT: Missed = {}

Row = tuple[str, str, forge.Act, Missed]


def _cases(place: str, rows: tuple[Row, ...]) -> tuple[Case, ...]:
    return tuple(Case(place, operation, how, act, why) for operation, how, act, why in rows)


def _huge(table: str, where: str, column: str = "note") -> forge.Sql:
    return sql(f"UPDATE {table} SET {column} = {HUGE} WHERE {where}")


def _stranger_record() -> forge.Sql:
    digest, record = public_record("a stranger's root")
    return sql(f"INSERT INTO public VALUES(3, x'{digest.hex()}', x'{record.hex()}')")


def _trailing(note: bytes) -> bytes:
    return note + b"more\n"


PUBLIC = _cases(
    "public record",
    (
        ("edit", "its words", blob("public", "bytes", "seq = 1", forge.said_otherwise), BESIDE),
        (
            "edit",
            "its digest",
            sql("UPDATE public SET digest = zeroblob(32) WHERE seq = 2"),
            BESIDE,
        ),
        ("flip a bit", "in it", blob("public", "bytes", "seq = 2", flipped(60)), BESIDE),
        ("delete", "the last", sql("DELETE FROM public WHERE seq = 2"), BESIDE),
        ("delete", "all", sql("DELETE FROM public"), BESIDE),
        ("insert", "one that no entry binds", _stranger_record(), BESIDE),
        ("reorder", "two change places", swap("public", "seq", 1, 2), BESIDE),
        (
            "replace",
            "INSERT OR REPLACE over one",
            sql(
                "INSERT OR REPLACE INTO public SELECT 1, zeroblob(32), bytes FROM public"
                " WHERE seq = 2"
            ),
            BESIDE,
        ),
        ("oversize", "a million bytes", _huge("public", "seq = 2", "bytes"), BESIDE),
    ),
)

HEADS = _cases(
    "head",
    (
        ("edit", "the newest root", blob("head", "note", "size = 16", flipped(130)), CAUGHT),
        ("edit", "an older root", blob("head", "note", "size = 10", flipped(130)), OLDER),
        ("flip a bit", "newest signature", blob("head", "note", "size = 16", flipped(-9)), SIGNERS),
        ("flip a bit", "older signature", blob("head", "note", "size = 10", flipped(-9)), OLDER),
        ("delete", "the newest", sql("DELETE FROM head WHERE size = 16"), CAUGHT),
        ("delete", "one from the middle", sql("DELETE FROM head WHERE size = 10"), SUPERFLUOUS),
        ("delete", "all", sql("DELETE FROM head"), CAUGHT),
        ("insert", "of a size not reached, with the ledger key", forge.grown, CAUGHT),
        ("forge", "the newest, by another key", note_by(Key(b"thief"), 16), CAUGHT),
        ("fork", "two roots of the newest size, with the ledger key", note_by(NORTH, 16), CAUGHT),
        ("fork", "two roots of an older size, with the ledger key", note_by(NORTH, 10), OLDER),
        ("reorder", "two change places", swap("head", "size", 10, 16), CAUGHT),
        (
            "replace",
            "INSERT OR REPLACE over the newest",
            sql("INSERT OR REPLACE INTO head SELECT 16, note FROM head WHERE size = 10"),
            CAUGHT,
        ),
        ("oversize", "an older note, a million bytes", _huge("head", "size = 10"), OLDER),
        ("oversize", "the newest note, a million bytes", _huge("head", "size = 16"), CAUGHT),
        ("trailing", "a line after it", blob("head", "note", "size = 16", _trailing), CAUGHT),
        ("wrong type", "text, no UTF-8", stored_as("head", "note", "size = 10", NO_UTF8), BESIDE),
    ),
)

COSIGNATURES = _cases(
    "cosignature",
    (
        ("edit", "its note", blob("cosignature", "note", "size = 6", flipped(130)), OLDER),
        ("flip a bit", "in it", blob("cosignature", "note", "size = 6", flipped(-9)), OLDER),
        (
            "delete",
            "the newest, on which a receipt rests",
            sql("DELETE FROM cosignature WHERE size = 13"),
            BESIDE,
        ),
        (
            "delete",
            "one from the middle",
            sql("DELETE FROM cosignature WHERE size = 6"),
            SUPERFLUOUS,
        ),
        ("delete", "all", sql("DELETE FROM cosignature"), BESIDE),
        ("forge", "by the ledger's own key", forge.own_cosignature, BESIDE),
        (
            "insert",
            "by a witness that nobody certified",
            sql(
                f"INSERT INTO cosignature SELECT '{STRANGER}', 16, note FROM cosignature"
                " WHERE size = 13"
            ),
            BESIDE,
        ),
        (
            "edit",
            "that of an outside witness, whom the record names",
            blob("cosignature", "note", f"signer = '{OUTSIDER}'", flipped(-9)),
            BESIDE,
        ),
        (
            "forge",
            "an outside witness's, by a key that the record does not name",
            forge.outside_cosignature(Key(b"thief")),
            BESIDE,
        ),
        (
            "lie",
            "the outside witness signs another root",
            forge.outside_cosignature(Key(b"outsider"), other_root=True),
            BESIDE,
        ),
        (
            "rename",
            "an outside witness's under a member's name",
            sql(
                "UPDATE cosignature SET signer = (SELECT min(signer) FROM cosignature)"
                f" WHERE signer = '{OUTSIDER}'"
            ),
            OLDER,
        ),
        (
            "delete",
            "the newest of an outside witness",
            sql(f"DELETE FROM cosignature WHERE signer = '{OUTSIDER}'"),
            missed(EVERY, Why.ITS_OWN),
        ),
        (
            "replace",
            "INSERT OR REPLACE over one",
            sql(
                "INSERT OR REPLACE INTO cosignature SELECT signer, 6, note FROM cosignature"
                " WHERE size = 13"
            ),
            OLDER,
        ),
        (
            "reorder",
            "moved to another size",
            sql("UPDATE cosignature SET size = 7 WHERE size = 6"),
            OLDER,
        ),
        (
            "hostile text",
            "a signer with NUL in it",
            sql("UPDATE cosignature SET signer = CAST(x'00' || signer AS TEXT) WHERE size = 6"),
            BESIDE,
        ),
        (
            "hostile text",
            "a signer that is no UTF-8",
            sql(f"UPDATE cosignature SET signer = {NO_UTF8} WHERE size = 6"),
            BESIDE,
        ),
        ("oversize", "a note of a million bytes", _huge("cosignature", "size = 6"), OLDER),
    ),
)

ITS_OWN = missed(ALONE, Why.ITS_OWN) | BESIDE

WITNESSED = _cases(
    "witnessed head",
    (
        ("edit", "its root", sql("UPDATE witnessed SET root = zeroblob(32) WHERE seq = 2"), OLDER),
        ("flip a bit", "in its note", blob("witnessed", "note", "seq = 2", flipped(-9)), OLDER),
        ("delete", "one from the middle", sql("DELETE FROM witnessed WHERE seq = 2"), BESIDE),
        ("delete", "the newest", sql("DELETE FROM witnessed WHERE seq = 3"), ITS_OWN),
        ("delete", "all", sql("DELETE FROM witnessed"), ITS_OWN),
        (
            "insert",
            "one that the other station never signed",
            sql(
                "INSERT INTO witnessed SELECT 4, origin, 10, 99, root, note FROM witnessed"
                " WHERE seq = 3"
            ),
            BESIDE,
        ),
        ("reorder", "two change places", swap("witnessed", "seq", 1, 2), BESIDE),
        (
            "replace",
            "INSERT OR REPLACE over one",
            sql(
                "INSERT OR REPLACE INTO witnessed SELECT 2, origin, old_size, size, root, note"
                " FROM witnessed WHERE seq = 3"
            ),
            BESIDE,
        ),
        (
            "hostile text",
            "an origin that is no UTF-8",
            sql(f"UPDATE witnessed SET origin = {NO_UTF8} WHERE seq = 2"),
            BESIDE,
        ),
        (
            "hostile text",
            "an origin with NUL in it",
            sql("UPDATE witnessed SET origin = CAST(origin || x'006d' AS TEXT) WHERE seq = 3"),
            BESIDE,
        ),
        ("oversize", "a note of a million bytes", _huge("witnessed", "seq = 2"), OLDER),
        (
            "oversize",
            "an origin of 2 million characters",
            sql("UPDATE witnessed SET origin = hex(zeroblob(1000000)) WHERE seq = 2"),
            BESIDE,
        ),
    ),
)

WITNESS, OWN = "signer LIKE '%SOUTH'", "signer LIKE '%/1'"

LASTING = _cases(
    "long-lasting signature",
    (
        ("edit", "its note", blob("lasting", "note", WITNESS, flipped(130)), BESIDE),
        ("flip a bit", "in the station's", blob("lasting", "note", OWN, flipped(-9)), BESIDE),
        ("flip a bit", "in the witness's", blob("lasting", "note", WITNESS, flipped(-9)), BESIDE),
        ("delete", "all", sql("DELETE FROM lasting"), missed(EVERY, Why.ITS_OWN)),
        (
            "insert",
            "by nobody known",
            sql(f"INSERT INTO lasting SELECT '{STRANGER}', 12, note FROM lasting LIMIT 1"),
            BESIDE,
        ),
        (
            "replace",
            "INSERT OR REPLACE over one",
            sql(
                f"INSERT OR REPLACE INTO lasting SELECT (SELECT signer FROM lasting WHERE {OWN}),"
                f" size, note FROM lasting WHERE {WITNESS}"
            ),
            BESIDE,
        ),
        ("reorder", "moved to another size", sql("UPDATE lasting SET size = 11"), BESIDE),
        (
            "hostile text",
            "a signer that is no UTF-8",
            sql(f"UPDATE lasting SET signer = {NO_UTF8} WHERE {WITNESS}"),
            BESIDE,
        ),
        ("oversize", "notes of a million bytes", sql(f"UPDATE lasting SET note = {HUGE}"), BESIDE),
    ),
)

INSIDE: Mapping[Way, Why] = {Way.OPENING: Why.WHEN_READ}

NODES = _cases(
    "stored node",
    (
        ("edit", "at the edge", sql("UPDATE node SET hash = zeroblob(32) WHERE level = 4"), CAUGHT),
        (
            "edit",
            "inside the tree",
            sql("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND idx = 2"),
            INSIDE,
        ),
        (
            "delete",
            "inside the tree",
            sql("DELETE FROM node WHERE level = 1 AND idx = 2"),
            INSIDE,
        ),
        ("insert", "of no tree", sql("INSERT INTO node VALUES(9, 9, zeroblob(32))"), BESIDE),
    ),
)

CASES = (*PUBLIC, *HEADS, *COSIGNATURES, *WITNESSED, *LASTING, *NODES)
