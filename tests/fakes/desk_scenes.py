"""Scenes for the scripted desk: quiet, crowded, hostile, and a record to replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hotline.core.exchange.fold import fold
from hotline.core.exchange.situation import Happening, Situation
from hotline.core.records import events as ev
from hotline.desk.link_status import peer_links
from hotline.desk.views import (
    AlarmView,
    DeadlineRow,
    Direction,
    FieldView,
    IncidentRow,
    IncidentView,
    LadderView,
    Mark,
    MessageView,
    ReleaseView,
    RootView,
    RungView,
    TemplateChoice,
    TimelineRow,
    WatchView,
)
from tests.fakes.desk import NOON_MS, FakeDesk, Said, digest_of
from tests.fakes.line import rules

_MINUTE_MS = 60_000


def choice(number: str, title: str, why: str, *, answers: int | None = None) -> TemplateChoice:
    return TemplateChoice(
        id=number.lower().replace("-", "/", 1),
        number=number,
        title=title,
        purpose=f"Says: {title.lower()}.",
        precedence="IMMEDIATE",
        answers=digest_of(answers) if answers else None,
        incident="INC-04",
        why=why,
    )


FORMS = (
    choice("SEA-03", "Intent", "answers 5K1", answers=5),
    choice("DEESC-02", "Hold", "next step of the ladder: hold until a time"),
    choice("SEA-01", "Encounter at sea", ""),
    choice("CONV-01", "Holding reply", ""),
)
FIELDS = (
    FieldView("course", "Course", "true", "045", "deg T", "bearing", True, (), "", ""),
    FieldView("speed", "Speed", "", "8", "kn", "speed", True, (), "", ""),
    FieldView(
        "act",
        "Own act",
        "what we will do",
        "hold",
        "",
        "choice",
        True,
        (("hold", "hold course and speed"), ("turn", "turn away"), ("stop", "stop")),
        "",
        "",
    ),
    FieldView("until", "Until", "date-time group", "221500Z NOV 26", "", "dtg", False, (), "", ""),
)
LADDER = LadderView(
    "proposed",
    (
        RungView(1, "open", "open channel, identify", "agreed 14:05Z", "*", False),
        RungView(2, "intent", "exchange intentions", "ours given", "v", False),
        RungView(3, "distance", "keep 2 nautical miles apart", "proposed by SOUTH", "p", True),
        RungView(4, "withdraw", "both withdraw 5 nautical miles", "", " ", False),
        RungView(5, "close", "close the incident", "", " ", False),
    ),
    "Your turn: answer 5K1.",
)


NEW_ROOT = RootView(
    station="SOUTH",
    root="ab" * 32,
    words=tuple(f"new{number:02}" for number in range(1, 25)),
    before="cd" * 32,
    before_words=tuple(f"old{number:02}" for number in range(1, 25)),
)
"""A root that SOUTH says it signs with from now on."""


def quiet_desk(mode: str = "LIVE") -> FakeDesk:
    """Nothing has happened yet."""
    return FakeDesk(mode=mode, forms=FORMS, form_fields=FIELDS)


def _said(
    number: int, minutes: int, direction: Direction, precedence: str, state: str, *lines: str
) -> Said:
    token = f"{number}{'K' if direction is Direction.IN else 'S'}1"
    return Said(
        digest=digest_of(number),
        token=token,
        at_ms=NOON_MS - minutes * _MINUTE_MS,
        direction=direction,
        precedence=precedence,
        title="SEA-01 Encounter at sea",
        lines=lines,
        incident="INC-04" if number > 2 else "INC-02",
        state=state,
        symbol="v" if "READ" in state else ".",
        read=True,
        history=[(NOON_MS - minutes * _MINUTE_MS, "recorded here")],
    )


def crowded_desk(mode: str = "EXERCISE") -> FakeDesk:
    """Two incidents, an answer due, a ladder half way, no FLASH."""
    desk = quiet_desk(mode)
    log = Said("", "", NOON_MS - 30 * _MINUTE_MS, Direction.SYSTEM, "", "", ("LINK DOWN 3 min",))
    log.state, log.symbol = "LINK UP", "+"
    asked = _said(5, 6, Direction.IN, "IMMEDIATE", "NOT READ", "Keep more than 2 nautical miles.")
    asked.lines += ("Course 210 deg T, speed 12 kn.", "Closest approach 0.6 nmi at 221440Z NOV 26.")
    asked.read, asked.symbol, asked.replies = False, "!", FORMS[:2]
    asked.readback = {"course": ("Course", "210"), "cpa": ("Closest approach", "0.6")}
    desk.said = [
        _said(1, 62, Direction.IN, "ROUTINE", "READ BY OFFICER", "Radio check, channel B."),
        _said(2, 60, Direction.OUT, "ROUTINE", "CLOSED", "Radio check well received."),
        log,
        _said(4, 14, Direction.OUT, "PRIORITY", "READ BY OFFICER", "Own course 045 deg T, 8 kn."),
        asked,
    ]
    desk.incidents = (
        IncidentRow(
            "INC-04", "Near miss at sea", "OPEN", "rung 3 of 5", NOON_MS + 499_000, True, Mark.ALARM
        ),
        IncidentRow(
            "INC-02", "Radio check", "CLOSING", "", NOON_MS + 41 * _MINUTE_MS, False, Mark.CALM
        ),
    )
    desk.deadlines = (
        DeadlineRow(NOON_MS - 20_000, "READ", "4S1", "INC-04", digest_of(4), False, True),
        DeadlineRow(NOON_MS + 499_000, "REPLY", "5K1", "INC-04", digest_of(5), True, False),
        DeadlineRow(
            NOON_MS + 41 * _MINUTE_MS, "ANSWER", "2S1", "INC-02", digest_of(2), False, False
        ),
    )
    desk.ladders = {"INC-04": LADDER}
    desk.facts = (
        ("opened", "14:05Z by SOUTH"),
        ("units", "NORTH hull 711, SOUTH hull 119"),
        ("CPA", "0.6 nmi at 14:40Z"),
    )
    desk.notice = "Your turn: answer 5K1 within 08:19. Enter opens it."
    return desk


def flash_desk(mode: str = "EXERCISE") -> FakeDesk:
    """The crowded desk, and a FLASH that came in 41 s ago."""
    desk = crowded_desk(mode)
    desk.receive(
        "FLASH",
        "Cease closing. Closest approach 0.6 nautical miles at 221440Z NOV 26.",
        "Keep more than 2 nautical miles. Reply within 10 minutes.",
        at_ms=NOON_MS - 41_000,
    )
    return desk


def release_desk(*, ours: bool = True, code: str = "") -> FakeDesk:
    """The crowded desk, and a commitment that awaits its second officer."""
    desk = crowded_desk()
    mine = _said(7, 3, Direction.OUT, "IMMEDIATE", "AWAITING RELEASE", "We propose to hold.")
    mine.symbol = "="
    desk.said.append(mine)
    desk.waiting[mine.digest] = ReleaseView(
        digest=mine.digest,
        token=mine.token,
        number="DEESC-02",
        title="Hold",
        precedence="IMMEDIATE",
        to=("SOUTH",),
        first="Duty officer LT RAMOS",
        written_ms=mine.at_ms,
        until_ms=mine.at_ms + 30 * _MINUTE_MS,
        preview_own=("IMMEDIATE to SOUTH", "1. We propose to hold at 54-32.0N 011-03.0E."),
        preview_peer=("IMMEDIATE an SUED", "1. Wir schlagen vor, auf 54-32.0N zu bleiben."),
        own_language="English",
        peer_language="Deutsch",
        warnings=(),
        code=code,
        ours=ours,
        officers=(
            (("ekberg", "Deputy LT EKBERG"), ("sorel", "Commander CDR SOREL")) if ours else ()
        ),
    )
    desk.notice = "NEXT: 7S1 needs a second officer until 15:00Z: ^R opens it."
    return desk


def frozen_desk() -> FakeDesk:
    """The crowded desk on a line that is frozen by a fork, with a gap besides."""
    desk = crowded_desk()
    desk.alarm = "LINE FROZEN: SOUTH gave number 5 to two statements. F9: what now"
    desk.frozen = "ab" * 32
    desk.told = (
        AlarmView(
            "LINE FROZEN: two statements with number 5 of SOUTH",
            Mark.ALARM,
            (
                "Seen at 14:31Z.",
                "The first stands: 5K1 Keep more than 2 nautical miles.",
                "DO NOW: speak with SOUTH by voice.",
            ),
        ),
        AlarmView(
            "MISSING: numbers 2 to 3 of SOUTH",
            Mark.WARNING,
            ("SOUTH is asked for them while the link is up.",),
        ),
    )
    return desk


def link_desk() -> FakeDesk:
    """The crowded desk with two routes to SOUTH: one in order, one that does not answer."""
    desk = crowded_desk()
    desk.link_word = "UP 1 of 2"
    desk.alarm = "AT PEER, NOT READ: 4S1 (PRIORITY) to SOUTH, 61 min. F9: more"
    answers = {"direct": "answers in 12 ms, heard now", "relay-a": ""}
    situation, peers = linked_situation(), ("SOUTH",)
    desk.routes = peer_links(situation, rules(), peers, NOON_MS, lambda _, name: answers[name])
    return desk


def linked_situation() -> Situation:
    """Two routes to SOUTH; of `relay-a` no test comes back, and the officers' test is owed."""
    opened = ev.LedgerOpened(realm="EXERCISE", line="ab" * 32, station="NORTH", generation=1)
    events: list[tuple[int, ev.Event]] = [(600, opened)]
    for route in ("direct", "relay-a"):
        up = ev.LinkChanged(peer="SOUTH", route=route, state="UP", reason="a session is open")
        events.append((540, up))
    for serial in range(1, 9):
        minutes = 541 - 60 * serial
        phrase = "pass radio sea raw"
        sent = {"peer": "SOUTH", "route": "direct", "serial": serial}
        events.append((minutes, ev.ChannelTestSent(**sent, phrase=phrase)))
        events.append((minutes, ev.ChannelTestEchoed(**sent, rtt_ms=41, size=300)))
    passed = ev.ChannelChanged(peer="SOUTH", route="direct", before="UNTESTED", after="PASSED")
    events.append((60, passed))
    for place, after in enumerate(("MISSED1", "MISSED2", "DEGRADED")):
        test = {"peer": "SOUTH", "route": "relay-a", "serial": 9 + place}
        events.append((9 - place * 3, ev.ChannelTestSent(**test, phrase="wise owl sea raw")))
        events.append((8 - place * 3, ev.ChannelTestMissed(**test, why="NO ECHO")))
        moved = ev.ChannelChanged(peer="SOUTH", route="relay-a", before="PASSED", after=after)
        events.append((8 - place * 3, moved))
    return fold(
        Happening(index, NOON_MS - minutes * _MINUTE_MS, event)
        for index, (minutes, event) in enumerate(events)
    )


def long_desk(rows: int) -> FakeDesk:
    """A timeline of `rows` statements that have all been read."""
    desk = quiet_desk()
    shape = _said(3, 0, Direction.IN, "ROUTINE", "READ BY OFFICER", "x")
    desk.said = [
        replace(shape, digest=digest_of(n), token=f"{n % 1000:03d}", lines=(f"Statement {n}.",))
        for n in range(rows)
    ]
    return desk


class FakeRecord:
    """A replay over a desk's timeline: after event n, n statements had been said."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk
        self._all = list(desk.said)
        self.watchers: list[Callable[[], None]] = []
        self.position = 0
        desk.mode = "REPLAY"
        self.jump(len(self._all))

    @property
    def length(self) -> int:
        return len(self._all)

    def step(self, delta: int) -> None:
        self.jump(self.position + delta)

    def jump(self, position: int) -> None:
        self.position = max(0, min(position, self.length))
        self._desk.said = self._all[: self.position]
        if self.position:
            self._desk.now_ms = self._all[self.position - 1].at_ms
        for watcher in tuple(self.watchers):
            watcher()

    def event_words(self) -> str:
        one = self._all[self.position - 1]
        return f"NORTH recorded {one.token or 'a log line'}: {one.lines[0]}"

    def watch(self) -> WatchView:
        return self._desk.watch()

    def timeline(self, start: int, stop: int) -> tuple[TimelineRow, ...]:
        return self._desk.timeline(start, stop)

    def incident(self, name: str) -> IncidentView | None:
        return self._desk.incident(name)

    def message(self, digest: str) -> MessageView | None:
        return self._desk.message(digest)

    def alarms(self) -> tuple[AlarmView, ...]:
        return self._desk.alarms()

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)
