"""`hotline officer revoke|suspend|lift`: ending trust in a key; `hotline officer root`: a new root.

The station must not run meanwhile. Each passphrase is asked for by the name of its key file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.ledger import bench_of
from hotline.core.errors import OperatorError

if TYPE_CHECKING:
    from hotline.sealing.certificate import Certificate

HomePath = Annotated[Path, typer.Argument(metavar="HOME", help="A station's home.")]
Person = Annotated[
    str,
    typer.Option(metavar="ID", help="Whose key; `console` and `ledger` are the station's own."),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; the other station reads it.")]
RootFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The root's key file, if it is not in the home."),
]


def register(group: typer.Typer) -> None:
    """Put these commands into the group `hotline officer`."""
    group.command("revoke", short_help="End trust in a person's keys; needs the root.")(revoke)
    group.command("suspend", short_help="Stop a key at once; two officers sign.")(suspend)
    group.command("lift", short_help="Lift a suspension; needs the root.")(lift)
    group.command("successor", short_help="Bring the committed next root into office.")(successor)


def revoke(
    home: HomePath,
    person: Person = "",
    reason: Reason = "",
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="Not trusted from then, as in 2026-11-22T14:00:00.000Z."),
    ] = "",
    prepare: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Revoke nothing: write a slip to keep apart."),
    ] = None,
    slip: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use a slip; needs no root.")
    ] = None,
    root: RootFile = None,
) -> None:
    """Revoke every certificate of a person: from then on their statements are UNVERIFIED.

    With --prepare the root signs a revocation that is kept apart, as text and as QR
    codes beside it; with --slip one is used, of either station, without the root.
    """
    if slip is not None:
        _use(home, slip)
    elif prepare is not None:
        _prepare(home, _named(person), prepare, root)
    else:
        _revoke(home, _named(person), reason, since, root)


def _named(person: str) -> str:
    if not person:
        raise OperatorError("nobody is named", hint="say whose keys with --person")
    return person


def _revoke(home: Path, person: str, reason: str, since: str, root: Path | None) -> None:
    from hotline.station.revoking import revoke as revoke_keys
    from hotline.station.upkeep import at_work

    since_ms = _moment(since) if since else None
    with at_work(bench_of(home)) as work:
        ended = revoke_keys(work, person, reason, since_ms, root)
    _say("revoked", ended)


def _moment(text: str) -> int:
    from hotline.core.errors import PeerError
    from hotline.core.times import parse_time

    try:
        return parse_time(text)
    except PeerError as error:
        raise OperatorError(
            "--since is no time", hint="write it as in 2026-11-22T14:00:00.000Z"
        ) from error


def _prepare(home: Path, person: str, slip: Path, root: Path | None) -> None:
    import segno

    from hotline.review.files import write_new
    from hotline.sealing.slip import write_slip
    from hotline.station.revoking import prepare
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        made = prepare(work, person, root)
    for number, (certificate, envelope) in enumerate(made, 1):
        file = slip if len(made) == 1 else slip.with_name(f"{slip.stem}-{number}{slip.suffix}")
        parts = write_slip(envelope)
        write_new(file, ("\n\n".join([_heading(certificate), *parts]) + "\n").encode())
        for place, part in enumerate(parts, 1):
            picture = file.with_name(f"{file.name}.{place}.svg")
            drawn = io.BytesIO()
            segno.make(part, error="l", micro=False).save(drawn, kind="svg", border=4, scale=3)
            write_new(picture, drawn.getvalue())
        print(f"{file.name} and {len(parts)} pictures end the certificate of {certificate.shown}.")
    print("Print them, keep them apart from the keys, and delete the files.")


def _heading(certificate: Certificate) -> str:
    return (
        f"PREPARED REVOCATION of {certificate.station} {certificate.realm}\n"
        f"{certificate.shown}, certificate {certificate.id.hex()[:16]}\n"
        "Whoever uses this ends that certificate for good and can do nothing else with it:\n"
        "    hotline officer revoke HOME --slip FILE"
    )


def _use(home: Path, slip: Path) -> None:
    from hotline.review.files import read_bounded
    from hotline.sealing.slip import MAX_SLIP_CHARACTERS, read_slip
    from hotline.station.revoking import use_prepared
    from hotline.station.upkeep import at_work

    envelope = read_slip(read_bounded(slip, MAX_SLIP_CHARACTERS).decode("utf-8", "replace"))
    with at_work(bench_of(home)) as work:
        whose = use_prepared(work, envelope)
    print(f"Revoked: {whose}. The other station learns of it when the line is up.")


def suspend(
    home: HomePath,
    person: Person,
    reason: Reason,
    officer: Annotated[
        list[str],
        typer.Option("--officer", metavar="ID", help="An officer who signs; give two of them."),
    ],
) -> None:
    """Suspend every certificate of a person at once, on the authority of two officers.

    It holds until the root revokes the certificate, or lifts the suspension.
    """
    from hotline.station.revoking import suspend as suspend_keys
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        held = suspend_keys(work, person, reason, officer)
    _say("suspended", held)


def lift(home: HomePath, person: Person, reason: Reason, root: RootFile = None) -> None:
    """Lift every suspension of a person's certificates, by the root."""
    from hotline.station.revoking import lift as lift_suspensions
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        freed = lift_suspensions(work, person, reason, root)
    _say("no longer suspended", freed)


def _say(how: str, certificates: Sequence[Certificate]) -> None:
    for one in certificates:
        print(f"{one.shown} ({one.person}, {one.usage}) is {how}, certificate {one.id.hex()[:16]}.")
    print("The other station learns of it when the line is up.")
    if how == "revoked" and any(one.usage == "ledger" for one in certificates):
        print("It countersigns nothing under that key: hotline ledger renew HOME --new-key")


def successor(
    home: HomePath,
    root: RootFile = None,
    next_root: Annotated[
        Path | None,
        typer.Option(
            "--successor", metavar="FILE", help="successor.key, if it is not in the home."
        ),
    ] = None,
) -> None:
    """Bring the root that the one in use committed to into office, and commit to the next.

    The officers of the other station must compare its words with you by voice before
    anything counts there that the new root certifies.
    """
    from hotline.cli.fingerprints import fingerprint_lines
    from hotline.station.rerooting import succeed_root
    from hotline.station.upkeep import at_work

    with at_work(bench_of(home)) as work:
        newest = succeed_root(work, root, next_root)
    print(f"{newest.station} has a new root:")
    print("\n".join(fingerprint_lines(newest.digest)))
    print("Read these words to the other station's officers when the line is up.")
    print("Bring root.key and successor.key back, each to its own safe.")
