"""A commit of any size: written to a hidden line, then published by moving the branch there.

What does not fit in one transaction is written page by page as the line of a
hidden child of the branch, which nobody sees. One small transaction then
moves the branch to that line: an entry ``publish`` takes the place after the
head that the commit was planned on, so no other writer can miss it or come
between; the commit's last entry is written; and the branch's record gets the
hidden child's line, number and lineage. From then on the branch's earlier
line is an ancestor like any other.

All entries bear the LSN of the last one as their ``commit``, so an LSN or a
time inside the commit stands for its end. A client that dies leaves a hidden
line that nobody sees, and the commit can be made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo.errors import PyMongoError

from argon.catalog.collections import load_catalog
from argon.catalog.records import birth, lineage_from, stored
from argon.catalog.tables import BRANCHES, new_number
from argon.engine.round import MAX_BYTES, MAX_CHANGES
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.versions.layout import raw
from argon.versions.visibility import make_view
from argon.wal import statements
from argon.wal.change import Change, LargePlan
from argon.wal.commit import StaleHead, by_store, entry_of
from argon.wal.log import Entry, Head, encode
from argon.wal.rows import write_rows
from argon.wal.statements import Statement
from argon.wal.transactions import backoff, may_pass

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot

Landed = Callable[[tuple[BranchRecord, Head]], None]


class LargeCommit:
    """One attempt at a large commit.

    Args:
        engine: The engine.
        branch: The branch.
        head: The head that the plan was made on.
        plan: What is to be written.
        author: Who writes.
        message: Why.
    """

    def __init__(
        self,
        engine: Engine,
        branch: BranchRecord,
        head: Head,
        plan: LargePlan,
        author: str | None,
        message: str | None,
    ) -> None:
        self._engine = engine
        self._branch = branch
        self._head = head
        self._plan = plan
        self._author = author
        self._message = message
        self._lsns = engine.lsns(branch.project_id)
        self._previous = head.lsn
        self._next = self._end = 0

    def land(self, landed: Landed) -> Operation[None]:
        """Write the hidden line and publish it.

        Args:
            landed: Called with the branch's new record and head once they are published.

        Raises:
            StaleHead: The branch has moved; nothing of this attempt will ever be seen.
            StaleRow: So has a row.
            CommitFailed: The publication itself failed.
        """
        clock = self._engine.clock
        yield from clock.refresh()
        self._moment = max(clock.now(), self._head.time)
        self._hidden = yield from self._open()
        above = max(self._head.lsn, self._hidden.created_lsn)
        self._next = yield from self._lsns.take(self._plan.limit + 2, above)
        self._end = self._next + self._plan.limit + 1
        while page := (yield from self._plan.pages()):
            for changes in parts(page):
                yield from self._write(changes)
        if self._plan.inspect is not None:
            yield from self._plan.inspect((yield from self._state()))
        yield from clock.refresh()
        yield from self._publish(landed)

    def _open(self) -> Operation[BranchRecord]:
        """Make the hidden branch."""
        engine, branch = self._engine, self._branch
        number = yield from new_number(engine.plain)

        def body(session: Any) -> Operation[BranchRecord]:
            record = BranchRecord(
                _id=ObjectId(),
                project_id=branch.project_id,
                name=branch.name,
                number=number,
                parent_id=branch.id,
                base_lsn=self._head.lsn,
                created_lsn=(yield from self._lsns.take(1, max(self._head.lsn, branch.created_lsn))),
                lineage=lineage_from(branch, self._head.lsn),
                created_at=self._moment,
                status="hidden",
            )
            born = [birth(record, self._author, self._message)]
            yield from engine.committer.insert(engine.plain[BRANCHES], stored(record), born, session)
            return record

        hidden: BranchRecord = yield from engine.committer.retrying_heads(body, self._lsns)
        return hidden

    def _write(self, changes: list[Change]) -> Operation[None]:
        """Add a page to the hidden line."""
        for lsn, change in enumerate(changes, self._next):
            change.lsn = lsn
        last = changes[-1].lsn
        if last >= self._end - 1:
            raise ValueError(f"the plan of a large commit has more changes than its limit {self._plan.limit}")

        def body(session: Any) -> Operation[None]:
            writes = yield from self._rows(changes, session)
            writes.append(self._engine.committer.appended(self._entries(changes)))
            yield from statements.run(writes, session)

        yield from self._engine.committer.retrying(body)
        self._next, self._previous = last + 1, last

    def _rows(self, changes: list[Change], session: Any) -> Operation[list[Statement]]:
        for change in changes:
            # To the hidden branch, whatever the branch itself has is inherited.
            change.inherited = change.before is not None
        writes: list[Statement] = []
        for store, changed in by_store(changes).items():
            table = self._engine.raw[store]
            writes += yield from write_rows(table, session, self._hidden.number, changed)
        return writes

    def _entries(self, changes: list[Change]) -> list[dict[str, Any]]:
        return encode(
            [entry_of(change) for change in changes],
            project_id=self._branch.project_id,
            branch_id=self._hidden.id,
            prev_lsn=self._previous,
            lsns=[change.lsn for change in changes],
            moment=self._moment,
            author=self._author,
            message=self._message,
            commit=self._end,
        )

    def _state(self) -> Operation[Snapshot]:
        """Return what is about to be published."""
        engine, hidden = self._engine, self._hidden
        view = make_view(hidden.number, hidden.ancestors)
        return engine.snapshot(hidden, view, (yield from load_catalog(engine.raw, view, engine.world)))

    def _publish(self, landed: Landed) -> Operation[None]:
        """Move the branch to the hidden line, at the head that the commit was planned on."""
        engine, branch, hidden, last = self._engine, self._branch, self._hidden, self._plan.last
        moved = {
            "number": hidden.number,
            "line": hidden.id,
            "lineage": stored(hidden)["lineage"],
            "ddl_lsn": Int64(self._end),
        }
        about = {"_id": branch.id, "line": hidden.id, "commit": Int64(self._end)}

        def body(session: Any) -> Operation[tuple[BranchRecord, Head]]:
            self._moment = max(engine.clock.now(), self._moment)
            last.lsn = self._end
            writes = yield from self._rows([last] if last.store else [], session)
            announced = encode(
                [Entry(Kind.PUBLISH, document=raw(about))],
                project_id=branch.project_id,
                branch_id=branch.line_id,
                prev_lsn=self._head.lsn,
                lsns=[self._end - 1],
                moment=self._moment,
                author=self._author,
                message=self._message,
            )
            writes.append(engine.committer.appended([*announced, *self._entries([last])]))
            live = {"_id": branch.id, "status": "active"}
            opened = {"_id": hidden.id, "status": "hidden"}
            records = [(live, {"$set": moved}), (opened, {"$set": {"status": "published"}})]
            writes.append(statements.update(engine.plain[BRANCHES], records, missed=StaleHead))
            yield from statements.run(writes, session)
            if self._plan.check is not None:
                yield from self._plan.check(session)
            changed = {**moved, "ddl_lsn": self._end, "lineage": hidden.lineage}
            return branch.model_copy(update=changed), Head(self._end, self._moment)

        began = time.monotonic()
        for delay in backoff():
            try:
                yield from engine.committer.landing(body, landed)
            except PyMongoError as error:
                if not may_pass(error, began):
                    raise
                last_error = error
            else:
                return
            yield engine.world.sleep(delay)
            yield from engine.committer.unblock(began)
        raise last_error


def parts(changes: list[Change]) -> Iterator[list[Change]]:
    """Part a page into what one transaction should hold."""
    part: list[Change] = []
    size = 0
    for change in changes:
        if part and (len(part) >= MAX_CHANGES or size >= MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(change)
        size += change.size()
    if part:
        yield part
