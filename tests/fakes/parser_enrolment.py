"""Rows for cards and the files that set a line up."""

from __future__ import annotations

from typing import Any

from hotline.core.values import Realm
from hotline.sealing import card, charter, enrolment, roster
from hotline.sealing.enrol import Subject, new_station_keys
from hotline.station import cards
from tests.fakes.parser_rows import Targets
from tests.fakes.parsers import Rig, Target
from tests.sealing.conftest import NOW_MS, entropy_from
from tests.sealing.test_card import card_of, charter_by, enrolment_of, group_file

SLOW = 8


class Stations:
    """Who writes the samples."""

    def __init__(self) -> None:
        self.entropy = entropy_from("cards")
        names = ("NORTH", "SOUTH", "EAST")
        self.north, self.south, self.east = (self._station(name) for name in names)

    def _station(self, name: str) -> Any:
        officers = [Subject(f"{name.lower()}1", name="One")]
        return new_station_keys(
            station=name,
            realm=Realm.EXERCISE,
            officers=officers,
            at_ms=NOW_MS,
            entropy=self.entropy,
        )


def enrolled(rig: Rig) -> Targets:
    world: Any = Stations()
    north, opening = card_of(world, world.north), enrolment_of(world)
    answer = group_file(world, world.south)
    signed = (charter_by(world, world.north), charter_by(world, world.north, world.south))
    card_samples, records = (north, card_of(world, world.south)), world.north.records
    sealing = "hotline.sealing"
    return {
        f"{sealing}.card.read_card": Target(card.read_card, card_samples, SLOW),
        f"{sealing}.card.card_lines": Target(card.card_lines, (*card_samples, opening)),
        f"{sealing}.enrolment.read_enrolment": Target(
            lambda raw: enrolment.read_enrolment(raw, "open"), (opening, north), SLOW
        ),
        f"{sealing}.enrolment.read_enrolment#group": Target(
            lambda raw: enrolment.read_enrolment(raw, "join"), (answer, opening), SLOW
        ),
        f"{sealing}.charter.gather_charter": Target(
            lambda raw: charter.gather_charter({"NORTH": signed[0], "SOUTH": raw}), signed
        ),
        f"{sealing}.roster.read_station": Target(
            lambda raw: roster.read_station([records[0], *raw.split(b"\n")]), records[1:]
        ),
        "hotline.station.cards.read_outside": Target(cards.read_outside, card_samples, SLOW),
        "hotline.station.cards.read_file": Target(
            rig.file("sample.card", lambda path: cards.read_file(path, "a card")),
            card_samples,
            SLOW,
        ),
    }
