"""Atomic groups of operations.

What a transaction does is staged in rows inside a MongoDB transaction that is
always rolled back, so its own reads see it and nobody else's do. Its net
effect then lands as one ordinary commit, if no document that it changed was
changed by somebody else meanwhile: the first committer wins, as in MongoDB.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

from argon.catalog.collections import Catalog, load_catalog
from argon.catalog.tables import COLLECTIONS
from argon.engine.errors import duplicate_id
from argon.engine.rules import admit
from argon.engine.snapshot import Snapshot
from argon.engine.unique import all_checks, unique_check
from argon.io import Operation
from argon.rewrite.touched import WHOLE, both_touched
from argon.versions.ids import id_key
from argon.versions.layout import PROVISIONAL_LSN, Row
from argon.wal import statements
from argon.wal.change import Change, Check, Plan, Planner
from argon.wal.rows import DuplicateId, StaleRow, write_rows
from argon.wal.transactions import DISCARDED, SNAPSHOT, SNAPSHOT_UNAVAILABLE, backoff

if TYPE_CHECKING:
    from argon.engine.line import Line

WRITE_CONFLICT = 112


class Transaction:
    """An atomic group on one branch.

    Args:
        line: The branch in this process.
        author: Who.
        message: Why.
        force: Whether it lands on a protected branch, too.
    """

    def __init__(
        self, line: Line, author: str | None = None, message: str | None = None, *, force: bool = False
    ) -> None:
        self._line = line
        self._record, self._view = line.at
        self._author = author
        self._message = message
        self._force = force
        self._branch: Any = None
        self._session: Any = None
        self._catalog: Catalog | None = None
        self._net: dict[Hashable, Change] = {}
        self._names: dict[str, str | None] = {}
        self._lsn = PROVISIONAL_LSN
        self._ended = False
        self._failed = False

    @property
    def line(self) -> Line:
        """The branch in this process."""
        return self._line

    @property
    def active(self) -> bool:
        """Whether it can still be written to."""
        return not self._ended

    def snapshot(self) -> Operation[Snapshot]:
        """Return what the transaction sees: one moment, and its own writes."""
        if self._failed:
            raise no_such_transaction()
        if self._ended:
            raise InvalidOperation("this transaction has ended: begin another one")
        engine = self._line.engine
        if self._session is None:
            if self._branch is None and self._line.record.created_lsn:  # otherwise it is not made yet
                self._branch = self._line.record.id
            # What it sees is of one moment, on the line that the branch is on before that.
            yield from self._line.current()
            self._record, self._view = self._line.at
            self._session = yield engine.client.start_session(causal_consistency=False)
            yield self._session.start_transaction(read_concern=SNAPSHOT, write_concern=DISCARDED)
            staged = [replace(change) for change in self._net.values() if not _is_nothing(change)]
            if staged:
                try:
                    yield from _still_true((yield from self._look()), staged)
                    yield from self._stage(staged)
                except (StaleRow, _Conflict) as error:
                    yield from self.fail()
                    raise write_conflict(self._line.record.name) from error
        return (yield from self._look())

    def _look(self) -> Operation[Snapshot]:
        engine = self._line.engine
        if self._catalog is None:
            self._catalog = yield from load_catalog(engine.raw, self._view, engine.world, self._session)
        return engine.snapshot(self._record, self._view, self._catalog, self._session)

    def pause(self) -> Operation[None]:
        """Give up all locks until the next operation, which stages everything anew.

        The server makes no collection or index while an older transaction is in the way.
        """
        session, self._session, self._catalog = self._session, None, None
        if session is not None:
            yield session.abort_transaction()
            yield session.end_session()

    def write(self, planner: Planner) -> Operation[Any]:
        """Stage a write.

        Args:
            planner: Plans it on what the transaction sees.

        Returns:
            The plan's reply.

        Raises:
            OperationFailure: As MongoDB's, an error ends the transaction.
        """
        try:
            plan = yield from self._plan(planner)
            if any(change.store == COLLECTIONS for change in plan.changes):
                yield from self.pause()
                plan = yield from self._plan(planner)
            yield from self._stage(plan.changes)
            if plan.check is not None:
                yield from plan.check(self._session)
        except (StaleRow, _Conflict, DuplicateId) as error:
            yield from self.fail()
            if isinstance(error, DuplicateId):
                raise duplicate_id(error) from error
            raise write_conflict(self._line.record.name) from error
        except PyMongoError as error:
            yield from self.fail()
            if error.has_error_label("TransientTransactionError"):
                yield from self._line.engine.committer.unblock(0)
            raise
        except BaseException:
            yield from self.fail()
            raise
        for change in plan.changes:
            self._note(change)
        return plan.reply()

    def commit(self) -> Operation[None]:
        """Land the net effect as one commit.

        Raises:
            OperationFailure: Code 112, with the label TransientTransactionError:
                somebody else changed one of the documents first. Code 251: an
                earlier error had ended the transaction, and nothing of it is written.
        """
        yield from self.abort()
        if self._failed:
            raise no_such_transaction()
        net = self._in_order()
        if not net:
            return
        yield from admit(self._line, force=self._force)
        try:
            yield from self._line.write(self._replan(net), author=self._author, message=self._message)
        except _Conflict as error:
            raise write_conflict(self._line.record.name) from error

    def abort(self) -> Operation[None]:
        """Forget all that was staged."""
        self._ended = True
        session, self._session = self._session, None
        if session is None:
            return
        try:
            if session.in_transaction:
                yield session.abort_transaction()
        except PyMongoError:
            # The server drops the transaction with its session.
            return
        finally:
            yield session.end_session()

    def fail(self) -> Operation[None]:
        """End as the server ends a transaction in which a write failed: nothing of it will land."""
        if not self._ended:
            self._failed = True
        yield from self.abort()

    def _stage(self, changes: list[Change]) -> Operation[None]:
        for change in changes:
            self._lsn += 1
            store = self._line.engine.raw[change.store]
            number = self._record.number
            changed = [(self._lsn, change)]
            rest = yield from write_rows(store, self._session, number, changed, history=False)
            yield from statements.run(rest, self._session)
            if change.store == COLLECTIONS:
                self._catalog = None

    def _plan(self, planner: Planner) -> Operation[Plan]:
        for pause in backoff(10.0):
            try:
                snapshot = yield from self.snapshot()
                return (yield from planner(snapshot, True))
            except OperationFailure as error:
                if error.code != SNAPSHOT_UNAVAILABLE:
                    raise
                last = error
            # The plan made a collection for itself, a scratch copy for instance.
            yield self._line.engine.world.sleep(pause)
            yield from self.pause()
        raise last

    def _note(self, change: Change) -> None:
        if change.noop:
            return
        if change.store == COLLECTIONS:
            image = change.after or (change.before or {})["d"]
            self._names[image["store"]] = None if change.after is None else image["name"]
        key = (change.store, id_key(change.document_id))
        first = self._net.get(key)
        if first is None:
            self._net[key] = replace(change, in_place=None, array_filters=None)
            return
        first.touched = WHOLE if first.after is None else both_touched(first.touched, change.touched)
        first.after = change.after
        if change.store != COLLECTIONS:
            first.operation = _operation(first)
        elif first.before is not None:
            first.operation = change.operation

    def _in_order(self) -> list[Change]:
        """Return the net effect as the log shall tell it.

        The catalogue comes first, so that documents stand under the names that
        their collections have from then on. What happened in a collection that
        is gone in the end is nothing.
        """
        net = [change for change in self._net.values() if not _is_nothing(change)]
        catalog = [change for change in net if change.store == COLLECTIONS]
        for change in catalog:
            if change.before is None and change.after is not None:
                change.collection = change.after["name"]
        documents = []
        for change in net:
            name = self._names.get(change.store, change.collection)
            if change.store != COLLECTIONS and name is not None:
                change.collection = name
                documents.append(change)
        return [*catalog, *documents]

    def _same_collection(self, snapshot: Snapshot, change: Change) -> bool:
        """Whether a change is still for the collection of its name; somebody may have renamed it."""
        if change.store == COLLECTIONS or change.store in self._names:
            return True
        record = snapshot.record(change.space, change.collection)
        return record is not None and record.store == change.store

    def _replan(self, net: list[Change]) -> Planner:
        def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
            if self._branch not in (None, snapshot.branch.id):
                raise _Conflict  # the name stands for another branch by now
            changes = [replace(change) for change in net]
            if not all(self._same_collection(snapshot, change) for change in changes):
                raise _Conflict
            if not _names_are_free(snapshot, changes):
                raise _Conflict
            yield from _still_true(snapshot, changes)
            return Plan(changes, check=_checks(snapshot, changes))

        return plan


def _names_are_free(snapshot: Snapshot, changes: list[Change]) -> bool:
    """Whether no name would stand for two collections; somebody may have made one of the same name."""
    catalog = {id_key(change.document_id): change.after for change in changes if change.store == COLLECTIONS}
    if not catalog:
        return True
    kept = [record for record in snapshot.catalog.records() if id_key(record.id) not in catalog]
    names = [(record.space, record.name) for record in kept]
    names += [(image["space"], image["name"]) for image in catalog.values() if image is not None]
    return len(set(names)) == len(names)


def no_such_transaction() -> OperationFailure:
    """Build the server's error for a transaction that an earlier error has ended."""
    text = "the transaction was ended by an earlier error and nothing of it is written: begin another one"
    details = {"code": 251, "codeName": "NoSuchTransaction", "errmsg": text}
    return OperationFailure(text, 251, {**details, "errorLabels": ["TransientTransactionError"]})


def gone_transaction(failure: PyMongoError) -> OperationFailure:
    """Build the server's error for a commit that is tried again after it failed.

    Args:
        failure: What it failed with. If that tells that nothing was written, the whole may be tried again.
    """
    if isinstance(failure, OperationFailure):
        return no_such_transaction()
    text = f"it is not known whether the transaction landed ({failure}): read, and begin another one"
    return OperationFailure(text, 251, {"code": 251, "codeName": "NoSuchTransaction", "errmsg": text})


def write_conflict(branch: str) -> OperationFailure:
    """Build the server's error for a lost race between transactions."""
    text = (
        f"WriteConflict error: a document was changed on the branch {branch!r} by another commit first; retry"
    )
    return OperationFailure(
        text,
        WRITE_CONFLICT,
        {
            "code": WRITE_CONFLICT,
            "codeName": "WriteConflict",
            "errmsg": text,
            "errorLabels": ["TransientTransactionError"],
        },
    )


class _Conflict(Exception):
    """A document was changed since the transaction saw it; trying the same commit again cannot help."""


def _still_true(snapshot: Snapshot, changes: list[Change]) -> Operation[None]:
    """Give changes the rows as they are now, if the documents are what they were."""
    by_store: dict[str, list[Change]] = {}
    for change in changes:
        by_store.setdefault(change.store, []).append(change)
    for store, group in by_store.items():
        rows: dict[Hashable, Row] = {}
        ids = [change.document_id for change in group]
        for leg in snapshot.view.legs:
            where = {**leg.seek, "d._id": {"$in": ids}}
            found = yield snapshot.rows(store).find(where, session=snapshot.session).to_list(None)
            rows.update({id_key(row["d"]["_id"]): row for row in found})
        for change in group:
            row = rows.get(id_key(change.document_id))
            before = change.before
            if (row is None) != (before is None):
                raise _Conflict
            if row is not None and before is not None:
                if row["f"] != before["f"] or row["_id"]["b"] != before["_id"]["b"]:
                    raise _Conflict
                change.before = row
                change.inherited = snapshot.is_inherited(row)


def _operation(change: Change) -> str:
    if change.before is None:
        return "insert"
    return "delete" if change.after is None else "update"


def _is_nothing(change: Change) -> bool:
    return change.before is None and change.after is None


def _checks(snapshot: Snapshot, changes: list[Change]) -> Check | None:
    return all_checks(
        unique_check(snapshot, record, [change for change in changes if change.store == record.store])
        for record in snapshot.catalog.records()
    )
