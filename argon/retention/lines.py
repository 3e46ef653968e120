"""The lines that a project's branches wrote, each as the record of its branch at the time.

A branch that took in a large commit goes on writing on another line (see
:mod:`argon.engine.large`), which has a record of its own. What is to become of
a line is what is to become of its branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bson import ObjectId

from argon.models import BranchRecord


def lines_of(branches: Mapping[ObjectId, BranchRecord]) -> dict[ObjectId, BranchRecord]:
    """Return the record of each line, with the horizon and the status that its branch has.

    Args:
        branches: All records of a project's branches.
    """
    return {record.id: _line(record.on(record.id), branches) for record in branches.values()}


def behind(branches: Mapping[ObjectId, BranchRecord]) -> dict[ObjectId, BranchRecord]:
    """Return the lines whose own records do not say yet what those of their branches say."""
    lines = lines_of(branches)
    return {
        record.id: lines[record.id]
        for record in branches.values()
        if record.status == "published"
        and (lines[record.id].status == "purged" or lines[record.id].horizon_lsn > record.horizon_lsn)
    }


def abandoned(branches: Mapping[ObjectId, BranchRecord], before: datetime) -> Iterator[BranchRecord]:
    """Yield the hidden lines that were begun before a moment and never published."""
    for record in branches.values():
        if record.status == "hidden" and record.created_at <= before:
            yield record


def own_levels(branch: BranchRecord) -> list[tuple[ObjectId, int]]:
    """Return the lines that a branch itself wrote, the latest first, each with its number in the rows."""
    levels = [(branch.line_id, branch.number)]
    for ancestor in branch.lineage:
        if levels[-1][0] == branch.id:
            break
        levels.append((ancestor.id, ancestor.number))
    return levels


def own_lines(branch: BranchRecord, head: int) -> Iterator[tuple[ObjectId, int, int]]:
    """Yield the lines that a branch itself wrote, the latest first.

    Args:
        branch: The branch.
        head: Its head.

    Yields:
        The line, the LSN that it follows, and its last LSN that counts.
    """
    line, limit = branch.line_id, head
    for ancestor in branch.lineage:
        if line == branch.id:
            break
        yield line, ancestor.fork, limit
        line, limit = ancestor.id, ancestor.fork
    yield line, branch.base_lsn, limit


def _line(line: BranchRecord, branches: Mapping[ObjectId, BranchRecord]) -> BranchRecord:
    if line.status != "published":
        return line
    branch = None if line.parent_id is None else branches.get(line.parent_id)
    if branch is None or branch.status == "purged":
        return line.model_copy(update={"status": "purged"})
    return line.model_copy(update={"horizon_lsn": max(line.horizon_lsn, branch.horizon_lsn)})
