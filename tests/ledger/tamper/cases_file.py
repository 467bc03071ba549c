"""Attacks on the file as a whole: its schema, its pages, its log, and head.db beside it."""

from __future__ import annotations

import shutil

from tests.ledger.tamper import forge
from tests.ledger.tamper.cases import ALONE, BESIDE, EVERY, REVIEW, Case, Missed, Why, missed
from tests.ledger.tamper.forge import bytes_of, flipped, log_of, unchecked_schema
from tests.ledger.tamper.judging import Way
from tests.ledger.tamper.scene import Scene

PAGE_BYTES = 4096
LAST_TRANSACTION_BYTES = 3 * (PAGE_BYTES + 24)
CAUGHT: Missed = {}
UNSEEN = missed(EVERY, Why.UNSEEN)
WHOLE = missed(ALONE, Why.WHOLE) | missed([Way.READING], Why.WHOLE)
TAIL = WHOLE | missed([Way.PEER], Why.NOBODY_SAW)
NOT_EVIDENCE = missed([*REVIEW, Way.READING], Why.NOT_EVIDENCE)

Row = tuple[str, str, forge.Act, Missed]


def _cases(place: str, rows: tuple[Row, ...]) -> tuple[Case, ...]:
    return tuple(Case(place, operation, how, act, why) for operation, how, act, why in rows)


def _page_of_zeros(whole: bytes) -> bytes:
    return whole[:PAGE_BYTES] + bytes(PAGE_BYTES) + whole[2 * PAGE_BYTES :]


def _unlink(name: str) -> forge.Act:
    def act(scene: Scene) -> None:
        (scene.north.home / name).unlink()

    return act


def _older_heads(scene: Scene) -> None:
    shutil.copy(scene.older / "head.db", scene.north.home / "head.db")


SCHEMA = _cases(
    "schema",
    (
        ("delete", "a trigger", unchecked_schema("DROP TRIGGER entry_no_update"), CAUGHT),
        ("delete", "an index", unchecked_schema("DROP INDEX entry_subject"), CAUGHT),
        (
            "replace",
            "a view in place of entry",
            unchecked_schema(
                "ALTER TABLE entry RENAME TO truth", "CREATE VIEW entry AS SELECT * FROM truth"
            ),
            CAUGHT,
        ),
        (
            "replace",
            "a trigger that does nothing, under the old name",
            unchecked_schema(
                "DROP TRIGGER entry_no_update",
                "CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT 1; END",
            ),
            CAUGHT,
        ),
        (
            "edit",
            "a table that takes any type",
            unchecked_schema(
                "UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') WHERE name = 'head'"
            ),
            CAUGHT,
        ),
        ("edit", "an index that leads past an entry", forge.index_beside_the_truth, BESIDE),
        (
            "edit",
            "another name over the known text",
            unchecked_schema(
                "UPDATE sqlite_schema SET name = upper(name) WHERE name = 'entry_no_update'"
            ),
            CAUGHT,
        ),
        ("insert", "a table more", unchecked_schema("CREATE TABLE more(x)"), CAUGHT),
        ("insert", "a view more", unchecked_schema("CREATE VIEW more AS SELECT 1"), CAUGHT),
        (
            "insert",
            "a trigger that deletes",
            unchecked_schema(
                "CREATE TRIGGER more AFTER INSERT ON witnessed BEGIN DELETE FROM node; END"
            ),
            CAUGHT,
        ),
        (
            "hostile text",
            "a name and a text that are no UTF-8",
            unchecked_schema(
                "INSERT INTO sqlite_schema VALUES('table', x'ff', 'x', 0, CAST(x'ff' AS TEXT))"
            ),
            CAUGHT,
        ),
        ("edit", "the application id", unchecked_schema("PRAGMA application_id = 1"), CAUGHT),
        ("edit", "the user version", unchecked_schema("PRAGMA user_version = 77"), UNSEEN),
    ),
)

FILE = _cases(
    "whole file",
    (
        ("flip a bit", "in the header of a page", bytes_of(flipped(PAGE_BYTES + 3)), CAUGHT),
        (
            "edit",
            "a page of zeros",
            bytes_of(_page_of_zeros),
            CAUGHT,
        ),
        ("truncate", "by its last page", bytes_of(lambda whole: whole[:-PAGE_BYTES]), CAUGHT),
        ("truncate", "inside a page", bytes_of(lambda whole: whole[:20_000]), CAUGHT),
        ("truncate", "to nothing", bytes_of(lambda _: b""), CAUGHT),
        (
            "insert",
            "a page after its end",
            bytes_of(lambda whole: whole + b"more" * (PAGE_BYTES // 4)),
            BESIDE,
        ),
        ("insert", "words in a page that is not used", forge.freed_page, UNSEEN),
        ("replace", "by no database", bytes_of(lambda _: b"nonsense" * 1000), CAUGHT),
        ("replace", "by an older backup", forge.older_backup, WHOLE),
        (
            "replace",
            "by an older backup, head.db as well",
            forge.older_backup_of_all,
            WHOLE | missed([Way.OPENING], Why.BOTH_BACK),
        ),
        (
            "replace",
            "by the other station's ledger",
            forge.stranger,
            missed([*ALONE, Way.READING], Why.OTHER_LEDGER),
        ),
        ("fork", "an older copy that went on by itself", forge.forked, WHOLE),
        ("rewrite", "all of it, with the ledger key", forge.rewritten, WHOLE),
        ("delete", "it", _unlink("ledger.db"), CAUGHT),
    ),
)

LOG = _cases(
    "write-ahead log",
    (
        ("delete", "it", log_of(lambda _: None), WHOLE),
        ("truncate", "in the middle", log_of(lambda log: log[: len(log) // 2]), TAIL),
        (
            "truncate",
            "by its last transaction",
            log_of(lambda log: log[:-LAST_TRANSACTION_BYTES]),
            TAIL,
        ),
        ("flip a bit", "in its header", log_of(flipped(12)), WHOLE),
        ("flip a bit", "in its first page", log_of(flipped(2000)), WHOLE),
        ("flip a bit", "in its last page", log_of(flipped(-100)), TAIL),
        ("insert", "nonsense after its end", log_of(lambda log: log + bytes(range(256))), UNSEEN),
        ("replace", "by nonsense", log_of(lambda _: b"nonsense" * 2000), WHOLE),
    ),
)

HEAD_DB = _cases(
    "head.db",
    (
        ("delete", "it", _unlink("head.db"), NOT_EVIDENCE),
        (
            "replace",
            "by an older one",
            _older_heads,
            NOT_EVIDENCE | missed([Way.OPENING], Why.REBUILT),
        ),
        (
            "replace",
            "by no database",
            bytes_of(lambda _: b"nonsense" * 600, "head.db"),
            NOT_EVIDENCE,
        ),
    ),
)

CASES = (*SCHEMA, *FILE, *LOG, *HEAD_DB)
