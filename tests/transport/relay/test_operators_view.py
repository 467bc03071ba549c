"""What the operator of a relay can read: files, log, metrics and the process's memory.

Two real homes, whose couriers seal real packets. Whatever would tell an operator who
speaks is planted, by word and by id, and looked for in everything; what a relay has to
know (docs/transport.md §9.9) is found in it, which shows that the looking works.

Spec: docs/transport.md §9.8, §9.11
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hotline.core.values import Realm
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.sealing import items as its
from hotline.sealing.enrol import Subject
from hotline.station.courier import Courier
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, read_line
from hotline.station.line import Line
from hotline.transport.tls import spki_of
from tests.fakes.line import FakeLine, Place, catalogue, wait_for
from tests.fakes.relayed import FAR_S, add, by_relay_alone, new_tokens, relay_card
from tests.transport.relay.relay_process import RelayProcess
from tests.transport.relay.traffic import Letters, dial
from tests.transport.rig import Papers, until

STATIONS = {"KESTREL": ("quillfeather", "Z. Quillfeather"), "OSPREY": ("thistlewood", "B. Thistle")}
LINE, PHRASE = "marram-sound", "marmalade at forty fathoms"
WORDS = (*STATIONS, *(word for both in STATIONS.values() for word in both), LINE, PHRASE, "fathoms")
CELLS = 12
PAGE_BYTES = 4096
LEAST_BYTES = 6


def found(folder: Path) -> dict[str, Home]:
    """Found a line of stations whose names stand nowhere in this program."""
    homes = {name: Home(folder / name) for name in STATIONS}
    found_line(
        [Founder(homes[name], name, (Subject(*who),)) for name, who in STATIONS.items()],
        name=LINE,
        realm=Realm.EXERCISE,
        catalogue=catalogue(),
        clock=system_clock,
        entropy=system_entropy,
    )
    return homes


class OddLine(FakeLine):
    """That line, worked."""

    def __init__(self, folder: Path) -> None:
        homes = found(folder)
        self._run = False
        self.north, self.south = (
            Place(name, STATIONS[name][0], homes[name], peer)
            for name, peer in (("KESTREL", "OSPREY"), ("OSPREY", "KESTREL"))
        )


@pytest.fixture
def relay(tmp_path: Path, relay_papers: Papers) -> Iterator[RelayProcess]:
    process = RelayProcess(tmp_path, relay_papers).start()
    yield process
    process.kill()


def planted(lines: Mapping[str, tuple[Home, Line]]) -> dict[str, bytes]:
    """Return everything that names a station, an officer or the line, by what it is."""
    found = {word: word.encode() for word in WORDS}
    for name, (home, line) in lines.items():
        roster = line.roster
        root = roster.roots[name]
        found |= {
            "line": bytes(roster.line),
            f"console of {name}": line.console.public_key,
            f"ledger of {name}": line.ledger.public_key,
            f"mailboxes of {name}": next(iter(line.peers.values())).held.mailboxes,
            f"recovery of {name}": line.recovery.public.encoded[:64],
            f"root of {name}": bytes(root.digest),
            f"root key of {name}": root.key.ed25519,
        }
        found |= {f"record {bytes(one).hex()[:8]}": bytes(one) for one in roster.record_digests}
        found |= {f"certificate {bytes(one).hex()[:8]}": bytes(one) for one in roster.certificates}
        for pem in home.path.rglob("cert.pem"):
            der = ssl.PEM_cert_to_DER_cert(pem.read_text())
            found |= {f"TLS of {name}": der[-64:], f"TLS key of {name}": spki_of(der)}
    return found


def spellings(secret: bytes) -> Iterator[bytes]:
    """Yield what stands somewhere if `secret` does: raw, in hex, or in base64."""
    yield secret
    yield secret.hex().encode()
    for shift in range(3):
        inner = secret[shift : shift + (len(secret) - shift) // 3 * 3]
        if len(inner) >= LEAST_BYTES:  # fewer stand by chance in whatever is random
            yield base64.b64encode(inner)
            yield base64.urlsafe_b64encode(inner)


def standing(secrets: Mapping[str, bytes], view: bytes) -> list[str]:
    """Return the names of those that stand in `view`, also written in small letters."""
    return [
        name
        for name, secret in secrets.items()
        if any(one in view for one in {*spellings(secret), *spellings(secret.lower())})
    ]


Pages = dict[int, bytes]


def memory_of(pid: int) -> Pages:
    """Return all pages that a process has written, by address.

    Raises:
        PermissionError: this system lets nobody look.
    """
    held: Pages = {}
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for row in Path(f"/proc/{pid}/maps").read_text().splitlines():
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", row)
            if not found:
                continue
            first, last = (int(one, 16) for one in found.groups())
            try:
                memory.seek(first)
                region = memory.read(last - first)
            except OSError:
                continue  # it went since, or nobody may read it
            held |= {
                first + at: region[at : at + PAGE_BYTES] for at in range(0, len(region), PAGE_BYTES)
            }
    return held


def first_look(relay: RelayProcess) -> Pages:
    """Look at the memory of a relay that no station has called yet."""
    assert relay.running is not None
    try:
        return memory_of(relay.running.pid)
    except PermissionError:
        pytest.skip("this system lets nobody read the memory of a process of one's own")


def written(pages: Pages, before: Pages) -> bytes:
    """Return what was written since `before`, when no station had called yet."""
    changed = sorted(at for at, page in pages.items() if before.get(at) != page)
    pieces, last = list[bytes](), 0
    for at in changed:
        pieces += [pages[at]] if at == last + PAGE_BYTES else [b"\n", pages[at]]
        last = at
    return b"".join(pieces)


def view_of(relay: RelayProcess, before: Pages) -> dict[str, bytes]:
    """Return all that an operator can read of a running relay."""
    assert relay.running is not None
    names = ("relay.db", "relay.db-wal", "relay.db-shm", "relay.log", "admission")
    view = {name: (relay.home / name).read_bytes() for name in names}
    view["metrics"] = relay.page("metrics")[1].encode()
    view["memory"] = written(memory_of(relay.running.pid), before)
    return view


class Reluctant:
    """A recipient that takes one cell and then nothing: what follows waits in the relay."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.goes_on = asyncio.Event()

    async def __call__(self, sealed: bytes) -> None:
        self.came.append(sealed)
        await self.goes_on.wait()


async def test_operators_complete_view_names_nobody_and_shows_no_word(
    relay: RelayProcess, tmp_path: Path
) -> None:
    lines = {
        name: (home, read_line(home, None, system_clock, system_entropy)[2])
        for name, home in found(tmp_path / "stations").items()
    }
    before = first_look(relay)
    courier, letters, taker = Courier(lines["KESTREL"][1]), Letters(), Reluctant()
    for number in range(CELLS):
        test = its.LineTestItem(serial=number + 1, phrase=PHRASE)
        letters.sent.append(courier.seal("OSPREY", (test,)))
    await letters.make_box(relay.where, relay.token())
    await letters.keep_putting(relay.where)
    views = [await asyncio.to_thread(view_of, relay, before)]
    async with dial(relay.where, letters.box, letters.recipient) as mine:
        await mine.subscribe(letters.box, taker)
        await until(lambda: taker.came)
        views.append(await asyncio.to_thread(view_of, relay, before))
        taker.goes_on.set()
        await until(lambda: len(taker.came) == CELLS)
        await mine.ping()
        views.append(await asyncio.to_thread(view_of, relay, before))
    secrets = planted(lines)
    assert len(secrets) > 25
    for view in views:
        for place, read in view.items():
            assert not standing(secrets, read), place
    check_that_the_looking_works(views, letters)
    check_what_is_told(views, letters)


async def test_relay_of_two_stations_at_work_knows_neither_of_them(
    relay: RelayProcess, relay_papers: Papers, tmp_path: Path
) -> None:
    """Set up as officers do it, a statement receipted, and one that waits for who is away."""
    before = first_look(relay)
    line = OddLine(tmp_path / "stations")
    north, south = line.places
    tokens = new_tokens(relay.home / "admission", 2)
    card = relay_card("127.0.0.1", relay.port, relay.key, relay_papers.der)
    try:
        for place, token in zip(line.places, tokens, strict=True):
            await add(place.home, card, [token])
        await by_relay_alone(line)
        said = await north.say("conv/free-text", {}, text=PHRASE)
        await wait_for(lambda: north.receipted(said), FAR_S)
        await south.stop()
        waiting = await north.say("conv/free-text", {}, text=f"{PHRASE}, once more")
        await wait_for(lambda: held(relay) > 0, FAR_S)
        views = [await asyncio.to_thread(view_of, relay, before)]
        await south.start()
        await wait_for(lambda: north.receipted(waiting), FAR_S)
        views.append(await asyncio.to_thread(view_of, relay, before))
        lines = {place.name: (place.home, place.opened.line) for place in line.places}
        secrets = planted(lines)
    finally:
        for place in line.places:
            with contextlib.suppress(Exception):
                await place.stop()
    for view in views:
        for where, read in view.items():
            assert not standing(secrets, read), where


def held(relay: RelayProcess) -> int:
    """Return how many cells wait, which a relay counts every few seconds."""
    found = re.search(r"^hotline_relay_held_cells (\S+)$", relay.page("metrics")[1], re.MULTILINE)
    return int(float(found[1])) if found else 0


def check_that_the_looking_works(views: list[dict[str, bytes]], letters: Letters) -> None:
    """What a relay has to know is found where it has to be."""
    needed = {"box": letters.box, "recipient": letters.recipient.public_key}
    needed |= {"sender": letters.sender.public_key}
    for place in ("relay.db-wal", "memory"):
        assert sorted(standing(needed, views[0][place])) == sorted(needed), place
    assert any(one[:64] in views[0]["relay.db-wal"] for one in letters.sent)
    assert any(one[64:128] in views[1]["memory"] for one in letters.sent)


def check_what_is_told(views: list[dict[str, bytes]], letters: Letters) -> None:
    """Nor do log and metrics name a mailbox, a key, a cell or where somebody called from."""
    told = {"box": letters.box, "recipient": letters.recipient.public_key}
    told |= {"sender": letters.sender.public_key}
    told |= {f"cell {at}": one[:32] for at, one in enumerate(letters.sent)}
    for view in views:
        for place in ("relay.log", "metrics"):
            assert not standing(told, view[place]), place
        assert b"127.0.0.1" not in view["metrics"]
