"""Write frozen vectors anew, for a new version of a format: never over the old ones.

    python -m tests.vectors.make_vectors DIRECTORY

Every run gives other bytes, since ML-DSA signatures differ each time; that is why what
stands in this directory was written once and stays. Each file holds one thing, valid or
with exactly one fault: `input` (base64, or hex where it says so), the paragraph of
docs/protocol.md that decides, and the verdict. `reason` is a part of the sentence that
hotline says; another implementation says something of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.vectors import second_writer as w
from tests.vectors.case import Case
from tests.vectors.cell_cases import authorisation_cases, cell_cases, order_cases, packet_cases
from tests.vectors.record_cases import certificate_cases, charter_cases, root_cases
from tests.vectors.statement_cases import statement_cases
from tests.vectors.vector_line import AT, Line


def cases(line: Line) -> Iterator[tuple[str, Case]]:
    """Yield (kind, case)."""
    for kind, made in (
        ("station-root", root_cases(line)),
        ("certificate", certificate_cases(line)),
        ("charter", charter_cases(line)),
        ("statement", statement_cases(line)),
        ("order", order_cases(line)),
        ("authorisation", authorisation_cases(line)),
        ("packet", packet_cases(line)),
        ("cell", cell_cases(line)),
    ):
        yield from ((kind, case) for case in made)


def main() -> None:
    top = Path(sys.argv[1])
    top.mkdir(parents=True)
    line = Line()
    (top / "line.json").write_text(json.dumps(line.described(), indent=1, sort_keys=True) + "\n")
    for kind, case in cases(line):
        place = top / kind / f"{case.name}.json"
        place.parent.mkdir(exist_ok=True)
        body = {
            "about": case.about,
            "at": case.at or AT,
            "expected": case.expected,
            "input": {
                name: w.b64(one) if isinstance(one, bytes) else one
                for name, one in case.given.items()
            },
            "kind": kind,
            "paragraph": case.paragraph,
            "reason": case.reason,
        }
        with place.open("x", encoding="utf-8") as file:
            file.write(json.dumps(body, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
