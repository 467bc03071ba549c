"""What the guided setup says: a charter in plain words, and what to do after a refusal."""

from __future__ import annotations

from hotline.core.errors import HotlineError, StorageError
from hotline.core.messages.phrasing import Phrasebook, title
from hotline.core.messages.template import Template
from hotline.core.times import format_time
from hotline.core.values import Realm
from hotline.desk.guided.views import TEST_PERIODS, Words
from hotline.sealing.charter import Charter
from hotline.sealing.fingerprint import root_groups

REALMS = {
    Realm.LIVE: "LIVE: real. What is said on it counts.",
    Realm.EXERCISE: "EXERCISE: practice. It can never speak on a live line.",
}

_HINTS = {
    "give a station's home, or make one with hotline init": "name another directory",
    "use hotline officer renew for a new certificate": "choose another id, or go on",
    "bring it from where it is kept, and name it with --root": "type below where it is now",
    "compare its words and accept it with hotline card import": "take its card in first, step 6",
    "complete that, or give it up with --anew": "give it up first, in step 9",
    "begin anew with --anew": "give it up in step 9, then open a new one",
    "begin again with hotline line open --anew": "whoever opened the line must open it anew",
    "give one of them a route with hotline card export --route HOST:PORT": (
        "go back to step 2 and give this station an address, if it has one; or they do so, "
        "and you take their new card in"
    ),
    "one of the stations opens; give this one up by removing HOME/opening": (
        "one of the two opens, the other joins; give this one up in step 9, then join"
    ),
    "open one with hotline line open first": "open one in step 8 first",
    "ask for the answer to that, or send it again with hotline line open": (
        "write the file of step 9 again, carry it over, and bring back the answer to it"
    ),
    "bring what hotline line join wrote there": "bring the answer file of their step 9",
    "stop it, then run the command again": "stop it there, then press the button again",
    "run it in a terminal, or give the passphrase as a line on standard input": "type it below",
}
"""Hints that name a command, and what they mean to somebody at these screens."""

_AFTER_STORAGE = "nothing is lost; free space or repair the disk, then press the button again"


def advice(error: HotlineError) -> str:
    """Return an error as one sentence that names keys and steps, where it names commands."""
    hint = _HINTS.get(error.hint, error.hint)
    if isinstance(error, StorageError) and error.hint == StorageError.default_hint:
        hint = _AFTER_STORAGE
    return f"{error}; {hint}."


def charter_words(charter: Charter, templates: dict[str, Template], book: Phrasebook) -> Words:
    """Say what a charter says, for a person who is about to sign it.

    Spec: docs/enrolment.md §12.4
    """
    policy = charter.policy
    both = [_named(one, templates, book) for one in policy.two_person]
    seen = "sees" if policy.presence else "does not see"
    members = " and ".join(charter.stations)
    return (
        ("Line", charter.name),
        ("Realm", REALMS[charter.realm]),
        ("Members", f"{members}, nobody else"),
        ("Two officers", "must sign: " + "; ".join(both) if both else "need not sign: one does"),
        ("Test", f"the machines test the line {_period(policy.test_period_s)}"),
        ("Empty desk", f"the other station {seen} that nobody is at the desk"),
        ("Language", f"{', '.join(policy.languages)}; {policy.authentic} decides"),
        ("Made", f"{format_time(charter.created_ms)[:16].replace('T', ' ')} UTC"),
        *((f"Root {one.station}", root_groups(one.root)) for one in charter.members),
        ("Number", charter.line.hex()),
    )


def _named(template: str, templates: dict[str, Template], book: Phrasebook) -> str:
    found = templates.get(template)
    return f"{title(found, book)} ({found.number})" if found is not None else template


def _period(seconds: int) -> str:
    return dict(TEST_PERIODS).get(seconds, f"every {seconds} seconds")
