"""Forks and tags against the collection of what they are to hold.

A fork is written first and looks at the horizon afterwards; a collection moves
the horizon first and looks at forks and tags afterwards. So one of the two
sees the other, and neither has to wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bson import ObjectId

from argon.catalog.tables import BRANCHES
from argon.errors import HistoryExpired
from argon.io import Operation
from argon.models import BranchRecord, TagRecord
from argon.retention.held import read_holds

if TYPE_CHECKING:
    from argon.engine.engine import Engine

TakeBack = Callable[[], Operation[object]]


def confirm_branch(
    engine: Engine, parent: BranchRecord, made: BranchRecord, take_back: TakeBack
) -> Operation[None]:
    """Make sure that what a new branch begins with is held, or take the branch back.

    Args:
        engine: The engine.
        parent: Where it begins.
        made: The branch, which has landed.
        take_back: Deletes it.

    Raises:
        HistoryExpired: It was collected meanwhile.
    """
    if not (yield from _was_held(engine, parent, made.base_lsn, without=made.id)):
        yield from take_back()
        # What it sees may not be whole, so nobody shall bring it back.
        yield engine.plain[BRANCHES].update_one({"_id": made.id}, {"$set": {"status": "purged"}})
        raise _expired(parent, made.base_lsn)


def confirm_tag(engine: Engine, tag: TagRecord, take_back: TakeBack) -> Operation[None]:
    """Make sure that what a new tag names is held, or take the tag back.

    Args:
        engine: The engine.
        tag: The tag, which has landed.
        take_back: Deletes it.

    Raises:
        HistoryExpired: It was collected meanwhile.
    """
    branch = yield from engine.branch_record(tag.branch_id)
    if branch is None or not (yield from _was_held(engine, branch, tag.lsn, without=tag.id)):
        yield from take_back()
        raise _expired(branch, tag.lsn)


def _was_held(engine: Engine, branch: BranchRecord, lsn: int, *, without: ObjectId) -> Operation[bool]:
    """Whether a point is held besides by the branch or tag that has just been made of it."""
    line = branch.line_at(lsn)
    record = yield from engine.branch_record(line)
    if record is None:
        return False
    if record.status != "purged" and lsn >= record.horizon_lsn:
        return True
    held = (yield from read_holds(engine, branch.project_id, without=without)).lines.get(line)
    return held is not None and (yield from engine.horizons.at_point(held, lsn))


def _expired(branch: BranchRecord | None, lsn: int) -> HistoryExpired:
    name = "a branch that is gone" if branch is None else repr(branch.name)
    return HistoryExpired(f"LSN {lsn} of {name} has expired while it was being named: choose a later point")
