"""Five ways of looking at a ledger that may have been tampered with, and what each one says.

The station opens it beside its head.db; a reviewer verifies it alone, with
--audit, and against the peer's; whoever holds the content key reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from hotline.core.errors import HotlineError
from hotline.ledger.reconcile import reconcile
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.mldsa import verify_mldsa65
from tests.ledger.rig import Sealer, verifier
from tests.ledger.tamper.scene import Scene, identify

CRASH = "[crash]"


class Way(Enum):
    """A way of looking; the value stands at the head of its column."""

    OPENING = "station opens it (head.db)"
    ALONE = "verify"
    AUDIT = "verify --audit"
    PEER = "verify --peer"
    READING = "reading with the content key"


def verify(path: Path, *, audit: bool | None = None) -> Verdict:
    """Verify a ledger of the scene, long-lasting signatures included."""
    return verify_ledger(
        path,
        identify=identify,
        verifier=verifier,
        lasting_verifier=verify_mldsa65,
        audit=audit,
    )


def judge(scene: Scene, way: Way) -> str | None:
    """Return what `way` says against NORTH's ledger, or None if it finds nothing.

    OPENING changes the files; the others do not. An error that is none of ours is a
    traceback to whoever looks: it counts as CRASH.
    """
    try:
        return _JUDGES[way](scene)
    except HotlineError as error:
        return str(error) if error.exit_code == 1 else f"[exit {error.exit_code}] {error}"
    except Exception as error:
        return f"{CRASH} {type(error).__name__}"


def _opening(scene: Scene) -> str | None:
    scene.north.open(origin=scene.north.origin).close()
    return None


def _alone(scene: Scene) -> str | None:
    return _said(verify(scene.north.file, audit=False))


def _audit(scene: Scene) -> str | None:
    return _said(verify(scene.north.file, audit=True))


def _peer(scene: Scene) -> str | None:
    ours, theirs = verify(scene.north.file, audit=True), verify(scene.south.file, audit=True)
    found = reconcile(ours, scene.north.file, theirs, scene.south.file)
    # A ledger that fails by itself is not compared: its own fault says more.
    return _said(ours) or "; ".join(found.faults) or None


def _reading(scene: Scene) -> str | None:
    reader = Ledger.open_read_only(scene.north.file, sealer=Sealer())
    try:
        for entry in reader.entries(0, reader.size):
            if entry.has_enclosure:
                reader.enclosure(entry.index)
    finally:
        reader.close()
    return None


def _said(verdict: Verdict) -> str | None:
    assert verdict.ok == (verdict.first_fault is None)
    return "; ".join(f"[{fault.damage}] {fault.sentence()}" for fault in verdict.faults) or None


_JUDGES: dict[Way, Callable[[Scene], str | None]] = {
    Way.OPENING: _opening,
    Way.ALONE: _alone,
    Way.AUDIT: _audit,
    Way.PEER: _peer,
    Way.READING: _reading,
}
