"""What attackers do to a closed ledger file: rows behind the triggers' back, and whole rewrites."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hotline.core import canonical
from hotline.core.records.checkpoint import cosign, parse_note, sign_checkpoint
from hotline.core.records.leaf import (
    SALT_BYTES,
    Leaf,
    commitment,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    sealed_digest,
)
from hotline.core.records.merkle import Frontier, append_leaf
from hotline.core.values import ZERO_DIGEST, Digest, sha256
from tests.ledger.rig import NOW_MS, Key, Sealer, Station, admit, draft
from tests.ledger.tamper.scene import OUTSIDER, Scene

Act = Callable[[Scene], None]
Change = Callable[[bytes], bytes]


@contextmanager
def untriggered(file: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection without triggers; afterwards the schema reads as before."""
    connection = sqlite3.connect(file)
    kept = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    triggers = kept.fetchall()
    try:
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, text in triggers:
            connection.execute(text)
        connection.commit()
    finally:
        connection.close()


@dataclass(frozen=True)
class Sql:
    """An act of plain SQL: tried with the triggers in place, done without them."""

    statements: tuple[str, ...]

    def __call__(self, scene: Scene) -> None:
        with untriggered(scene.north.file) as connection:
            for text in self.statements:
                connection.execute(text)

    def is_refused(self, scene: Scene) -> bool:
        """Return whether the triggers of the file stop it; then nothing was changed."""
        connection = sqlite3.connect(scene.north.file)
        try:
            for text in self.statements:
                connection.execute(text)
        except sqlite3.IntegrityError:
            return True
        finally:
            connection.close()
        return False


def sql(*statements: str) -> Sql:
    """Return an act of statements."""
    return Sql(statements)


def blob(table: str, column: str, where: str, change: Change) -> Act:
    """Return an act that changes one blob or text."""

    def act(scene: Scene) -> None:
        with untriggered(scene.north.file) as connection:
            (before,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (change(before),))

    return act


def flipped(at: int, mask: int = 1) -> Change:
    """Return a change of one bit; `at` may count from the end."""

    def change(before: bytes) -> bytes:
        place = at % len(before)
        return before[:place] + bytes([before[place] ^ mask]) + before[place + 1 :]

    return change


def unchecked_schema(*statements: str) -> Act:
    """Return an act that may edit the schema's own text, and put it back afterwards."""

    def act(scene: Scene) -> None:
        connection = sqlite3.connect(scene.north.file)
        connection.execute("PRAGMA writable_schema = ON")
        for text in statements:
            connection.execute(text)
        connection.commit()
        connection.close()

    return act


def stored_as(table: str, column: str, where: str, value: str) -> Act:
    """Return an act that gets a value of a wrong type past STRICT, which is lifted meanwhile."""
    edit = "UPDATE sqlite_schema SET sql = {} WHERE name = ?"

    def act(scene: Scene) -> None:
        with untriggered(scene.north.file) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            (text,) = connection.execute(
                "SELECT sql FROM sqlite_schema WHERE name = ?", (table,)
            ).fetchone()
            connection.execute(edit.format("replace(sql, 'STRICT', '')"), (table,))
        with untriggered(scene.north.file) as connection:
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")
        with untriggered(scene.north.file) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(edit.format("?"), (text, table))

    return act


def bytes_of(change: Change, name: str = "ledger.db") -> Act:
    """Return an act on the bytes of a file in NORTH's directory."""

    def act(scene: Scene) -> None:
        file = scene.north.home / name
        file.write_bytes(change(file.read_bytes()))

    return act


def log_of(change: Callable[[bytes], bytes | None]) -> Act:
    """Return an act on the log of the copy taken at work, which takes the ledger's place."""

    def act(scene: Scene) -> None:
        scene.take(scene.at_work)
        log = scene.north.home / "ledger.db-wal"
        after = change(log.read_bytes())
        log.unlink()
        if after is not None:
            log.write_bytes(after)

    return act


def relinked(change: Callable[[Leaf, bytes], tuple[Leaf, bytes]], *, signed: bool) -> Act:
    """Return an act that changes entries and makes everything after them fit again.

    Args:
        change: Gets each leaf and its sealed content, returns what shall stand there.
        signed: The attacker holds the ledger key and signs all heads anew.
    """

    def act(scene: Scene) -> None:
        with untriggered(scene.north.file) as connection:
            _relink(connection, change, scene.north.key if signed else None)

    return act


def _relink(
    connection: sqlite3.Connection,
    change: Callable[[Leaf, bytes], tuple[Leaf, bytes]],
    key: Key | None,
) -> None:
    frontier, prev = Frontier(), ZERO_DIGEST
    rows = connection.execute(
        "SELECT e.idx, e.leaf, e.sealed, x.sealed FROM entry e"
        " LEFT JOIN enclosure x ON x.idx = e.idx ORDER BY e.idx"
    ).fetchall()
    connection.execute("DELETE FROM node")
    for index, encoded, sealed, enclosed in rows:
        leaf, content = change(decode_leaf(encoded), sealed)
        leaf = replace(leaf, prev=prev, sealed_digest=sealed_digest(content, enclosed))
        values = (leaf.kind, leaf.subject, encode_leaf(leaf), content, index)
        connection.execute(
            "UPDATE entry SET kind = ?, subject = ?, leaf = ?, sealed = ? WHERE idx = ?", values
        )
        prev = leaf_hash(encode_leaf(leaf))
        frontier, nodes = append_leaf(frontier, prev)
        connection.executemany("INSERT INTO node(level, idx, hash) VALUES(?, ?, ?)", nodes)
        if key:
            _sign_again(connection, frontier, key)


def _sign_again(connection: sqlite3.Connection, frontier: Frontier, key: Key) -> None:
    row = connection.execute("SELECT note FROM head WHERE size = ?", (frontier.size,)).fetchone()
    if row:
        origin = parse_note(row[0]).checkpoint.origin
        note = sign_checkpoint(origin, frontier.size, frontier.root(), key)
        connection.execute("UPDATE head SET note = ? WHERE size = ?", (note, frontier.size))


def later(index: int) -> Callable[[Leaf, bytes], tuple[Leaf, bytes]]:
    """Return a change that moves one entry's time by a second."""

    def change(leaf: Leaf, sealed: bytes) -> tuple[Leaf, bytes]:
        moved = leaf.recorded_at_ms + 1000 * (leaf.index == index)
        return replace(leaf, recorded_at_ms=moved), sealed

    return change


def other_words(station: Station, index: int) -> Callable[[Leaf, bytes], tuple[Leaf, bytes]]:
    """Return a change that gives one entry another content, committed to and sealed as it must."""

    def change(leaf: Leaf, sealed: bytes) -> tuple[Leaf, bytes]:
        if leaf.index != index:
            return leaf, sealed
        salt, content = bytes(SALT_BYTES), b'{"never":"said"}'
        new = Sealer().seal(station.origin, index, leaf.kind, salt + content, NOW_MS)
        return replace(leaf, commitment=commitment(salt, content)), new

    return change


def resealed(scene: Scene) -> None:
    """Seal another content at entry 3 with the content key; the leaf stays."""
    station = scene.north
    with untriggered(station.file) as connection:
        sealed = Sealer().seal(station.origin, 3, 6, bytes(SALT_BYTES) + b"other words", NOW_MS)
        connection.execute("UPDATE entry SET sealed = ? WHERE idx = 3", (sealed,))


def lying_commitment(scene: Scene) -> None:
    """Record an entry whose leaf commits to one content and whose blob holds another."""
    station = scene.north

    class TwoTongues(Sealer):
        def seal(self, origin: str, index: int, kind: int, plaintext: bytes, at_ms: int) -> bytes:
            return super().seal(origin, index, kind, plaintext[:-1] + b"!", at_ms)

    ledger = station.open(sealer=TwoTongues())
    ledger.append([draft(95)])
    ledger.close()


def clock_back(scene: Scene) -> None:
    """Record with a clock that went back."""
    ledger = scene.north.open()
    ledger.append([draft(10)])
    ledger.close()


def cut_neatly(size: int) -> Act:
    """Return an act that cuts everything beyond `size` so that what is left fits together."""
    return sql(
        f"DELETE FROM entry WHERE idx >= {size}",
        f"DELETE FROM enclosure WHERE idx >= {size}",
        f"DELETE FROM head WHERE size > {size}",
        f"DELETE FROM cosignature WHERE size > {size}",
        f"DELETE FROM lasting WHERE size > {size}",
        f"DELETE FROM node WHERE ((idx + 1) << level) > {size}",
    )


def older_backup(scene: Scene) -> None:
    """Put an older copy of the ledger back; head.db stays."""
    scene.take(scene.older)


def older_backup_of_all(scene: Scene) -> None:
    """Put an older copy of ledger and head.db back."""
    shutil.rmtree(scene.north.home)
    shutil.copytree(scene.older, scene.north.home)


def rewritten(scene: Scene) -> None:
    """Write another history with the ledger key, as long as the true one."""
    directory = scene.north.home.parent / "rewritten"
    ledger = Station("NORTH", directory).create()
    admit(ledger)
    for number in range(40):
        ledger.append([draft(number, content=b'{"never":"happened"}')])
    ledger.close()
    scene.take(directory)


def forked(scene: Scene) -> None:
    """Let an older copy go on by itself, and put it in place of the one that was shown."""
    branch = scene.north.home.parent / "branch"
    shutil.copytree(scene.older, branch)
    ledger = Station("NORTH", branch).open()
    for number in range(30):
        ledger.append([draft(number, content=b'{"other":"branch"}')])
    ledger.close()
    scene.take(branch)


def stranger(scene: Scene) -> None:
    """Put the other station's ledger in the place of ours."""
    scene.take(scene.south.home)


def grown(scene: Scene) -> None:
    """Sign a head of one entry more than there are, with the ledger key."""
    sql("INSERT INTO head VALUES(17, x'00')")(scene)
    note_by(scene.north.key, 17)(scene)


def own_cosignature(scene: Scene) -> None:
    """Put a note by the ledger's own key under the witness's name."""
    sql("INSERT INTO cosignature SELECT signer, 16, note FROM cosignature WHERE size = 13")(scene)
    note_by(scene.north.key, 16, table="cosignature")(scene)


def outside_cosignature(key: Key, *, other_root: bool = False) -> Act:
    """Return an act that puts another cosignature in the place of the outside witness's."""

    def act(scene: Scene) -> None:
        with untriggered(scene.north.file) as connection:
            held = "SELECT note FROM cosignature WHERE signer = ?"
            (note,) = connection.execute(held, (OUTSIDER,)).fetchone()
            seen = parse_note(note).checkpoint
            if other_root:
                seen = replace(seen, root=Digest(sha256(b"a root of the attacker's")))
            put = "UPDATE cosignature SET note = ? WHERE signer = ?"
            connection.execute(put, (cosign(seen, OUTSIDER, key, NOW_MS // 1000), OUTSIDER))

    return act


def note_by(key: Key, size: int, *, table: str = "head") -> Act:
    """Return an act that puts a signed checkpoint with a root of its own over `size`."""

    def act(scene: Scene) -> None:
        root = Digest(sha256(b"a root of the attacker's"))
        note = sign_checkpoint(scene.north.origin, size, root, key)
        with untriggered(scene.north.file) as connection:
            connection.execute(f"UPDATE {table} SET note = ? WHERE size = ?", (note, size))

    return act


def said_otherwise(record: bytes) -> bytes:
    """Return a public record whose payload names another station."""
    envelope = canonical.decode(record, what="record", max_bytes=10_000)
    payload = canonical.from_base64(envelope["payload"], what="payload")
    altered = payload.replace(b"NORTH", b"SOUTH")
    return canonical.encode({**envelope, "payload": canonical.to_base64(altered)})


def index_beside_the_truth(scene: Scene) -> None:
    """Let an index lead past an entry: the row stands, and whoever asks for it finds nothing."""
    connection = sqlite3.connect(scene.north.file)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_subject'"
    ).fetchone()
    (subject,) = connection.execute("SELECT subject FROM entry WHERE idx = 5").fetchone()
    connection.close()
    whole = scene.north.file.read_bytes()
    page = whole[(root - 1) * 4096 : root * 4096]
    spoilt = page.replace(subject, subject[:-1] + bytes([subject[-1] ^ 1]))
    scene.north.file.write_bytes(whole.replace(page, spoilt))


def freed_page(scene: Scene) -> None:
    """Leave words in a page that the file no longer uses."""
    connection = sqlite3.connect(scene.north.file)
    connection.execute("CREATE TABLE more(x)")
    connection.execute("INSERT INTO more VALUES('hidden words')")
    connection.execute("DROP TABLE more")
    connection.commit()
    connection.close()
