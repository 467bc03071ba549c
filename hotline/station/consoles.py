"""`hotline renew`: the console of a station is certified for longer, under its key or a new one.

Spec: docs/enrolment.md §10
"""

from __future__ import annotations

from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.messages.catalogue import Catalogue
from hotline.core.times import format_time
from hotline.host.keyfile import read_key_file
from hotline.sealing.certificate import Certificate, Usage
from hotline.sealing.enrol import Subject
from hotline.sealing.hybrid import HybridSigner, draw_hybrid_seeds
from hotline.station.console_keys import CONSOLE
from hotline.station.identity import read_identity, write_identity
from hotline.station.laying import CONSOLE_KEY
from hotline.station.officers import MAX_DAYS, admit_issued, issue, level_records, unlock_root
from hotline.station.staged_keys import adopt_pair, key_pair, stage_pair, staged_pair
from hotline.station.upkeep import Bench


def renew_console(
    bench: Bench,
    root_file: Path,
    catalogue: Catalogue,
    days: int = MAX_DAYS,
    *,
    new_key: bool = False,
) -> Certificate:
    """Have the root certify the console for longer; what the peers hold stays valid beside it.

    Args:
        new_key: A new key takes the old one's place. One that was made by a call that was
            cut short is taken up again, also without this.
    Raises:
        OperatorError: a wrong passphrase, no root, or more days than a certificate may last.
        StorageError: the disk, or the station runs.
    Spec: docs/enrolment.md §10.1, §10.2
    """
    level_records(bench, catalogue)
    root = unlock_root(bench, root_file)
    path = bench.home.keys / CONSOLE_KEY
    passphrase = bench.passphrase(path)
    seeds = read_key_file(path, passphrase).seeds
    staged = staged_pair(seeds, CONSOLE)
    if new_key and staged is None:
        staged = draw_hybrid_seeds(bench.entropy)
        stage_pair(path, CONSOLE, staged, passphrase, bench.entropy)
    signer = HybridSigner(staged or key_pair(seeds, CONSOLE))
    subject = _subject(bench, HybridSigner(key_pair(seeds, CONSOLE)))
    issued = issue(bench, root, signer, subject, Usage.TRANSPORT, days=days)
    certificate = admit_issued(bench, issued, catalogue)
    if staged is not None:
        adopt_pair(path, CONSOLE, passphrase, bench.entropy)
    _lengthen_card(bench, certificate)
    return certificate


def _subject(bench: Bench, console: HybridSigner) -> Subject:
    """Return whom the console's certificate is about: as the one before says, also of a spare."""
    known = read_identity(bench.home).verified().certified(Usage.TRANSPORT)
    for one in reversed(known):
        if one.key == console.public_key:
            return Subject(one.person, one.name, one.rank, one.role)
    raise OperatorError("console.key holds another key than any certificate of this home is for")


def _lengthen_card(bench: Bench, certificate: Certificate) -> None:
    """Let the keys on the station's card last as long as the console that signs it.

    Spec: docs/enrolment.md §10.3
    """
    until = {"prekey_not_after": format_time(certificate.not_after_ms)}
    write_identity(bench.home, read_identity(bench.home).model_copy(update=until))
