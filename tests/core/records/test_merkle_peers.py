"""The tree against two other implementations: pymerkle, and sigstore-python's checks.

pymerkle makes and checks both kinds of proof; sigstore-python only checks
inclusion. Neither shares a line with ours. Spec: docs/ledger.md §6
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore.errors import VerificationError

from hotline.core.records.checkpoint import Checkpoint, NoteSignature, format_note
from hotline.core.records.merkle import (
    Frontier,
    append_leaf,
    check_consistency,
    check_inclusion,
    prove_consistency,
    prove_inclusion,
    read_frontier,
)
from hotline.core.values import Digest, sha256

EVERY_SIZE = 300
LARGE = 100_000
LARGE_SIZES = 1_200
SEED = 20_261_122


def leaf_of(number: int) -> bytes:
    return b"leaf %d" % number


class Tree:
    """Our tree of LARGE leaves with all its nodes; smaller ones are its prefixes."""

    def __init__(self, size: int) -> None:
        self.hashes = [sha256(b"\x00" + leaf_of(number)) for number in range(size)]
        self._nodes: dict[tuple[int, int], Digest] = {}
        frontier = Frontier()
        for digest in self.hashes:
            frontier, completed = append_leaf(frontier, digest)
            self._nodes.update(((node.level, node.place), node.digest) for node in completed)

    def read(self, level: int, place: int) -> Digest:
        return self._nodes[level, place] if level else self.hashes[place]

    def root(self, size: int) -> Digest:
        return read_frontier(self.read, size).root()

    def inclusion(self, index: int, size: int) -> list[Digest]:
        return prove_inclusion(self.read, index, size)

    def consistency(self, old: int, new: int) -> list[Digest]:
        return prove_consistency(self.read, old, new)


@lru_cache(maxsize=1)
def ours() -> Tree:
    return Tree(LARGE)


@lru_cache(maxsize=1)
def theirs() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries([leaf_of(number) for number in range(LARGE)])
    return tree


def sigstore_accepts(index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    proved = SimpleNamespace(log_index=index, tree_size=size, root_hash=root, hashes=list(proof))
    entry = SimpleNamespace(inclusion_proof=proved, canonicalized_body=leaf_of(index))
    try:
        verify_merkle_inclusion(SimpleNamespace(_inner=entry))  # type: ignore[arg-type]
    except VerificationError:
        return False
    return True


def their_inclusion(index: int, size: int) -> list[bytes]:
    """Return pymerkle's path without the leaf that it begins with."""
    path = theirs().prove_inclusion(index + 1, size).path
    assert path[0] == ours().hashes[index]
    return list(path[1:])


def their_consistency_accepts(old: int, new: int) -> bool:
    """Whether pymerkle's own proof leads to our two roots."""
    proof = theirs().prove_consistency(old, new)
    try:
        pymerkle.verify_consistency(
            ours().root(old), ours().root(new), proof, prior_size=old, later_size=new
        )
    except pymerkle.InvalidProof:
        return False
    return True


def differ_in_root(sizes: Sequence[int]) -> list[int]:
    return [size for size in sizes if ours().root(size) != theirs().get_root(size)]


def large_sizes() -> list[int]:
    chosen = random.Random(SEED).sample(range(EVERY_SIZE + 1, LARGE), LARGE_SIZES)
    edges = [2**n + step for n in range(9, 17) for step in (-1, 0, 1)]
    return [*chosen, *edges, LARGE]


def test_roots_of_every_small_size_are_pymerkle_s() -> None:
    assert differ_in_root(range(1, EVERY_SIZE + 1)) == []


def test_roots_of_large_sizes_are_pymerkle_s() -> None:
    assert differ_in_root(large_sizes()) == []


def test_inclusion_in_every_small_size_is_pymerkle_s_and_sigstore_accepts_it() -> None:
    pairs = [(index, size) for size in range(1, 65) for index in range(size)]
    pairs += [(size * 5 // 9, size) for size in range(65, EVERY_SIZE + 1)]
    refused = [(i, n) for i, n in pairs if not _inclusion_agrees(i, n)]
    assert len(pairs) > 2_000
    assert refused == []


def test_inclusion_in_large_sizes_is_pymerkle_s_and_sigstore_accepts_it() -> None:
    chance = random.Random(SEED)
    pairs = [(chance.randrange(size), size) for size in large_sizes()]
    assert [(i, n) for i, n in pairs if not _inclusion_agrees(i, n)] == []


def _inclusion_agrees(index: int, size: int) -> bool:
    proof, root = ours().inclusion(index, size), ours().root(size)
    return (
        proof == their_inclusion(index, size)
        and check_inclusion(ours().hashes[index], index, size, root, proof)
        and sigstore_accepts(index, size, root, proof)
    )


def test_consistency_of_every_small_pair_checks_here_and_at_pymerkle() -> None:
    pairs = [(old, new) for new in range(1, 65) for old in range(1, new + 1)]
    pairs += [(max(1, new * 5 // 7), new) for new in range(65, EVERY_SIZE + 1)]
    assert len(pairs) > 2_000
    assert [pair for pair in pairs if not _consistency_agrees(*pair)] == []


def test_consistency_of_large_pairs_checks_here_and_at_pymerkle() -> None:
    chance = random.Random(SEED)
    pairs = [(chance.randrange(1, size), size) for size in large_sizes()]
    assert [pair for pair in pairs if not _consistency_agrees(*pair)] == []


def _consistency_agrees(old: int, new: int) -> bool:
    roots = ours().root(old), ours().root(new)
    return their_consistency_accepts(old, new) and check_consistency(
        old, new, *roots, ours().consistency(old, new)
    )


sizes = st.integers(2, LARGE)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_inclusion_with_any_byte_flipped_is_refused_by_both(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof, root = ours().inclusion(index, size), ours().root(size)
    spoiled = _flip_one(data, proof)
    assert not check_inclusion(ours().hashes[index], index, size, root, spoiled)
    assert not sigstore_accepts(index, size, root, spoiled)
    (other_root,) = _flip_one(data, [root])
    assert not check_inclusion(ours().hashes[index], index, size, Digest(other_root), proof)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_inclusion_at_another_index_is_refused_by_both(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    proof, root, leaf = ours().inclusion(index, size), ours().root(size), ours().hashes[index]
    assert not check_inclusion(leaf, other, size, root, proof)
    assert not sigstore_accepts(other, size, root, proof)
    assert not check_inclusion(leaf, index + size, size, root, proof)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_inclusion_under_another_size_is_refused_unless_the_path_is_the_same(
    data: st.DataObject,
) -> None:
    size, other = data.draw(sizes), data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = ours().inclusion(index, size), ours().root(size), ours().hashes[index]
    ours_says = check_inclusion(leaf, index, other, root, proof)
    # A size that leads the same way up the tree cannot be told apart by a path; the signed
    # head is what binds size and root. Both sides must see the same, though.
    if index < other:
        assert ours_says == sigstore_accepts(index, other, root, proof)
    else:
        assert not ours_says
    assert not check_inclusion(leaf, index, size, ours().root(other), proof) or other == size


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_consistency_with_any_lie_is_refused(data: st.DataObject) -> None:
    new = data.draw(sizes)
    old = data.draw(st.integers(1, new - 1))
    proof, roots = ours().consistency(old, new), (ours().root(old), ours().root(new))
    assert not check_consistency(old, new, *roots, _flip_one(data, proof))
    assert not check_consistency(old, new, roots[1], roots[0], proof)
    other = data.draw(st.integers(1, LARGE).filter(lambda n: n != old))
    if other < new:
        assert not check_consistency(other, new, ours().root(other), roots[1], proof) or (
            ours().consistency(other, new) == proof
        )
    shorter = proof[:-1]
    assert not check_consistency(old, new, *roots, shorter)
    assert not check_consistency(old, new, *roots, [*proof, proof[-1]])


def _flip_one(data: st.DataObject, hashes: Sequence[bytes]) -> list[bytes]:
    place = data.draw(st.integers(0, len(hashes) - 1))
    byte = data.draw(st.integers(0, 31))
    flipped = bytearray(hashes[place])
    flipped[byte] ^= 1 << data.draw(st.integers(0, 7))
    return [*hashes[:place], bytes(flipped), *hashes[place + 1 :]]


@pytest.mark.parametrize("size", [0, 1, 300, LARGE])
def test_head_reads_the_same_at_sigstore(size: int) -> None:
    head = Checkpoint("hotline/EXERCISE/" + "ab" * 32 + "/NORTH/1", size, ours().root(size))
    note = format_note(head, [NoteSignature("NORTH", b"\x01\x02\x03\x04", bytes(64))])
    read = SignedCheckpoint.from_text(note.decode())
    assert (read.checkpoint.origin, read.checkpoint.log_size) == (head.origin, size)
    assert read.checkpoint.log_hash == head.root.hex()
    assert read.signed_note.signatures[0].sig_hash == b"\x01\x02\x03\x04"
    assert read.signed_note.note.encode() == head.body()
