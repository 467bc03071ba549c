"""Law 7: what code cites stands in docs/, and every MUST of docs/ is cited by code and tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
CITATION = re.compile(r"(?:docs/)?([a-z-]+\.md) ((?:§[\d.]+(?:, | and | to )?)+)")
PARAGRAPH = re.compile(r"^(?:#+ )?(\d+(?:\.\d+)*)[. ]", re.MULTILINE)


def _paragraphs(name: str) -> set[str]:
    return set(PARAGRAPH.findall((ROOT / "docs" / name).read_text(encoding="utf-8")))


def _citations(folder: str) -> dict[tuple[str, str], str]:
    """Return (document, paragraph) to one place that cites it."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for name, numbers in CITATION.findall(text):
            for number in re.findall(r"§([\d.]+)", numbers):
                found[name, number.rstrip(".")] = str(path.relative_to(ROOT))
    return found


def test_citations_name_paragraphs_that_exist() -> None:
    assert len(_citations("hotline")) > 50
    missing = [
        f"{place}: {name} §{number}"
        for (name, number), place in _citations("hotline").items()
        if not (ROOT / "docs" / name).is_file() or number not in _paragraphs(name)
    ]
    assert missing == []


def test_every_must_of_the_docs_is_cited_by_code() -> None:
    cited = set(_citations("hotline"))
    uncited = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        blocks = re.split(r"(?m)^(?=(?:#+ )?\d+(?:\.\d+)*[. ])", path.read_text(encoding="utf-8"))
        for block in blocks:
            number = PARAGRAPH.match(block)
            if number and re.search(r"\bMUST\b", block):
                chapter = number[1].partition(".")[0]
                if (path.name, number[1]) not in cited and (path.name, chapter) not in cited:
                    uncited.append(f"{path.name} §{number[1]}")
    assert uncited == []
