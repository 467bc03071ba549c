"""`hotline doctor`: what is well with a home, what is not, and what to do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

NOT_WELL, STORAGE_NOT_WELL = 1, 4


def doctor(
    home: Annotated[Path, typer.Argument(metavar="HOME", help="A station's home.")],
    unlock: Annotated[
        bool,
        typer.Option("--unlock", help="Ask for the passphrase, and look at epochs and holds."),
    ] = False,
    routes: Annotated[
        bool,
        typer.Option("--routes", help="Call whoever is dialled, and see who answers."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Look at a home's ledgers, files, disk, routes and clocks; changes nothing.

    A station may run meanwhile. Only --routes touches the network.

    Exits with 0 when nothing FAILs, with 1 when something does, with 4 when it is the disk.
    """
    from hotline.cli.ledger import bench_of
    from hotline.host.clock import system_clock
    from hotline.station.doctor import check_routes, check_up
    from hotline.station.home import Home

    bench = bench_of(home)
    passphrase = bench.passphrase(bench.home.keys / "console.key") if unlock else None
    findings = check_up(Home(home), system_clock, passphrase)
    if routes:
        findings += asyncio.run(check_routes(Home(home)))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], sort_keys=True))
    else:
        for finding in findings:
            print(f"{finding.level:4}  {finding.about}: {finding.what}")
    failed = [finding for finding in findings if finding.level == "FAIL"]
    if any(finding.storage for finding in failed):
        return STORAGE_NOT_WELL
    return NOT_WELL if failed else 0
