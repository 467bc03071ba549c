"""The feed: a situation as view models. Live and replay present with this one class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hotline.core.exchange.delivery import StatementState
from hotline.core.exchange.releasing import awaiting
from hotline.core.exchange.rules import Rules
from hotline.core.exchange.situation import Happening, Incident, Situation
from hotline.core.exchange.standing import Release
from hotline.core.messages.phrasing import Phrasebook, title
from hotline.core.messages.rendering import headline
from hotline.core.records import events as ev
from hotline.core.seams import Clock
from hotline.core.times import format_clock
from hotline.core.values import Precedence
from hotline.desk import wording
from hotline.desk.alarms import alarm_line, alarm_views, frozen_by
from hotline.desk.duties import deadline_rows, need_you, notice
from hotline.desk.ladders import ladder_view, ladder_word
from hotline.desk.line_alarms import LineAlarm, line_alarms
from hotline.desk.link_status import Health, link_views, link_words, peer_links, summary_of
from hotline.desk.link_views import PeerLinkView
from hotline.desk.messages import message_view, unreleased_view
from hotline.desk.offers import Offers
from hotline.desk.recipients import recipient_views
from hotline.desk.route_words import route_words
from hotline.desk.views import (
    AlarmView,
    Direction,
    FlashView,
    IncidentRow,
    IncidentView,
    LockView,
    Mark,
    MessageView,
    RootView,
    StatusView,
    TimelineRow,
    WatchView,
)
from hotline.station.endings import Ending

MAX_CACHED_HEADLINES = 4096
MAX_INCIDENT_ROWS = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a feed cannot read from the ledger.

    Attributes:
        mode: LIVE, EXERCISE or REPLAY.
        peers: The other stations of the line, in the charter's order.
        sending: The route by which a statement is on its way right now to a station ("": to
            any), or "".
        coach: What EXCON tells the officer, or "".
        names: Certificate id (hex) to role, rank and name of whom it certifies.
        new_root: A changed root that waits; `ending`: certificates whose end is an alarm.
        line: The charter's name for it, or ""; `lock`: what stands while the key is locked.
        health: How well a route answers now, in words.
    """

    station: str
    peers: tuple[str, ...]
    mode: str
    clock: Clock
    sending: Callable[[str, str], str]
    coach: Callable[[], str]
    names: Callable[[], Mapping[str, str]] = dict
    new_root: Callable[[], RootView | None] = lambda: None
    ending: Callable[[], tuple[Ending, ...]] = tuple
    line: str = ""
    lock: Callable[[], LockView | None] = lambda: None
    health: Health = lambda _peer, _route: ""


class Presenter:
    """Gives the views of whatever situation `now` returns."""

    def __init__(
        self,
        now: Callable[[], Situation],
        rules: Rules,
        phrasebook: Phrasebook,
        around: Surroundings,
    ) -> None:
        """Present in the language of `phrasebook`."""
        self._now, self._rules, self._phrasebook, self._around = now, rules, phrasebook, around
        self.offers = Offers(rules, phrasebook)
        self._headlines: dict[str, str] = {}

    def watch(self) -> WatchView:
        """Return the watch screen's view as of now."""
        situation = self._now()
        shown, around = _foremost(situation), self._around
        now_ms, line = around.clock(), self._line_alarms(situation)
        return WatchView(
            status=self._status(situation),
            flash=self._flash(situation),
            incidents=tuple(
                self._incident_row(situation, one) for one in reversed(situation.incidents.values())
            ),
            deadlines=deadline_rows(situation, self._rules, around.peers, now_ms),
            ladder=ladder_view(self._rules, shown.ladder, around.station, around.peers)
            if shown
            else None,
            ladder_incident=shown.name if shown else "",
            need_you=need_you(situation),
            timeline_length=len(situation.timeline),
            notice=notice(situation, self._rules, around.coach()),
            next_read=next((state.digest for state in situation.unread()), ""),
            alarm=alarm_line(situation, around.ending(), line),
            rings=frozenset(one.rings for one in line if one.rings),
            frozen=frozen_by(situation),
            awaiting=tuple(one.digest for one in awaiting(situation)),
            new_root=around.new_root(),
            line=around.line,
            lock=around.lock(),
        )

    def timeline(self, start: int, stop: int) -> tuple[TimelineRow, ...]:
        """Return rows start..stop-1 of the timeline, oldest first; fewer at the ends."""
        situation = self._now()
        return tuple(
            self._row(situation, one) for one in situation.timeline[max(start, 0) : max(stop, 0)]
        )

    def incident(self, name: str) -> IncidentView | None:
        """Return one incident, or None when there is none of that name."""
        situation = self._now()
        incident = situation.incidents.get(name)
        if incident is None:
            return None
        station, peers = self._around.station, self._around.peers
        rows = [
            self._row(situation, one)
            for one in situation.timeline
            if one.statement is not None and one.statement.incident == name
        ]
        return IncidentView(
            name=name,
            title=self._title(situation, incident),
            state_word=_incident_word(incident),
            ladder=ladder_view(self._rules, incident.ladder, station, peers),
            facts=self._facts(situation, incident),
            rows=tuple(rows[-MAX_INCIDENT_ROWS:]),
            next=tuple(one for one in self.offers.all(situation, name) if one.incident == name),
        )

    def message(self, digest: str) -> MessageView | None:
        """Return one statement, or None when the ledger holds none of that digest."""
        situation = self._now()
        state = situation.statements.get(digest)
        if state is None:
            release = situation.releases.get(digest)
            return unreleased_view(self._rules, self._phrasebook, release) if release else None
        names = self._around.names()
        signed = state.signers or state.statement.by
        signers = tuple(names.get(one, f"unknown {one[:8]}") for one in signed)
        return message_view(
            situation,
            self._rules,
            self._phrasebook,
            self.offers,
            state,
            self._state_word(situation, state)[0],
            signers,
            recipient_views(situation, state, self._around.sending),
        )

    def alarms(self) -> tuple[AlarmView, ...]:
        """Return what stands until somebody acts."""
        situation = self._now()
        line = self._line_alarms(situation)
        shown = partial(self._shown, situation)
        return alarm_views(situation, shown, self._around.ending(), line)

    def links(self) -> tuple[PeerLinkView, ...]:
        """Return what the link screen shows: each peer, each route, their tests."""
        around = self._around
        now_ms, health = around.clock(), around.health
        return peer_links(self._now(), self._rules, around.peers, now_ms, health)

    def _line_alarms(self, situation: Situation) -> tuple[LineAlarm, ...]:
        around, shown = self._around, partial(self._shown, situation)
        return line_alarms(situation, self._rules, around.peers, around.clock(), shown)

    def _shown(self, situation: Situation, digest: str) -> str:
        """Return token and first line of a statement."""
        state = situation.statements[digest]
        return f"{state.token} {self._headline(state)}"

    # --- parts -----------------------------------------------------------------

    def _status(self, situation: Situation) -> StatusView:
        around, times = self._around, self._rules.channel
        links = link_views(situation, times, around.peers, around.clock())
        peer = " ".join(around.peers)
        word, mark = link_words(situation, times, peer, around.clock())
        if links:
            word, mark = summary_of(links)
        officer = f"{situation.role} {situation.officer}".strip() or "nobody"
        return StatusView(
            mode=around.mode,
            realm=situation.realm,
            station=around.station,
            peer=peer,
            officer=officer,
            clock_ms=around.clock(),
            link_word=word,
            link_fuller=route_words(word, situation.routes.get(peer, {}), around.clock()),
            link_mark=mark,
            links=links,
        )

    def _flash(self, situation: Situation) -> FlashView | None:
        waiting = [
            state for state in situation.unread() if state.statement.precedence is Precedence.FLASH
        ]
        if not waiting:
            return None
        first = waiting[0]
        return FlashView(
            digest=first.digest,
            token=first.token,
            sender=first.statement.sender,
            headline=self._headline(first),
            incident=first.statement.incident or "",
            waiting_ms=self._around.clock() - first.at_ms,
            count=len(waiting),
        )

    def _row(self, situation: Situation, happening: Happening) -> TimelineRow:
        if happening.statement is None:
            word, sentence, mark = wording.system_row(situation, happening)
            return TimelineRow(
                key=happening.index,
                digest=None,
                token="",
                at_ms=happening.at_ms,
                direction=Direction.SYSTEM,
                precedence="",
                state_word=word,
                symbol={Mark.ALARM: "!", Mark.WARNING: "-"}.get(mark, "."),
                mark=mark,
                incident=getattr(happening.event, "incident", "") or "",
                headline=sentence,
            )
        if isinstance(happening.event, ev.ReleaseAsked):
            return self._awaiting_row(situation.releases[happening.event.digest], happening)
        state = situation.statements[getattr(happening.event, "digest")]  # noqa: B009 by fold
        word, symbol = self._state_word(situation, state)
        return TimelineRow(
            key=happening.index,
            digest=state.digest,
            token=state.token,
            at_ms=happening.at_ms,
            direction=Direction.OUT if state.outbound else Direction.IN,
            precedence=state.statement.precedence.value,
            state_word=word,
            symbol=symbol,
            mark=wording.statement_mark(
                state, unread=_unread(situation, state), overdue=_overdue(situation, state)
            ),
            incident=state.statement.incident or "",
            headline=self._headline(state),
        )

    def _awaiting_row(self, release: Release, happening: Happening) -> TimelineRow:
        word, symbol, mark = wording.release_state(release)
        statement = release.statement
        template = self._rules.catalogue.get(statement.template.id)
        return TimelineRow(
            key=happening.index,
            digest=release.digest,
            token=release.token,
            at_ms=happening.at_ms,
            direction=Direction.OUT,
            precedence=statement.precedence.value,
            state_word=word,
            symbol=symbol,
            mark=mark,
            incident=statement.incident or "",
            headline=headline(statement, template, self._phrasebook),
        )

    def _state_word(self, situation: Situation, state: StatementState) -> tuple[str, str]:
        if state.outbound:
            late = wording.late_state(situation, state)
            return late or wording.outbound_state(state, self._around.sending(state.digest, ""))
        return wording.inbound_state(state, unread=_unread(situation, state))

    def _headline(self, state: StatementState) -> str:
        known = self._headlines.get(state.digest)
        if known is None:
            template = self._rules.catalogue.get(state.statement.template.id)
            known = headline(state.statement, template, self._phrasebook)
            if len(self._headlines) >= MAX_CACHED_HEADLINES:
                self._headlines.clear()
            self._headlines[state.digest] = known
        return known

    def _title(self, situation: Situation, incident: Incident) -> str:
        state = situation.statements.get(incident.statement)
        template = self._rules.catalogue.get(state.statement.template.id) if state else None
        return title(template, self._phrasebook) if template else "unknown"

    def _incident_row(self, situation: Situation, incident: Incident) -> IncidentRow:
        clocks = [one for one in situation.running() if one.incident == incident.name]
        ours = [one for one in clocks if one.station == situation.station]
        closed = incident.closed_at_ms is not None
        calm = Mark.CALM if closed else Mark.NOTICE
        return IncidentRow(
            name=incident.name,
            title=self._title(situation, incident),
            state_word=_incident_word(incident),
            ladder_word=ladder_word(incident.ladder),
            next_due_ms=clocks[0].due_ms if clocks else None,
            needs_you=bool(ours),
            mark=Mark.WARNING if any(one.state == "MISSED" for one in clocks) else calm,
        )

    def _facts(self, situation: Situation, incident: Incident) -> tuple[tuple[str, str], ...]:
        clocks = [one for one in situation.running() if one.incident == incident.name]
        facts = [
            ("opened", f"{format_clock(incident.at_ms)} by {incident.opened_by}"),
            ("statements", str(len(incident.statements))),
        ]
        if clocks:
            nearest = clocks[0]
            words = wording.clock_words(nearest.clock, ours=nearest.station == situation.station)
            facts.append(("next", f"{words} by {format_clock(nearest.due_ms)}"))
        members = self._rules.members
        steps = [s for s in self._rules.ladder.steps if incident.ladder.confirmed(s, members)]
        if steps:
            facts.append(("agreed", ", ".join(steps)))
        if incident.out_of_turn:
            facts.append(("no effect", f"{len(incident.out_of_turn)} ladder moves out of turn"))
        if incident.closed_at_ms is not None:
            facts.append(("closed", format_clock(incident.closed_at_ms)))
        return tuple(facts)


def _unread(situation: Situation, state: StatementState) -> bool:
    return not state.outbound and (state.digest, "read", situation.station) in situation.clocks


def _overdue(situation: Situation, state: StatementState) -> bool:
    return any(
        deadline.state == "MISSED"
        for clock in ("read", "reply", "promise")
        for deadline in situation.deadlines_of(state.digest, clock)
    )


def _foremost(situation: Situation) -> Incident | None:
    """Return the newest open incident, or the newest of all."""
    incidents = list(situation.incidents.values())
    open_ = [one for one in incidents if one.closed_at_ms is None]
    newest_last = open_ or incidents
    return newest_last[-1] if newest_last else None


def _incident_word(incident: Incident) -> str:
    return "OPEN" if incident.closed_at_ms is None else "CLOSED"
