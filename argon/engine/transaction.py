"""Atomic groups of operations.

What a transaction does is staged in rows inside a MongoDB transaction that is
always rolled back, so its own reads see it and nobody else's do. Its net
effect then lands as one ordinary commit, if no document that it changed was
changed by somebody else meanwhile: the first committer wins, as in MongoDB.
"""

from __future__ import annotations

import random
import time
from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

from argon.catalog.collections import Catalog, load_catalog
from argon.catalog.tables import COLLECTIONS
from argon.engine.conflicts import (
    Conflict,
    no_such_transaction,
    still_true,
    write_conflict,
)
from argon.engine.errors import duplicate_id
from argon.engine.rules import admit
from argon.engine.snapshot import Snapshot
from argon.engine.staging import (
    Staging,
    is_creation,
    is_nothing,
    makes_collections,
    operation,
    replanned,
    stage,
    stage_at_once,
)
from argon.io import Operation
from argon.rewrite.touched import WHOLE, both_touched
from argon.versions.ids import id_key
from argon.versions.layout import PROVISIONAL_LSN
from argon.wal.change import Change, Plan, Planner
from argon.wal.orphans import close_session, open_session
from argon.wal.rows import DuplicateId, StaleRow
from argon.wal.transactions import DISCARDED, SNAPSHOT_UNAVAILABLE, backoff

if TYPE_CHECKING:
    from argon.engine.line import Line

_OLD = 20.0
"""Seconds after which a transaction on the server is begun anew where that is to be done anyway; it may
live for 60."""


class Transaction:
    """An atomic group on one branch.

    Args:
        line: The branch in this process.
        author: Who.
        message: Why.
        force: Whether it lands on a protected branch, too.
    """

    of_session = False  # of PyMongo's, in which the server defines nothing but collections

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
        # Rows are keyed by it, and those of transactions that are open at the same time must not meet.
        self._lsn = PROVISIONAL_LSN + random.randrange(PROVISIONAL_LSN // 2)
        self._begun = 0.0
        self._behind = False
        self._ended = False
        self._failed = False

    @property
    def line(self) -> Line:
        """The branch in this process."""
        return self._line

    def has_made(self, store: str) -> bool:
        """Whether the collection whose rows are in a store came into being in it."""
        return store in self._names

    @property
    def active(self) -> bool:
        """Whether it can still be written to."""
        return not self._ended

    def snapshot(self) -> Operation[Snapshot]:
        """Return what the transaction sees: one moment, and its own writes."""
        if self._behind:
            yield from self.pause()
        return (yield from self._open())

    def _open(self) -> Operation[Snapshot]:
        """Return the same, where that is older than collections that the transaction itself has made."""
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
            self._session = yield from open_session(engine.client, engine.world)
            yield self._session.start_transaction(**DISCARDED)
            self._begun = time.monotonic()
            staged = [replace(change) for change in self._net.values() if not is_nothing(change)]
            if staged:
                try:
                    nothing = Catalog([], self._view)  # its records are not asked for
                    seen = engine.snapshot(self._record, self._view, nothing, self._session)
                    yield from still_true(seen, staged)
                    yield from self._stage(stage_at_once, staged)
                except (StaleRow, Conflict) as error:
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
        self._behind = False
        if session is not None:
            yield session.abort_transaction()
            yield from close_session(session, self._line.engine.world)

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
            makes = makes_collections(plan)
            catalogued = any(change.store == COLLECTIONS for change in plan.changes)
            old = time.monotonic() - self._begun > _OLD
            if (catalogued and (old or not makes)) or (self._behind and plan.changes and not makes):
                yield from self.pause()
                plan = yield from self._plan(planner)
                makes = makes and makes_collections(plan)
            catalog = self._catalog
            made = [change for change in plan.changes if not makes or is_creation(change)]
            yield from self._stage(stage, made)
            if makes and catalog is not None:
                # The next of many collections needs to know of this one, and of nothing that is in it, which
                # the server lets nobody write who began before the collection was made.
                self._catalog, self._behind = catalog.after(made), True
            if plan.check is not None:
                yield from plan.check(self._session)
        except (StaleRow, Conflict, DuplicateId) as error:
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
            yield from self._line.write(
                replanned(net, self._branch, self._names), author=self._author, message=self._message
            )
        except Conflict as error:
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
            yield from close_session(session, self._line.engine.world)

    def fail(self) -> Operation[None]:
        """End as the server ends a transaction in which a write failed: nothing of it will land."""
        if not self._ended:
            self._failed = True
        yield from self.abort()

    def _stage(self, how: Staging, changes: list[Change]) -> Operation[None]:
        first, self._lsn = self._lsn + 1, self._lsn + len(changes)
        yield from how(self._line.engine, self._record.number, self._session, first, changes)
        if any(change.store == COLLECTIONS for change in changes):
            self._catalog = None

    def _plan(self, planner: Planner) -> Operation[Plan]:
        for pause in backoff(10.0):
            try:
                snapshot = yield from self._open()
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
            first.operation = operation(first)
        elif first.before is not None:
            first.operation = change.operation

    def _in_order(self) -> list[Change]:
        """Return the net effect as the log shall tell it.

        The catalogue comes first, so that documents stand under the names that
        their collections have from then on. What happened in a collection that
        is gone in the end is nothing.
        """
        net = [change for change in self._net.values() if not is_nothing(change)]
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
