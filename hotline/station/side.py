"""Our side of a line whose charter every member has signed, made of the files that were carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.messages.catalogue import Catalogue
from hotline.host.keyfile import KeyFile
from hotline.sealing.charter import gather_charter
from hotline.sealing.ed25519 import Ed25519Signer
from hotline.sealing.enrolment import Enrolment, Step, open_half, read_enrolment
from hotline.sealing.line_secret import day_number
from hotline.sealing.mailboxes import share
from hotline.sealing.prekey import Prekey
from hotline.sealing.roster import Roster
from hotline.station.dialling import line_card
from hotline.station.founded import clear_unfinished
from hotline.station.home import ED25519, handle_of
from hotline.station.identity import read_identity, ready_console
from hotline.station.laying import CONSOLE_KEY, NewLine, lay_line
from hotline.station.line_keys import PREKEY, spend_prekey
from hotline.station.upkeep import Bench


@dataclass(frozen=True, slots=True)
class ConsoleKeys:
    """console.key as it was opened; there is a prekey in it."""

    held: KeyFile = field(repr=False)
    passphrase: str | None = field(repr=False)

    @property
    def prekey(self) -> Prekey:
        """What others sealed their halves to: it stands on our card."""
        return Prekey(self.held.seeds[PREKEY])


def open_console(bench: Bench) -> ConsoleKeys:
    """Open console.key.

    Raises:
        OperatorError: no such key file, or a wrong passphrase.
        StorageError: the disk refused.
    """
    passphrase = bench.passphrase(bench.home.keys / CONSOLE_KEY)
    return ConsoleKeys(ready_console(bench.home, passphrase, bench.entropy), passphrase)


def their_half(enrolment: Enrolment, keys: ConsoleKeys) -> bytes:
    """Open another station's half of the secret of our pair.

    Raises:
        OperatorError: it does not open; says what to do.
    """
    try:
        return open_half(enrolment, keys.prekey, keys.held.station)
    except PeerError as error:
        raise OperatorError(
            f"this file of {enrolment.sender} cannot be used: {error}",
            hint="give them this station's card of today, and ask for the file again",
        ) from error


def read_written(encoded: bytes, step: Step) -> Enrolment:
    """Read back what this station wrote, as the others will.

    Raises:
        IntegrityError: they would refuse it.
    """
    try:
        return read_enrolment(encoded, step)
    except PeerError as error:
        raise IntegrityError(f"what this station signed does not verify: {error}") from error


def lay_side(
    bench: Bench,
    files: Sequence[Enrolment],
    halves: Mapping[str, bytes],
    keys: ConsoleKeys,
    catalogue: Catalogue,
    beside: Mapping[str, bytes],
) -> None:
    """Make our side of a line, which takes the prekey of our card.

    Args:
        files: The opening and every answer, our own file among them.
        halves: Our half of the secret of each pair, by the other station.
        beside: Small files that lie in the line's directory, by name.
    Raises:
        OperatorError: a half does not open, or nobody of a pair can be dialled.
        IntegrityError: the records do not verify together.
        StorageError: the disk refused.
    Spec: docs/enrolment.md §5.5, docs/protocol.md §4.27
    """
    written = {one.sender: one for one in files}
    charter = gather_charter({one.sender: one.charter_record for one in files})
    cards = [written[station].card for station in files[0].charter.stations]
    records = [charter, *(record for card in cards for record in card.records)]
    roster = Roster.read(records)
    ours = keys.held.station
    # Spec: docs/protocol.md §4.28
    secrets = {
        peer: share(roster.line, {ours: half, peer: their_half(written[peer], keys)})
        for peer, half in halves.items()
    }
    line = NewLine(
        card=line_card(read_identity(bench.home), cards, roster, records),
        roster=roster,
        secrets=secrets,
        day=day_number(roster.charter.created_ms),
        prekey=keys.prekey.seed,
        ledger=Ed25519Signer(keys.held.seeds[f"ledger/{ED25519}"]),
        passphrase=keys.passphrase,
        beside=beside,
    )
    directory = bench.home.lines / handle_of(roster.name, roster.line)
    clear_unfinished(directory)
    lay_line(directory, line, catalogue, bench.clock(), bench.entropy)
    # Cut short here, the prekey goes when the line is opened next.
    spend_prekey(bench.home.keys / CONSOLE_KEY, keys.passphrase, bench.entropy)
