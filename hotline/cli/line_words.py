"""What `hotline line` says: what was written, where it goes, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotline.sealing.charter import Charter
    from hotline.sealing.enrolment import Enrolment
    from hotline.station.home import LineCard, PeerCard
    from hotline.station.opening import Waiting
    from hotline.station.upkeep import Bench


def opened(bench: Bench, out: Path, peers: Sequence[str]) -> Iterator[str]:
    """Yield what has to be done with an opening."""
    from hotline.station.enrolling import planned_calls

    home = bench.home.path
    if len(peers) == 1:
        yield f"Wrote {out}. Carry it to {peers[0]}, who answers it with hotline line join;"
        yield f"then run hotline line complete {home} FILE with what comes back."
        return
    yield f"Wrote {out}. Carry a copy to each of {and_list(peers)}. Each of them"
    yield "answers it with hotline line join and sends the answer to every other station."
    yield f"When an answer comes here: hotline line complete {home} FILE"
    yield "The stations will dial each other like this; each port must be reachable:"
    yield from (f"  {call}" for call in planned_calls(bench))


def joined(home: Path, out: Path, charter: Charter, ours: str) -> Iterator[str]:
    """Yield what has to be done with an answer, and what else has to come here."""
    from hotline.station.founded import founded_line
    from hotline.station.home import Home

    opener, *joiners = charter.stations
    if len(joiners) == 1:
        yield f"Wrote {out}. Carry it back to {opener}, who ends it with hotline line"
        yield f"complete. Then: {next_step(home, charter)}"
        return
    others = [station for station in joiners if station != ours]
    yield f"Wrote {out}. Carry a copy to each of {and_list([opener, *others])}."
    if founded_line(Home(home), charter.line) is not None:
        yield f"The line is complete here. Then: hotline console {home}"
        return
    yield f"This station needs {_answers_of(others)}. When {_it_has(others)} come:"
    yield f"hotline line complete {home} FILE"


def still_missing(home: Path, came: Sequence[Enrolment], missing: Sequence[str]) -> Iterator[str]:
    """Yield what is kept now and whose answers have to come."""
    kept = dict.fromkeys(answer.sender for answer in came)
    yield f"Kept: {_answers_of([*kept])}. Still missing: {_answers_of(missing)}."
    yield f"When {_it_has(missing)} come: hotline line complete {home} FILE"


def completed(home: Path, came: Sequence[Enrolment]) -> Iterator[str]:
    """Yield that our side of a line is made, and what is left to do."""
    from hotline.station.founded import founded_line
    from hotline.station.home import Home, read_card

    charter = came[0].charter
    if len(charter.stations) == 2:
        yield f"The line {charter.name} with {came[0].sender} is complete."
        yield f"Destroy the copies of both files. Then: {next_step(home, charter)}"
        return
    directory = founded_line(Home(home), charter.line)
    assert directory is not None
    card = read_card(directory)
    others = [peer.station for peer in card.peers]
    yield f"The line {charter.name} with {and_list(others)} is complete here."
    yield from call_lines(card)
    yield "Compare the check words by telephone, then destroy the copies of all files."
    yield f"Then: {next_step(home, charter)}"


def call_lines(card: LineCard) -> Iterator[str]:
    """Yield who dials whom, and for three and more stations the words that all must show."""
    from hotline.sealing.fingerprint import check_words

    if len(card.peers) == 1:
        (peer,) = card.peers
        if card.listens:
            yield f"  {card.station} listens at {card.host}:{card.port}"
        else:
            yield f"  {card.station} dials {peer.station} at {peer.host}:{peer.port}"
        return
    for peer in card.peers:
        yield f"  {_call(card, peer)}"
    yield f"  check words: {check_words(card.records[0].encode())}"
    yield "    (every station must see these four in hotline line show)"


def _call(card: LineCard, peer: PeerCard) -> str:
    if peer.home:
        return f"{peer.station} is on this machine"
    if peer.port:
        return f"{card.station} dials {peer.station} at {peer.host}:{peer.port}"
    where = f"{card.host}:{peer.listen_port}" if peer.listen_port else f"a free port of {card.host}"
    return f"{card.station} listens for {peer.station} at {where}"


def waiting_for(waiting: Waiting) -> Iterator[str]:
    """Yield whose answers are here already, and whose are missing."""
    from hotline.station.opening import kept_answers

    kept = [*kept_answers(waiting)]
    missing = [station for station in waiting.awaited if station not in kept]
    if kept:
        yield f"  Here already: {_answers_of(kept)}."
    yield f"  It waits for {_answers_of(missing)}."


def _answers_of(stations: Sequence[str]) -> str:
    return f"the answer{'s' * (len(stations) > 1)} of {and_list(stations)}"


def _it_has(stations: Sequence[str]) -> str:
    return "it has" if len(stations) == 1 else "one has"


def and_list(names: Sequence[str]) -> str:
    """Return names as a sentence has them: "A", "A and B", "A, B and C"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def charter_lines(charter: Charter) -> Iterator[str]:
    """Yield what a charter says, for whoever is asked to sign it."""
    from hotline.core.times import format_time
    from hotline.sealing.fingerprint import root_groups

    policy = charter.policy
    yield f"Line {charter.name}, realm {charter.realm}, of {format_time(charter.created_ms)}"
    yield f"  id {charter.line.hex()}"
    for member in charter.members:
        yield f"  member {member.station}, root"
        yield f"    {root_groups(member.root)}"
    yield f"  languages {', '.join(policy.languages)}; {policy.authentic} decides"
    yield f"  two officers sign: {', '.join(policy.two_person) or 'nothing'}"
    seen = "is shown" if policy.presence else "is not shown"
    yield f"  tested every {policy.test_period_s} s; who is at the desk {seen}"


def next_step(home: Path, charter: Charter) -> str:
    """Return what to do after a line was set up."""
    from hotline.station.amending import predecessor_of
    from hotline.station.home import Home

    if charter.predecessor is None:
        return f"hotline console {home}"
    if predecessor_of(Home(home), charter) is None:
        return f"hotline console {home}, in the minute in which the others change over"
    return f"agree on a minute by voice, stop the consoles, and all run\nhotline line change {home}"
