"""What a relay counts, and the text in which Prometheus reads it.

No label names a mailbox, a key or an address. Spec: docs/transport.md §9.8
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hotline.transport.relay.store import Census, Health

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Histogram:
    """Durations in buckets, each with all that are shorter."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_S))
    total: int = 0
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.total += 1
        self.sum_s += seconds
        for at, bound in enumerate(BUCKETS_S):
            if seconds <= bound:
                self.counts[at] += 1


@dataclass(slots=True)
class Metrics:
    """A relay's counters since its start.

    Attributes:
        cells: By what became of them: stored, duplicate, pushed, consumed, expired.
        naks: By code.
        refused: Connections and sessions that were refused or ended, by reason.
        sessions: Open now.
        commits: Seconds that each commit took.
        changes: Changes that the commits held.
        waiting: Changes that wait for a commit now.
        clock_jumps: Times that the wall clock ran away from the monotonic one.
    """

    cells: Counter[str] = field(default_factory=Counter)
    naks: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    commits: Histogram = field(default_factory=Histogram)
    changes: int = 0
    waiting: int = 0
    clock_jumps: int = 0

    def on_commit(self, changes: int, seconds: float) -> None:
        """Count a commit; called from the store's thread, the only one that writes these."""
        self.changes += changes
        self.commits.add(seconds)


def render(metrics: Metrics, health: Health, census: Census) -> str:
    """Return the page that Prometheus reads."""
    return "\n".join(_lines(metrics, health, census)) + "\n"


def _lines(metrics: Metrics, health: Health, census: Census) -> Iterator[str]:
    yield from _labelled("cells_total", "Cells by what became of them.", "event", metrics.cells)
    yield from _labelled("naks_total", "Requests that were not met.", "code", metrics.naks)
    yield from _labelled("refused_total", "Refusals by reason.", "reason", metrics.refused)
    yield from _histogram("commit_seconds", "Time of a durable commit.", metrics.commits)
    yield from _one("changes_total", "Changes made durable.", metrics.changes, "counter")
    yield from _one("clock_jumps_total", "Jumps of the wall clock.", metrics.clock_jumps, "counter")
    yield from _one("sessions", "Authenticated sessions.", metrics.sessions)
    yield from _one("waiting_changes", "Changes that wait for a commit.", metrics.waiting)
    yield from _one("held_boxes", "Mailboxes.", census.boxes)
    yield from _one("held_cells", "Cells that wait for their recipient.", census.cells)
    yield from _one("held_bytes", "Bytes of these cells.", census.octets)
    yield from _one("store_writable", "Whether a durable write passed.", int(health.writable))
    yield from _one("store_taking", "Whether cells are taken.", int(health.taking))
    yield from _one("store_free_bytes", "Room on the store's volume.", health.free_bytes)
    yield from _one("store_replicas", "Copies of what is acknowledged.", health.replicas)
    yield from _one("store_replicas_behind", "Copies missing or late.", health.behind)


def _head(name: str, help_text: str, kind: str) -> Iterator[str]:
    yield f"# HELP hotline_relay_{name} {help_text}"
    yield f"# TYPE hotline_relay_{name} {kind}"


def _one(name: str, help_text: str, value: int, kind: str = "gauge") -> Iterator[str]:
    yield from _head(name, help_text, kind)
    yield f"hotline_relay_{name} {value}"


def _labelled(name: str, help_text: str, label: str, counts: Counter[str]) -> Iterator[str]:
    yield from _head(name, help_text, "counter")
    for value in sorted(counts):
        yield f'hotline_relay_{name}{{{label}="{value}"}} {counts[value]}'


def _histogram(name: str, help_text: str, histogram: Histogram) -> Iterator[str]:
    yield from _head(name, help_text, "histogram")
    for bound, count in zip(BUCKETS_S, histogram.counts, strict=True):
        yield f'hotline_relay_{name}_bucket{{le="{bound}"}} {count}'
    yield f'hotline_relay_{name}_bucket{{le="+Inf"}} {histogram.total}'
    yield f"hotline_relay_{name}_sum {histogram.sum_s:.6f}"
    yield f"hotline_relay_{name}_count {histogram.total}"
