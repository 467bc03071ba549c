"""`hotline ledger rekey`: a station's ledger gets a new key, signed in by the old one.

Spec: docs/ledger.md §20.10
"""

from __future__ import annotations

from hotline.core.errors import OperatorError
from hotline.core.exchange.decision import Planned
from hotline.core.records import events as ev
from hotline.core.values import Digest
from hotline.station.amending import check_keys_stay
from hotline.station.drafts import draft_of
from hotline.station.home import write_json
from hotline.station.ledger_keys import adopt_key, issue_ledger_key, open_root, stage_key
from hotline.station.upkeep import Work


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
    now_ms = bench.clock()
    key = issue_ledger_key(root, line.roster, now_ms, bench.entropy)
    stage_key(console, key, work.passphrase, bench.entropy)
    changed = ev.LedgerKeyChanged(
        station=line.station,
        certificate=key.cert_id.hex(),
        before=line.ledger_certificate.hex(),
    )
    admitted = ev.RecordAdmitted(record=key.cert_id.hex())
    planned = (Planned(admitted, public=key.certificate), Planned(changed))
    opened.ledger.hand_over([draft_of(one, now_ms) for one in planned], key.signer)
    card = opened.card.model_copy(
        update={"records": (*opened.card.records, key.certificate.decode())}
    )
    write_json(opened.directory / "line.json", card)
    adopt_key(console, work.passphrase, bench.entropy)
    return key.cert_id
