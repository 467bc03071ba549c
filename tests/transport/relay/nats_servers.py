"""Real NATS servers on loopback: found on PATH, or fetched with apt from a newer suite.

Debian 12's own is too old to be made durable, so that a package of a later suite is
downloaded with apt's own means and unpacked into the user's cache; nothing is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from tests.fakes.ports import free_port

OLDEST = (2, 10, 27)
SUITES = ("trixie", "sid")
DEADLINE_S = 40.0
CONFIG = """\
server_name: {name}
listen: 127.0.0.1:{port}
http: 127.0.0.1:{http}
jetstream {{
  store_dir: "{store}"
  {sync}
  max_file_store: 256MB
}}
{cluster}
"""
CLUSTER = """\
cluster {{ name: test, listen: 127.0.0.1:{own}, routes: [{routes}] }}
"""


def find_server() -> str:
    """Return the path of a nats-server that is new enough, or "" with none to be had."""
    there = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/sbin")
    if there and _version(there) >= OLDEST:
        return there
    cache = Path(platformdirs.user_cache_dir("hotline-tests")) / "nats-server"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        kept = cache / "usr" / "sbin" / "nats-server"
        if not kept.exists():
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                _fetch(cache)
        return str(kept) if kept.exists() and _version(str(kept)) >= OLDEST else ""


def _version(path: str) -> tuple[int, ...]:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def _fetch(cache: Path) -> None:
    """Let apt download the package of a newer suite from the mirror that it uses anyway."""
    mirrors = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)"],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.splitlines()
    mirror = next(line.split()[0] for line in mirrors if line.endswith(" Debian"))
    for suite in SUITES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "lists/partial").mkdir(parents=True)
            (folder / "archives/partial").mkdir(parents=True)
            (folder / "sources.list").write_text(f"deb {mirror} {suite} main\n")
            options = [
                f"-oDir::State={folder}",
                f"-oDir::Cache={folder}",
                f"-oDir::Etc::sourcelist={folder / 'sources.list'}",
                "-oDir::Etc::sourceparts=/dev/null",
                "-oAPT::Sandbox::User=",
            ]
            for order in (["update", "-qq"], ["download", "-qq", "nats-server"]):
                subprocess.run(
                    ["apt-get", *options, *order], cwd=folder, capture_output=True, timeout=120
                )
            for package in folder.glob("nats-server_*.deb"):
                subprocess.run(["dpkg-deb", "-x", package, cache], check=True)
                return


@dataclass
class NatsServer:
    """One server; `start` and `kill` as often as you like over the same directory."""

    binary: str
    home: Path
    name: str = "n1"
    sync: str = "sync_interval: always"
    cluster: str = ""
    port: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> NatsServer:
        folder = self.home / self.name
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "nats.conf"
        file.write_text(
            CONFIG.format(
                name=self.name,
                port=self.port,
                http=self.http,
                store=folder / "store",
                sync=self.sync,
                cluster=self.cluster,
            )
        )
        self.running = subprocess.Popen(
            [self.binary, "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def wait(self) -> NatsServer:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, urllib.error.URLError):
                if self.page("healthz").get("status") == "ok":
                    return self
            time.sleep(0.02)
        raise TimeoutError("a NATS server did not get ready")

    def page(self, name: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/{name}", timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait(20)
            self.running = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor(self) -> tuple[str, int]:
        return "127.0.0.1", self.http


@contextlib.contextmanager
def three_servers(binary: str, home: Path) -> Iterator[list[NatsServer]]:
    """Run a cluster of three."""
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports)
    servers = [
        NatsServer(binary, home, f"n{at}", cluster=CLUSTER.format(own=port, routes=routes))
        for at, port in enumerate(ports, start=1)
    ]
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.kill()
