"""One attempt of the writers of a batch: what they plan on one head, and whose an error is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pymongo.errors import ConnectionFailure, PyMongoError

from argon.engine.errors import duplicate_id
from argon.errors import HookRefused
from argon.io import Operation
from argon.models.entry import DDL_OPERATIONS
from argon.versions.ids import id_key
from argon.wal.change import Commit, LargePlan, Plan
from argon.wal.commit import LsnTaken, StaleHead
from argon.wal.group import Pending
from argon.wal.rows import DuplicateId, StaleRow
from argon.wal.transactions import CommitFailed

if TYPE_CHECKING:
    from argon.engine.snapshot import Snapshot

MAX_CHANGES = 1000
MAX_BYTES = 8 * 1024 * 1024


@dataclass
class Round:
    """What became of a batch's writes at one head; those that are in neither list wait for the next round.

    Attributes:
        planned: Writes that can land, and
        refused: those that cannot.
        begun: Whether planning has begun.
        settled: Whether they have been told.
    """

    planned: list[tuple[Pending, Plan]] = field(default_factory=list)
    refused: list[tuple[Pending, Exception]] = field(default_factory=list)
    begun: bool = False
    settled: bool = False

    @cached_property
    def commits(self) -> list[Commit]:
        """What is to be written; to be asked for when all is planned."""
        return [
            Commit(plan.changes, pending.author, pending.message, plan.check)
            for pending, plan in self.planned
            if plan.changes
        ]

    @property
    def large(self) -> tuple[Pending, LargePlan] | None:
        """The write that is too much for one transaction, which is then the only one."""
        if self.planned and isinstance(self.planned[0][1], LargePlan):
            return self.planned[0][0], self.planned[0][1]
        return None

    @property
    def alters(self) -> bool:
        """Whether the catalogue is changed."""
        return any(change.operation in DDL_OPERATIONS for _, plan in self.planned for change in plan.changes)

    def settle(self) -> None:
        """Tell the writers, once it is certain that the head was what they were planned on."""
        self.settled = True
        for pending, error in self.refused:
            pending.fail(error)
        for pending, plan in self.planned:
            try:
                pending.succeed(plan.reply())
            except Exception as error:
                pending.fail(error)


def plan_round(round_: Round, snapshot: Snapshot, batch: list[Pending], *, solo: bool) -> Operation[None]:
    """Plan as many writes as one transaction should hold.

    No two of them are about one document. One that changes the catalogue, or the state as a whole, or is too
    much for one transaction, stands alone.
    """
    round_.begun = True
    touched: set[Any] = set()
    count = size = 0
    for pending in batch:
        if round_.planned and (solo or count >= MAX_CHANGES or size >= MAX_BYTES):
            break
        if round_.planned and pending.large:
            break
        try:
            plan = yield from pending.planner(snapshot, pending.careful)
        except Exception as error:
            if is_passing(error):
                raise
            round_.refused.append((pending, error))
            continue
        if isinstance(plan, LargePlan):
            pending.large = True
            if not round_.planned:
                round_.planned.append((pending, plan))
            break
        keys = {(change.store, id_key(change.document_id)) for change in plan.changes}
        alone = plan.alone or any(change.operation in DDL_OPERATIONS for change in plan.changes)
        # Whoever creates, renames or drops a collection changes what the others' plans mean.
        if touched & keys or (alone and round_.planned):
            continue
        touched |= keys
        count += len(plan.changes)
        size += sum(change.size() for change in plan.changes)
        round_.planned.append((pending, plan))
        if alone:
            break


def is_passing(error: Exception) -> bool:
    """Whether the same writes may well land at the next attempt."""
    if isinstance(error, StaleHead | StaleRow | LsnTaken):
        return True
    return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")


def blame(batch: list[Pending], round_: Round, error: Exception) -> bool:
    """Find whose error it is, and fail that writer alone.

    Returns:
        Whether the writes must be tried one by one from here on.
    """
    concerned = [pending for pending, _ in round_.planned]
    if not concerned:
        fail_all(batch, error)
    elif isinstance(error, CommitFailed):
        fail_all(concerned, error.cause)
    elif isinstance(error, ConnectionFailure):
        fail_all(concerned, error)
    elif len(concerned) == 1:
        pending = concerned[0]
        if pending.careful or pending.large or isinstance(error, HookRefused):
            pending.fail(duplicate_id(error) if isinstance(error, DuplicateId) else error)
        pending.careful = True
    return True


def fail_all(batch: list[Pending], error: Exception) -> None:
    """Fail the writes that have not come to an end yet."""
    for pending in batch:
        if not pending.done:
            pending.fail(error)
