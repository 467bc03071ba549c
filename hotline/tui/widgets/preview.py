"""The preview: what both stations will read, rendered by the desk from the bytes to be signed."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from hotline.core.times import format_clock
from hotline.desk.views import DraftView, ReleaseView
from hotline.tui.drawing import line_of
from hotline.tui.literal import clean, literal
from hotline.tui.look import BRIGHT, GOOD, KEY, QUIET, WARNING

_SIDE_BY_SIDE_CELLS = 90


Previewed = DraftView | ReleaseView
"""What has a preview in both languages."""


def _headed(head: str, lines: tuple[str, ...]) -> list[Content]:
    return [literal(head, KEY), *(literal(line, BRIGHT) for line in lines)]


def _side_by_side(draft: Previewed, width: int) -> list[Content]:
    half = (width - 3) // 2
    columns: list[list[Content]] = []
    own = _headed(_own_head(draft), draft.preview_own)
    peer = _headed(_peer_head(draft), draft.preview_peer)
    for lines in (own, peer):
        column: list[Content] = []
        for line in lines:
            column.extend(line.wrap(half) if line.plain else [line])
        columns.append(column)
    left, right = columns
    rows = max(len(left), len(right))
    blank = Content()
    joined = []
    for place in range(rows):
        one = left[place] if place < len(left) else blank
        other = right[place] if place < len(right) else blank
        joined.append(line_of(one, " " * max(0, half - cell_len(one.plain)), (" | ", QUIET), other))
    return joined


def _own_head(draft: Previewed) -> str:
    return f"YOU READ ({draft.own_language})"


def _peer_head(draft: Previewed) -> str:
    return f"{', '.join(draft.to)} READS ({draft.peer_language})"


def preview_lines(draft: Previewed, width: int) -> list[Content]:
    """Return the preview for `width` cells: own beside peer when it is wide, else one after one."""
    alike = draft.own_language == draft.peer_language and draft.preview_own == draft.preview_peer
    if alike:
        head = f"YOU AND {', '.join(draft.to)} READ ({draft.own_language})"
        lines = _headed(head, draft.preview_own)
    elif width >= _SIDE_BY_SIDE_CELLS:
        lines = _side_by_side(draft, width)
    else:
        lines = _headed(_own_head(draft), draft.preview_own)
        lines += [Content(), *_headed(_peer_head(draft), draft.preview_peer)]
    for warning in draft.warnings:
        lines.append(line_of(("! ", WARNING), literal(warning, WARNING)))
    return lines


def beside_lines(draft: DraftView, width: int, *, stale: bool, checked: bool) -> list[Content]:
    """Return what stands beside the form: the preview, or what is still missing for it."""
    if draft.ready and checked and not stale:
        ready = literal("READY. ^G opens the sending screen.", GOOD)
        return [*preview_lines(draft, width), Content(), ready]
    if not checked:
        return [literal("Fill the form, then press ^P: it is checked and shown here.", QUIET)]
    if stale:
        return [literal("Changed since it was checked. Press ^P again.", WARNING)]
    lines = [literal("NOT READY", WARNING)]
    lines += [literal(f"! {clean(fault)}", WARNING) for fault in draft.faults]
    return lines


def sending_title(draft: DraftView) -> str:
    """Return the preview's title, as in "SEA-01 IMMEDIATE to SOUTH"."""
    signed = f", {draft.need} OFFICERS MUST SIGN" if draft.need > 1 else ""
    return clean(f"{draft.number} {draft.precedence} to {', '.join(draft.to)}{signed}")


def release_lines(release: ReleaseView) -> list[Content]:
    """Return who signed first and when it was written, above the preview."""
    return [
        literal(f"SIGNED FIRST by {release.first}", KEY),
        literal(f"written {format_clock(release.written_ms)}; named {release.token}", QUIET),
        Content(),
    ]
