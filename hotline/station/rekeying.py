"""`hotline ledger rekey`: a station's ledger gets a new key, signed in by the old one.

Spec: docs/ledger.md §20.10
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.host.keyfile import read_key_file
from hotline.ledger.store import Ledger
from hotline.sealing.roster import Roster
from hotline.station.amending import check_keys_stay
from hotline.station.carrying import carried
from hotline.station.drafts import draft_of
from hotline.station.home import OpenLine, write_json
from hotline.station.ledger_keys import (
    LedgerKey,
    adopt_key,
    issue_ledger_key,
    open_root,
    stage_key,
    staged_before,
)
from hotline.station.lineup import Lined, read_lineup
from hotline.station.upkeep import Bench, Work, at_work


def rekey_ledger(work: Work) -> Digest:
    """Change the ledger key of the station; return the id of the new certificate.

    Needs the root's key file. The head over the change is signed by both keys.

    Raises:
        OperatorError: no root key there, or a wrong passphrase.
        StorageError: the disk refused; what is recorded is finished at the next opening.
    Spec: docs/ledger.md §20.10
    """
    bench, opened = work.bench, work.opened
    home, line = bench.home, opened.line
    check_keys_stay(home)
    root_file, console = home.keys / "root.key", home.keys / "console.key"
    records = [record.encode() for record in opened.card.records]
    root = open_root(root_file, bench.passphrase(root_file), records)
    if root.station != line.station:
        raise OperatorError(f"root.key is of {root.station}, not of {line.station}")
    key = _begun(bench, console, work.passphrase)
    if key is None:
        key = issue_ledger_key(root, line.roster, bench.clock(), bench.entropy)
        stage_key(console, key, work.passphrase, bench.entropy)
    for one in read_lineup(home.lines).earlier:
        _hand_over_earlier(bench, one, key, opened)
    _hand_over(opened, key, bench.clock())
    card = opened.card.model_copy(
        update={"records": (*opened.card.records, key.certificate.decode())}
    )
    write_json(opened.directory / "line.json", card)
    adopt_key(console, work.passphrase, bench.entropy)
    return key.cert_id


def _hand_over(opened: OpenLine, key: LedgerKey, now_ms: int) -> None:
    changed = ev.LedgerKeyChanged(
        station=opened.line.station,
        certificate=key.cert_id.hex(),
        before=opened.line.ledger_certificate.hex(),
    )
    admitted = ev.RecordAdmitted(record=key.cert_id.hex())
    planned = (Planned(admitted, public=key.certificate), Planned(changed))
    opened.ledger.hand_over([draft_of(one, now_ms) for one in planned], key.signer)


def _hand_over_earlier(bench: Bench, one: Lined, key: LedgerKey, current: OpenLine) -> None:
    """Have the ledger of a closed line know the new key, too: its record is still looked after.

    It comes before the line that is worked, since the old key goes with that one's.
    Spec: docs/ledger.md §20.10, docs/enrolment.md §9.6
    """
    home = replace(bench.home, chosen=one.directory.name)
    with at_work(replace(bench, home=home)) as work:
        line = work.opened.line
        if key.signer.public_key in line.roster.ledger_keys(line.station):
            return
        # The root that certifies the key may have followed after this line was closed.
        before = list(carried(current, work.opened))
        if before:
            work.record(*before)
        _hand_over(work.opened, key, bench.clock())


def _begun(bench: Bench, console: Path, passphrase: str | None) -> LedgerKey | None:
    """Return the key of a call that was cut short after an earlier line had taken it."""
    seeds = read_key_file(console, passphrase).seeds
    for one in read_lineup(bench.home.lines).earlier:
        with contextlib.closing(Ledger.open_read_only(one.directory)) as reader:
            records = [record.decode() for record in reader.public_records()]
        found = staged_before(seeds, Roster.read([one.encode() for one in records]), records)
        if found is not None:
            return found
    return None
