"""The commit protocol: one MongoDB transaction that only writes.

What the writes depend on was read before, once the head was known. If the
commit lands, nobody else has changed the branch since, so what was read is
still true; if not, the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from bson import Int64
from pymongo.errors import BulkWriteError

from argon.io import Operation, World
from argon.models import DDL_OPERATIONS, BranchRecord
from argon.wal import statements
from argon.wal.change import Change, Commit
from argon.wal.clock import Clock
from argon.wal.log import Entry, Head, Log, encode, size_of, usual_size
from argon.wal.lsn import LsnAllocator
from argon.wal.rows import write_rows
from argon.wal.statements import Failure, Statement
from argon.wal.transactions import Transactions, backoff
from argon.wire.connection import keep_connection, let_connection_go


class StaleHead(Exception):
    """Another commit followed the head that this one had seen."""


class LsnTaken(Exception):
    """The counter handed out an LSN that the log has already."""


class Committer(Transactions):
    """Lands commits.

    Args:
        client: Of the driver in use.
        database: The database that holds everything, decoding to raw BSON.
        log: The log in it.
        clock: The server's.
        world: Threads or an event loop.
        own: Whether the client is Argon's own.
    """

    def __init__(
        self, client: Any, database: Any, log: Log, clock: Clock, world: World, *, own: bool
    ) -> None:
        super().__init__(client, world, own=own)
        self._store = cache(database.__getitem__)
        self._log = log
        self._clock = clock

    def land(
        self,
        branch: BranchRecord,
        head: Head,
        lsns: LsnAllocator,
        plan: Callable[[], Operation[Sequence[Commit]]],
        landed: Callable[[Head], None],
        *,
        visible: Callable[[Head], None] | None = None,
        claim: bool = False,
        heard: bool = False,
    ) -> Operation[None]:
        """Write the rows and the log entries of some commits in one transaction.

        Args:
            branch: The branch.
            head: Its head.
            lsns: The project's allocator.
            plan: Gives each writer's changes on that head; together they touch a document once at most.
            landed: Called with the new head once the commit has landed, also when
                the caller is interrupted; the head is the old one if no change was left.
            visible: See :meth:`Transactions.landing`.
            claim: Whether to claim the head first and plan then, when nobody else can take it
                any more. It keeps the others waiting, so it is for who has lost too often.
            heard: Whether the head is hearsay. That nothing follows it does not make it one: the log of
                a backup may never have had it.

        Raises:
            CommitFailed: The commit itself failed.
            StaleHead: The head has moved.
            StaleRow: A row has.
            DuplicateId: An insert met its ``_id``.
            LsnTaken: The project's counter was behind the log.
        """
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[Head]:
            if claim:
                yield from self.append([_claim(branch, head)], session)
            commits = yield from plan()
            count = sum(len(commit.changes) for commit in commits)
            moment = max(self._clock.now(), head.time)
            first = 0
            if count:
                first = yield from lsns.take(count, max(head.lsn, branch.created_lsn))
            doubted = head if heard and head.lsn != branch.base_lsn else None
            return (
                yield from self._write(
                    branch, head, commits, first, moment, session, claimed=claim, doubted=doubted
                )
            )

        yield from self.landing(body, landed, visible)

    def _write(
        self,
        branch: BranchRecord,
        head: Head,
        commits: Sequence[Commit],
        first: int,
        moment: datetime,
        session: Any,
        *,
        claimed: bool,
        doubted: Head | None,
    ) -> Operation[Head]:
        """Write the rows, and the log entries that tell of them; return the new head."""
        yield from keep_connection(self._client, session)
        changes = [change for commit in commits for change in commit.changes]
        for lsn, change in enumerate(changes, first):
            change.lsn = lsn
        writes: list[Statement] = []
        if doubted is not None:
            writes.append(self._found(branch, doubted))
        for store, changed in by_store(changes).items():
            writes += yield from write_rows(self._store(store), session, branch.number, changed)
        kept = [change for change in changes if not change.noop]
        last = kept[-1].lsn if kept else head.lsn
        if claimed:
            writes.append(statements.delete(self._log.collection, [{"_id": _claim(branch, head)["_id"]}]))
        if any(change.operation in DDL_OPERATIONS for change in changes):
            defined = {"$set": {"ddl_lsn": Int64(last)}}
            writes.append(statements.update(self._store("branches"), [({"_id": branch.id}, defined)]))
        if kept:
            size = sum(usual_size(commit.message, commit.changes) for commit in commits)
            entries = partial(_entries, branch, head, commits, moment)
            writes.append(self._appending(entries, len(kept), size))
        yield from statements.run(writes, session)
        for commit in commits:
            if commit.check is not None:
                yield from let_connection_go(session)  # hooks have their own ways of reading
                yield from commit.check(session)
        return Head(last, moment) if kept else head

    def _found(self, branch: BranchRecord, head: Head) -> Statement:
        """Make a statement that changes nothing and fails where the branch never had such a head."""
        entry = {"_id": {"p": branch.project_id, "l": Int64(head.lsn)}, "branch_id": branch.line_id}
        same = {"$set": {"branch_id": branch.line_id}}
        # Left to itself, the server looks through all entries of the branch.
        return statements.update(self._log.collection, [(entry, same)], missed=StaleHead, hint={"_id": 1})

    def append(self, documents: list[dict[str, Any]], session: Any) -> Operation[None]:
        """Insert log entries inside a transaction.

        Args:
            documents: As :func:`argon.wal.log.encode` lays them out.
            session: The transaction's session.

        Raises:
            StaleHead: Something else follows their ``prev_lsn``.
            LsnTaken: An LSN is in the log already.
        """
        if documents:
            yield from statements.run([self.appended(documents)], session)

    def insert(
        self, table: Any, record: dict[str, Any], documents: list[dict[str, Any]], session: Any
    ) -> Operation[None]:
        """Insert a record of the catalogue, and the log entries that tell of it, inside a transaction.

        Args:
            table: Where the record belongs.
            record: The record, with an ``_id``.
            documents: As for :meth:`append`.
            session: The transaction's session.

        Raises:
            DuplicateKeyError: There is such a record.
            LsnTaken: An LSN is in the log already.
        """
        yield from keep_connection(self._client, session)
        inserted = statements.insert(table, lambda: [record], 1, size=0, refused=lambda failure: failure)
        yield from statements.run([inserted, self.appended(documents)], session)

    def appended(self, documents: list[dict[str, Any]]) -> Statement:
        """Return the statement by which :meth:`append` inserts log entries."""
        return self._appending(lambda: documents, len(documents), size_of(documents))

    def _appending(self, documents: Callable[[], list[dict[str, Any]]], count: int, size: int) -> Statement:
        def refused(failure: Failure) -> Exception:
            details = failure.details or {}
            if isinstance(failure, BulkWriteError):
                details = details["writeErrors"][0]
            return _sequencing(details) if details.get("code") == statements.DUPLICATE_KEY else failure

        return statements.insert(self._log.collection, documents, count, size=size, refused=refused)

    def retrying_heads(self, body: Any, lsns: LsnAllocator | None = None) -> Operation[Any]:
        """Run a transaction again also when a head that it read, or an LSN that it took, is no longer free.

        Args:
            body: As for :meth:`retrying`; it reads heads and takes LSNs for itself.
            lsns: Where it takes them.
        """
        for delay in backoff():
            try:
                return (yield from self.retrying(body))
            except (StaleHead, LsnTaken) as error:
                if lsns is not None and isinstance(error, LsnTaken):
                    lsns.drop()
                last = error
            yield self._world.sleep(delay)
        raise last


def by_store(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Part changes by the store whose rows they change."""
    stores: dict[str, list[Change]] = {}
    for change in changes:
        if change.store:  # otherwise the log alone tells of it
            stores.setdefault(change.store, []).append(change)
    return stores


def _entries(
    branch: BranchRecord, head: Head, commits: Sequence[Commit], moment: datetime
) -> list[dict[str, Any]]:
    """Lay out the entries of commits that follow one another."""
    documents: list[dict[str, Any]] = []
    for commit in commits:
        kept = [change for change in commit.changes if not change.noop]
        if not kept:
            continue
        documents += encode(
            [entry_of(change) for change in kept],
            project_id=branch.project_id,
            branch_id=branch.line_id,
            prev_lsn=documents[-1]["lsn"] if documents else head.lsn,
            lsns=[change.lsn for change in kept],
            moment=moment,
            author=commit.author,
            message=commit.message,
        )
    return documents


def _claim(branch: BranchRecord, head: Head) -> dict[str, Any]:
    """Lay out what stands in for the next entry inside a transaction, and never outside one."""
    return {
        "_id": {"p": branch.project_id, "l": Int64(-branch.number)},
        "branch_id": branch.line_id,
        "prev_lsn": Int64(head.lsn),
    }


def entry_of(change: Change) -> Entry:
    """Return the entry that tells of a change whose rows are written."""
    return Entry(
        operation=change.operation,
        space=change.space,
        collection=change.collection or None,
        document_id=change.document_id,
        document=change.after,
        old_document=None if change.before is None else change.before["d"],
        old_fields=change.old_fields,
        touched=change.touched if change.operation == "update" else None,
        has_id=True,
    )


def _sequencing(details: Any) -> StaleHead | LsnTaken:
    return LsnTaken() if "_id" in details.get("keyPattern", {}) else StaleHead()
