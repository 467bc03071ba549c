"""In the spare's home: its side of the line, which has no ledger before it takes over.

Spec: docs/enrolment.md §11.3
"""

from __future__ import annotations

from hotline.core.errors import OperatorError, StorageError
from hotline.core.values import Digest
from hotline.host.keyfile import KeyFile, write_key_file
from hotline.sealing.epoch import EPOCH_KEY_BYTES, epoch_of
from hotline.sealing.roster import Roster
from hotline.station.cards import accepted_card
from hotline.station.dialling import line_card
from hotline.station.home import Home, LineCard, handle_of, write_json
from hotline.station.identity import read_identity
from hotline.station.laying import CONSOLE_KEY
from hotline.station.line_keys import (
    LINE_KEY,
    PREKEY,
    PairSecrets,
    pair_seeds,
    spend_prekey,
)
from hotline.station.months import CONTENT_KEY, seed_name
from hotline.station.opening import OPENING, discard_opening, kept_opening, our_halves
from hotline.station.side import open_console, their_half
from hotline.station.spare_files import (
    JOIN,
    OPEN,
    check_spare_file,
    spare_secrets,
)
from hotline.station.upkeep import Bench

SPARE_LINE = "line.json"
"""In the opening of a spare: what it will be of the line, as far as it is known."""


def complete_spare(bench: Bench, encoded: bytes) -> Digest:
    """End the enrolment of a spare with the peer's answer; return the line's id.

    Run again, it changes nothing.

    Raises:
        OperatorError: nothing was begun here, it answers another file, or a wrong passphrase.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §11.3
    """
    home = bench.home
    found = check_spare_file(bench, encoded, JOIN)
    if list(home.lines.glob("*/line.json")):
        discard_opening(home)
        return found.charter.line
    kept = kept_opening(home, OPEN)
    if kept is None:
        raise OperatorError("no spare was begun in this home", hint="use hotline spare init first")
    known = accepted_card(home, found.card.name)
    same = kept.charter.line == found.charter.line
    if not same or known.root.digest != found.card.root.digest:
        raise OperatorError("this file answers another opening than the one of this spare")
    keys = open_console(bench)
    ours, phrase = kept.own, keys.passphrase
    halves = {
        ours.sender: our_halves(kept, phrase)[found.sender],
        found.sender: their_half(found, keys),
    }
    secrets = spare_secrets(ours, halves, keys.held.seeds[PREKEY], bench.clock())
    before = LineCard.model_validate_json((home.path / OPENING / SPARE_LINE).read_bytes())
    records = [ours.charter_record, *ours.card.records, *found.card.records]
    roster = Roster.read(records)
    cards = {card.name: card for card in (ours.card, found.card)}
    card = line_card(
        read_identity(home), [cards[one] for one in roster.members], roster, records
    ).model_copy(update={"endpoint": before.endpoint, "leaves": before.leaves})
    _lay_side(home, card, roster, secrets, phrase, bench)
    spend_prekey(home.keys / CONSOLE_KEY, phrase, bench.entropy)
    discard_opening(home)
    return roster.line


def _lay_side(
    home: Home,
    card: LineCard,
    roster: Roster,
    secrets: PairSecrets,
    phrase: str | None,
    bench: Bench,
) -> None:
    """Make the spare's side of the line: keys, and no ledger before it takes over."""
    directory = home.lines / handle_of(roster.name, roster.line)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{directory.name} cannot be made") from error
    content = {seed_name(epoch_of(bench.clock())): bench.entropy(EPOCH_KEY_BYTES)}
    for name, seeds in (
        (LINE_KEY, pair_seeds(card.peers[0].station, secrets)),
        (CONTENT_KEY, content),
    ):
        held = KeyFile(card.station, roster.realm, seeds)
        write_key_file(directory / name, held, phrase, entropy=bench.entropy, replace=True)
    write_json(directory / "line.json", card)
