"""At the first console: a spare one is made, with a home and keys of its own.

Spec: docs/enrolment.md §11.1
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from hotline.core.canonical import to_base64
from hotline.core.errors import OperatorError, StorageError
from hotline.core.messages.catalogue import Catalogue
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.ledger.connection import sync_directory
from hotline.ledger.public import record_digest
from hotline.sealing.card import Card, Route
from hotline.sealing.certificate import MAX_ENDPOINT, Usage, spare_role
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrol import CertifiedKey, RootKey, Subject
from hotline.sealing.enrolment import write_enrolment
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.sealing.line_secret import SECRET_BYTES
from hotline.sealing.prekey import draw_prekey
from hotline.sealing.roster import Roster
from hotline.sealing.tls_identity import make_tls_identity
from hotline.station.beginning import AskNew, check_free
from hotline.station.cards import CARDS, accepted_card, check_current
from hotline.station.home import Home, LineCard, read_card, write_json
from hotline.station.identity import (
    Listening,
    own_card,
    read_identity,
    ready_console,
    write_identity,
)
from hotline.station.journal import JournalOwner, open_journal
from hotline.station.laying import CONSOLE_KEY, lay_tls, seeds_of
from hotline.station.line_keys import PREKEY
from hotline.station.officers import admit_issued, issue, level_records, unlock_root
from hotline.station.opening import OPENING, Halves, keep_opening
from hotline.station.past import newest_generation
from hotline.station.shelf import write_durably
from hotline.station.side import read_written
from hotline.station.spare_files import OPEN
from hotline.station.spare_sides import SPARE_LINE
from hotline.station.upkeep import Bench


@dataclass(frozen=True, slots=True)
class NewSpare:
    """What a new spare console is told of itself: its home, and how it is reached there."""

    home: Home
    route: Route | None = None
    listening: Listening | None = None


def begin_spare(
    bench: Bench, new: NewSpare, ask_new: AskNew, root_file: Path, catalogue: Catalogue
) -> bytes:
    """Make the home of a spare console and return the file for the peer.

    Nothing of the first console's keys goes into it. The station is stopped meanwhile.

    Raises:
        OperatorError: no line of two, no card of the peer's that is newer than the line, the
            home exists, a wrong passphrase.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §11.1
    """
    check_free(new.home)
    level_records(bench, catalogue)
    directory = bench.home.only_line()
    card = read_card(directory)
    theirs = _newer_card(bench, card, new)
    roster = Roster.read([record.encode() for record in card.records])
    number = 1 + max(one.endpoint for one in roster.certificates.values())
    if number > MAX_ENDPOINT:
        raise OperatorError(f"a station has at most {MAX_ENDPOINT} consoles in the life of a line")
    root = unlock_root(bench, root_file)
    keys = {
        usage: _certified(bench, root, usage, number, catalogue)
        for usage in (Usage.TRANSPORT, Usage.LEDGER)
    }
    phrase = ask_new(CONSOLE_KEY)
    part = Home(new.home.path.with_name(f".{new.home.path.name}.part"))
    shutil.rmtree(part.path, ignore_errors=True)
    leaves = {"endpoint": number, "leaves": newest_generation(directory), "spares": ()}
    try:
        _lay_home(bench, part, new, keys, phrase, catalogue)
        opening = _opening(bench, part, root, _charter(card, roster), theirs, phrase)
        write_json(part.path / OPENING / SPARE_LINE, card.model_copy(update=leaves))
        os.replace(part.path, new.home.path)
        sync_directory(new.home.path.parent)
    except OSError as error:
        raise StorageError(f"the home {new.home.path.name} cannot be put in its place") from error
    finally:
        shutil.rmtree(part.path, ignore_errors=True)
    return opening


def _charter(card: LineCard, roster: Roster) -> bytes:
    encoded = (record.encode() for record in card.records)
    return next(one for one in encoded if record_digest(one) == roster.line)


def _opening(
    bench: Bench, part: Home, root: RootKey, charter: bytes, theirs: Card, phrase: str | None
) -> bytes:
    """Draw the spare's half of its secret with the peer, keep it, and write the file."""
    half = bench.entropy(SECRET_BYTES)
    console = ready_console(part, phrase, bench.entropy)
    encoded = write_enrolment(
        OPEN,
        charter=charter,
        halves=[(theirs, half)],
        root=root,
        own_card=own_card(part, console, bench.clock),
        made_ms=bench.clock(),
    )
    opening = read_written(encoded, OPEN)
    keep_opening(part, opening, Halves({theirs.name: half}, phrase), bench.entropy)
    return encoded


def _newer_card(bench: Bench, card: LineCard, new: NewSpare) -> Card:
    """Return the peer's card, whose prekey nobody has used yet."""
    if len(card.peers) != 1:
        raise OperatorError("a spare console is made for lines of two stations only")
    (peer,) = card.peers
    theirs = accepted_card(bench.home, peer.station)
    check_current(theirs, bench.clock())
    if to_base64(theirs.prekey.encoded) == peer.prekey:
        raise OperatorError(
            f"the card of {peer.station} is the one that the line was made with",
            hint="ask them for one of today (hotline card export), and import it here",
        )
    if card.listens and new.route is None:
        raise OperatorError(
            f"{peer.station} dials this station and would have to dial the spare",
            hint="say with --route where",
        )
    if not card.listens and new.route is not None:
        raise OperatorError(
            f"this station dials {peer.station}, and so does the spare", hint="leave --route out"
        )
    return theirs


def _certified(
    bench: Bench, root: RootKey, usage: Usage, number: int, catalogue: Catalogue
) -> CertifiedKey:
    """Draw a key of the spare's; its certificate counts at the first console from now on."""
    what = "console" if usage is Usage.TRANSPORT else "ledger"
    subject = Subject(f"{what}-{number}", f"{root.station} {what}", role=spare_role(number))
    issued = issue(bench, root, HybridSigner(draw_hybrid_seeds(bench.entropy)), subject, usage)
    admit_issued(bench, issued, catalogue)
    return issued


def _lay_home(
    bench: Bench,
    part: Home,
    new: NewSpare,
    keys: dict[Usage, CertifiedKey],
    phrase: str | None,
    catalogue: Catalogue,
) -> None:
    """Make the spare's home: keys of its own, journal, the officers' key files, the cards."""
    before = read_identity(bench.home)
    lay_tls(
        part,
        make_tls_identity(station=before.station, at_ms=bench.clock(), entropy=bench.entropy),
    )
    ledger = keys[Usage.LEDGER].signer.seeds
    seeds = {
        **seeds_of("console", keys[Usage.TRANSPORT].signer.seeds),
        **seeds_of("ledger", ledger),
        "recovery": draw_prekey(bench.entropy).seed,
        PREKEY: draw_prekey(bench.entropy).seed,
    }
    held = KeyFile(before.station, before.realm, seeds)
    write_key_file(part.keys / CONSOLE_KEY, held, phrase, entropy=bench.entropy)
    identity = before.model_copy(update={"route": new.route, "listening": new.listening})
    owner = JournalOwner(
        station=identity.station,
        realm=identity.realm,
        root=identity.verified().root.digest,
        records=identity.envelopes,
        packs={one.name: one.digest.hex() for one in catalogue.packs},
        signer=Ed25519Signer(ledger.ed25519),
        passphrase=phrase,
    )
    open_journal(part.path, owner, bench.clock, bench.entropy).close()
    carry_along(bench.home, part)
    write_identity(part, identity)


def carry_along(home: Home, spare: Home) -> None:
    """Copy what belongs to no console: officers' key files, which only they open, and cards.

    Raises:
        StorageError: the disk refused.
    Spec: docs/enrolment.md §11.1
    """
    try:
        (spare.path / CARDS).mkdir(mode=0o700, exist_ok=True)
        for path in (*home.keys.glob("officer-*.key"), *(home.path / CARDS).glob("*.card")):
            write_durably(spare.path / path.relative_to(home.path), path.read_bytes())
    except OSError as error:
        raise StorageError("the officers' key files cannot be copied to the spare") from error
