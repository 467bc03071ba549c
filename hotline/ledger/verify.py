"""Verifying a whole ledger without any content key, from a private copy.

Spec: docs/ledger.md §11
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hotline.core.errors import IntegrityError, OperatorError, PeerError
from hotline.core.records.add_checkpoint import WitnessKey
from hotline.core.records.checkpoint import Checkpoint
from hotline.core.records.leaf import leaf_hash
from hotline.core.records.merkle import Frontier
from hotline.core.seams import IdentifyLedger, Verifier
from hotline.core.values import ZERO_DIGEST
from hotline.ledger.audit_crew import Crew, is_whole
from hotline.ledger.audit_entries import EntryPass
from hotline.ledger.audit_fast import (
    MAX_AUDITED_HEADS,
    FastPass,
    Progress,
    find_good,
    heads_after,
    judge_before,
    other_logs,
    plan_heads,
    run_blocks,
)
from hotline.ledger.audit_heads import HeadPlan, HeadsFound, Parties
from hotline.ledger.audit_rows import (
    check_lasting_of_others,
    check_newest,
    check_nodes,
    check_orphans,
    check_public,
    check_receipts,
    check_witnessed,
    establish,
    read_origin,
    read_records,
)
from hotline.ledger.audit_schema import find_misnamed
from hotline.ledger.audit_since import check_since, trusted_edge
from hotline.ledger.connection import copy_errors
from hotline.ledger.erasures import erasure_notes
from hotline.ledger.schema import find_schema_fault
from hotline.ledger.snapshot import Snapshot, ledger_file
from hotline.ledger.verdict import MAX_FAULTS, Damage, Examined, Fault, Findings, Verdict

PARALLEL_FROM_BYTES = 16_000_000
"""A smaller file is verified before a second core would have loaded what it needs."""
_LEAST_ROW_BYTES = 148
_DAMAGED = "the file is damaged"
_MALFORMED = (TypeError, ValueError, AttributeError)


def verify_ledger(
    path: Path,
    *,
    identify: IdentifyLedger,
    verifier: Verifier,
    lasting_verifier: Verifier | None = None,
    audit: bool | None = None,
    progress: Progress | None = None,
    cores: int | None = None,
    since: Checkpoint | None = None,
) -> Verdict:
    """Verify the ledger at `path` (file or its directory) and say what stands.

    Memory does not grow with the ledger; the private copy needs its size on disk.

    Args:
        path: Read once, never written; a log beside it is read with it.
        identify: Checks the public records and names the keys.
        verifier: Checks Ed25519 signatures. With several cores it must be a function of
            a module, and so must `lasting_verifier`: the workers import them.
        lasting_verifier: Checks ML-DSA-65 signatures, None to say that nobody did.
        audit: Judge every stored head and cosignature, instead of those on which somebody
            relies; None to do so when there are at most MAX_AUDITED_HEADS.
        progress: Is told how many entries of how many are done.
        cores: How many to use, at least 1; None for all, or one for a small file.
        since: A head of this log that is trusted already: only what follows is examined.
    Returns:
        A verdict also for a file that cannot be read as a ledger at all.
    Raises:
        OperatorError: there is no such file; `since` is a head of another log.
        StorageError: it cannot be copied.
    Spec: docs/ledger.md §11
    """
    job = _Job(identify, verifier, lasting_verifier, audit, progress, since)
    try:
        with (
            Crew(_cores(path, cores)) as crew,
            Snapshot(path) as snapshot,
            copy_errors("reading the ledger"),
        ):
            return job.verify(crew, snapshot)
    except UnicodeDecodeError:
        # SQLite's own sentence about the damage is damaged.
        job.findings.blame(_DAMAGED, "the file", damage=Damage.DAMAGED_FILE)
        return job.verdict()
    except IntegrityError as error:
        job.findings.blame(str(error), "the file", damage=Damage.DAMAGED_FILE)
        return job.verdict()


def _cores(path: Path, cores: int | None) -> int:
    if cores is not None:
        return cores
    file = ledger_file(path)
    logged = file.with_name(file.name + "-wal")
    size = file.stat().st_size + (logged.stat().st_size if logged.exists() else 0)
    return len(os.sched_getaffinity(0)) if size >= PARALLEL_FROM_BYTES else 1


@dataclass(slots=True)
class _Job:
    """One verification: what was asked, and what was found so far."""

    identify: IdentifyLedger
    verifier: Verifier
    lasting_verifier: Verifier | None
    audit: bool | None
    progress: Progress | None
    since: Checkpoint | None
    findings: Findings = field(default_factory=Findings)
    parties: Parties | None = None
    plan: HeadPlan | None = None
    edge: Frontier = field(default_factory=Frontier)
    good: int = 0
    cosigned: dict[str, int] = field(default_factory=dict)
    outside: dict[WitnessKey, int] = field(default_factory=dict)
    examined: Examined = field(default_factory=Examined)
    origin: str = ""
    records: tuple[bytes, ...] = ()

    def verify(self, crew: Crew, snapshot: Snapshot) -> Verdict:
        """Verify the copy, also one whose rows hold what no row of a ledger can hold."""
        try:
            return self._verify(crew, snapshot)
        except _MALFORMED:
            if is_whole(snapshot.connection):
                raise
        self.findings.blame(_DAMAGED, "the file", damage=Damage.DAMAGED_FILE)
        return self.verdict()

    def _verify(self, crew: Crew, snapshot: Snapshot) -> Verdict:
        connection = snapshot.connection
        if not self._check_schema(connection):
            return self.verdict()
        verifiers = (self.verifier, self.lasting_verifier)
        self.parties = establish(connection, self.identify, verifiers, self.findings)
        self.origin = _origin_of(connection)
        stored = _count_heads(connection)
        if self.parties is not None:
            self.records = read_records(connection)
            self._check_origin(self.parties)
            audit = max(stored) <= MAX_AUDITED_HEADS if self.audit is None else self.audit
            self.plan = plan_heads(connection, self.parties, audit, self.findings)
        passed = self._pass_fast(crew, snapshot)
        if passed.broken:
            self._pass_carefully(connection, passed)
        self._conclude(connection, passed, stored)
        return self.verdict()

    def _check_schema(self, connection: sqlite3.Connection) -> bool:
        """Return whether the tables can be read for what they are."""
        fault = find_schema_fault(connection) or find_misnamed(connection)
        if fault:
            self.findings.blame(fault.what, "the schema", damage=Damage.SCHEMA)
        return fault is None or fault.readable

    def _check_origin(self, parties: Parties) -> None:
        if self.since is not None and self.since.origin != parties.origin:
            raise OperatorError(
                "the trusted head is of another log than this one",
                hint="a later generation begins anew; verify it without --since",
            )

    def _pass_fast(self, crew: Crew, snapshot: Snapshot) -> FastPass:
        connection = snapshot.connection
        entries = _length(snapshot)
        edge = Frontier()
        if self.since is not None and self.parties is not None:
            edge = self._begin(connection, self.since, entries)
        passed = run_blocks(crew, snapshot, self.plan, entries, edge, self.progress)
        if edge.size and self.plan is not None and self.since is not None:
            judge_before(connection, self.plan, self.since, passed)
        if not passed.whole_file:
            self.findings.blame(_DAMAGED, "the file", damage=Damage.DAMAGED_FILE)
        elif _has_more_than_pages(snapshot):
            what = "more stands after its last page than any ledger has"
            self.findings.blame(what, "the file", damage=Damage.INSERTED)
        passed.tell(self.findings)
        self.edge, self.good = passed.edge, passed.good
        self.cosigned, self.outside = passed.heads.cosigned, passed.heads.outside
        return passed

    def _begin(self, connection: sqlite3.Connection, since: Checkpoint, entries: int) -> Frontier:
        edge = trusted_edge(connection, since) if since.size <= entries else None
        if edge is None:
            # Everything is examined, so that the reviewer hears what is wrong and where.
            check_since(connection, since, entries, self.findings)
            self.since = None
        return edge or Frontier()

    def _pass_carefully(self, connection: sqlite3.Connection, passed: FastPass) -> None:
        """Name what the fast pass stumbled over."""
        found, start = HeadsFound(), passed.before.size
        heads: Iterator[Checkpoint] = iter(())
        if self.plan is not None:
            self.good = find_good(connection, self.plan, passed, start)
            heads = heads_after(connection, self.plan, start, found)
        prev = ZERO_DIGEST
        if start:
            before = "SELECT leaf FROM entry WHERE idx = ?"
            prev = leaf_hash(connection.execute(before, (start - 1,)).fetchone()[0])
        before_ = len(self.findings.faults)
        entries = EntryPass(self.findings, heads, passed.before, self.good, prev)
        entries.run(connection)
        if self.plan is not None and self.plan.audit:
            for _ in heads:
                # The pass stops at a bad entry; the heads after it are judged all the same.
                continue
        for fault in found.faults:
            self.findings.add(fault)
        if len(self.findings.faults) == before_:
            what = "its entries were not read the same way twice"
            self.findings.blame(what, "the file", damage=Damage.DAMAGED_FILE)
        self.edge, self.good = entries.frontier, entries.good

    def _conclude(
        self, connection: sqlite3.Connection, passed: FastPass, stored: tuple[int, int, int]
    ) -> None:
        """Check what hangs on the entries; after a bad entry the rest of them is not known."""
        parties, plan, findings = self.parties, self.plan, self.findings
        judged = 0
        others = 0
        if parties is not None and plan is not None:
            judged = check_witnessed(connection, parties, plan.audit, findings)
            logs = other_logs(connection, parties)
            others = check_lasting_of_others(connection, parties, logs, findings)
            if not passed.broken:
                self._check_newest(connection, plan, passed)
        if not passed.broken:
            check_nodes(connection, self.edge.size, passed.nodes_good, findings)
        if parties is not None and not findings.bad_entry():
            whole = self.since is None
            check_public(connection, parties, passed.bound, whole, findings)
            check_receipts(connection, self.cosigned, findings)
            check_orphans(connection, self.edge.size, findings)
            findings.notes.extend(erasure_notes(connection, self.records))
        self.examined = self._examined(connection, passed.heads, stored, judged, others)

    def _check_newest(
        self, connection: sqlite3.Connection, plan: HeadPlan, passed: FastPass
    ) -> None:
        if self.good < self.edge.size:
            self.good = find_good(connection, plan, passed, self.edge.size)
        check_newest(connection, self.edge.size, self.good, self.findings)

    def _examined(
        self,
        connection: sqlite3.Connection,
        heads: HeadsFound,
        stored: tuple[int, int, int],
        witnessed: int,
        others: int,
    ) -> Examined:
        (lasting,) = connection.execute("SELECT count(*) FROM lasting").fetchone()
        judged = heads.lasting + others if self.lasting_verifier is not None else 0
        if lasting and self.lasting_verifier is None:
            self.findings.notes.append(
                f"{lasting} long-lasting signatures were not judged: nothing here checks ML-DSA-65"
            )
        return Examined(
            heads.heads,
            stored[0],
            heads.cosignatures,
            stored[1],
            witnessed,
            stored[2],
            judged,
            lasting,
        )

    def verdict(self) -> Verdict:
        findings, parties = self.findings, self.parties
        first = findings.first()
        identity = parties.identity if parties else None
        return Verdict(
            ok=not findings.faults,
            entries=self.edge.size,
            root=self.edge.root(),
            origin=self.origin,
            realm=identity.realm if identity else None,
            station=parties.parsed.station if parties else "",
            line=identity.line if identity else None,
            line_name=identity.name if identity else "",
            members=identity.members if identity else (),
            root_words=dict(identity.root_words) if identity else {},
            first_fault=first,
            faults=tuple(findings.faults[:MAX_FAULTS]),
            stands=_stands(first, self.good),
            notes=tuple(findings.notes),
            cosigned=self.cosigned,
            outside=self.outside,
            examined=self.examined,
            since=self.since,
            records=self.records,
        )


def _length(snapshot: Snapshot) -> int:
    """Return how many entries the file holds, going by its last one.

    A number that no file of this size could hold is not believed: the entry
    before the gap is then missing, which the pass over the entries finds.
    """
    (last,) = snapshot.connection.execute("SELECT coalesce(max(idx), -1) FROM entry").fetchone()
    (low,) = snapshot.connection.execute("SELECT coalesce(min(idx), 0) FROM entry").fetchone()
    (pages,) = snapshot.connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = snapshot.connection.execute("PRAGMA page_size").fetchone()
    held: int = min(int(last) + 1, pages * page_bytes // _LEAST_ROW_BYTES)
    # A row before entry 0 makes the first block unsound by its length.
    return held + 1 if low < 0 else max(held, 0)


def _has_more_than_pages(snapshot: Snapshot) -> bool:
    """Return whether the file is longer than its pages, or ends within one."""
    (pages,) = snapshot.connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = snapshot.connection.execute("PRAGMA page_size").fetchone()
    held = snapshot.path.stat().st_size
    return bool(held > pages * page_bytes or held % page_bytes)


def _count_heads(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many heads, cosignatures and witnessed heads are stored."""
    heads, cosignatures, witnessed = (
        int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
        for table in ("head", "cosignature", "witnessed")
    )
    return heads, cosignatures, witnessed


def _origin_of(connection: sqlite3.Connection) -> str:
    try:
        return read_origin(connection)
    except PeerError:
        return ""


def _stands(first: Fault | None, good: int) -> int:
    return good if first is None or first.index is None else min(good, first.index)
