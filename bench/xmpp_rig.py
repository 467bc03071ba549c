"""Prosody on loopback and two slixmpp clients, for bench_xmpp.py alone.

It imports slixmpp, which this project does not need: see there how to get it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from omemo.storage import Just, Maybe, Nothing, Storage
from slixmpp import JID, ClientXMPP
from slixmpp.plugins import register_plugin
from slixmpp.stanza import Message
from slixmpp_omemo import XEP_0384

HOST, PASSWORD = "localhost", "benchmarks-only"
NAMES = ("north", "south")
START_S = 40.0
CONFIG = """\
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
certificates = "{folder}"
log = {{ error = "{folder}/prosody.log" }}
run_as_root = true
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
modules_enabled = {{ "disco", "roster", "saslauth", "tls", "pep", "smacks"{archive} }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = true
c2s_tcp_keepalives = true
network_settings = {{ tcp_nodelay = true }}
authentication = "internal_plain"
storage = {{ archive = "sql" }}
sql = {{ driver = "SQLite3", database = "{folder}/archive.sqlite" }}
default_archive_policy = true
ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem" }}
VirtualHost "{host}"
"""


@contextlib.contextmanager
def prosody(folder: Path, port: int, *, archive: bool) -> Iterator[None]:
    """Run a server of its own with two accounts; the certificate lies in `folder`."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    accounts = folder / "data" / HOST / "accounts"
    accounts.mkdir(parents=True)
    for name in NAMES:
        (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};\n')
    config = folder / "prosody.cfg.lua"
    said = ', "mam"' if archive else ""
    config.write_text(CONFIG.format(folder=folder, port=port, archive=said, host=HOST))
    command = ["prosody", "-F", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for_port(port)
            yield
        finally:
            server.terminate()


class _Kept(Storage):
    """OMEMO's keys in memory: what a client would write to its disk is left out, in its favour."""

    def __init__(self) -> None:
        super().__init__()
        self._all: dict[str, Any] = {}

    async def _load(self, key: str) -> Maybe[Any]:
        return Just(self._all[key]) if key in self._all else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self._all[key] = value

    async def _delete(self, key: str) -> None:
        self._all.pop(key, None)


def _make_plugin() -> type[XEP_0384]:
    class Omemo(XEP_0384):
        """OMEMO that trusts whom it meets, as a benchmark may."""

        name = "xep_0384"

        @property
        def storage(self) -> Storage:
            """Where the keys are."""
            if not hasattr(self, "_kept"):
                self._kept = _Kept()
            return self._kept

        @property
        def _btbv_enabled(self) -> bool:
            return True

        async def _prompt_manual_trust(self, *_: Any) -> None:
            raise AssertionError("nobody is here to be asked")

    return Omemo


class Client(ClientXMPP):
    """One account, with or without OMEMO; `came` gets the bodies of messages."""

    def __init__(self, name: str, folder: Path, port: int, *, omemo: bool) -> None:
        super().__init__(f"{name}@{HOST}/bench", PASSWORD)
        self.came: asyncio.Queue[str] = asyncio.Queue()
        self.peer = JID(f"{NAMES[1 - NAMES.index(name)]}@{HOST}")
        self._port, self._omemo = port, omemo
        self._ready = asyncio.Event()
        self.ssl_context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        self.ssl_context.check_hostname = False
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0060")
        self.register_plugin("xep_0198")
        if omemo:
            plugin = _make_plugin()
            register_plugin(plugin)
            self.register_plugin("xep_0384", module=sys.modules[__name__])
            self.add_event_handler("omemo_initialized", lambda _: self._ready.set())
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("message", self._take)

    async def _start(self, _: Any) -> None:
        self.send_presence()
        await self.get_roster()
        if not self._omemo:
            self._ready.set()

    async def _take(self, stanza: Message) -> None:
        if self._omemo and self.plugin["xep_0384"].is_encrypted(stanza):
            stanza, _ = await self.plugin["xep_0384"].decrypt_message(stanza)
        elif self._omemo:
            return
        if stanza["body"]:
            self.came.put_nowait(stanza["body"])

    async def say(self, text: str) -> None:
        """Send one message to the other account."""
        stanza = self.make_message(mto=self.peer, mbody=text, mtype="chat")
        if self._omemo:
            stanza.set_from(self.boundjid)
            stanza, errors = await self.plugin["xep_0384"].encrypt_message(stanza, self.peer)
            assert stanza is not None, errors
        stanza.send()

    async def open(self) -> None:
        """Connect, and wait until messages can be sent."""
        async with asyncio.timeout(START_S):
            self.connect(HOST, self._port)
            await self._ready.wait()


@contextlib.asynccontextmanager
async def both(folder: Path, port: int, *, omemo: bool) -> AsyncIterator[Client]:
    """Open the other account in a process of its own, and give ours."""
    words = [sys.executable, __file__, str(folder), str(port), str(int(omemo))]
    peer = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert peer.stdout is not None
    assert peer.stdin is not None
    client = Client(NAMES[0], folder, port, omemo=omemo)
    try:
        async with asyncio.timeout(START_S):
            assert await peer.stdout.readline() == b"ready\n", "the other account did not start"
        await client.open()
        yield client
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await client.disconnect()
        peer.stdin.close()
        await peer.wait()


async def answer(folder: Path, port: int, omemo: bool) -> None:
    """Be the other account: a body that begins with a question mark is sent back."""
    client = Client(NAMES[1], folder, port, omemo=omemo)
    await client.open()
    os.write(1, b"ready\n")
    ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not ending.done():
        taking = asyncio.create_task(client.came.get())
        await asyncio.wait((taking, ending), return_when=asyncio.FIRST_COMPLETED)
        if taking.done() and taking.result().startswith("?"):
            await client.say(taking.result())
    await client.disconnect()


def _wait_for_port(port: int) -> None:
    """Return once the server listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError("Prosody did not start: look at its log")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(answer(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"))
