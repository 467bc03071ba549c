"""A drill's directory: made once, opened by whoever takes a side."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.core.drills.pace import MAX_SPEED, MIN_SPEED
from hotline.core.drills.scenario import Scenario
from hotline.core.errors import OperatorError, StorageError
from hotline.core.messages.lifelines import is_lifeline
from hotline.core.messages.statement import first_fault
from hotline.core.values import Realm
from hotline.host.packs import load_catalogue
from hotline.host.tables import load_scenario
from hotline.sealing.charter import MIN_MEMBERS
from hotline.sealing.enrol import Subject
from hotline.station.assembly import Machine
from hotline.station.founding import Founder, found_line
from hotline.station.home import Home, write_json

MARKER = "drill.json"
UNFINISHED = "founding"


class DrillCard(BaseModel):
    """What DIR/drill.json holds; written last, so its presence says the homes are whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: str
    speed: Annotated[float, Field(ge=MIN_SPEED, le=MAX_SPEED)]
    stations: tuple[str, ...]
    two_person: tuple[str, ...] = ()


def set_up(
    directory: Path,
    scenario: Scenario,
    named: str,
    speed: float,
    machine: Machine,
    two_person: Sequence[str] = (),
) -> None:
    """Make EXERCISE homes for all stations of a scenario, or find them as they were left.

    Args:
        named: How `scenario` was named: its id, or the path of its file.
        two_person: Ids of the templates that two officers must sign; none: as it stands.
    Raises:
        OperatorError: the directory holds something else, or another drill.
        StorageError: the disk refused.
    """
    marker = directory / MARKER
    if marker.is_file():
        _check_same(directory, read_drill(directory), named, two_person)
        return
    _clear_unfinished(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise OperatorError(
            f"{directory.name} is not an empty directory and holds no drill",
            hint="choose an empty or a new directory",
        )
    if len(scenario.stations) < MIN_MEMBERS:
        raise OperatorError(f"scenario {scenario.id} has not two stations")
    _check_two_person(scenario, two_person, machine)
    founders = [
        Founder(Home(directory / station), station, officers_of(scenario, station))
        for station in scenario.stations
    ]
    _begin(directory)
    found_line(
        founders,
        name="-".join(scenario.stations).lower(),
        realm=Realm.EXERCISE,
        catalogue=load_catalogue(machine.config),
        clock=machine.clock,
        entropy=machine.entropy,
        two_person=two_person,
    )
    rule = tuple(sorted(set(two_person)))
    stations = tuple(scenario.stations)
    write_json(marker, DrillCard(scenario=named, speed=speed, stations=stations, two_person=rule))
    (directory / UNFINISHED).unlink(missing_ok=True)


def _check_same(directory: Path, card: DrillCard, named: str, two_person: Sequence[str]) -> None:
    """Refuse to go on with a drill that was made otherwise than it is asked for now."""
    if card.scenario != named:
        raise OperatorError(
            f"{directory.name} holds a drill of the scenario {card.scenario}",
            hint="choose another directory, or that scenario",
        )
    if two_person and set(two_person) != set(card.two_person):
        raise OperatorError(
            f"{directory.name} holds a drill whose charter is made already",
            hint="choose another directory, or leave --two-person out",
        )


def _check_two_person(scenario: Scenario, two_person: Sequence[str], machine: Machine) -> None:
    """Refuse templates that nobody holds, must stay free, or nobody could release."""
    catalogue = load_catalogue(machine.config)
    for template in two_person:
        if catalogue.get(template) is None:
            raise OperatorError(
                f"no pack holds the template {template[:60]}",
                hint="name one as in deesc/cease-propose",
            )
        if is_lifeline(template):
            raise OperatorError(
                f"{template} must stay possible for one officer alone",
                hint="name a commitment, a ladder step or a protest",
            )
    for station, post in scenario.stations.items():
        if two_person and not post.deputy:
            raise OperatorError(
                f"scenario {scenario.id} names no deputy for {station}, who could release",
                hint="give the station a deputy in the scenario file",
            )


def _begin(directory: Path) -> None:
    """Leave a sign that what stands here is not whole yet, so that it may be made anew."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / UNFINISHED).touch()
    except OSError as error:
        raise StorageError(f"the directory {directory.name} cannot be made") from error


def _clear_unfinished(directory: Path) -> None:
    """Remove the homes of a founding that was cut short; nothing was ever said with their keys."""
    if not (directory / UNFINISHED).is_file():
        return
    try:
        for left in directory.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    except OSError as error:
        raise StorageError(f"the directory {directory.name} cannot be cleared") from error


def change_speed(directory: Path, speed: float) -> None:
    """Let a drill go on at another speed.

    Raises:
        OperatorError: there is no drill, or its card is damaged.
        StorageError: the disk refused.
    """
    card = read_drill(directory)
    if card.speed != speed:
        write_json(directory / MARKER, card.model_copy(update={"speed": speed}))


def officer_of(scenario: Scenario, station: str) -> Subject:
    """Return the officer who stands a station's watch in the scenario."""
    post = scenario.stations[station]
    return Subject(_person(post.officer), name=post.officer, rank=post.rank, role=post.role)


def officers_of(scenario: Scenario, station: str) -> tuple[Subject, ...]:
    """Return the officer of the watch and the deputy, if the scenario names one."""
    post = scenario.stations[station]
    first = officer_of(scenario, station)
    if not post.deputy:
        return (first,)
    role = f"Deputy {post.role[:1].lower()}{post.role[1:]}"
    return first, Subject(_person(post.deputy), name=post.deputy, rank=post.rank, role=role)


def deputy_of(scenario: Scenario, station: str) -> Subject | None:
    """Return the second officer of a station in the scenario, None when it names none."""
    _, *others = officers_of(scenario, station)
    return others[0] if others else None


def _person(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def read_drill(directory: Path) -> DrillCard:
    """Read a drill's card.

    Raises:
        OperatorError: there is no drill, or its card is damaged.
    """
    try:
        return DrillCard.model_validate_json((directory / MARKER).read_bytes())
    except OSError as error:
        raise OperatorError(
            f"{directory.name or directory} holds no drill",
            hint="give the directory that the first terminal named",
        ) from error
    except ValidationError as error:
        raise OperatorError(f"{MARKER}: {first_fault(error)}") from error


def scenario_of(directory: Path, machine: Machine) -> tuple[DrillCard, Scenario]:
    """Return a drill's card and its scenario.

    Raises:
        OperatorError: as `read_drill`, or the scenario is gone.
    """
    card = read_drill(directory)
    return card, load_scenario(machine.config, card.scenario)
