"""`hotline renew`: a station's own console is certified for longer."""

from __future__ import annotations

from typing import Annotated

import typer

from hotline.cli.officer import LONGEST_DAYS, Days, HomePath, RootFile, packs, root_in
from hotline.cli.passphrases import Asker, PassphraseFd, UseKeyring, bench_with, kept_by


def renew(
    home: HomePath,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make a new console key, which takes over.")
    ] = False,
    days: Days = LONGEST_DAYS,
    root: RootFile = None,
    passphrase_fd: PassphraseFd = None,
    keyring: UseKeyring = False,
) -> None:
    """Have the root certify this station's console for longer, with the station stopped.

    The other station learns of it when the line is up. Asks for the passphrases of
    console.key and of root.key.
    """
    from hotline.core.times import format_time
    from hotline.station.consoles import renew_console

    bench = bench_with(home, Asker(passphrase_fd, kept=kept_by(home, keyring)))
    path = root_in(home, root)
    certificate = renew_console(bench, path, packs(), days, new_key=new_key)
    until = format_time(certificate.not_after_ms)[:10]
    print(f"The console is certified until {until}. Start the station: the other one is told")
    print("before anything else. If the line does not come up, give them this station's")
    print(f"newest card: hotline card export {home} --out FILE")
