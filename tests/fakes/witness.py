"""A C2SP witness over real sockets, which keeps what it signed and can be told to misbehave.

    with FakeWitness("witness.example/w1") as witness:
        witness.trust(origin, ledger_public_key)
        ...                         # ask witness.url
        witness.mood = "junk"       # from now on it answers so
        witness.stop(); witness.start()

It reads requests, verifies heads and checks consistency by code of its own, from
the texts of c2sp.org/tlog-witness and RFC 9162 §2.1.4.2.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any

import nacl.exceptions
import nacl.signing
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

NOW_S = 1_795_357_886
EMPTY = hashlib.sha256(b"").digest()


@dataclass(frozen=True)
class Shown:
    """What a request holds."""

    old: int
    proof: list[bytes]
    origin: str
    size: int
    root: bytes
    body: bytes
    lines: list[tuple[str, bytes]]


@cache
def certificate() -> tuple[bytes, bytes, bytes]:
    """Return certificate and key as PEM for 127.0.0.1, and the pin of the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "witness")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private, hashlib.sha256(spki).digest()


def key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def read_request(body: bytes) -> Shown:
    head, _, note = body.partition(b"\n\n")
    first, *proof = head.split(b"\n")
    word, number = first.split(b" ")
    assert word == b"old"
    text, _, signatures = note.partition(b"\n\n")
    origin, size, root = text.split(b"\n")
    lines = []
    for line in signatures.removesuffix(b"\n").split(b"\n"):
        dash, name, blob = line.decode().split(" ")
        assert dash == "—"
        lines.append((name, base64.b64decode(blob)))
    return Shown(
        int(number),
        [base64.b64decode(one, validate=True) for one in proof],
        origin.decode(),
        int(size),
        base64.b64decode(root),
        text + b"\n",
        lines,
    )


def extends(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162 §2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for one in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = hashlib.sha256(b"\1" + one + fr).digest()
            sr = hashlib.sha256(b"\1" + one + sr).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\1" + sr + one).digest()
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, new_root, 0)


@dataclass
class FakeWitness:
    """A witness at 127.0.0.1.

    Attributes:
        mood: "honest", or how it misbehaves.
        claim: What it says it holds when its mood is "claims".
        seen: The newest head that it signed, by origin.
        asked: Every request that could be read, with the status that it got.
    """

    name: str = "witness.example/w1"
    tls: Path | None = None
    mood: str = "honest"
    claim: int = 0
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[Shown, int]] = field(default_factory=list)
    logs: dict[str, list[bytes]] = field(default_factory=dict)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.key = nacl.signing.SigningKey(hashlib.sha256(self.name.encode()).digest())
        self.other = nacl.signing.SigningKey(hashlib.sha256(b"other").digest())

    @property
    def vkey(self) -> str:
        public = bytes(self.key.verify_key)
        known = key_id(self.name, 4, public).hex()
        return f"{self.name}+{known}+{base64.b64encode(bytes([4]) + public).decode()}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/w"

    @property
    def statuses(self) -> list[int]:
        return [status for _, status in self.asked]

    def trust(self, origin: str, *keys: bytes) -> None:
        """Serve a log from now on."""
        self.logs[origin] = list(keys)

    def start(self) -> None:
        witness = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                witness.handle(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        if self.tls is not None:
            self.server.socket = self.context().wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def context(self) -> ssl.SSLContext:
        assert self.tls is not None
        chain, private, _ = certificate()
        (self.tls / "witness.pem").write_bytes(chain + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls / "witness.pem")
        if self.mood == "old-tls":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def stop(self) -> None:
        self.over.set()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self) -> FakeWitness:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # --- answers -------------------------------------------------------------------

    def handle(self, http: BaseHTTPRequestHandler) -> None:
        body = http.rfile.read(int(http.headers["Content-Length"]))
        if http.path != "/w/add-checkpoint":
            self.answer(http, 404, b"")
            return
        shown = read_request(body)
        status, answer = self.judge(shown)
        self.asked.append((shown, status))
        self.answer(http, status, answer)

    def judge(self, shown: Shown) -> tuple[int, bytes]:
        """Answer as c2sp.org/tlog-witness says, or as the mood is."""
        misbehave = {
            "junk": (200, b"\xff\x00 junk\n"),
            "huge": (200, b"x" * 200_000),
            "empty": (200, b""),
            "broken": (500, b"oops"),
            "redirect": (302, b""),
            "claims": (409, b"%d\n" % self.claim),
            "words": (409, b"many\n"),
            "wanders": (409, b"%d\n" % (1 + len(self.asked) % shown.size)),
            "refuses": (422, b""),
            "malformed": (400, b""),
        }
        if self.mood in misbehave:
            return misbehave[self.mood]
        if shown.origin not in self.logs:
            return 404, b""
        if not self.is_signed(shown):
            return 403, b""
        if shown.old > shown.size:
            return 400, b""
        size, root = self.seen.get(shown.origin, (0, EMPTY))
        if shown.old != size or (shown.size == size and shown.root != root):
            return 409, b"%d\n" % size
        if not extends(size, shown.size, root, shown.root, shown.proof):
            return 422, b""
        self.seen[shown.origin] = shown.size, shown.root
        return 200, self.cosign(shown)

    def is_signed(self, shown: Shown) -> bool:
        for name, blob in shown.lines:
            for key in self.logs[shown.origin]:
                if name == shown.origin and blob[:4] == key_id(name, 1, key):
                    try:
                        nacl.signing.VerifyKey(key).verify(shown.body, blob[4:])
                    except nacl.exceptions.BadSignatureError:
                        continue
                    return True
        return False

    def cosign(self, shown: Shown) -> bytes:
        """Return the line of a cosignature; spoiled if that is the mood."""
        key, body = self.key, shown.body
        if self.mood == "wrong-key":
            key = self.other
        if self.mood == "other-head":
            body = body.replace(b"%d" % shown.size, b"%d" % (shown.size + 1))
        signed = b"cosignature/v1\ntime %d\n" % NOW_S + body
        blob = key_id(self.name, 4, bytes(key.verify_key)) + NOW_S.to_bytes(8, "big")
        line = self._line(self.name, blob + key.sign(signed).signature)
        # Lines by keys that nobody asked for come along, as with keys that rotate.
        return self._line("witness.example/next", bytes(4) + bytes(72)) + line

    @staticmethod
    def _line(name: str, blob: bytes) -> bytes:
        return f"— {name} {base64.b64encode(blob).decode()}\n".encode()

    def answer(self, http: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        http.close_connection = True
        try:
            if self.mood == "hangs":
                self.over.wait()
            elif self.mood == "drips":
                http.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.over.wait(0.02):
                    http.wfile.write(b"X: y\r\n")
                    http.wfile.flush()
            elif self.mood == "mutters":
                http.wfile.write(b"+OK ready\r\n")
            elif self.mood == "chunks":
                http.send_response(status)
                http.send_header("Transfer-Encoding", "chunked")
                http.end_headers()
                for part in (body[:10], body[10:]):
                    http.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                http.wfile.write(b"0\r\n\r\n")
            else:
                http.send_response(status)
                if status == 409:
                    http.send_header("Content-Type", "text/x.tlog.size")
                if status == 302:
                    http.send_header("Location", f"{self.url}/add-checkpoint")
                http.send_header("Content-Length", str(len(body)))
                http.end_headers()
                http.wfile.write(body)
        except OSError:
            # Who asked has gone.
            return
