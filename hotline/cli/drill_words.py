"""What `hotline drill` prints: progress while it runs, the outcome at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

from hotline.core.exchange.delivery import StatementState
from hotline.core.times import format_clock
from hotline.drill.outcome import Outcome
from hotline.ledger.meeting import Meeting


class Progress:
    """Prints one line for each statement that is sent and each that is answered."""

    def __init__(self, out: TextIO, *, quiet: bool) -> None:
        """Write to `out`; nothing at all when `quiet`."""
        self._out, self._quiet = out, quiet

    def begin(self, title: str, directory: Path) -> None:
        """Say what begins and where it is kept."""
        self._print(f"EXERCISE EXERCISE EXERCISE  {title}")
        self._print(f"homes: {directory}")

    def take(self, station: str, report: dict[str, Any]) -> None:
        """Print what a side reports, where it is worth a line."""
        match report.get("t"):
            case "step" if not str(report["template"]).startswith("link/"):
                clock = format_clock(int(report["at_ms"]))
                what = f"{report['token']} {report['precedence']:<9} {report['template']:<20}"
                self._print(f"{clock} {station:<8} {what} {report['words']}")
            case "started":
                self._print(f"{station}: on watch (process {report['pid']})")
            case "trouble":
                self._print(f"{station}: {report['words']}")

    def _print(self, line: str) -> None:
        if not self._quiet:
            print(line, file=self._out, flush=True)


def say_outcome(outcome: Outcome, directory: Path, *, completed: bool, again: str) -> None:
    """Print each statement with its states, the verdicts and the reconciliation.

    Args:
        again: The command that goes on with a drill that was left before its end.
    """
    print()
    print("STATEMENTS (from the sender's ledger)")
    for state in outcome.statements():
        _say_statement(state)
    print()
    print("LEDGERS")
    for ending in outcome.endings:
        verdict = ending.verdict
        word = "VERIFIED" if verdict.ok else "DOES NOT VERIFY"
        print(f"  {ending.name}: {word}, {verdict.entries} entries")
        print(f"    root {verdict.root.hex()}")
        for fault in verdict.faults:
            print(f"    {fault.sentence()}")
        print(f"    {ending.path}")
    _say_reconciliation(outcome)
    print(f"LADDER: {outcome.ladder}")
    if completed:
        print("The drill came to its end.")
    else:
        print(f"The drill was left before its end. Go on with:\n  {again}")
    print(f"Kept in {directory}")
    print(f"Look again:\n  hotline replay {outcome.endings[0].path}")


def _say_statement(state: StatementState) -> None:
    statement = state.statement
    template = statement.template.id
    print(
        f"  {format_clock(state.at_ms)} {statement.sender:<8} {state.token} "
        f"{statement.precedence.value:<9} {template}"
    )
    for at_ms, words in state.steps:
        print(f"      {format_clock(at_ms)} {words}")


def _say_reconciliation(outcome: Outcome) -> None:
    agreed = outcome.reconciliation
    word = "AGREE" if agreed.ok else "DO NOT AGREE"
    several = isinstance(agreed, Meeting)
    which = f"All {len(outcome.endings)}" if several else "The two"
    by = " by all others" if several else ""
    counts = f"{agreed.statements} statements, {agreed.receipted} receipted{by}"
    print(f"  {which} ledgers {word}: {counts}")
    for fault in agreed.faults:
        print(f"    {fault}")
    for pair in agreed.pairs.values() if isinstance(agreed, Meeting) else ():
        for fault in pair.faults:
            print(f"    {fault}")
