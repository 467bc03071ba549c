"""A scripted desk: the whole of `hotline.desk.port` in memory, frozen in time.

    desk = crowded_desk()           # an exercise with incidents, clocks, a ladder
    desk.receive("FLASH", ...)      # a statement comes in; subscribers are told
    desk.calls                      # what the console did, in order
    desk.refuse["send"] = "..."     # the next send raises OperatorError

By hand: python -m tests.fakes.console [--quiet] [--replay] [--ascii] [--live]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hotline.core.errors import OperatorError
from hotline.core.times import format_dtg
from hotline.desk.link_views import PeerLinkView
from hotline.desk.views import (
    AlarmView,
    DeadlineRow,
    Difference,
    Direction,
    DraftView,
    FieldView,
    FlashView,
    IncidentRow,
    IncidentView,
    LadderView,
    LockView,
    Mark,
    MessageView,
    ReadBackView,
    ReleaseView,
    RootView,
    StatusView,
    TemplateChoice,
    TimelineRow,
    WatchView,
)

NOON_MS = 1_795_357_927_000
"""2026-11-22T14:32:07Z, when every fake desk's clock stands."""

CODE = "7H3K"


@dataclass(slots=True)
class Said:
    """One statement, or a system row when `digest` is empty."""

    digest: str
    token: str
    at_ms: int
    direction: Direction
    precedence: str
    title: str
    lines: tuple[str, ...]
    incident: str = ""
    state: str = "DELIVERED"
    symbol: str = "."
    flags: tuple[str, ...] = ()
    readback: dict[str, tuple[str, str]] = field(default_factory=dict)
    replies: tuple[TemplateChoice, ...] = ()
    read: bool = False
    history: list[tuple[int, str]] = field(default_factory=list)
    files: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        return self.direction is Direction.IN and not self.read

    def row(self, key: int) -> TimelineRow:
        mark = Mark.CALM
        if self.waits:
            mark = Mark.ALARM if self.precedence == "FLASH" else Mark.WARNING
        return TimelineRow(
            key=key,
            digest=self.digest or None,
            token=self.token,
            at_ms=self.at_ms,
            direction=self.direction,
            precedence=self.precedence,
            state_word=self.state,
            symbol=self.symbol,
            mark=mark,
            incident=self.incident,
            headline=self.lines[0] if self.lines else "",
        )


def opened_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


def digest_of(number: int) -> str:
    return f"{number:064x}"


@dataclass(slots=True)
class FakeDesk:
    """Implements Desk; tests set its parts as they like."""

    mode: str = "EXERCISE"
    now_ms: int = NOON_MS
    officer: str = "LT RAMOS"
    link_word: str = "UP"
    said: list[Said] = field(default_factory=list)
    incidents: tuple[IncidentRow, ...] = ()
    deadlines: tuple[DeadlineRow, ...] = ()
    ladders: dict[str, LadderView] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
    forms: tuple[TemplateChoice, ...] = ()
    form_fields: tuple[FieldView, ...] = ()
    notice: str = ""
    next_read: str = ""
    new_root: RootView | None = None
    code: str = ""
    need: int = 1
    warnings: tuple[str, ...] = ()
    calls: list[tuple[object, ...]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    drafts: dict[str, DraftView] = field(default_factory=dict)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    watch_reads: int = 0
    alarm: str = ""
    frozen: str = ""
    told: tuple[AlarmView, ...] = ()
    waiting: dict[str, ReleaseView] = field(default_factory=dict)
    locked: LockView | None = None
    lock_after_ms: int = 0
    protected: bool = True
    may_open: asyncio.Event = field(default_factory=opened_gate)
    passphrase: str = "correct horse"
    routes: tuple[PeerLinkView, ...] = ()

    def watch(self) -> WatchView:
        self.watch_reads += 1
        first = self.incidents[0].name if self.incidents else ""
        return WatchView(
            status=self.status(),
            flash=self.flash(),
            incidents=self.incidents,
            deadlines=self.deadlines,
            ladder=self.ladders.get(first),
            ladder_incident=first,
            need_you=sum(row.needs_you for row in self.incidents),
            timeline_length=len(self.said),
            notice=self.notice,
            next_read=self.next_read,
            new_root=self.new_root,
            alarm=self.alarm,
            frozen=self.frozen,
            awaiting=tuple(self.waiting),
            lock=self.locked,
        )

    def status(self) -> StatusView:
        down = self.link_word != "UP"
        return StatusView(
            mode=self.mode,
            realm="LIVE" if self.mode == "LIVE" else "EXERCISE",
            station="NORTH",
            peer="SOUTH",
            officer=self.officer,
            clock_ms=self.now_ms,
            link_word=self.link_word,
            link_mark=Mark.ALARM if down else Mark.CALM,
        )

    def flash(self) -> FlashView | None:
        waiting = [one for one in self.said if one.waits and one.precedence == "FLASH"]
        if not waiting:
            return None
        one = waiting[0]
        return FlashView(
            digest=one.digest,
            token=one.token,
            sender="SOUTH",
            headline=one.lines[0],
            incident=one.incident,
            waiting_ms=self.now_ms - one.at_ms,
            count=len(waiting),
        )

    def links(self) -> tuple[PeerLinkView, ...]:
        return self.routes

    def timeline(self, start: int, stop: int) -> tuple[TimelineRow, ...]:
        start = max(0, start)
        return tuple(one.row(start + i) for i, one in enumerate(self.said[start:stop]))

    def incident(self, name: str) -> IncidentView | None:
        row = next((one for one in self.incidents if one.name == name), None)
        if row is None:
            return None
        mine = tuple(one.row(key) for key, one in enumerate(self.said) if one.incident == name)
        return IncidentView(
            name=name,
            title=row.title,
            state_word=row.state_word,
            ladder=self.ladders.get(name, LadderView("", (), "")),
            facts=self.facts,
            rows=mine,
            next=self.forms[:2],
        )

    def message(self, digest: str) -> MessageView | None:
        one = self.find(digest)
        if one is None:
            return None
        labels = tuple((name, label) for name, (label, _) in one.readback.items())
        return MessageView(
            digest=digest,
            token=one.token,
            direction=one.direction,
            sender="SOUTH" if one.direction is Direction.IN else "NORTH",
            signers=("LCDR NIVEN",) if one.direction is Direction.IN else (self.officer,),
            precedence=one.precedence,
            dtg=format_dtg(one.at_ms),
            incident=one.incident,
            template="sea/encounter",
            title=one.title,
            state_word=one.state,
            lines=one.lines,
            flags=one.flags,
            history=tuple(one.history),
            replies=one.replies if one.direction is Direction.IN else (),
            readback=labels if one.read else (),
            can_acknowledge=one.waits,
            files=one.files,
        )

    def alarms(self) -> tuple[AlarmView, ...]:
        return self.told

    def awaiting(self, digest: str) -> ReleaseView | None:
        return self.waiting.get(digest)

    async def release(
        self, digest: str, *, code: str = "", person: str = "", passphrase: str = ""
    ) -> None:
        self._take("release", digest, code, person, passphrase)
        self.waiting.pop(digest)
        self.changed()

    async def refuse_release(
        self, digest: str, reason: str, *, person: str = "", passphrase: str = ""
    ) -> None:
        self._take("refuse", digest, reason, person, passphrase)
        self.waiting.pop(digest)
        self.changed()

    async def withdraw_release(self, digest: str, reason: str) -> None:
        self._take("withdraw", digest, reason)
        self.waiting.pop(digest)
        self.changed()

    def find(self, digest: str) -> Said | None:
        return next((one for one in self.said if one.digest and one.digest == digest), None)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)

    def changed(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()

    def receive(self, precedence: str, *lines: str, **parts: object) -> str:
        """A statement comes in; return its digest."""
        number = len(self.said) + 1
        one = Said(
            digest=digest_of(number),
            token=f"{number % 10}K{number // 10 % 10}",
            at_ms=self.now_ms,
            direction=Direction.IN,
            precedence=precedence,
            title="SEA-01 Encounter at sea",
            lines=lines,
            incident="INC-04",
            state="NOT READ",
            symbol="!",
            history=[(self.now_ms, "recorded here")],
        )
        for name, value in parts.items():
            setattr(one, name, value)
        self.said.append(one)
        self.changed()
        return one.digest

    def _take(self, name: str, *words: object) -> None:
        self.calls.append((name, *words))
        if name in self.refuse:
            raise OperatorError(self.refuse.pop(name), hint="try it again")

    def choices(self, incident: str | None = None) -> tuple[TemplateChoice, ...]:
        self._take("choices", incident)
        return self.forms

    def open_draft(self, choice: TemplateChoice) -> DraftView:
        self._take("open_draft", choice.id)
        draft = DraftView(
            draft=f"draft-{len(self.drafts) + 1}",
            template=choice.id,
            number=choice.number,
            title=choice.title,
            to=("SOUTH",),
            precedence=choice.precedence,
            precedences=("FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"),
            incident=choice.incident or "",
            answers=choice.answers or "",
            fields=self.form_fields,
            text="",
            text_fault="",
            ready=False,
            faults=(),
            preview_own=(),
            preview_peer=(),
            own_language="English",
            peer_language="Deutsch",
            code="",
            warnings=(),
        )
        self.drafts[draft.draft] = draft
        return draft

    def fill(
        self, draft: str, *, fields: Mapping[str, str], text: str, precedence: str
    ) -> DraftView:
        self._take("fill", draft, dict(fields), text, precedence)
        old = self.drafts[draft]
        filled = tuple(
            replace(one, value=fields[one.name], fault=_fault(one, fields[one.name]))
            for one in old.fields
        )
        faults = tuple(f"{one.label}: {one.fault}" for one in filled if one.fault)
        said = tuple(f"{one.label} {one.value} {one.unit}".rstrip() for one in filled if one.value)
        words = (text,) if text else ()
        ready = not faults
        new = replace(
            old,
            fields=filled,
            text=text,
            precedence=precedence,
            faults=faults,
            ready=ready,
            preview_own=(f"{precedence} to SOUTH", *said, *words) if ready else (),
            preview_peer=(f"{precedence} an SUED", *said, *words) if ready else (),
            code=self.code if ready else "",
            need=self.need,
            warnings=self.warnings,
        )
        self.drafts[draft] = new
        return new

    async def attach(self, draft: str, path: str) -> DraftView:
        self._take("attach", draft, path)
        old = self.drafts[draft]
        name = path.rpartition("/")[2]
        self.drafts[draft] = replace(old, attached=(*old.attached, name), ready=False)
        return self.drafts[draft]

    def detach(self, draft: str) -> DraftView:
        self._take("detach", draft)
        self.drafts[draft] = replace(self.drafts[draft], attached=(), ready=False)
        return self.drafts[draft]

    async def save_file(self, digest: str, number: int, directory: str) -> str:
        self._take("save_file", digest, number, directory)
        return f"{directory}/chart.png"

    def discard(self, draft: str) -> None:
        self._take("discard", draft)
        self.drafts.pop(draft)

    async def send(self, draft: str, code: str) -> str:
        self._take("send", draft, code)
        sent = self.drafts.pop(draft)
        number = len(self.said) + 1
        self.said.append(
            Said(
                digest=digest_of(number),
                token=f"{number % 10}S{number // 10 % 10}",
                at_ms=self.now_ms,
                direction=Direction.OUT,
                precedence=sent.precedence,
                title=f"{sent.number} {sent.title}",
                lines=sent.preview_own[1:] or (sent.title,),
                incident=sent.incident,
                state="QUEUED",
                symbol=".",
                history=[(self.now_ms, "recorded and queued")],
            )
        )
        self.changed()
        return digest_of(number)

    async def compare_root(self, root: str, *, agreed: bool) -> None:
        self._take("compare_root", root, agreed)
        if agreed:
            self.new_root = None
        self.changed()

    async def acknowledge(self, digest: str) -> None:
        self._take("acknowledge", digest)
        one = self.find(digest)
        assert one is not None
        one.read, one.state, one.symbol = True, "READ BY OFFICER", "v"
        one.history.append((self.now_ms, f"read by {self.officer}"))
        self.changed()

    async def read_back(self, digest: str, typed: Mapping[str, str]) -> ReadBackView:
        self._take("read_back", digest, dict(typed))
        one = self.find(digest)
        assert one is not None
        wrong = tuple(
            Difference(label, sent, typed[name])
            for name, (label, sent) in one.readback.items()
            if typed[name] != sent
        )
        if not wrong:
            one.readback, one.state = {}, "READ BACK"
        self.changed()
        return ReadBackView(agreed=not wrong, differences=wrong)

    def lock(self, why: str, idle_ms: int = 0) -> Coroutine[Any, Any, None]:
        self._take("lock", why, idle_ms)
        self.locked = LockView(self.officer, self.now_ms, why == "IDLE", self.protected)
        return self._recorded()

    async def _recorded(self) -> None:
        self._take("lock recorded")
        self.changed()

    async def unlock(self, passphrase: str) -> None:
        self._take("unlock", passphrase)
        await self.may_open.wait()
        if self.protected and passphrase != self.passphrase:
            raise OperatorError("it does not open with that passphrase", hint="type it again")
        self.locked = None
        self.changed()

    async def displayed(self, digest: str) -> None:
        self._take("displayed", digest)


def _fault(spec: FieldView, value: str) -> str:
    if spec.required and not value:
        return "must be filled"
    if value and spec.type == "bearing" and not (value.isdigit() and int(value) < 360):
        return f"a bearing is 000 to 359, as in {spec.example}"
    return ""
