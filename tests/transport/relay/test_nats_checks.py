"""Each setting that can lose acknowledged cells has its sentence: docs/transport.md §9.6."""

from __future__ import annotations

from typing import Any

import pytest

from hotline.transport.relay.nats_checks import (
    BOXES,
    CELLS,
    server_doubts,
    stream_doubts,
    stream_settings,
)

SAFE: dict[str, Any] = {
    "server_name": "n1",
    "version": "2.10.27",
    "jetstream": {"config": {"sync_always": True, "max_storage": 1_000_000}},
}


def wanted(name: str = CELLS, replicas: int = 3) -> dict[str, Any]:
    return stream_settings(name, replicas=replicas, keep_s=60, cells_per_box=8, max_bytes=1_000_000)


def found(name: str = CELLS, **changes: Any) -> dict[str, Any]:
    cluster = {"leader": "n1", "replicas": [{"name": "n2"}, {"name": "n3"}]}
    return {"config": wanted(name) | changes, "cluster": cluster}


ALL = {"n1", "n2", "n3"}


def test_safe_server_and_streams_raise_no_doubt() -> None:
    assert list(server_doubts(SAFE)) == []
    assert list(stream_doubts(wanted(), found(), ALL)) == []
    assert list(stream_doubts(wanted(BOXES), found(BOXES), ALL)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "2.10.26"}, "runs 2.10.26; nothing below 2.10.27 is durable"),
        ({"version": "2.9.10"}, "nothing below"),
        ({"version": "nightly"}, "nothing below"),
        ({"jetstream": {}}, "has no JetStream"),
        ({"jetstream": None}, "has no JetStream"),
        ({"jetstream": {"config": {"max_storage": 1}}}, "set `sync_interval: always`"),
        ({"jetstream": {"config": {"sync_always": 1, "max_storage": 1}}}, "sync_interval"),
        ({"jetstream": {"config": {"sync_always": True}}}, "set `max_file_store`"),
    ],
)
def test_unsafe_server_is_named_with_one_sentence(change: dict[str, Any], words: str) -> None:
    doubts = list(server_doubts(SAFE | change))
    assert len(doubts) == 1
    assert doubts[0].startswith("server n1 ")
    assert words in doubts[0]


@pytest.mark.parametrize("version", ["2.10.27", "2.10.28", "2.11.0", "2.15.1-beta", "3.0.0"])
def test_newer_server_raises_no_doubt(version: str) -> None:
    assert list(server_doubts(SAFE | {"version": version})) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"storage": "memory"}, "gone with the process"),
        ({"retention": "interest"}, "before they are consumed"),
        ({"discard": "old"}, "make room for new"),
        ({"discard_new_per_subject": False}, "lose its oldest"),
        ({"num_replicas": 1}, "fewer servers"),
        ({"max_msg_size": 1_024}, "would not fit"),
        ({"max_msgs_per_subject": -1}, "another quota"),
        ({"max_age": 1}, "before they expire"),
        ({"subjects": ["elsewhere.*"]}, "would not be kept"),
        ({"duplicate_window": 120 * 10**9}, "kept twice"),
        ({"persist_mode": "async"}, "acknowledges early"),
        ({"max_bytes": -1}, "until a restart"),
    ],
)
def test_unsafe_stream_is_named_with_one_sentence(change: dict[str, Any], words: str) -> None:
    doubts = list(stream_doubts(wanted(), found(**change), ALL))
    assert len(doubts) == 1
    assert words in doubts[0]


def test_stream_on_an_unchecked_server_is_doubted() -> None:
    (doubt,) = stream_doubts(wanted(), found(), {"n1", "n2"})
    assert "n3, which was not checked" in doubt
