"""Three and more ledgers of one line under review together.

Spec: docs/ledger.md §12.6
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hotline.core.errors import OperatorError
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.ledger.meeting import Meeting, reconcile_all
from hotline.ledger.verdict import Verdict
from hotline.review.findings import identity_json, reconciliation_json, verdict_json
from hotline.review.generations import Generations
from hotline.review.identity import Identity, identify_by_cards, read_vouched
from hotline.review.outsiders import missing_lines, read_witnesses
from hotline.review.reviewing import Asked, passed_over, read_since, side_of, take_ledger
from hotline.review.sentences import printable
from hotline.review.verdicts import (
    identity_lines,
    past_lines,
    reconciliation_lines,
    verdict_lines,
)

_NAME_ANOTHER = "name the ledger of each station once, all of one line"


@dataclass(frozen=True, slots=True)
class MeetingReview:
    """Several ledgers verified and held against each other.

    Attributes:
        taken: The ledger under review first, each with its earlier generations.
        meeting: None when one of them does not verify by itself.
        trusted: Keys of the outside witnesses that the reviewer trusts.
    """

    taken: tuple[Generations, ...]
    meeting: Meeting | None
    known: Identity
    trusted: frozenset[WitnessKey] = frozenset()

    @property
    def verdicts(self) -> list[Verdict]:
        """What each ledger says by itself."""
        return [one.verdict for one in self.taken]

    @property
    def ok(self) -> bool:
        """Whether everything verifies and nothing contradicts."""
        alone = all(one.verdict.ok and one.ok for one in self.taken)
        return alone and self.meeting is not None and self.meeting.ok and self.known.ok

    def lines(self) -> list[str]:
        """Return the findings as lines of text, each printable."""
        return [printable(line) for line in self._lines()]

    def _lines(self) -> Iterator[str]:
        for one in self.taken:
            yield from verdict_lines(one.verdict, self.trusted)
            yield from past_lines(one, self.trusted)
        if self.meeting is None:
            yield "The ledgers were not held against each other: one does not verify by itself."
        else:
            yield from self._meeting_lines(self.meeting)
        if self.ok:
            yield "What was never recorded leaves no trace that a check could find."
        every = [one for taken in self.taken for one in (taken.verdict, *_earlier(taken))]
        yield from missing_lines(every, self.trusted)
        yield from identity_lines(self.known, self.ok)
        if not self.ok:
            yield "Keep every file as it is and call the reviewer."

    def _meeting_lines(self, meeting: Meeting) -> Iterator[str]:
        by_name = {verdict.station: verdict for verdict in self.verdicts}
        for (one, other), found in meeting.pairs.items():
            yield from reconciliation_lines(by_name[one], by_name[other], found, of_more=True)
        word = "RECONCILE" if meeting.ok else "DO NOT RECONCILE"
        said = "statement" if meeting.statements == 1 else "statements"
        yield (
            f"All {len(by_name)} ledgers {word}: {meeting.statements} {said}, "
            f"{meeting.receipted} receipted by every other member."
        )
        yield from (f"  {fault}." for fault in meeting.faults)
        if meeting.absent:
            names = ", ".join(meeting.absent)
            yield f"  Not at hand: {names}. Whether a statement was theirs, these files cannot say."

    def as_json(self) -> dict[str, Any]:
        """Return the findings for a machine: ok, identity, ledger, peers, pairs, meeting."""
        first, *others = self.taken
        meeting = self.meeting
        return {
            "ok": self.ok,
            "identity": identity_json(self.known),
            "ledger": verdict_json(first.verdict, self.known, first, self.trusted),
            "peers": [verdict_json(one.verdict, self.known, one, self.trusted) for one in others],
            "pairs": []
            if meeting is None
            else [
                {"stations": list(pair), **reconciliation_json(found)}
                for pair, found in meeting.pairs.items()
            ],
            "meeting": None
            if meeting is None
            else {
                "ok": meeting.ok,
                "absent": list(meeting.absent),
                "statements": meeting.statements,
                "receipted": meeting.receipted,
                "faults": list(meeting.faults),
            },
        }


def review_meeting(path: Path, peers: Sequence[Path], asked: Asked | None = None) -> MeetingReview:
    """Verify the ledger at `path` and those at `peers`, and compare all with each other.

    Raises:
        OperatorError: a path names no ledger, or they are not of one line and of as many
            stations; a card or trusted head is none.
        StorageError: a file cannot be copied.
    Spec: docs/ledger.md §12.6
    """
    asked = asked or Asked()
    vouched, trusted = read_vouched(asked.cards), read_witnesses(asked.witnesses)
    since = None if asked.since is None else read_since(asked.since)
    taken = [take_ledger(path, asked, since), *(take_ledger(one, asked, None) for one in peers)]
    known = identify_by_cards([one.verdict for one in taken], vouched)
    if not all(one.verdict.ok for one in taken):
        return MeetingReview(tuple(taken), None, known, trusted)
    _check_all([one.verdict for one in taken])
    meeting = reconcile_all([side_of(one) for one in taken])
    if not meeting.ok and passed_over(*taken):
        # Heads that nobody judged must not accuse a station.
        return review_meeting(path, peers, replace(asked, audit=True))
    return MeetingReview(tuple(taken), meeting, known, trusted)


def _earlier(taken: Generations) -> list[Verdict]:
    return [one.verdict for one in taken.earlier]


def _check_all(verdicts: Sequence[Verdict]) -> None:
    if len({(one.line, one.realm) for one in verdicts}) != 1:
        raise OperatorError("the ledgers are of different lines", hint=_NAME_ANOTHER)
    stations = [one.station for one in verdicts]
    for station in stations:
        if stations.count(station) > 1:
            raise OperatorError(f"two of the ledgers are of {station}", hint=_NAME_ANOTHER)
