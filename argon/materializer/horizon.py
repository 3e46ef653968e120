"""Horizons against the log: what a branch claims to hold, and what is left of it.

A horizon is the end of a commit on a line that the branch wrote, whose entry
always stays. It never goes down, so nothing was collected beyond it; and what
lies beyond it is as it was written, which the pass over the log looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES
from argon.io import Operation
from argon.materializer.report import ProblemKind, VerifyReport
from argon.materializer.start import Start
from argon.models import BranchRecord
from argon.retention.lines import own_levels

if TYPE_CHECKING:
    from argon.engine.engine import Engine


def check_horizons(engine: Engine, start: Start, report: VerifyReport) -> Operation[None]:
    """Hold the horizons of a project's branches against its log.

    Args:
        engine: The engine.
        start: The records, as of one moment.
        report: Takes what is found.
    """
    table = engine.plain[BRANCHES].with_options(read_concern=ReadConcern("majority"))
    for branch in start.branches.values():
        wrong = yield from _wrong(engine, start, branch)
        if wrong is None:
            continue
        now = yield table.find_one({"_id": branch.id}, {"horizon_lsn": 1})
        if now is None or now.get("horizon_lsn", 0) != branch.horizon_lsn:
            continue  # a collection has moved it since, and may have let go of the entry
        text = f"the horizon of the branch {branch.name!r} is LSN {branch.horizon_lsn}, {wrong}"
        report.add(ProblemKind.HORIZON, text, branch=branch.name, lsn=branch.horizon_lsn)


def _wrong(engine: Engine, start: Start, branch: BranchRecord) -> Operation[str | None]:
    """Say what is wrong with a horizon."""
    horizon, swept = branch.horizon_lsn, start.swept.get(branch.id, 0)
    if branch.status == "purged":
        return None
    if swept > horizon:
        return f"but its history has been collected up to LSN {swept}"
    if branch.status != "published":
        return (yield from _no_commit(engine, start, branch)) if horizon else None
    owner = start.branches.get(branch.parent_id) if branch.parent_id else None
    if owner is not None and owner.status != "purged" and horizon > owner.horizon_lsn:
        return f"which was its line once, and its own one is LSN {owner.horizon_lsn}"
    return None


def _no_commit(engine: Engine, start: Start, branch: BranchRecord) -> Operation[str | None]:
    head = start.heads.get(branch.line_id, 0)
    if branch.horizon_lsn > head:
        return f"which is beyond its head, LSN {head}"
    entry = yield from engine.log.entry(start.project.id, branch.horizon_lsn)
    if entry is None or entry["branch_id"] not in {line for line, _ in own_levels(branch)}:
        return "of which the log has no entry of that branch"
    commit = int(entry.get("commit", branch.horizon_lsn))
    return None if commit == branch.horizon_lsn else f"which is amid the commit that ends with LSN {commit}"
