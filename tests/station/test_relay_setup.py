"""Adding a relay to a line and taking it away: what is made, kept, recorded and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hotline.core.errors import HotlineError, LinkError, OperatorError
from hotline.core.records import events as ev
from hotline.host.clock import system_clock
from hotline.host.entropy import system_entropy
from hotline.host.keyfile import open_key_file
from hotline.station.home import read_line
from hotline.station.line_keys import open_line_keys
from hotline.station.relaying import own_mailbox, relay_plans
from hotline.station.relays import (
    MAX_RELAYS,
    RELAYS,
    OurMailbox,
    RelayCard,
    read_relays,
    write_relays,
)
from hotline.station.upkeep import at_work
from tests.fakes.line import FAST, FakeLine, Place
from tests.fakes.relayed import add, bench_of, copied_line, new_tokens, relay_card, remove
from tests.transport.relay.rig import Rig, new_key, with_limits
from tests.transport.rig import Papers, mint


@pytest.fixture(scope="module")
def relay_papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return mint(tmp_path_factory.mktemp("relay-papers"), "RELAY")


@pytest.fixture
def rig(tmp_path: Path, relay_papers: Papers) -> Rig:
    home = tmp_path / "relay"
    home.mkdir()
    return with_limits(Rig(home, relay_papers), failures_per_minute=100_000)


@pytest.fixture
def line(tmp_path: Path) -> FakeLine:
    return copied_line(tmp_path)


def card_of(rig: Rig) -> RelayCard:
    return relay_card(*rig.address, rig.relay_key.public_key, rig.papers.der)


def told(place: Place) -> list[ev.Event]:
    """Return what the place's ledger says of relays."""
    with at_work(bench_of(place.home)) as work:
        kinds = (ev.RelayAdded.kind, ev.RelayRemoved.kind)
        entries = [one for kind in kinds for one in work.opened.ledger.of_kind(kind)]
        return [ev.decode_event(one.kind, one.content) for one in entries if one.content]


async def test_relay_is_added_with_a_mailbox_a_record_and_a_sealed_token(
    line: FakeLine, rig: Rig
) -> None:
    """Spec: docs/enrolment.md §15.2"""
    async with rig.running() as store:
        (token,) = new_tokens(rig.admission)
        added = await add(line.north.home, card_of(rig), [token])
        assert not added.unreached
        assert (await store.census()).boxes == 1
        mine = read_line(line.north.home, None, system_clock, system_entropy)[2]
        theirs = read_line(line.south.home, None, system_clock, system_entropy)[2]
        ours = own_mailbox(mine, added.relay, added.relay.mailboxes[0])
        assert ours is not None
        found = await store.find(ours.box)
        assert found is not None
        assert (found.recipient, found.sender) == (ours.signer.public_key, ours.sender)
        assert mine.peers["SOUTH"].held.mailboxes == theirs.peers["NORTH"].held.mailboxes
        assert own_mailbox(theirs, added.relay, OurMailbox(peer="NORTH")) is None
    (event,) = told(line.north)
    assert isinstance(event, ev.RelayAdded)
    assert (event.relay, event.peers, event.key) == ("relay-a", ("SOUTH",), added.relay.card.key)
    directory = line.north.directory
    for path in directory.iterdir():
        if path.is_file() and path.name != "line.key":
            content = path.read_bytes()
            assert token not in content
            assert token.hex().encode() not in content
    held = open_key_file(directory / "line.key", None).keys.seeds
    assert held["relay/relay-a/SOUTH"][:32] == token


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"tokens": []}, "one for each other station"),
        ({"name": "direct"}, "route without a relay"),
        ({"tokens": [b"\1" * 32]}, "refuses the token"),
        ({"key": True}, "refuses the token"),
        ({"certificate": True}, "not the pinned one"),
    ],
)
async def test_relay_that_cannot_be_used_is_refused_and_changes_nothing(
    line: FakeLine, rig: Rig, tmp_path: Path, spoilt: dict[str, Any], said: str
) -> None:
    """Spec: docs/enrolment.md §15.2"""
    async with rig.running() as store:
        card = card_of(rig)
        if spoilt.pop("key", False):
            card = card.model_copy(update={"key": new_key().public_key.hex()})
        if spoilt.pop("certificate", False):
            other = relay_card(*rig.address, rig.relay_key.public_key, mint(tmp_path, "X").der)
            card = other
        wanted = {"tokens": new_tokens(rig.admission)} | spoilt
        before = open_key_file(line.north.directory / "line.key", None).keys.seeds
        with pytest.raises(HotlineError, match=said) as caught:
            await add(line.north.home, card, **wanted)
        assert caught.value.exit_code == (3 if "pinned" in said else 2)
        assert (await store.census()).boxes == 0
    assert not (line.north.directory / RELAYS).exists()
    assert open_key_file(line.north.directory / "line.key", None).keys.seeds == before
    assert told(line.north) == []


async def test_relay_that_is_there_already_is_refused_by_name_and_by_key(
    line: FakeLine, rig: Rig
) -> None:
    async with rig.running():
        card, tokens = card_of(rig), new_tokens(rig.admission, 2)
        await add(line.north.home, card, tokens[:1])
        with pytest.raises(OperatorError, match="a relay relay-a already"):
            await add(line.north.home, card, tokens[1:])
        with pytest.raises(OperatorError, match="under another name"):
            await add(line.north.home, card, tokens[1:], name="relay-b")
    assert len(told(line.north)) == 1


async def test_relay_that_does_not_answer_is_added_and_said(line: FakeLine, rig: Rig) -> None:
    async with rig.running():
        card, tokens = card_of(rig), new_tokens(rig.admission)
    added = await add(line.north.home, card, tokens)
    assert "could not be reached" in added.unreached
    assert read_relays(line.north.directory).named("relay-a").mailboxes[0].number == 0


async def test_relay_is_removed_with_its_mailbox_and_added_again_under_the_next_number(
    line: FakeLine, rig: Rig
) -> None:
    """Spec: docs/enrolment.md §15.4, docs/transport.md §10.3"""
    async with rig.running() as store:
        card, tokens = card_of(rig), new_tokens(rig.admission)
        await add(line.north.home, card, tokens)
        await remove(line.north.home)
        assert (await store.census()).boxes == 0
        assert read_relays(line.north.directory).relays == ()
        keys = open_line_keys(line.north.directory, None, system_entropy)
        assert keys.opening("relay-a", "SOUTH") == b""
        again = await add(line.north.home, card, tokens)
        assert again.relay.mailboxes[0].number == 1
        assert (await store.census()).boxes == 1
    assert [type(one) for one in told(line.north)] == [
        ev.RelayAdded,
        ev.RelayAdded,
        ev.RelayRemoved,
    ]


async def test_relay_that_is_away_is_removed_only_as_lost(line: FakeLine, rig: Rig) -> None:
    async with rig.running():
        await add(line.north.home, card_of(rig), new_tokens(rig.admission))
    with pytest.raises(LinkError):
        await remove(line.north.home)
    assert len(read_relays(line.north.directory).relays) == 1
    await remove(line.north.home, lost=True)
    assert read_relays(line.north.directory).relays == ()
    with pytest.raises(OperatorError, match="no relay of that name"):
        await remove(line.north.home)
    gone = told(line.north)[-1]
    assert isinstance(gone, ev.RelayRemoved)
    assert not gone.dropped


async def test_call_that_was_cut_short_goes_on_with_the_key_that_made_the_mailbox(
    line: FakeLine, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: docs/enrolment.md §15.2"""

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    async with rig.running() as store:
        card, tokens = card_of(rig), new_tokens(rig.admission)
        with monkeypatch.context() as patch:
            patch.setattr("hotline.station.upkeep.Work.record", cut)
            with pytest.raises(KeyboardInterrupt):
                await add(line.north.home, card, tokens)
        assert (await store.census()).boxes == 1
        added = await add(line.north.home, card, tokens)
        assert added.relay.mailboxes[0].number == 0
        assert (await store.census()).boxes == 1


async def test_line_of_before_is_told_to_amend(line: FakeLine, rig: Rig) -> None:
    """Spec: docs/transport.md §10.1"""
    keys = open_line_keys(line.north.directory, None, system_entropy)
    keys.keep("SOUTH", replace(keys.pair("SOUTH"), mailboxes=b""))
    async with rig.running():
        with pytest.raises(OperatorError, match="before there were mailboxes") as caught:
            await add(line.north.home, card_of(rig), new_tokens(rig.admission))
    assert "hotline line amend" in caught.value.sentence()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"relays": 1}', b'{"relays": [{"name": "Relay"}]}', b"\xff"],
)
def test_relays_file_that_is_none_stops_the_start_with_a_sentence(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / RELAYS).write_bytes(content)
    with pytest.raises(OperatorError, match=r"relays\.json"):
        read_relays(tmp_path)


async def test_relays_are_worked_in_the_order_of_their_priority(line: FakeLine, rig: Rig) -> None:
    async with rig.running():
        tokens = new_tokens(rig.admission, 3)
        await add(line.north.home, card_of(rig), tokens[:1], "relay-b", priority=9)
        other = card_of(rig).model_copy(update={"key": new_key().public_key.hex(), "port": 1})
        await add(line.north.home, other, tokens[1:2], "relay-a", priority=3)
    await line.north.start(run=False)
    try:
        plans = relay_plans(
            line.north.opened, "SOUTH", monotonic=lambda: 0.0, chance=lambda: 0.0, timings=FAST
        )
        assert [(one.name, one.priority) for one in plans] == [("relay-a", 3), ("relay-b", 9)]
        assert tuple(line.north.station.route.routes) == ("direct", "relay-a", "relay-b")
    finally:
        await line.north.stop()
    listed = json.loads((line.north.directory / RELAYS).read_text())
    assert len(listed["relays"]) == 2 < MAX_RELAYS


@pytest.mark.parametrize("missing", ["key", "mailbox", "console"])
async def test_relay_that_this_home_cannot_use_is_blocked_and_says_what_to_do(
    line: FakeLine, rig: Rig, missing: str
) -> None:
    """Spec: docs/transport.md §10.2, docs/enrolment.md §15.5"""
    async with rig.running():
        added = await add(line.north.home, card_of(rig), new_tokens(rig.admission))
    directory, states = line.north.directory, list[tuple[str, str]]()
    if missing == "key":
        open_line_keys(directory, None, system_entropy).keep_openings("relay-a", {})
    else:
        other = OurMailbox(peer="EAST") if missing == "mailbox" else OurMailbox(peer="SOUTH")
        spoilt = other.model_copy(update={"endpoint": 2 if missing == "console" else 1})
        relay = added.relay.model_copy(update={"mailboxes": (spoilt,)})
        write_relays(directory, read_relays(directory).with_one(relay))
    await line.north.start(run=False)
    try:
        (plan,) = relay_plans(
            line.north.opened, "SOUTH", monotonic=lambda: 0.0, chance=lambda: 0.0, timings=FAST
        )

        async def on_state(state: str, reason: str) -> None:
            states.append((state, reason))

        route = plan.make(never, on_state, lambda _: None)
        await route.close()
        await route.run()
        assert not route.up
        with pytest.raises(LinkError, match="add it again"):
            await route.send(b"cell")
        with pytest.raises(LinkError, match="add it again"):
            await route.ping()
    finally:
        await line.north.stop()
    assert [state for state, _ in states] == ["BLOCKED"]
    assert "hotline line relay remove" in states[0][1]


async def never(_: bytes) -> None:
    raise AssertionError("a route that is shut takes no cell")
