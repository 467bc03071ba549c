"""The extra line of a disclosure, and what makes a file agree with itself: docs/ledger.md §15."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core import canonical
from hotline.core.errors import InvariantError, PeerError
from hotline.core.messages.statement import STATEMENT_TYPE, statement_digest
from hotline.core.records.checkpoint import Checkpoint, NoteSignature, format_note
from hotline.core.records.disclosed import (
    EXTRA_PREFIX,
    MAX_CONTENT_BYTES,
    Disclosed,
    check_disclosure,
    decode_disclosed,
    encode_disclosed,
    make_disclosure,
    read_disclosure,
)
from hotline.core.records.leaf import ENCLOSURE, Leaf, commitment, encode_leaf, leaf_hash
from hotline.core.records.merkle import node_hash
from hotline.core.records.tlog_proof import TlogProof, encode_tlog_proof
from hotline.core.values import ZERO_DIGEST, Digest, sha256

SALT, CONTENT = bytes(range(32)), b'{"count":1,"reason":"noise"}'
PAYLOAD = b'{"text":"as signed"}'
ITEM = canonical.encode(
    {
        "envelope": {
            "payload": canonical.to_base64(PAYLOAD),
            "payloadType": STATEMENT_TYPE,
            "signatures": [],
        },
        "order": {},
        "t": "statement",
    }
)


def leaf_of(index: int, *, flags: int = 0, subject: Digest = ZERO_DIGEST) -> bytes:
    prev = ZERO_DIGEST if index == 0 else sha256(b"before")
    commits = commitment(SALT, CONTENT)
    return encode_leaf(Leaf(30, flags, index, 5, prev, subject, commits, sha256(b"sealed")))


def note_over(leaf: bytes, index: int) -> tuple[tuple[Digest, ...], bytes]:
    """Return path and head of a tree of two leaves with `leaf` at `index`."""
    other = sha256(b"other")
    pair = (leaf_hash(leaf), other) if index == 0 else (other, leaf_hash(leaf))
    head = Checkpoint("log", 2, node_hash(*pair))
    return (other,), format_note(head, [NoteSignature("log", b"1234", bytes(64))])


LEAF = leaf_of(1)
PATH, NOTE = note_over(LEAF, 1)
SHOWN = Disclosed(LEAF, SALT, CONTENT)
MADE = make_disclosure(SHOWN, PATH, NOTE)


@given(content=st.binary(max_size=200), enclosure=st.none() | st.binary(min_size=1, max_size=200))
def test_extra_line_reads_back(content: bytes, enclosure: bytes | None) -> None:
    shown = Disclosed(LEAF, SALT, content, enclosure)
    assert decode_disclosed(encode_disclosed(shown)) == shown


EXTRA = encode_disclosed(SHOWN)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        EXTRA_PREFIX,
        EXTRA[:-1],
        EXTRA + b"\x00",
        EXTRA[:-4],
        EXTRA.replace(b"v1", b"v2", 1),
        EXTRA[:-4] + b"\x00\x00\x00\x01",
        EXTRA[:202] + b"\xff\xff\xff\xff" + EXTRA[206:],
        encode_disclosed(Disclosed(LEAF, SALT, bytes(MAX_CONTENT_BYTES + 1))),
    ],
)
def test_extra_line_of_another_layout_is_refused(spoiled: bytes) -> None:
    with pytest.raises(PeerError):
        decode_disclosed(spoiled)


def test_disclosure_agrees_with_itself_and_gives_the_leaf() -> None:
    found = check_disclosure(read_disclosure(MADE))
    assert (found.leaf.index, found.disclosed, found.note) == (1, SHOWN, NOTE)


def refused(proof: TlogProof) -> str:
    with pytest.raises(PeerError) as caught:
        check_disclosure(read_disclosure(encode_tlog_proof(proof)))
    return str(caught.value)


def test_disclosure_whose_parts_do_not_belong_together_says_which() -> None:
    assert "another entry" in refused(TlogProof(0, PATH, NOTE, EXTRA))
    other = encode_disclosed(Disclosed(LEAF, SALT, CONTENT + b" "))
    assert "content" in refused(TlogProof(1, PATH, NOTE, other))
    salted = encode_disclosed(Disclosed(LEAF, bytes(32), CONTENT))
    assert "content" in refused(TlogProof(1, PATH, NOTE, salted))
    assert "path" in refused(TlogProof(1, (), NOTE, EXTRA))
    assert "path" in refused(TlogProof(1, (sha256(b"x"),), NOTE, EXTRA))
    assert "nothing is disclosed" in refused(TlogProof(1, PATH, NOTE))
    enclosed = encode_disclosed(Disclosed(LEAF, SALT, CONTENT, ITEM))
    assert "encloses none" in refused(TlogProof(1, PATH, NOTE, enclosed))


def test_statement_counts_only_if_the_leaf_names_its_digest() -> None:
    leaf = leaf_of(1, flags=ENCLOSURE, subject=statement_digest(PAYLOAD))
    path, note = note_over(leaf, 1)
    made = make_disclosure(Disclosed(leaf, SALT, CONTENT, ITEM), path, note)
    assert check_disclosure(read_disclosure(made)).disclosed.enclosure == ITEM
    other = ITEM.replace(canonical.to_base64(PAYLOAD).encode(), b"e30=")
    proof = TlogProof(1, path, note, encode_disclosed(Disclosed(leaf, SALT, CONTENT, other)))
    assert "not the one" in refused(proof)
    junk = TlogProof(1, path, note, encode_disclosed(Disclosed(leaf, SALT, CONTENT, b"{}")))
    assert "no statement" in refused(junk)


def test_parts_that_do_not_belong_together_are_not_made_a_file() -> None:
    with pytest.raises(InvariantError):
        make_disclosure(Disclosed(LEAF, bytes(32), CONTENT), PATH, NOTE)
    with pytest.raises(InvariantError):
        make_disclosure(Disclosed(LEAF[:-1], SALT, CONTENT), PATH, NOTE)


def test_file_of_one_event_among_a_million_is_small() -> None:
    """20 hashes of path, an event of 100 bytes, two signatures: the figure of docs §15.1."""
    path = tuple(sha256(b"%d" % n) for n in range(20))
    head = Checkpoint("hotline/EXERCISE/" + "ab" * 32 + "/NORTH/1", 1_000_000, sha256(b"r"))
    lines = [
        NoteSignature(head.origin, b"1234", bytes(64)),
        NoteSignature(head.origin.removesuffix("/1"), b"1234", bytes(72)),
    ]
    extra = encode_disclosed(Disclosed(LEAF, SALT, bytes(100)))
    encoded = encode_tlog_proof(TlogProof(1, path, format_note(head, lines), extra))
    assert len(encoded) < 2_000
