"""Whether NATS servers and streams keep what they acknowledge; one sentence for each doubt. Pure.

With its defaults JetStream syncs every two minutes, and a power cut takes what
was acknowledged since. A relay does not start on such a server.
Spec: docs/transport.md §9.6
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

OLDEST = (2, 10, 27)
"""Before it, sync_interval did not reach the replication's own log."""

CELLS, BOXES = "hotline_cells", "hotline_boxes"
MAX_MESSAGE_BYTES = 65_536
DAY_NS = 86_400 * 10**9
FILL_PART = 0.6
"""The part of a server's limit that the cells' stream may fill."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def server_doubts(varz: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one server, from its /varz."""
    name = str(varz.get("server_name", "?"))
    found = _VERSION.match(str(varz.get("version", "")))
    if found is None or tuple(map(int, found.groups())) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield f"server {name} runs {varz.get('version', '?')}; nothing below {oldest} is durable"
    settings = (varz.get("jetstream") or {}).get("config")
    if not settings:
        yield f"server {name} has no JetStream; set `jetstream` in its configuration"
        return
    if settings.get("sync_always") is not True:
        yield f"server {name} syncs now and then; set `sync_interval: always` in `jetstream`"
    if not settings.get("max_storage", 0) > 0:
        yield f"server {name} has no bound on its disk; set `max_file_store` in `jetstream`"


def stream_settings(
    name: str, *, replicas: int, keep_s: int, cells_per_box: int, max_bytes: int
) -> dict[str, Any]:
    """Return the settings with which a relay makes its streams, and which it demands of them."""
    common = {
        "name": name,
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "num_replicas": replicas,
        "max_msg_size": MAX_MESSAGE_BYTES,
        "duplicate_window": DAY_NS,
    }
    if name == CELLS:
        return common | {
            "subjects": ["hotline.cell.*"],
            "max_bytes": max_bytes,
            "max_msgs_per_subject": cells_per_box,
            "discard_new_per_subject": True,
            "max_age": 2 * keep_s * 10**9,
        }
    return common | {
        "subjects": ["hotline.box.*", "hotline.token.*", "hotline.pulse"],
        "max_msgs_per_subject": 1,
        "discard_new_per_subject": False,
        "max_age": 0,
    }


_EXPLAINED = {
    "storage": "its messages would be gone with the process",
    "retention": "messages would go before they are consumed",
    "discard": "old messages would make room for new ones",
    "discard_new_per_subject": "a full mailbox would lose its oldest cell",
    "num_replicas": "fewer servers than asked for would hold a message",
    "max_msg_size": "the longest cell would not fit, or longer ones would",
    "max_msgs_per_subject": "a mailbox would have another quota",
    "max_age": "messages would go before they expire",
    "subjects": "cells would not be kept, or others' messages would",
    "duplicate_window": "a cell that is put again soon would be kept twice",
}


def stream_doubts(
    wanted: Mapping[str, Any], found: Mapping[str, Any], checked: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with a stream, from JetStream's word about it.

    Args:
        wanted: From `stream_settings`.
        found: The answer to STREAM.INFO.
        checked: Names of the servers whose /varz was checked.
    """
    name, settings = wanted["name"], found["config"]
    for setting, why in _EXPLAINED.items():
        there = settings.get(setting, False if setting == "discard_new_per_subject" else 0)
        if there != wanted[setting]:
            yield f"stream {name} has {setting} {there}, not {wanted[setting]}: {why}"
    if settings.get("persist_mode", "default") not in ("", "default"):
        yield f"stream {name} has persist_mode {settings['persist_mode']}: it acknowledges early"
    if name == CELLS and settings.get("max_bytes", -1) <= 0:
        yield f"stream {name} has no max_bytes: a full disk would stop it until a restart"
    cluster = found.get("cluster") or {}
    holders = [cluster.get("leader"), *(one["name"] for one in cluster.get("replicas") or ())]
    for holder in sorted(filter(None, holders)):
        if holder not in checked:
            yield f"stream {name} lives on {holder}, which was not checked; name its monitor"
