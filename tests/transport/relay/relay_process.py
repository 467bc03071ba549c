"""`hotline relay` as a process of its own: started, killed, ended, and all that it leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotline.transport.relay.calling import RelayAddress
from hotline.transport.tls import pinned
from tests.fakes.ports import free_port
from tests.transport.rig import Papers

ROOT = Path(__file__).parents[3]
LOOK_EVERY_S = 0.01


@dataclass
class RelayProcess:
    home: Path
    papers: Papers
    store: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None
    key: bytes = b""

    @property
    def log(self) -> Path:
        return self.home / "relay.log"

    def start(self) -> RelayProcess:
        """Start it and wait for its word that it listens."""
        (self.home / "admission").touch(0o600)
        began = self.log.stat().st_size if self.log.exists() else 0
        store = self.store or (f"--store=sqlite:{self.home / 'relay.db'}", "--free-floor=0")
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [
                    # Cold: tests look into its memory, and at how much it takes.
                    *(sys.executable, "-m", "hotline", "relay", *store),
                    *("--listen", f"127.0.0.1:{self.port}"),
                    *("--metrics", f"127.0.0.1:{self.metrics_port}"),
                    *("--cert", self.papers.identity.certificate_path),
                    *("--key", self.papers.identity.key_path),
                    *("--admission", self.home / "admission"),
                    *("--identity", self.home / "relay.key", "--per-address=64"),
                    *self.more,
                ],
                stderr=log,
                cwd=self.home,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        while True:
            said = self.log.read_bytes()[began:]
            if started := re.search(rb'{"event": "relay_started".*}\n', said):
                self.key = bytes.fromhex(json.loads(started.group())["key"])
                return self
            if self.running.poll() is not None:
                raise AssertionError(said.decode())
            time.sleep(LOOK_EVERY_S)

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait(20)

    def terminate(self) -> int:
        assert self.running is not None
        self.running.terminate()
        return self.running.wait(20)

    def page(self, name: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.metrics_port}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def token(self) -> bytes:
        token = os.urandom(32)
        with (self.home / "admission").open("a") as file:
            file.write(token.hex() + "\n")
        return token

    @property
    def where(self) -> RelayAddress:
        return RelayAddress("127.0.0.1", self.port, self.key, pinned(self.papers.der))

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_bytes().splitlines()]
