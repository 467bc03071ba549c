"""From a home on disk to a station ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hotline.core.exchange.rules import Reminders, Rules
from hotline.core.seams import Clock, Entropy
from hotline.host.clock import monotonic_s
from hotline.host.config import load_settings
from hotline.host.entropy import system_chance
from hotline.host.packs import load_catalogue
from hotline.host.tables import load_ladder
from hotline.station.home import Home, OpenLine, open_line
from hotline.station.keeping import open_kept
from hotline.station.parting import check_not_ended
from hotline.station.rerouting import routes_of_cards
from hotline.station.routes import route_planner
from hotline.station.station import Station
from hotline.transport.link import Timings


@dataclass(frozen=True, slots=True)
class Machine:
    """What a station takes from the machine it runs on."""

    config: Path
    clock: Clock
    entropy: Entropy


def load_rules(config: Path, members: tuple[str, ...]) -> Rules:
    """Read templates, ladder and clocks.

    Raises:
        OperatorError: a file of the configuration is wrong; it is named.
    """
    settings = load_settings(config)
    return Rules(
        members=members,
        catalogue=load_catalogue(config),
        ladder=load_ladder(config),
        read_clocks_ms={
            precedence: clocks.handling_s * 1000 for precedence, clocks in settings.clocks.items()
        },
        reminders={
            precedence: Reminders(
                tuple(one * 1000 for one in clocks.acknowledge_s), clocks.voice_s * 1000
            )
            for precedence, clocks in settings.clocks.items()
        },
        channel=settings.channel.times,
    )


def open_station(
    home: Home, machine: Machine, *, passphrase: str | None, timings: Timings
) -> tuple[Station, OpenLine]:
    """Open a home's one line and prepare its station; nothing runs yet.

    Raises:
        OperatorError: a file is missing or wrong, or the passphrase is.
        IntegrityError: records or ledger do not verify.
        StorageError: the disk, or another process works this line.
    """
    opened = open_line(home, passphrase, machine.clock, machine.entropy)
    try:
        opened = routes_of_cards(home, opened, machine.clock)
        planner = route_planner(
            home, opened, monotonic=monotonic_s, chance=system_chance, timings=timings
        )
        rules = load_rules(machine.config, opened.line.roster.members)
        kept = open_kept(home, opened, passphrase, rules.catalogue.packs)
        try:
            station = Station(opened.line, opened.ledger, rules, planner, kept)
            check_not_ended(home, station.situation.closed_for, opened.ledger)
            return station, opened
        except BaseException:
            if kept.journal is not None:
                kept.journal.close()
            raise
    except BaseException:
        opened.ledger.close()
        raise
