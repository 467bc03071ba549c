"""Roots and proofs, against pymerkle and against lies: docs/ledger.md §6."""

from __future__ import annotations

import hashlib

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.core.errors import InvariantError
from hotline.core.records.merkle import (
    EMPTY_ROOT,
    MAX_PROOF_NODES,
    Frontier,
    Node,
    NodeReader,
    append_leaf,
    check_consistency,
    check_inclusion,
    climb,
    prove_consistency,
    prove_inclusion,
    read_frontier,
    root_of,
)
from hotline.core.values import Digest, sha256

MAX_SIZE = 300
LEAVES = [b"leaf %d" % number for number in range(MAX_SIZE)]
HASHES = [sha256(b"\x00" + leaf) for leaf in LEAVES]

sizes = st.integers(1, MAX_SIZE)


def grow(size: int) -> tuple[Frontier, dict[tuple[int, int], Digest]]:
    frontier, nodes = Frontier(), {(0, n): HASHES[n] for n in range(size)}
    for number in range(size):
        frontier, completed = append_leaf(frontier, HASHES[number])
        nodes |= {(node.level, node.place): node.digest for node in completed}
    return frontier, nodes


WHOLE, NODES = grow(MAX_SIZE)


def read(level: int, place: int) -> Digest:
    return NODES[level, place]


def peers_tree(size: int) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:size]:
        tree.append_entry(leaf)
    return tree


PEER = peers_tree(MAX_SIZE)


def root_by_definition(hashes: list[Digest]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = root_by_definition(hashes[:split]), root_by_definition(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_root_of_eight_certificate_transparency_leaves_is_the_published_one() -> None:
    inputs = ["", "00", "10", "2021", "3031", "40414243"]
    inputs += ["5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [sha256(b"\x00" + bytes.fromhex(text)) for text in inputs]
    published = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root_of(hashes).hex() == published


@given(sizes)
def test_root_is_the_definition_s_and_pymerkle_s(size: int) -> None:
    assert root_of(HASHES[:size]) == root_by_definition(HASHES[:size]) == PEER.get_root(size)


@given(sizes)
def test_frontier_from_stored_nodes_is_the_grown_one(size: int) -> None:
    frontier = read_frontier(read, size)
    assert (frontier, frontier.root()) == (grow(size)[0], root_of(HASHES[:size]))


def test_nodes_completed_are_at_most_one_per_leaf_on_average() -> None:
    assert len(NODES) - MAX_SIZE < MAX_SIZE


@given(st.data())
def test_inclusion_proof_is_pymerkle_s_and_checks(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(read, index, size)
    assert check_inclusion(HASHES[index], index, size, root_of(HASHES[:size]), proof)
    theirs = PEER.prove_inclusion(index + 1, size)
    pymerkle.verify_inclusion(HASHES[index], PEER.get_root(size), theirs)
    assert sorted(proof) == sorted(_siblings(theirs, HASHES[index]))


def _siblings(proof: pymerkle.MerkleProof, own: bytes) -> list[bytes]:
    path = list(proof.path)
    path.remove(own)
    return path


@given(st.data())
def test_consistency_proof_checks_here_and_there(data: st.DataObject) -> None:
    new = data.draw(sizes)
    old = data.draw(st.integers(0, new))
    proof = prove_consistency(read, old, new)
    roots = root_of(HASHES[:old]), root_of(HASHES[:new])
    assert check_consistency(old, new, *roots, proof)
    if 0 < old < new:
        # Its proof lists other nodes for the same fact: so both roots go through its check.
        pymerkle.verify_consistency(*roots, PEER.prove_consistency(old, new))


@given(st.data())
def test_inclusion_proof_with_a_lie_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MAX_SIZE))
    index = data.draw(st.integers(0, size - 1))
    root, proof = root_of(HASHES[:size]), prove_inclusion(read, index, size)
    leaf = HASHES[index]
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    assert not check_inclusion(HASHES[other], index, size, root, proof)
    assert not check_inclusion(leaf, other, size, root, proof)
    assert not check_inclusion(leaf, index, size, sha256(root), proof)
    for spoiled in spoil(data, proof):
        assert not check_inclusion(leaf, index, size, root, spoiled)


@given(st.data())
def test_consistency_proof_with_a_lie_fails(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, MAX_SIZE))
    old = data.draw(st.integers(1, new - 1))
    roots, proof = (root_of(HASHES[:old]), root_of(HASHES[:new])), prove_consistency(read, old, new)
    assert not check_consistency(old, new, sha256(b"x"), roots[1], proof)
    assert not check_consistency(old, new, roots[0], sha256(b"x"), proof)
    for spoiled in spoil(data, proof):
        assert not check_consistency(old, new, *roots, spoiled)


def spoil(data: st.DataObject, proof: list[Digest]) -> list[list[bytes]]:
    place = data.draw(st.integers(0, len(proof) - 1))
    flipped = list(proof)
    flipped[place] = sha256(proof[place])
    shorter = [*proof[:place], *proof[place + 1 :]]
    truncated = [*proof[:place], proof[place][:31], *proof[place + 1 :]]
    return [flipped, shorter, [*proof, sha256(b"more")], [sha256(b"more"), *proof], truncated]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_inclusion_out_of_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(InvariantError):
        prove_inclusion(read, index, size)
    assert not check_inclusion(HASHES[0], index, size, EMPTY_ROOT, [])


def test_consistency_out_of_order_is_refused() -> None:
    with pytest.raises(InvariantError):
        prove_consistency(read, 4, 3)
    assert not check_consistency(4, 3, root_of(HASHES[:4]), root_of(HASHES[:3]), [])


def test_consistency_from_nothing_takes_no_proof_and_the_empty_root() -> None:
    root = root_of(HASHES[:3])
    assert check_consistency(0, 3, EMPTY_ROOT, root, [])
    assert not check_consistency(0, 3, root, root, [])
    assert not check_consistency(0, 3, EMPTY_ROOT, root, [root])


def test_consistency_of_one_size_takes_no_proof_and_one_root() -> None:
    root = root_of(HASHES[:3])
    assert check_consistency(3, 3, root, root, [])
    assert not check_consistency(3, 3, root, sha256(root), [])
    assert not check_consistency(3, 3, root, root, [root])


def test_proof_of_absurd_length_is_refused_unread() -> None:
    endless = [HASHES[0]] * (MAX_PROOF_NODES + 1)
    assert not check_inclusion(HASHES[0], 0, 2**62, EMPTY_ROOT, endless)
    assert not check_consistency(1, 2**62, EMPTY_ROOT, EMPTY_ROOT, endless)


@given(st.data())
def test_climb_from_a_page_reaches_its_peak(data: st.DataObject) -> None:
    size = data.draw(st.integers(16, MAX_SIZE))
    place = data.draw(st.integers(0, size // 16 - 1))
    frontier = read_frontier(read, size)
    number, digest = climb(read, Node(4, place, NODES[4, place]), size)
    assert frontier.peaks[number] == digest
    _, forged = climb(read, Node(4, place, sha256(b"forged")), size)
    assert forged != digest


def test_proofs_read_few_nodes() -> None:
    asked: list[tuple[int, int]] = []

    def counting(level: int, place: int) -> Digest:
        asked.append((level, place))
        return read(level, place)

    reader: NodeReader = counting
    prove_inclusion(reader, 7, 299)
    assert len(asked) <= 2 * (299).bit_length()


def test_inclusion_proof_that_ends_below_the_root_fails() -> None:
    proof = prove_inclusion(read, 0, 2)
    root = root_of(HASHES[:2])
    assert check_inclusion(HASHES[0], 0, 2, root, proof)
    assert not check_inclusion(HASHES[0], 0, 4, root, proof)
    assert not check_inclusion(HASHES[0], 0, 2, HASHES[0], [])
