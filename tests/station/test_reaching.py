"""What the doctor says of routes: what is set up, who answers, and what to do.

Spec: docs/transport.md §9.12
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from hotline.host.clock import system_clock
from hotline.station.doctor import Finding, check_routes, check_up
from hotline.station.home import Home
from tests.fakes.line import FakeLine, wait_for
from tests.fakes.ports import free_port
from tests.fakes.relayed import add, new_tokens, relay_card
from tests.review.rig import Worked
from tests.transport.relay.rig import Rig
from tests.transport.rig import mint

NOWHERE = "n" * 64 + ".invalid"
"""No name service is asked for a name like this one."""


def about(findings: list[Finding], what: str) -> list[tuple[str, str]]:
    return [(one.level, one.what) for one in findings if one.about == what]


def routes_of(home: Path) -> list[Finding]:
    return asyncio.run(check_routes(Home(home)))


def line_json(home: Path) -> Path:
    return next(home.glob("lines/*/line.json"))


def dial(home: Path, host: str, port: int) -> None:
    """Let the one who dials do so elsewhere, as a line that was set up by hand does."""
    card = json.loads(line_json(home).read_text())
    card["peers"][0] |= {"home": "", "host": host, "port": port}
    line_json(home).write_text(json.dumps(card))


async def test_running_stations_reach_each_other_and_stay_up(tmp_path: Path) -> None:
    async with FakeLine(tmp_path) as line:
        await wait_for(lambda: line.north.station.route.up)
        for place, peer in ((line.north, "SOUTH"), (line.south, "NORTH")):
            ((level, what),) = about(await check_routes(place.home), f"route to {peer}")
            assert level == "OK"
            assert what.endswith("and that answers.")
        assert line.north.station.route.up
        assert line.south.station.route.up


def test_stations_that_are_stopped_answer_nobody(worked: Worked) -> None:
    for home, peer in ((worked.north, "SOUTH"), (worked.south, "NORTH")):
        (before,) = about(check_up(Home(home), system_clock, None), f"route to {peer}")
        assert before[0] == "OK"
        ((level, what),) = about(routes_of(home), f"route to {peer}")
        assert level == "FAIL"
        assert "start the station" in what or "ask the other side whether it runs" in what


def test_places_that_lead_nowhere_are_told_apart(worked: Worked) -> None:
    home, peer = dialling(worked)
    dial(home, NOWHERE, 7000)
    assert "does not resolve" in about(routes_of(home), f"route to {peer}")[0][1]
    dial(home, "127.0.0.1", free_port())
    assert "nothing takes connections" in about(routes_of(home), f"route to {peer}")[0][1].lower()
    dial(home, "127.0.0.1", 0)
    findings = check_up(Home(home), system_clock, None)
    ((level, what),) = about(findings, f"route to {peer}")
    assert level == "FAIL"
    assert "hotline line route" in what
    assert not about(routes_of(home), f"route to {peer}")


def dialling(worked: Worked) -> tuple[Path, str]:
    """Return the home of who dials, and whom."""
    listens = json.loads(line_json(worked.north).read_text())["listens"]
    return (worked.south, "NORTH") if listens else (worked.north, "SOUTH")


def test_certificate_without_its_key_fails_before_anybody_is_called(worked: Worked) -> None:
    (worked.north / "tls" / "key.pem").write_text("gone")
    ((level, what),) = about(check_up(Home(worked.north), system_clock, None), "links")[:1]
    assert level == "FAIL"
    assert "backup" in what


def test_card_that_does_not_read_is_said_in_one_sentence(worked: Worked) -> None:
    line_json(worked.north).write_text("{}")
    (found,) = routes_of(worked.north)
    assert found.level == "FAIL"
    assert "\n" not in found.what
    shutil.rmtree(worked.north / "lines")
    assert routes_of(worked.north)[0].level == "FAIL"


async def test_relay_of_a_line_is_called_like_a_peer(tmp_path: Path) -> None:
    relay_home, stations = tmp_path / "relay", tmp_path / "stations"
    relay_home.mkdir()
    rig = Rig(relay_home, mint(tmp_path, "RELAY"))
    line = FakeLine(stations, run=False)
    north = line.north
    (before,) = [one for one in check_up(north.home, system_clock, None) if one.about == "relays"]
    assert "No relay is set up" in before.what
    async with rig.running():
        card = relay_card(*rig.address, rig.relay_key.public_key, rig.papers.der)
        await add(north.home, card, new_tokens(rig.admission))
        ((level, what),) = about(await check_routes(north.home), "relay relay-a")
        assert (level, what.endswith("and that answers.")) == ("OK", True)
    ((level, what),) = about(await check_routes(north.home), "relay relay-a")
    assert level == "FAIL"
    assert "othing takes connections" in what
    impostor = Rig(relay_home, mint(tmp_path, "IMPOSTOR"), address=rig.address)
    async with impostor.running():
        ((level, what),) = about(await check_routes(north.home), "relay relay-a")
    assert level == "FAIL"
    assert "another certificate" in what
