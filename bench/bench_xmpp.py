"""The same message by XMPP, with and without OMEMO and a durable archive, beside ours.

Ours is signed, sealed, recorded at both stations and receipted with a proof of that;
the time runs until the sender's ledger holds the verified receipt (bench_statement_path).
XMPP's goes A, server, B, server, A over STARTTLS with stream management, and comes
back as it went. With the archive Prosody writes each message into SQLite before it
passes it on: that is the durable receipt which XMPP can give, by its server.

Prosody and slixmpp are no part of this project. Without them nothing is measured, and
that is said: on Debian, apt-get install prosody lua-dbi-sqlite3; then, into the
environment that runs this, pip install slixmpp slixmpp-omemo.

    python bench/bench_xmpp.py [--samples N] [--burst N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench_statement_path

from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing.tls_identity import make_tls_identity

if TYPE_CHECKING:
    import xmpp_rig

TEXT = "Statement: both ships hold their course and speed. " * 6
CASES = (
    ("plain, no archive", False, False),
    ("OMEMO, no archive", True, False),
    ("plain, durable archive", False, True),
    ("OMEMO, durable archive", True, True),
)
WARM_UP = 10
LIMIT_S = 120.0


def missing() -> list[str]:
    """Return what is not here, with how to get it."""
    found = []
    if not shutil.which("prosody"):
        found.append("prosody (Debian: apt-get install prosody lua-dbi-sqlite3)")
    found += [
        f"{name} (pip install {name.replace('_', '-')})"
        for name in ("slixmpp", "slixmpp_omemo")
        if importlib.util.find_spec(name) is None
    ]
    return found


async def round_trips(client: xmpp_rig.Client, samples: int) -> list[float]:
    """Send a message and wait until it is back, again and again; return milliseconds."""
    taken = []
    for number in range(samples + WARM_UP):
        text = f"?{number} {TEXT}"
        began = time.perf_counter()
        await client.say(text)
        while not (await client.came.get()).startswith(f"?{number} "):
            pass
        taken.append((time.perf_counter() - began) * 1e3)
    return taken[WARM_UP:]


async def per_s(client: xmpp_rig.Client, burst: int) -> float:
    """Send many one way, the last one back; return messages a second."""
    began = time.perf_counter()
    for number in range(burst):
        await client.say(f"{number} {TEXT}")
    await client.say("?last")
    while await client.came.get() != "?last":
        pass
    return (burst + 1) / (time.perf_counter() - began)


async def measure_xmpp(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run every case over a server of its own; one that fails says why."""
    import xmpp_rig  # noqa: PLC0415  it is not here everywhere

    made = make_tls_identity(station=xmpp_rig.HOST, at_ms=system_clock(), entropy=system_entropy)
    (folder / "cert.pem").write_bytes(made.certificate_pem)
    (folder / "key.pem").write_bytes(made.key_pem)
    found: dict[str, Any] = {}
    for name, omemo, archive in CASES:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        try:
            async with asyncio.timeout(LIMIT_S):
                with xmpp_rig.prosody(folder, port, archive=archive):
                    async with xmpp_rig.both(folder, port, omemo=omemo) as client:
                        trips = await round_trips(client, options.samples)
                        rate = await per_s(client, options.burst)
        except TimeoutError:
            found[name] = {"failed": f"not done within {LIMIT_S:.0f} s"}
            continue
        found[name] = {
            "p50_ms": round(statistics.median(trips), 2),
            "p95_ms": round(statistics.quantiles(trips, n=20)[-1], 2),
            "per_s": round(rate),
        }
    return found


def main() -> None:
    """Measure both, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--burst", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if wanted := missing():
        print(f"skipped: it needs {'; '.join(wanted)}")
        return
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        ours = asyncio.run(bench_statement_path.measure(Path(name), options.samples))
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        found = asyncio.run(measure_xmpp(Path(name), options))
    path_ms = ours["path_p50_ms"]
    assert isinstance(path_ms, float)
    print("way                       round trip p50 / p95 ms   messages/s one way   to ours")
    print(f"{'hotline, receipted':<24} {path_ms:>9.2f} / {ours['path_p95_ms']:.2f}")
    for name, case in found.items():
        if "failed" in case:
            print(f"{name:<24} {case['failed']}")
            continue
        print(
            f"{name:<24} {case['p50_ms']:>9.2f} / {case['p95_ms']:<10.2f}"
            f" {case['per_s']:>14}   {case['p50_ms'] / path_ms:>14.2f}"
        )
    sys.stdout.flush()
    if options.json:
        both = {"load": os.getloadavg()[0], "hotline": ours, "xmpp": found}
        options.json.write_text(json.dumps(both, indent=2) + "\n")


if __name__ == "__main__":
    main()
