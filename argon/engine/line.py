"""A branch as this process works on it: its head, its catalogue, its writers."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from argon.catalog.collections import Catalog, load_catalog
from argon.engine.errors import duplicate_id
from argon.errors import BranchNotFound
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import DDL_OPERATIONS
from argon.versions.ids import id_key
from argon.versions.visibility import View, make_view
from argon.wal.change import Commit, Plan, Planner
from argon.wal.commit import LsnTaken, StaleHead, backoff
from argon.wal.group import CommitQueue, Pending
from argon.wal.log import Head
from argon.wal.rows import DuplicateId, StaleRow

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot

READ_BOUND = 0.1
"""Seconds after which a reader looks for foreign changes of the catalogue."""
MAX_CHANGES = 1000
MAX_BYTES = 8 * 1024 * 1024
_CONTENDED = 0.25
"""Seconds for which a lost race counts as a sign that others are waiting."""
_SOLO_AFTER = 3


class Line:
    """The state and the commit loop of one branch.

    Args:
        engine: The engine it belongs to.
        record: The branch.
    """

    def __init__(self, engine: Engine, record: BranchRecord) -> None:
        self.engine = engine
        self.record = record
        self._lsns = engine.lsns(record.project_id)
        self._queue = CommitQueue(engine.world, self._commit)
        self._head: Head | None = None
        self._known = record.base_lsn
        self._catalog: Catalog | None = None
        self._checked = 0.0
        self._contended = 0.0
        self.view: View = make_view(record.number, record.ancestors)

    # Reading

    def snapshot(self) -> Operation[Snapshot]:
        """Return the head as a reader sees it.

        The catalogue may be :data:`READ_BOUND` seconds behind what another
        process did; what this process did is always in it.

        Raises:
            BranchNotFound: The branch was deleted.
        """
        catalog = self._catalog
        if catalog is None or time.monotonic() - self._checked > READ_BOUND:
            yield from self._look()
            catalog = self._catalog
            if catalog is None:
                catalog = self._catalog = yield from load_catalog(
                    self.engine.raw, self.view, self.engine.world
                )
        return self.engine.snapshot(self.record, self.view, catalog)

    def current(self) -> Operation[BranchRecord]:
        """Return the branch's record, at most :data:`READ_BOUND` seconds old.

        Raises:
            BranchNotFound: The branch was deleted.
        """
        if time.monotonic() - self._checked > READ_BOUND:
            yield from self._look()
        return self.record

    def forget(self) -> None:
        """Look at everything anew before the next read and the next write."""
        self._head = self._catalog = None
        self._checked = 0.0

    def past(self, lsn: int) -> Operation[Snapshot]:
        """Return the branch as it was at an LSN that lies in its history."""
        return (yield from self.engine.past(self.record, lsn))

    def head(self) -> Operation[Head]:
        """Read the branch's head as a majority of the servers has it."""
        return (yield from self.engine.log.head(self.record))

    def _look(self) -> Operation[None]:
        """Read the branch's record, and drop the catalogue if it is behind."""
        now = time.monotonic()
        record = yield from self.engine.branch_record(self.record.id)
        if record is None or record.status != "active":
            raise _gone(self.record)
        if record.ddl_lsn != self.record.ddl_lsn:
            self._catalog = None
        self.record = record
        self._checked = now

    # Writing

    def write(
        self, planner: Planner, *, author: str | None = None, message: str | None = None
    ) -> Operation[Any]:
        """Plan a write at the branch's head and land it.

        Args:
            planner: Reads what the write depends on and returns its changes.
                It is called again whenever the head has moved.
            author: Who writes.
            message: Why.

        Returns:
            The plan's reply.
        """
        return (yield from self._queue.submit(Pending(planner, author, message)))

    def _refresh(self) -> Operation[Snapshot]:
        """Learn the head and all that other writers did up to it."""
        if self._head is None:
            head = yield from self.engine.log.head(self.record)
            if head.lsn != self._known or self._catalog is None:
                news = yield from self.engine.log.newer(self.record, self._known)
                if any(entry["operation"] in DDL_OPERATIONS for entry in news):
                    self._catalog = None
                record = yield from self.engine.branch_record(self.record.id)
                if record is None or record.status != "active":
                    raise _gone(self.record)
                if record.ddl_lsn != self.record.ddl_lsn:
                    self._catalog = None
                self.record = record
            self._head, self._known = head, head.lsn
        if self._catalog is None:
            self._catalog = yield from load_catalog(self.engine.raw, self.view, self.engine.world)
        return self.engine.snapshot(self.record, self.view, self._catalog)

    def _commit(self, batch: list[Pending]) -> Operation[None]:
        """Bring every write of a batch to an end."""
        pauses = backoff()
        lost = 0
        solo = False
        while batch:
            planned: list[tuple[Pending, Plan]] = []
            try:
                snapshot = yield from self._refresh()
                planned = yield from _plan(snapshot, batch, solo=solo)
                yield from self._land(planned)
            except Exception as error:
                if not _passing(error):
                    solo = _blame(batch, planned, error)
                    batch = [pending for pending in batch if not pending.done]
                    continue
                lost += 1
                self._lost(error)
                pause = next(pauses, None)
                if pause is None:
                    _fail(batch, _too_busy(self.record, error))
                    return
                # A row that a transaction elsewhere holds must not stop the other writers.
                solo = lost >= _SOLO_AFTER
                if solo:
                    batch.append(batch.pop(0))
                yield self.engine.world.sleep(pause)
            else:
                batch = [pending for pending in batch if not pending.done]
        if time.monotonic() - self._contended < _CONTENDED:
            # After a win, whoever waits in another process gets a turn.
            yield self.engine.world.sleep(random.uniform(0, 0.002))

    def _land(self, planned: list[tuple[Pending, Plan]]) -> Operation[None]:
        assert self._head is not None
        commits = [
            Commit(plan.changes, pending.author, pending.message, plan.check)
            for pending, plan in planned
            if plan.changes
        ]
        if commits:
            head = yield from self.engine.committer.land(self.record, self._head, self._lsns, commits)
            self._head, self._known = head, head.lsn
            if any(change.operation in DDL_OPERATIONS for commit in commits for change in commit.changes):
                self._catalog = None
        for pending, plan in planned:
            pending.succeed(plan.reply())

    def _lost(self, error: Exception) -> None:
        self._head = None
        if isinstance(error, LsnTaken):
            self._lsns.drop()
        if isinstance(error, StaleHead):
            self._contended = time.monotonic()


def _plan(snapshot: Snapshot, batch: list[Pending], *, solo: bool) -> Operation[list[tuple[Pending, Plan]]]:
    """Plan as many writes as one transaction should hold.

    No two of them are about one document, and one that changes the catalogue stands alone.
    """
    planned: list[tuple[Pending, Plan]] = []
    touched: set[Any] = set()
    count = size = 0
    for pending in batch:
        if planned and (solo or count >= MAX_CHANGES or size >= MAX_BYTES):
            break
        try:
            plan = yield from pending.planner(snapshot, pending.careful)
        except Exception as error:
            if _passing(error):
                raise
            pending.fail(error)
            continue
        keys = {(change.store, id_key(change.document_id)) for change in plan.changes}
        ddl = any(change.operation in DDL_OPERATIONS for change in plan.changes)
        # Whoever creates, renames or drops a collection changes what the others' plans mean.
        if touched & keys or (ddl and planned):
            continue
        touched |= keys
        count += len(plan.changes)
        size += sum(change.size() for change in plan.changes)
        planned.append((pending, plan))
        if ddl:
            break
    return planned


def _passing(error: Exception) -> bool:
    if isinstance(error, StaleHead | StaleRow | LsnTaken):
        return True
    return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")


def _blame(batch: list[Pending], planned: list[tuple[Pending, Plan]], error: Exception) -> bool:
    """Find whose error it is, and fail that writer alone.

    Returns:
        Whether the writes must be tried one by one from here on.
    """
    if not planned:
        _fail(batch, error)
    elif isinstance(error, ConnectionFailure):
        _fail([pending for pending, _ in planned], error)
    elif len(planned) == 1:
        pending = planned[0][0]
        if pending.careful:
            pending.fail(duplicate_id(error) if isinstance(error, DuplicateId) else error)
        pending.careful = True
    return True


def _fail(batch: list[Pending], error: Exception) -> None:
    for pending in batch:
        if not pending.done:
            pending.fail(error)


def _too_busy(record: BranchRecord, error: Exception) -> Exception:
    if isinstance(error, PyMongoError):
        return error
    return OperationFailure(
        f"the branch {record.name!r} is too busy: other commits came first for 30 seconds",
        112,
        {"code": 112, "codeName": "WriteConflict", "errorLabels": ["TransientTransactionError"]},
    )


def _gone(record: BranchRecord) -> BranchNotFound:
    return BranchNotFound(
        f"the branch {record.name!r} was deleted: bring it back with 'argon branch undelete {record.name}'"
    )
