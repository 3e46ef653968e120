"""Moving horizons: what has been kept long enough need not be kept any longer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId

from argon.catalog.tables import BRANCHES
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.retention.lines import abandoned, own_lines
from argon.retention.period import period_of
from argon.timetravel.resolve import last_at

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_CENTURIES = 1e10
"""Seconds; what is to be kept for longer is kept for ever."""


def due(
    engine: Engine,
    project: ProjectRecord,
    branches: Mapping[ObjectId, BranchRecord],
    default: float,
    patience: timedelta,
) -> Operation[dict[ObjectId, BranchRecord]]:
    """Work out where horizons ought to be by now, and which branches are to go.

    Args:
        engine: The engine.
        project: The project.
        branches: The records of all its branches.
        default: Seconds for which history is kept where neither branch nor project says anything.
        patience: For how long a large commit may be under way.

    Returns:
        The records as they ought to be, of those that ought to change.
    """
    yield from engine.clock.refresh()
    now = engine.clock.now()
    changed = {
        hidden.id: hidden.model_copy(update={"status": "purged"})
        for hidden in abandoned(branches, now - patience)
    }
    for branch in branches.values():
        period = period_of(branch, project, default)
        if branch.status not in ("active", "pending_delete") or period > _CENTURIES:
            continue
        cutoff = now - timedelta(seconds=period)
        deleted = branch.deleted_at if branch.status == "pending_delete" else None
        if deleted is not None and (not period or deleted <= cutoff):
            changed[branch.id] = branch.model_copy(update={"status": "purged"})
            continue
        horizon = yield from _horizon(engine, branch, cutoff if period else None)
        if horizon > branch.horizon_lsn:
            changed[branch.id] = branch.model_copy(update={"horizon_lsn": horizon})
    return changed


def publish(
    engine: Engine, branches: Mapping[ObjectId, BranchRecord], changed: Mapping[ObjectId, BranchRecord]
) -> Operation[None]:
    """Let everybody know of horizons, before anything behind them goes.

    Args:
        engine: The engine.
        branches: The records as they were read.
        changed: As :func:`due` found, or :func:`argon.retention.lines.behind`.
    """
    table = engine.plain[BRANCHES]
    for branch in changed.values():
        if branch.status == "purged":
            # Whoever brings the branch back, or publishes a line, changes the same field: one is refused.
            known = branches[branch.id]
            yield table.update_one(
                {"_id": known.id, "status": known.status, "deleted_at": known.deleted_at},
                {"$set": {"status": "purged"}},
            )
        else:
            horizon: Any = {"$max": {"horizon_lsn": Int64(branch.horizon_lsn)}}
            yield table.update_one({"_id": branch.id}, horizon)
    engine.horizons.forget()


def _horizon(engine: Engine, branch: BranchRecord, cutoff: datetime | None) -> Operation[int]:
    """Return the end of the last commit that was made by a moment, or of all, as the horizon."""
    if branch.kind != "wal":
        return 0
    head = yield from engine.log.head(branch)
    base = max(branch.base_lsn, branch.horizon_lsn)
    if head.lsn <= base or cutoff is None:
        return head.lsn if head.lsn > branch.base_lsn else 0
    for line, begin, limit in own_lines(branch, head.lsn):
        found = yield from last_at(engine, branch, line, max(begin, base), limit, cutoff)
        if found:
            return found
    return 0
