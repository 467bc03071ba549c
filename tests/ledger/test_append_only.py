"""The triggers: accidents with the file open in SQLite. docs/ledger.md §9.2."""

from __future__ import annotations

import sqlite3

import pytest

from tests.ledger.rig import Line

ENTRY = "SELECT {idx}, kind, subject, leaf, sealed FROM entry WHERE idx = {source}"

REFUSED = [
    "UPDATE entry SET kind = 9 WHERE idx = 3",
    "DELETE FROM entry WHERE idx = 13",
    "INSERT INTO entry " + ENTRY.format(idx=15, source=13),
    "INSERT INTO entry " + ENTRY.format(idx="NULL", source=13),
    "INSERT OR REPLACE INTO entry " + ENTRY.format(idx=3, source=4),
    "INSERT OR IGNORE INTO entry " + ENTRY.format(idx=3, source=4),
    "UPDATE OR REPLACE entry SET idx = 4 WHERE idx = 3",
    # The genuine statement that was received would be replaced by way of its subject.
    "INSERT OR REPLACE INTO entry SELECT 14, kind, subject, leaf, sealed"
    " FROM entry WHERE kind = 4 LIMIT 1",
    "REPLACE INTO head SELECT 5, note FROM head WHERE size = 6",
    "INSERT INTO head SELECT 20, note FROM head WHERE size = 14",
    "INSERT OR REPLACE INTO head SELECT 14, note FROM head WHERE size = 6",
    "DELETE FROM head",
    "UPDATE head SET note = x'00'",
    "INSERT OR REPLACE INTO enclosure VALUES(2, x'00')",
    "INSERT INTO enclosure VALUES(13, x'00')",
    "INSERT INTO enclosure VALUES(0, x'00')",
    "UPDATE enclosure SET sealed = x'00'",
    "DELETE FROM enclosure",
    "INSERT OR REPLACE INTO public SELECT 3, digest, x'00' FROM public WHERE seq = 1",
    "INSERT OR REPLACE INTO public SELECT 1, digest, x'00' FROM public WHERE seq = 1",
    "UPDATE public SET bytes = x'00'",
    "DELETE FROM public",
    "INSERT OR REPLACE INTO cosignature SELECT signer, size, x'00' FROM cosignature",
    "UPDATE cosignature SET note = x'00'",
    "DELETE FROM cosignature",
    "INSERT OR REPLACE INTO witnessed SELECT 1, origin, 0, 99, root, note FROM witnessed",
    "INSERT INTO witnessed SELECT 4, origin, 0, 1, root, note FROM witnessed WHERE seq = 1",
    "UPDATE witnessed SET size = 99",
    "DELETE FROM witnessed",
]


@pytest.mark.parametrize("statement", REFUSED)
@pytest.mark.parametrize("recursive", [0, 1])
def test_statement_against_a_table_that_only_grows_is_refused(
    line: Line, statement: str, recursive: int
) -> None:
    connection = sqlite3.connect(line.north.file)
    connection.execute(f"PRAGMA recursive_triggers = {recursive}")
    before = list(connection.iterdump())
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.rollback()
    assert list(connection.iterdump()) == before
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE released SET size = size - 1",
        "DELETE FROM released",
        "REPLACE INTO released SELECT origin, 1, root FROM released",
    ],
)
def test_released_head_never_goes_back(line: Line, statement: str) -> None:
    connection = sqlite3.connect(line.north.home / "head.db")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
