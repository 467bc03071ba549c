"""The tamper matrix as a document.

    python -m tests.ledger.tamper.document > docs/ledger-tamper.md

Every cell is what a look at a ledger that was spoilt on the spot really said.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.ledger.tamper.cases import Case, Why
from tests.ledger.tamper.cases_beside import CASES as BESIDE
from tests.ledger.tamper.cases_file import CASES as FILE
from tests.ledger.tamper.cases_log import ENCLOSURES, ENTRIES
from tests.ledger.tamper.forge import Sql
from tests.ledger.tamper.judging import Way, judge
from tests.ledger.tamper.scene import Scene, play

CASES: tuple[Case, ...] = (*ENTRIES, *ENCLOSURES, *BESIDE, *FILE)
ORDER = (Way.ALONE, Way.AUDIT, Way.PEER, Way.READING, Way.OPENING)
"""Opening comes last: it writes."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        said: What each way said, None where it found nothing.
        refused: Whether the triggers stop its SQL; None when it is none.
    """

    case: Case
    said: Mapping[Way, str | None]
    refused: bool | None


def run(case: Case, base: Scene, directory: Path) -> Outcome:
    """Spoil a copy of `base` under `directory` as the case says, and look at it in every way."""
    refused = None
    if isinstance(case.act, Sql):
        refused = case.act.is_refused(base.copy(directory / "guarded"))
    spoilt = base.copy(directory / "spoilt")
    before = _bytes_of(spoilt)
    case.act(spoilt)
    assert _bytes_of(spoilt) != before, "the attack changed nothing"
    return Outcome(case, {way: judge(spoilt, way) for way in ORDER}, refused)


def run_all(directory: Path) -> list[Outcome]:
    """Run every case on a line of its own making."""
    base = play(directory / "base")
    return [run(case, base, directory / str(number)) for number, case in enumerate(CASES)]


def _bytes_of(scene: Scene) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in scene.north.home.iterdir()}


HEADER = """# What tampering with a ledger is noticed by

This file is written by `python -m tests.ledger.tamper.document > docs/ledger-tamper.md`, and a test
compares it with what the attacks in `tests/ledger/tamper/` really lead to.

Two linked ledgers are made, NORTH's is spoilt in one way, and five looks are taken at it:

- *opens*: the station opens it for work, with its head.db beside it;
- *verify*: `hotline verify` of the file alone, without any key, as it judges a ledger of more than
  4,096 heads: the signatures on which somebody relies;
- *audit*: the same with every stored signature judged: with `--audit`, and in every shorter ledger;
- *peer*: `hotline verify --peer` against SOUTH's ledger, still without any key;
- *reads*: whoever holds the content key reads every entry and enclosure.

The attacker writes to the file behind the program's back. The column *triggers* says what happens
to the same SQL with the triggers in place: they stop accidents, not people.
A cell names the kind of damage and what is damaged, as the first fault of the verdict does
(docs/ledger.md §11.5), or the kind of error; the exit code is 1 unless another one is given.
*no* with a number finds nothing, and §2 says why.

## 1 The matrix
"""

FOOTER = """
## 3 What is no row of the matrix

- *One flipped bit, anywhere*: `tests/ledger/tamper/test_flips.py` flips bits of a small ledger and
  of its write-ahead log. Every flip in the file that changes anything a reader sees (a row, an
  answer of an index, the schema's text) is caught by verifying the file alone with all signatures
  judged; a flip in the log shortens it, and is caught by head.db or by the peer's ledger.
  `make test` tries a fixed sample; `make soak` goes through the bits of each for SOAK_SECONDS, in
  an order of which every beginning is a fair sample (1800 on two idle cores reach them all).
- *Real public records*: `test_records.py` flips bits of a real line's root records, certificates
  and charter; none is accepted.
- *Two copies of a station at work*: `test_two_copies.py`. A shared head.db stops the second; when
  head.db was copied as well, the peer finds a fork, an inconsistent or a stale head.
- *kill -9*: `tests/journeys/test_kill.py` kills a station that records without a pause, also just
  after it began a commit, a checkpoint or the swap of head.db. All that was acknowledged is there
  once, the ledger verifies, head.db is not ahead. 50 kills in `make test`, 1,000 in
  `make soak`; drills whose sides are killed: `test_drill.py` and `test_soak.py` beside it.
- *Disk errors* at every write and sync: `tests/ledger/faults/` and `tests/ledger/test_crash.py`.
"""

KINDS = (
    (r"head\.db knows another root", "rewritten"),
    (r"ledger was rewritten", "rewritten"),
    (r"was put back", "put back"),
    (r"entries .* are missing: \w+ countersigned", "cut"),
    (r"its own ledger does not record that", "cut or put back"),
    (r"both ledgers are of", "not the peer's"),
    (r"content key|not what its leaf commits to", "content lie"),
    (r"sealed content of entry", "altered"),
    (r"enclosure of entry", "altered"),
    (r"do(es)? not fit the signed head|does not have the root", "not under the head"),
    (r"entries but its newest head covers", "not under the head"),
    (r"newest head", "head"),
    (r"schema was changed", "schema"),
    (r"there is no ledger", "no ledger"),
    (r"cut short", "holds nothing"),
    (r"damaged|no database|is missing|was altered|\[crash\]", "damaged file"),
    (r"head\.db does not know", "head.db missing"),
)


def kind_of(said: str) -> str:
    """Return what a cell shows of a sentence: the kind of damage, and of what if that is said."""
    verdict = re.match(r"\[([a-z-]+)\] (.+?)(?: \(kind [^)]*\))?: ", said)
    if verdict:
        return f"{verdict[1]}: {verdict[2].removeprefix('the ').removeprefix('a ')}"
    code = re.match(r"\[(exit \d|crash)\] ", said)
    for pattern, kind in KINDS:
        if re.search(pattern, said):
            return f"{kind} ({code[1]})" if code else kind
    raise AssertionError(f"a sentence of no known kind: {said}")


def render(rows: Sequence[str]) -> str:
    """Return the document around the rows of its matrix."""
    lines = [HEADER, TITLES, RULE, *rows, "", "## 2 Why a look finds nothing", ""]
    lines += [f"{number}. {_sentence(why.value)}" for why, number in REASONS.items()]
    return "\n".join(lines) + "\n" + FOOTER


def row(outcome: Outcome) -> str:
    """Return the row of the matrix that says what a case led to."""
    refused = {None: "—", True: "refuse", False: "let it pass"}[outcome.refused]
    cells = [_cell(outcome, way) for way in Way]
    return heading(outcome.case) + " | ".join((refused, *cells)) + " |"


def heading(case: Case) -> str:
    """Return how the row of a case begins."""
    return f"| {case.place} | {case.operation} | {case.how} | "


def _cell(outcome: Outcome, way: Way) -> str:
    said = outcome.said[way]
    if said is not None:
        return kind_of(said)
    why = outcome.case.missed.get(way)
    return f"no ({REASONS[why]})" if why else "NO, and nobody said why"


def _number_reasons() -> dict[Why, int]:
    """Number the reasons in the order in which the table first needs them."""
    found = dict.fromkeys(case.missed[way] for case in CASES for way in Way if way in case.missed)
    return {why: number for number, why in enumerate(found, 1)}


REASONS = _number_reasons()
TITLES = "| place | operation | what is done | triggers | opens | verify | audit | peer | reads |"
RULE = "|---|---|---|---|---|---|---|---|---|"


def _sentence(clause: str) -> str:
    first = clause[0] if clause.startswith("head.db") else clause[0].upper()
    return f"{first}{clause[1:]}."


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        sys.stdout.write(render([row(one) for one in run_all(Path(made))]))
