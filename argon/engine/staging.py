"""Staging what an open transaction does: provisional rows in a MongoDB transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from argon.catalog.tables import COLLECTIONS
from argon.engine.conflicts import Conflict, names_are_free, still_true
from argon.engine.large import parts
from argon.engine.snapshot import Snapshot
from argon.engine.unique import all_checks, unique_check
from argon.io import Operation
from argon.wal import statements
from argon.wal.change import Change, Check, Plan, Planner
from argon.wal.commit import by_store
from argon.wal.rows import write_rows

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Staging = Callable[["Engine", int, Any, int, list[Change]], Operation[None]]
"""Takes the engine, the number of the branch, the session, the first LSN and the changes."""


def stage(engine: Engine, number: int, session: Any, lsn: int, changes: Sequence[Change]) -> Operation[None]:
    """Stage changes one after the other, several of which may be about one document."""
    for place, change in enumerate(changes, lsn):
        change.lsn = place
        rest = yield from write_rows(engine.raw[change.store], session, number, [change], history=False)
        yield from statements.run(rest, session)


def stage_at_once(
    engine: Engine, number: int, session: Any, lsn: int, changes: list[Change]
) -> Operation[None]:
    """Stage changes of one document each, in a few statements."""
    for place, change in enumerate(changes, lsn):
        change.lsn = place
    for page in parts(changes):
        rest: list[statements.Statement] = []
        for name, changed in by_store(page).items():
            rest += yield from write_rows(engine.raw[name], session, number, changed, history=False)
        yield from statements.run(rest, session)


def operation(change: Change) -> str:
    """Say what a net effect is."""
    if change.before is None:
        return "insert"
    return "delete" if change.after is None else "update"


def is_creation(change: Change) -> bool:
    """Whether a change makes a collection."""
    return change.store == COLLECTIONS and change.before is None


def makes_collections(plan: Plan) -> bool:
    """Whether a plan makes collections, and at most inserts into these what nobody needs to check."""
    stores = {change.after["store"] for change in plan.changes if is_creation(change) and change.after}
    return (
        plan.check is None
        and bool(stores)
        and all(
            is_creation(change) or (change.before is None and change.store in stores and change.seek is None)
            for change in plan.changes
        )
    )


def is_nothing(change: Change) -> bool:
    """Whether there was nothing before, and is nothing afterwards."""
    return change.before is None and change.after is None


def checks(snapshot: Snapshot, changes: list[Change]) -> Check | None:
    """Return the checks of the unique indexes of all collections."""
    return all_checks(
        unique_check(snapshot, record, [change for change in changes if change.store == record.store])
        for record in snapshot.catalog.records()
    )


def replanned(net: list[Change], branch_id: Any, known: Collection[str]) -> Planner:
    """Return the planner that lands a net effect, where nobody else came first.

    Args:
        net: The changes.
        branch_id: The branch that they were made on; None where it was not made yet.
        known: The stores of collections that they make or rename themselves.
    """

    def same_collection(snapshot: Snapshot, change: Change) -> bool:
        """Whether a change is still for the collection of its name; somebody may have renamed it."""
        if change.store == COLLECTIONS or change.store in known:
            return True
        record = snapshot.record(change.space, change.collection)
        return record is not None and record.store == change.store

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        if branch_id not in (None, snapshot.branch.id):
            raise Conflict  # the name stands for another branch by now
        changes = [replace(change) for change in net]
        if not all(same_collection(snapshot, change) for change in changes):
            raise Conflict
        if not names_are_free(snapshot, changes):
            raise Conflict
        yield from still_true(snapshot, changes)
        return Plan(changes, check=checks(snapshot, changes))

    return plan
