"""Holding the log against the rows, in both directions.

Three passes, none of which holds more than a page: the log by itself
(:mod:`argon.materializer.chain`), every row against the entries that it names
(:mod:`argon.materializer.rows`), and every entry against what the rows have
accounted for. Between the passes only the catalogue is kept, and two bits for
each LSN.

A project may be written to meanwhile: what is newer than the heads at the
start must still agree with the log where it is met, but need not be met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import ObjectId

from argon.io import Operation
from argon.materializer.chain import Facts, read_log, shown_name
from argon.materializer.history import differences, rule_differences, tag_differences
from argon.materializer.horizon import check_horizons
from argon.materializer.report import ProblemKind, Progress, VerifyReport
from argon.materializer.row import BEGINS, ENDS, Ledger
from argon.materializer.rows import check_rows
from argon.materializer.start import Start, read_start
from argon.retention.marker import collections_done
from argon.wal.log import LOG
from argon.wal.pages import log_pages

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_ENTRY_FIELDS = {"lsn": 1, "branch_id": 1, "operation": 1, "space": 1, "collection": 1, "document_id": 1}


def verify(engine: Engine, project_id: ObjectId, progress: Progress | None = None) -> Operation[VerifyReport]:
    """Hold a project's log against its rows.

    Args:
        engine: The engine.
        project_id: The project.
        progress: Is told how many entries and rows have been read.

    Returns:
        What was found.

    Raises:
        ProjectNotFound: The project's record is gone.
    """
    while True:
        start = yield from read_start(engine, project_id)
        report = yield from _verify(engine, start, progress)
        # What garbage collection takes away meanwhile is missed here and not there.
        if report.ok or (yield from collections_done(engine, project_id)) == start.collected:
            return report


def _verify(engine: Engine, start: Start, progress: Progress | None) -> Operation[VerifyReport]:
    report = VerifyReport(start.project.name, start.last, progress=progress)
    facts = yield from read_log(engine, start, report)
    _check_records(facts, report)
    yield from check_horizons(engine, start, report)
    ledger = Ledger(facts, report)
    yield from check_rows(engine, ledger)
    yield from _check_entries(engine, ledger)
    return report


def _check_records(facts: Facts, report: VerifyReport) -> None:
    project, history = facts.start.project, facts.history
    if project.name != history.project_name:
        text = f"the project is called {project.name!r}, and by the log {history.project_name!r}"
        report.add(ProblemKind.RECORD, text)
    if project.status != history.project_status:
        text = f"the project is {project.status!r}, and by the log {history.project_status!r}"
        report.add(ProblemKind.RECORD, text)
    for difference in rule_differences(history.project_rules, project):
        report.add(ProblemKind.RECORD, f"the record of the project is wrong: {difference}")
    for text in tag_differences(history.tags, facts.start.tags):
        report.add(ProblemKind.RECORD, text)
    for branch_id, record in facts.start.branches.items():
        logged = history.record(branch_id)
        if logged is None:
            text = f"the branch {record.name!r} has a record, and the log does not have its creation"
            report.add(ProblemKind.RECORD, text, branch=record.name)
            history.adopt(record)
            continue
        if record.status == "purged" and logged.status != "active":
            record = record.model_copy(update={"status": logged.status})
        if logged.ddl_lsn < record.ddl_lsn <= facts.start.horizon(branch_id):
            # Entries about collections that nobody can see any more are gone.
            logged = logged.model_copy(update={"ddl_lsn": record.ddl_lsn})
        for difference in differences(logged, record):
            text = f"the record of the branch {logged.name!r} is wrong: {difference}"
            report.add(ProblemKind.RECORD, text, branch=logged.name)


def _check_entries(engine: Engine, ledger: Ledger) -> Operation[None]:
    """Look for entries that no row accounts for."""
    facts = ledger.facts
    pages = log_pages(engine.raw[LOG], facts.start.project.id, facts.start.last, projection=_ENTRY_FIELDS)
    while page := (yield from pages.next()):
        for entry in page:
            if not facts.covers(entry):
                continue
            lsn, operation = int(entry["lsn"]), entry["operation"]
            missing = [
                (kind, text)
                for operations, seen, kind, text in (
                    (BEGINS, ledger.began, ProblemKind.MISSING_ROW, "has no row"),
                    (ENDS, ledger.ended, ProblemKind.MISSING_END, "ended no row, by a mark or in itself"),
                )
                if operation in operations and lsn not in seen
            ]
            for kind, text in missing:
                ledger.report.add(
                    kind,
                    f"LSN {lsn}, {operation} of {entry.get('document_id')!r}, {text}",
                    branch=facts.branch_name(entry["branch_id"]),
                    collection=shown_name(entry.get("space"), entry.get("collection")),
                    lsn=lsn,
                    document_id=entry.get("document_id"),
                )
