"""The line in the guided setup: its policy by plain questions, its charter, its two files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.messages.lifelines import is_lifeline
from hotline.core.values import digest_from_hex
from hotline.desk.guided.views import TEST_PERIODS, LineAnswers, PeerView, SetupView
from hotline.desk.opening import LANGUAGE
from hotline.sealing.charter import Charter, Policy, default_policy
from hotline.sealing.enrolment import Enrolment
from hotline.station.arriving import check_file
from hotline.station.cards import read_file
from hotline.station.enrolling import (
    Wanted,
    answer_again,
    complete_line,
    draft_charter,
    join_line,
    open_line_with,
)
from hotline.station.founded import check_no_line, line_directories
from hotline.station.giving_up import give_up_opening
from hotline.station.home import read_card
from hotline.station.officers import unlock_root
from hotline.station.opening import kept_opening
from hotline.station.upkeep import Bench

_OFFICERS_NEEDED = 2
_STATIONS = 2


class Lining:
    """What stands between two stations that know each other and a line."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._shown: tuple[str, Wanted] | Enrolment | None = None

    def suggest(self, ours: SetupView, peer: str) -> tuple[str, LineAnswers]:
        """Return who opens the line best (both sides find the same), and the usual answers.

        Where two officers must sign, both stations need two: so that is the usual answer
        only if both have them.
        Spec: docs/enrolment.md §12.5
        """
        theirs = next(
            (one for one in ours.peers if one.station == peer), PeerView(peer, (), "", "")
        )
        routes = {ours.station: ours.route, peer: theirs.route}
        reachable = [station for station, route in routes.items() if route]
        opener = reachable[0] if len(reachable) == 1 else min(routes)
        enough = min(len(ours.officers), len(theirs.officers)) >= _OFFICERS_NEEDED
        other = peer if opener == ours.station else ours.station
        name = f"{opener}-{other}".lower()[:40]
        two = "ladder" if enough else "none"
        return opener, LineAnswers(peer, name, two, TEST_PERIODS[0][0], presence=False)

    def policy(self, answers: LineAnswers) -> Policy:
        """Return the policy that the answers make."""
        rule = {
            "none": (),
            "ladder": [one for one, form in self._catalogue.templates.items() if form.ladder],
            "most": list(self._catalogue.templates),
        }[answers.two_officers]
        policy = default_policy([one for one in rule if not is_lifeline(one)])
        return policy.model_copy(
            update={
                "languages": (LANGUAGE,),
                "authentic": LANGUAGE,
                "test_period_s": answers.test_s,
                "presence": answers.presence,
            }
        )

    def draft(self, bench: Bench, answers: LineAnswers) -> Charter:
        """Return the charter that the answers make; it is the one that is signed.

        Raises:
            OperatorError: no line can be opened to that station.
        """
        self._shown = None
        _check_nothing_opened(bench)
        wanted = Wanted(answers.name, self.policy(answers))
        charter = draft_charter(bench, [answers.peer], wanted)
        self._shown = (answers.peer, replace(wanted, shown=charter))
        return charter

    def look_at(self, bench: Bench, path: Path) -> Charter:
        """Check the file of a line that the other station opened; return its charter.

        Raises:
            OperatorError: it cannot be joined; the sentence says what to do.
        """
        self._shown = None
        found = check_file(bench, read_file(path, path.name), "open")
        check_first(found.charter)
        if answer_again(bench, found.charter.line) is None:
            self._shown = found
        return found.charter

    def sign(self, bench: Bench, root_file: Path) -> None:
        """Sign the charter that was shown last, and keep what comes of it in the home.

        Raises:
            OperatorError: nothing was shown, a wrong passphrase, or as when it was shown.
            StorageError: the disk refused.
        Spec: docs/enrolment.md §12.4
        """
        if self._shown is None:
            raise OperatorError("no charter was shown", hint="go back and read it first")
        root = unlock_root(bench, root_file)
        if isinstance(self._shown, Enrolment):
            join_line(bench, self._shown, root, self._catalogue)
        else:
            peer, wanted = self._shown
            open_line_with(bench, [peer], wanted, root)
        self._shown = None

    def travelling(self, bench: Bench) -> bytes:
        """Return the file that goes to the other station: the opening, or the answer.

        Raises:
            OperatorError: nothing was signed here, or the line was opened here and is whole.
        """
        if line_directories(bench.home):
            line = digest_from_hex(read_card(bench.home.only_line()).line)
            answer = answer_again(bench, line)
            if answer is not None:
                return answer
        kept = kept_opening(bench.home)
        if kept is None:
            raise OperatorError("nothing was signed here yet", hint="go back to step 8")
        return kept.own.encoded

    def complete(self, bench: Bench, path: Path) -> None:
        """Complete the line with the other station's answer.

        Raises:
            OperatorError: it is not the answer, or a wrong passphrase.
            StorageError: the disk refused.
        """
        found = check_file(bench, read_file(path, path.name), "join")
        complete_line(bench, [found], self._catalogue)

    def give_up(self, bench: Bench) -> None:
        """Forget a line that was opened here and is not complete.

        Raises:
            OperatorError: it is complete.
            StorageError: the disk refused.
        """
        self._shown = None
        check_no_line(bench.home)
        give_up_opening(bench)


def check_first(charter: Charter) -> None:
    """Refuse what is no first line of two: its files go round otherwise.

    Raises:
        OperatorError: it has more stations, or follows another line.
    """
    if len(charter.stations) > _STATIONS:
        raise OperatorError(
            f"the line {charter.name} has {len(charter.stations)} stations, this setup makes two",
            hint="leave, and go on with hotline line: docs/enrolment.md says how",
        )
    if charter.predecessor is not None:
        raise OperatorError(
            f"the charter of {charter.name} changes a line that stands already",
            hint="leave, and go on with hotline line: docs/enrolment.md says how",
        )


def _check_nothing_opened(bench: Bench) -> None:
    kept = kept_opening(bench.home)
    if kept is not None:
        raise OperatorError(
            f"this home has opened the line {kept.charter.name} already",
            hint="give it up first, in step 9",
        )
