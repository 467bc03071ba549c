"""After a drill: its ledgers verified, reconciled, and told statement by statement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.fold import fold
from hotline.core.exchange.situation import Situation
from hotline.drill.setup import read_drill
from hotline.ledger.meeting import Meeting, reconcile_all
from hotline.ledger.reconcile import Reconciliation, Side, reconcile_sides
from hotline.ledger.store import Ledger
from hotline.ledger.verdict import Verdict
from hotline.ledger.verify import verify_ledger
from hotline.sealing.ed25519 import verify_ed25519
from hotline.sealing.mldsa import verify_mldsa65
from hotline.sealing.roster import identify_ledger
from hotline.station.assembly import Machine
from hotline.station.happenings import happenings
from hotline.station.home import Home, content_sealer

PAIR = 2


@dataclass(frozen=True, slots=True)
class Ending:
    """One side's ledger after the drill."""

    name: str
    path: Path
    verdict: Verdict
    situation: Situation


@dataclass(frozen=True, slots=True)
class Outcome:
    """All sides, and whether they agree."""

    endings: tuple[Ending, ...]
    reconciliation: Reconciliation | Meeting

    @property
    def good(self) -> bool:
        """Whether all ledgers verify and agree."""
        return self.reconciliation.ok and all(one.verdict.ok for one in self.endings)

    @property
    def ladder(self) -> str:
        """State of the newest incident's ladder where all sides see the same, else DIFFERS."""
        states = set()
        for ending in self.endings:
            incidents = list(ending.situation.incidents.values())
            states.add(incidents[-1].ladder.state if incidents else "NONE")
        return states.pop() if len(states) == 1 else "DIFFERS"

    def statements(self) -> list[StatementState]:
        """Return every statement from its sender's ledger, in the order of writing."""
        sent = [
            state
            for ending in self.endings
            for state in ending.situation.statements.values()
            if state.outbound
        ]
        return sorted(sent, key=lambda state: (state.at_ms, state.digest))

    def summary(self) -> dict[str, Any]:
        """Return what `hotline drill --json` prints."""
        sent = self.statements()
        return {
            "stations": [
                {
                    "name": ending.name,
                    "entries": ending.verdict.entries,
                    "root": ending.verdict.root.hex(),
                    "verified": ending.verdict.ok,
                    "ledger": str(ending.path),
                }
                for ending in self.endings
            ],
            "reconciled": self.reconciliation.ok,
            "statements": len(sent),
            "acknowledged": sum(1 for state in sent if state.read_by),
            "ladder": self.ladder,
        }


def judge(directory: Path, machine: Machine) -> Outcome:
    """Verify and reconcile the ledgers of a drill; they may still be in use.

    Raises:
        OperatorError: there is no drill.
        IntegrityError: a ledger is so damaged that it cannot be folded.
    """
    names = read_drill(directory).stations
    endings = tuple(_ending(directory, name, machine) for name in names)
    sides = [Side(ending.verdict, ending.path) for ending in endings]
    if len(sides) > PAIR and all(ending.verdict.ok for ending in endings):
        return Outcome(endings, reconcile_all(sides))
    return Outcome(endings, reconcile_sides(*sides[:PAIR]))


def _ending(directory: Path, name: str, machine: Machine) -> Ending:
    line = Home(directory / name).only_line()
    path = line / "ledger.db"
    verdict = verify_ledger(
        path,
        identify=identify_ledger,
        verifier=verify_ed25519,
        lasting_verifier=verify_mldsa65,
    )
    ledger = Ledger.open_read_only(path, sealer=content_sealer(line, None, machine.entropy))
    try:
        situation = fold(happenings(ledger.entries(0, ledger.size), ledger.enclosure))
    finally:
        ledger.close()
    return Ending(name, path, verdict, situation)
