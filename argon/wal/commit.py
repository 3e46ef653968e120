"""The commit protocol: one MongoDB transaction that only writes.

What the writes depend on was read before, once the head was known. If the
commit lands, nobody else has changed the branch since, so what was read is
still true; if not, the caller reads again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.io import Operation, World
from argon.models import BranchRecord
from argon.wal.change import Change, Commit
from argon.wal.clock import Clock
from argon.wal.log import Entry, Head, Log, encode
from argon.wal.lsn import LsnAllocator
from argon.wal.rows import write_rows

MAJORITY = WriteConcern("majority")
SNAPSHOT = ReadConcern("snapshot")
SNAPSHOT_UNAVAILABLE = 246
T = TypeVar("T")
_COMMIT_DEADLINE = 60.0
"""Seconds for which the outcome of a sent commit is asked again."""


class StaleHead(Exception):
    """Another commit followed the head that this one had seen."""


class LsnTaken(Exception):
    """The counter handed out an LSN that the log has already."""


class Committer:
    """Lands commits.

    Args:
        client: Of the driver in use.
        database: The database that holds everything, decoding to raw BSON.
        log: The log in it.
        clock: The server's.
        world: Threads or an event loop.
    """

    def __init__(self, client: Any, database: Any, log: Log, clock: Clock, world: World) -> None:
        self._client = client
        self._database = database
        self._log = log
        self._clock = clock
        self._world = world

    def land(
        self, branch: BranchRecord, head: Head, lsns: LsnAllocator, commits: Sequence[Commit]
    ) -> Operation[Head]:
        """Write the rows and the log entries of some commits in one transaction.

        Args:
            branch: The branch.
            head: Its head as the changes were planned on.
            lsns: The project's allocator.
            commits: Each writer's changes; together they touch a document once at most.

        Returns:
            The new head, which is the old one if no change was left.

        Raises:
            StaleHead: The head has moved.
            StaleRow: A row has.
            DuplicateId: An insert met its ``_id``.
            LsnTaken: The project's counter was behind the log.
        """
        yield from self._clock.refresh()
        count = sum(len(commit.changes) for commit in commits)
        first = yield from lsns.take(count, max(head.lsn, branch.created_lsn))
        moment = max(self._clock.now(), head.time)
        numbered: list[list[tuple[int, Change]]] = []
        lsn = first
        for commit in commits:
            numbered.append(list(enumerate(commit.changes, lsn)))
            lsn += len(commit.changes)

        def body(session: Any) -> Operation[int]:
            for store, changes in _by_store(numbered).items():
                yield from write_rows(self._database[store], session, branch.number, changes)
            for commit in commits:
                if commit.check is not None:
                    yield from commit.check(session)
            documents: list[dict[str, Any]] = []
            previous = head.lsn
            for commit, changes in zip(commits, numbered, strict=True):
                kept = [(lsn, change) for lsn, change in changes if not change.noop]
                if not kept:
                    continue
                documents += encode(
                    [_entry(change) for _, change in kept],
                    project_id=branch.project_id,
                    branch_id=branch.id,
                    prev_lsn=previous,
                    lsns=[lsn for lsn, _ in kept],
                    moment=moment,
                    author=commit.author,
                    message=commit.message,
                )
                previous = documents[-1]["lsn"]
            if any(change.operation not in _PLAIN for commit in commits for change in commit.changes):
                yield self._database["branches"].update_one(
                    {"_id": branch.id}, {"$set": {"ddl_lsn": documents[-1]["lsn"]}}, session=session
                )
            yield from self.append(documents, session)
            return int(previous)

        last = yield from self.transaction(body)
        return Head(last, moment) if last != head.lsn else head

    def append(self, documents: list[dict[str, Any]], session: Any) -> Operation[None]:
        """Insert log entries inside a transaction.

        Args:
            documents: As :func:`argon.wal.log.encode` lays them out.
            session: The transaction's session.

        Raises:
            StaleHead: Something else follows their ``prev_lsn``.
            LsnTaken: An LSN is in the log already.
        """
        if not documents:
            return
        try:
            if len(documents) == 1:
                yield self._log.collection.insert_one(documents[0], session=session)
            else:
                yield self._log.collection.insert_many(documents, session=session)
        except DuplicateKeyError as error:
            raise _sequencing(error.details or {}) from error
        except BulkWriteError as error:
            failures = error.details.get("writeErrors") or [{}]
            if failures[0].get("code") != 11000:
                raise
            raise _sequencing(failures[0]) from error

    def transaction(self, body: Any) -> Operation[Any]:
        """Run a body of writes in a transaction and commit it.

        Args:
            body: An operation that takes the session and only writes.

        Returns:
            What the body returns.
        """
        session = yield self._client.start_session(causal_consistency=False)
        try:
            session.start_transaction(read_concern=SNAPSHOT, write_concern=MAJORITY)
            try:
                result = yield from body(session)
            except BaseException:
                yield from _abort(session)
                raise
            yield from self._commit(session)
            return result
        finally:
            yield session.end_session()

    def retrying(self, body: Any) -> Operation[Any]:
        """Run a transaction again for as long as only passing errors stop it.

        Args:
            body: As for :meth:`transaction`; it must be safe to run again.
        """
        for delay in backoff():
            try:
                return (yield from self.transaction(body))
            except PyMongoError as error:
                if not error.has_error_label("TransientTransactionError"):
                    raise
                last = error
            yield self._world.sleep(delay)
        raise last

    def retrying_heads(self, body: Any) -> Operation[Any]:
        """Run a transaction that reads heads for itself again also when one of them has moved."""
        for delay in backoff():
            try:
                return (yield from self.retrying(body))
            except (StaleHead, LsnTaken) as error:
                last = error
            yield self._world.sleep(delay)
        raise last

    def _commit(self, session: Any) -> Operation[None]:
        deadline = time.monotonic() + _COMMIT_DEADLINE
        while True:
            try:
                yield session.commit_transaction()
                return
            except PyMongoError as error:
                # Committing again is how one asks: the server answers for the
                # transaction that it has, or says that it never had it.
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if not unknown or time.monotonic() > deadline:
                    raise
            yield self._world.sleep(0.05)


def patiently(world: World, attempt: Callable[[], Operation[T]]) -> Operation[T]:
    """Run a snapshot read again while the server is still taking note of a new collection or index.

    Args:
        world: Threads or an event loop.
        attempt: Starts the read anew.
    """
    for pause in backoff(10.0):
        try:
            return (yield from attempt())
        except OperationFailure as error:
            # In a transaction it is the whole transaction that has to begin again.
            if error.code != SNAPSHOT_UNAVAILABLE or error.has_error_label("TransientTransactionError"):
                raise
            last = error
        yield world.sleep(pause)
    raise last


def backoff(deadline: float = 30.0) -> Iterator[float]:
    """Yield short, jittered, slowly growing pauses until ``deadline`` seconds have passed."""
    end = time.monotonic() + deadline
    pause = 0.001
    while time.monotonic() < end:
        yield random.uniform(0, pause)
        pause = min(pause * 1.5, 0.05)


_PLAIN = frozenset({"insert", "update", "delete"})


def _abort(session: Any) -> Operation[None]:
    try:
        if session.in_transaction:
            yield session.abort_transaction()
    except PyMongoError:
        # The server drops the transaction with the session.
        return


def _by_store(numbered: Sequence[Sequence[tuple[int, Change]]]) -> dict[str, list[tuple[int, Change]]]:
    stores: dict[str, list[tuple[int, Change]]] = {}
    for changes in numbered:
        for lsn, change in changes:
            stores.setdefault(change.store, []).append((lsn, change))
    return stores


def _entry(change: Change) -> Entry:
    return Entry(
        operation=change.operation,
        space=change.space,
        collection=change.collection,
        document_id=change.document_id,
        document=change.after,
        old_document=None if change.before is None else change.before["d"],
        has_id=True,
    )


def _sequencing(details: Any) -> StaleHead | LsnTaken:
    return LsnTaken() if "_id" in details.get("keyPattern", {}) else StaleHead()
