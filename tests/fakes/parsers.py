"""Every parser of outside bytes, found by its docstring, and how to feed it.

A parser is a public function or method that takes bytes or text and says under `Raises:`
that it refuses them (PeerError; or IntegrityError or OperatorError for bytes). A new one is
found by itself: it needs a row in `targets` or, with a reason, in `NOT_FED`.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.core import canonical, errors
from hotline.core.errors import HotlineError, PeerError
from hotline.core.records import (
    checkpoint,
    disclosed,
    fork_evidence,
    leaf,
)
from hotline.core.times import parse_time
from hotline.core.values import (
    Digest,
    Realm,
    sha256,
)
from hotline.sealing import (
    cell,
    packet,
    prekey,
)
from hotline.sealing.hybrid import HybridSeeds, HybridSigner
from hotline.sealing.line_secret import LineSecret
from hotline.sealing.mldsa import MldsaSigner
from hotline.sealing.roster import Roster

TOP = Path(__file__).resolve().parents[2]
VECTORS = TOP / "tests" / "vectors" / "v1"
OUTSIDE = re.compile(r"\bbytes\b|^str$|\bobject\b|\bAny\b|Mapping\[str, str\]")
PLAIN = {"what", "passphrase", "peer", "sender", "station", "our_station"}
"""Parameters that are words of our own or were checked before."""

NOT_FED = {
    "hotline.core.exchange.upkeep.check_first_receipt": "its digest was read before",
    "hotline.transport.layout.Table.decode": "fed as greeting.decode and relay.codec.decode",
    "hotline.ledger.opening.lay_ledger": "writes; its origin is our own",
    "hotline.sealing.card.write_card": "writes; the records are our own",
    "hotline.sealing.enrol.restore_root": "fed as verify_root; the seeds are our own",
    "hotline.station.attachments.AttachmentShelf.finish": "fed as open_attachment",
    "hotline.station.side.read_written": "fed as read_enrolment; it is our own",
    "hotline.station.introducing.admit_withdrawal": "fed as join_record; the line is open",
    "hotline.station.courier.Courier.open": "fed as open_cell and verify_packet",
}
"""Found by the rule and still no parser of its own, with the reason."""


Feed = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """How to feed one parser: with `samples`, damaged."""

    call: Feed
    samples: tuple[bytes, ...]
    slow: int = 1
    """How many times fewer inputs than the others it gets."""


def found() -> dict[str, tuple[type[HotlineError], ...]]:
    """Return qualified name to documented errors of every parser in hotline.

    InvariantError is no answer to bytes from outside, whatever a docstring says.
    """
    names = {}
    for path in sorted((TOP / "hotline").rglob("*.py")):
        module = path.relative_to(TOP).with_suffix("").as_posix().replace("/", ".")
        tree = ast.parse(path.read_text("utf-8"))
        for owner, function in _functions(tree):
            raised = set(re.findall(r"\b(\w+Error)\b", _raises(function)))
            if raised and _takes_outside(function, "PeerError" in raised):
                known = (getattr(errors, name, PeerError) for name in raised - {"InvariantError"})
                names[f"{module}.{owner}{function.name}"] = tuple(known)
    return names


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield "", node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (
                (f"{node.name}.", one)
                for one in node.body
                if isinstance(one, ast.FunctionDef)
                and (one.name == "__init__" or not one.name.startswith("_"))
            )


def _raises(function: ast.FunctionDef) -> str:
    text = ast.get_docstring(function) or ""
    return text.partition("Raises:")[2].partition("Spec:")[0]


PARSES = re.compile(r"read|parse|decode|load|identify|names|verify|check|open|take|spki|pin")


def _takes_outside(function: ast.FunctionDef, refuses: bool) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if function.args.vararg:
        arguments.append(function.args.vararg)
    kinds = [
        ast.unparse(one.annotation) for one in arguments if one.annotation and one.arg not in PLAIN
    ]
    if refuses:
        return any(OUTSIDE.search(kind) for kind in kinds)
    first = kinds[0] if kinds else ""
    if first == "Path":
        return function.name.startswith(("load_", "read_"))
    return bool(PARSES.match(function.name)) and first in ("bytes", "Sequence[bytes]", "int")


def text_of(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: parse(raw.decode("utf-8", "surrogateescape"))


def json_of(read: Callable[[Any], object]) -> Callable[[bytes], object]:
    """Feed decoded JSON, as it stands inside a packet; text where it is no JSON."""

    def call(raw: bytes) -> object:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = raw.decode("utf-8", "replace")
        return read(body)

    return call


class Rig:
    """The line of the vectors, with samples of everything that is written on it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.line: dict[str, Any] = json.loads((VECTORS / "line.json").read_text("utf-8"))
        self.records = [base64.b64decode(record) for record in self.line["records"]]
        self.roster = Roster.read(self.records)
        self.at_ms = parse_time(self.line["at"])
        ledger = self.key("NORTH/ledger")
        self.signer = ledger.ed25519
        self.console = self.key("NORTH/console").ed25519
        self.lasting = MldsaSigner(ledger.seeds.mldsa65)
        self.prekey = prekey.Prekey(bytes.fromhex(self.line["sealing_keys"]["SOUTH"]["seed"]))
        held = self.line["line_secret"]
        self.secret = LineSecret(bytes.fromhex(held["secret"]), held["day"])
        self.origin = checkpoint.build_origin(Realm.EXERCISE, self.roster.line, "NORTH")

    def key(self, label: str) -> HybridSigner:
        (one,) = [one for one in self.line["certificates"].values() if one["label"] == label]
        seeds = (bytes.fromhex(one[f"{half}_seed"]) for half in ("ed25519", "mldsa65"))
        return HybridSigner(HybridSeeds(*seeds))

    def vectors(self, kind: str, name: str = "envelope") -> tuple[bytes, ...]:
        paths = sorted((VECTORS / kind).glob("*.json"))
        assert paths, f"no vectors stand in {VECTORS / kind}"
        bodies = [json.loads(path.read_text("utf-8"))["input"][name] for path in paths]
        return tuple(base64.b64decode(body) for body in bodies)

    def payloads(self, kind: str) -> tuple[bytes, ...]:
        found = []
        for envelope in self.vectors(kind):
            try:
                found.append(base64.b64decode(json.loads(envelope)["payload"]))
            except ValueError:
                continue
        return tuple(found)

    # Samples of heads.

    def head(self, size: int = 9, history: bytes = b"one") -> bytes:
        return checkpoint.sign_checkpoint(self.origin, size, sha256(history), self.signer)

    @property
    def checkpoint(self) -> checkpoint.Checkpoint:
        return checkpoint.parse_note(self.head()).checkpoint

    @property
    def witness(self) -> str:
        return checkpoint.witness_name(Realm.EXERCISE, self.roster.line, "NORTH")

    @property
    def cosignature(self) -> bytes:
        return checkpoint.cosign(self.checkpoint, self.witness, self.signer, 1_795_357_886)

    @property
    def keys(self) -> tuple[bytes, ...]:
        return (self.signer.public_key,)

    @property
    def fork(self) -> bytes:
        return fork_evidence.make_fork_evidence(
            self.head(), self.head(9, b"another"), self.records, "SOUTH"
        )

    @property
    def disclosure(self) -> bytes:
        salt, content = bytes(32), b'{"count":1,"reason":"noise"}'
        commits = leaf.commitment(salt, content)
        zeros = Digest(bytes(32))
        written = leaf.encode_leaf(leaf.Leaf(30, 0, 0, 5, zeros, zeros, commits, sha256(b"s")))
        root_hash = leaf.leaf_hash(written)
        note = checkpoint.sign_checkpoint(self.origin, 1, root_hash, self.signer)
        return disclosed.make_disclosure(disclosed.Disclosed(written, salt, content), (), note)

    @property
    def items(self) -> tuple[bytes, ...]:
        """One item of every kind, plainly written."""
        statement = json.loads(self.vectors("statement")[-1])
        placed = {"envelope": statement, "order": statement}
        digest, proof = "ab" * 32, ["cd" * 32]
        bodies: list[dict[str, Any]] = [
            {"t": "statement", **placed},
            {"t": "returned", **placed},
            {"t": "certificate", "envelope": statement},
            {"t": "generation", "envelope": statement},
            {"t": "head", "checkpoint": self.head().decode(), "old_size": 3, "proof": proof},
            {"t": "held", "checkpoint": self.head().decode()},
            {"t": "seen", "checkpoint": self.head().decode()},
            {"t": "join", "checkpoint": self.head().decode(), "size": 3},
            {"t": "joined", "shown": 9, "held": 3, "proof": proof},
            {"t": "lasting", "note": self.head().decode()},
            {"t": "cosignature", "size": 9, "note": "x"},
            {"t": "displayed", "digest": digest, "at": self.line["at"]},
            {"t": "rejected", "digest": digest, "reason": "no"},
            {"t": "nack", "code": "gap", "detail": "2"},
            {"t": "head-conflict", "origin": self.origin, "size": 3},
            {"t": "head-refused", "origin": self.origin, "size": 3, "verdict": "FORK"},
            {"t": "refetch", "ours": [[1, 1, 2]], "yours": []},
            {"t": "test", "serial": 1, "phrase": "hello"},
            {
                "t": "record",
                "digest": digest,
                "leaf": base64.b64encode(bytes(148)).decode(),
                "salt": digest,
                "content": "AAAA",
                "index": 0,
                "size": 1,
                "proof": proof,
            },
        ]
        return tuple(canonical.encode(body) for body in bodies)

    # Calls that need more than bytes.

    def verify_packet(self, raw: bytes) -> object:
        signature = packet.sign_packet(raw, self.console)
        opened = cell.OpenedCell(raw, signature, "NORTH", self.prekey.key_id, 0)
        return packet.verify_packet(self.roster, opened, our_station="SOUTH", at_ms=self.at_ms)

    def open_cell(self, raw: bytes) -> object:
        return cell.open_cell(
            raw,
            line=self.roster.line,
            prekeys={self.prekey.key_id: self.prekey},
            secrets={"NORTH": self.secret},
        )

    def file(self, name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
        """Write the bytes to a file of that name and read it by its directory or path."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)

        def call(raw: bytes) -> object:
            path.write_bytes(raw)
            return read(path)

        return call
