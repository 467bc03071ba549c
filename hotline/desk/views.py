"""View models: everything a front end shows, frozen, in words ready to read.

A front end adds layout and colour, never meaning: each state comes as a word
and a symbol. Peer text in these values has passed the character rules of
docs/protocol.md §2.3 but is still hostile: show it as literal text only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a row of the timeline went."""

    IN = "IN"
    OUT = "OUT"
    SYSTEM = "SYS"


class Mark(StrEnum):
    """How much a row wants attention. A front end may colour it; the word stands beside it."""

    CALM = "calm"
    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class LinkView:
    """The link to one of several peers, as in ("EAST", "DOWN 06:12", "-")."""

    peer: str
    word: str
    symbol: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class StatusView:
    """Row 0. `mode` is LIVE, EXERCISE or REPLAY; `link_word` as in "UP" or "DOWN 06:12".

    `link_fuller` says more, the fullest first, for where there is room.
    `realm` is LIVE or EXERCISE, of what is replayed too; "" before the first event.
    `links` has each of several peers; it is empty on a line of two.
    """

    mode: str
    realm: str
    station: str
    peer: str
    officer: str
    clock_ms: int
    link_word: str
    link_mark: Mark
    links: tuple[LinkView, ...] = ()
    link_fuller: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlashView:
    """The oldest inbound FLASH that no officer has acknowledged; `count` in all."""

    digest: str
    token: str
    sender: str
    headline: str
    incident: str
    waiting_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Two lines of the timeline.

    Attributes:
        key: Stable name of the row (an entry's index); never reused.
        digest: The statement's digest in hex, or None for a system row.
        token: Three characters that name the statement on screen and by voice, or "".
        state_word, symbol: Delivery or reading state, as in ("READ BY OFFICER", "v").
        headline: First rendered line, in the reader's language.
    """

    key: int
    digest: str | None
    token: str
    at_ms: int
    direction: Direction
    precedence: str
    state_word: str
    symbol: str
    mark: Mark
    incident: str
    headline: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One line of the incident list; `next_due_ms` is the nearest clock, or None."""

    name: str
    title: str
    state_word: str
    ladder_word: str
    next_due_ms: int | None
    needs_you: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One running or missed clock. `ours`: we must act; otherwise the other station must."""

    due_ms: int
    word: str
    label: str
    incident: str
    digest: str
    ours: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class RungView:
    """A rung of the ladder: `state_word` and symbol ('*' both, 'v' own, 'p' peer, '!' breach)."""

    number: int
    step: str
    title: str
    state_word: str
    symbol: str
    current: bool


@dataclass(frozen=True, slots=True)
class LadderView:
    """The ladder of one incident, rungs from the lowest up, and what may come next."""

    state_word: str
    rungs: tuple[RungView, ...]
    whose_turn: str


@dataclass(frozen=True, slots=True)
class RootView:
    """A changed root of another station, which an officer must compare by voice.

    Attributes:
        root, before: Digests of the new and the old one in hex.
        words, before_words: Their fingerprints, as they are read out.
    """

    station: str
    root: str
    words: tuple[str, ...]
    before: str
    before_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockView:
    """A locked desk.

    Attributes:
        who: Rank and name of the officer who unlocks it, nobody else.
        idle: It locked itself, since no key was pressed; else the officer asked.
        protected: The passphrase unlocks it; else a confirmation, in exercises only.
    """

    who: str
    since_ms: int
    idle: bool
    protected: bool


@dataclass(frozen=True, slots=True)
class WatchView:
    """The watch screen but for the timeline, which is read by pages.

    `next_read` is the digest of the statement to read first, "" when none waits;
    `new_root` must be answered before anything else is done.

    Attributes:
        alarm: One line that stands on every screen until what it tells of is over, or "".
        frozen: Names the newest fork while the line is frozen: another one is news; else "".
        awaiting: Digests of the statements that await release, oldest first.
        line: The charter's name for the line, "" where it is not told.
        lock: The desk is locked: all can be read, nothing can be done.
        rings: Names of alarms for which the bell rings once each.
    """

    status: StatusView
    flash: FlashView | None
    incidents: tuple[IncidentRow, ...]
    deadlines: tuple[DeadlineRow, ...]
    ladder: LadderView | None
    ladder_incident: str
    need_you: int
    timeline_length: int
    notice: str
    next_read: str = ""
    new_root: RootView | None = None
    alarm: str = ""
    frozen: str = ""
    awaiting: tuple[str, ...] = ()
    line: str = ""
    lock: LockView | None = None
    rings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template on offer. `why` says what it would do now, as in "answers 7K2"."""

    id: str
    number: str
    title: str
    purpose: str
    precedence: str
    answers: str | None
    incident: str | None
    why: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """The incident screen."""

    name: str
    title: str
    state_word: str
    ladder: LadderView
    facts: tuple[tuple[str, str], ...]
    rows: tuple[TimelineRow, ...]
    next: tuple[TemplateChoice, ...]


@dataclass(frozen=True, slots=True)
class RecipientView:
    """One of several addressees: `acts` or is only told; `must_answer` still.

    `word` and `symbol` as of a statement's state, as in ("READ BY OFFICER", "v").
    """

    station: str
    acts: bool
    word: str
    symbol: str
    must_answer: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    """One statement, whole.

    Attributes:
        lines: Rendered in the reader's language (or a table of its fields).
        flags: Warnings in words, as in "template unknown here: shown as a table".
        history: (time in ms, what happened) from the ledger, oldest first.
        readback: Names and labels of the fields to read back, empty when none are due.
        can_acknowledge: F8 would say READ BY OFFICER now.
        recipients: Each of several addressees; empty on a line of two.
        files: Each file that travels beside it: name, and where it is.
    """

    digest: str
    token: str
    direction: Direction
    sender: str
    signers: tuple[str, ...]
    precedence: str
    dtg: str
    incident: str
    template: str
    title: str
    state_word: str
    lines: tuple[str, ...]
    flags: tuple[str, ...]
    history: tuple[tuple[int, str], ...]
    replies: tuple[TemplateChoice, ...]
    readback: tuple[tuple[str, str], ...]
    can_acknowledge: bool
    recipients: tuple[RecipientView, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field to fill: `value` is what stands there, `fault` why it cannot be sent, or ""."""

    name: str
    label: str
    help: str
    example: str
    unit: str
    type: str
    required: bool
    choices: tuple[tuple[str, str], ...]
    value: str
    fault: str


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft in the composer.

    Attributes:
        draft: Name of the draft, for every call about it.
        to: The stations that will get it.
        text: Free text that goes with it; `text_fault` why it cannot be sent, or "".
        ready: Nothing is missing: `preview` shows the exact bytes to be signed.
        preview_own, preview_peer: Rendered lines in our and in the peer's language.
        code: Four characters to type before this one goes out, or "" when none are asked.
        warnings: Words of caution; they do not forbid sending.
        need: How many officers must sign it.
        attached: Names of the files that travel beside it.
    """

    draft: str
    template: str
    number: str
    title: str
    to: tuple[str, ...]
    precedence: str
    precedences: tuple[str, ...]
    incident: str
    answers: str
    fields: tuple[FieldView, ...]
    text: str
    text_fault: str
    ready: bool
    faults: tuple[str, ...]
    preview_own: tuple[str, ...]
    preview_peer: tuple[str, ...]
    own_language: str
    peer_language: str
    code: str
    warnings: tuple[str, ...]
    need: int = 1
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A statement that awaits the second officer, rendered from the very bytes.

    Attributes:
        first: Who signed it first; `ours`: that is the officer of this desk.
        written_ms, until_ms: When it was written; when it expires.
        code: Four characters to type before it is released, or "" when none are asked.
        officers: (person, words) of who may release it here, when another must be called.
    """

    digest: str
    token: str
    number: str
    title: str
    precedence: str
    to: tuple[str, ...]
    first: str
    written_ms: int
    until_ms: int
    preview_own: tuple[str, ...]
    preview_peer: tuple[str, ...]
    own_language: str
    peer_language: str
    warnings: tuple[str, ...]
    code: str
    ours: bool
    officers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AlarmView:
    """Something that stands until it is over: what it is, the evidence, what to do."""

    title: str
    mark: Mark
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A critical field that was read back otherwise than it was sent."""

    label: str
    sent: str
    typed: str


@dataclass(frozen=True, slots=True)
class ReadBackView:
    """The outcome of a read-back: `agreed`, or what differs."""

    agreed: bool
    differences: tuple[Difference, ...]
