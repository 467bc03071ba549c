"""A relay that two stormy stations share: made once with its mailboxes, copied, started again.

founded = found_relayed(tmp_path)           # homes as `stormy.found` makes them, and a relay
relay = RestartedRelay(copy / RELAY)        # the real server over the real store, in-process
await relay.start()
await relay.stop()                          # its store, with all that it keeps, stays
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hotline.sealing.ed25519 import Ed25519Signer
from hotline.station.home import Home
from hotline.station.relays import read_relays, write_relays
from hotline.transport.tls import TlsIdentity
from tests.fakes.ports import free_port
from tests.fakes.relayed import add, new_tokens, relay_card
from tests.transport.relay.rig import Rig, with_limits
from tests.transport.rig import Papers, mint

RELAY = "relay-a"
SEED = bytes(range(32))
"""Of the relay's key, so that a copy of its directory is the same relay."""


def found_relayed(directory: Path) -> Path:
    """Add a relay to both homes in `directory`, each with its mailbox there."""

    async def add_to_both() -> None:
        home = directory / RELAY
        home.mkdir()
        rig = _rig(home, mint(home, "RELAY"))
        async with rig.running():
            card = relay_card(*rig.address, rig.relay_key.public_key, rig.papers.der)
            for name in ("NORTH", "SOUTH"):
                added = await add(Home(directory / name), card, new_tokens(rig.admission), RELAY)
                assert not added.unreached

    asyncio.run(add_to_both())
    return directory


def move_relay(directory: Path, host: str, port: int) -> None:
    """Let the line in `directory` find its relay at `host` and `port`."""
    relays = read_relays(directory)
    (one,) = relays.relays
    card = one.card.model_copy(update={"host": host, "port": port})
    write_relays(directory, relays.with_one(one.model_copy(update={"card": card})))


def _rig(home: Path, papers: Papers, port: int = 0) -> Rig:
    # Both stations share this machine's address, and dial again at once.
    rig = with_limits(Rig(home, papers), failures_per_minute=1_000_000)
    rig.relay_key = Ed25519Signer(SEED)
    rig.address = ("127.0.0.1", port or free_port())
    return rig


class RestartedRelay:
    """The relay whose files lie in a directory."""

    def __init__(self, home: Path, port: int = 0) -> None:
        # Of its papers a relay needs these two files; the rest is for who calls it.
        papers: Any = SimpleNamespace(
            identity=TlsIdentity(home / "RELAY.crt", home / "RELAY.key"),
        )
        self._rig = _rig(home, papers, port)
        self._life = contextlib.AsyncExitStack()

    def address(self) -> tuple[str, int]:
        """Return where it listens."""
        return self._rig.address

    async def start(self) -> None:
        await self._life.enter_async_context(self._rig.running())

    async def stop(self) -> None:
        await self._life.aclose()
