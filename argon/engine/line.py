"""A branch as this process writes to it: its head, its writers, and the loop that commits for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure, PyMongoError

from argon.catalog.collections import Catalog
from argon.engine.baton import Baton, Note
from argon.engine.judging import guarded
from argon.engine.known import KnownBranch
from argon.engine.large import LargeCommit
from argon.engine.round import Round, blame, fail_all, is_passing, plan_round
from argon.engine.turns import Turns, retry_pause
from argon.errors import Conflict
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import DOCUMENT_OPERATIONS
from argon.versions.visibility import View
from argon.wal.change import Commit, Planner
from argon.wal.commit import LsnTaken, StaleHead
from argon.wal.group import CommitQueue, Pending
from argon.wal.log import Head, head_of
from argon.wal.rows import StaleRow
from argon.wal.transactions import CommitFailed, patience

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot

_SOLO_AFTER = 3
_LARGE_ATTEMPTS = 4
"""How often a commit that is too large for one transaction is prepared for a head that then moves."""
_FEW = 20
"""Entries of others that one look may find; beyond that it is quicker to ask for the head."""


class _TooLarge(Exception):
    """A write turned out to be too much for one transaction, inside one."""


class Line(KnownBranch):
    """The commit loop of one branch.

    Args:
        engine: The engine it belongs to.
        record: The branch.
    """

    def __init__(self, engine: Engine, record: BranchRecord) -> None:
        super().__init__(engine, record)
        self._lsns = engine.lsns(record.project_id)
        self._turns = Turns()
        self._baton = Baton(engine.baton, record.id, engine.world, engine.place)
        self._queue = CommitQueue(engine.world, self._commit, self._take_turn, self._end_turn)
        self._head: Head | None = None
        self._head_line = record.line_id
        self._known: Head | None = None

    def forget(self) -> None:
        """Look at everything anew before the next read and the next write."""
        self._head = None
        super().forget()

    def _load_catalog(self, view: View) -> Operation[Catalog]:
        catalog = yield from super()._load_catalog(view)
        if self.engine.on_catalog is not None:
            self.engine.on_catalog(self, catalog)
        return catalog

    def write(
        self,
        planner: Planner,
        *,
        author: str | None = None,
        message: str | None = None,
        judged: bool = True,
    ) -> Operation[Any]:
        """Plan a write at the branch's head and land it.

        Args:
            planner: Reads what the write depends on and returns its changes.
                It is called again whenever the head has moved.
            author: Who writes.
            message: Why.
            judged: Whether hooks are asked about it.

        Returns:
            The plan's reply.

        Raises:
            HookRefused: A hook does not agree, and nothing was written.
        """
        if judged:
            planner = yield from guarded(self.engine, self.record, planner, author, message)
        return (yield from self._queue.submit(Pending(planner, author, message)))

    def _refresh(self) -> Operation[Snapshot]:
        """Learn the head and all that other writers did up to it."""
        while self._head is None or self._head_line != self.record.line_id:
            head = yield from self._catch_up()
            self._head = self._known = head
        return (yield from self._snapshot())

    def _catch_up(self) -> Operation[Head]:
        """Find the head, and forget what is no longer true at it."""
        record = self.record
        if self._known is not None and self._catalog is not None and self._head_line == record.line_id:
            # Mostly others have written a few documents: one look tells both where they are and that.
            news = yield from self.engine.log.following(record, self._known, _FEW)
            if len(news) < _FEW and all(entry["operation"] in DOCUMENT_OPERATIONS for entry in news):
                return head_of(news[-1]) if news else self._known
        head, self._head_line = yield from self.engine.log.end(self.record)
        # It is read after the head, so it tells of whatever was defined or deleted up to there.
        yield from self._reread()
        return head

    def _commit(self, batch: list[Pending]) -> Operation[None]:
        """Bring every write of a batch to an end; see :class:`argon.wal.group.CommitQueue`."""
        began = time.monotonic()
        lost = 0
        solo = False
        fresh = self._head is None
        while batch:
            round_ = Round()
            try:
                snapshot = yield from self._refresh()
                claim = (lost > 0 or self._turns.contended) and not batch[0].large
                yield from self._land(round_, snapshot, batch, solo=solo, fresh=fresh, claim=claim)
                fresh = True
            except _TooLarge:
                continue  # its writer is known now, and nobody's turn was lost
            except Exception as error:
                if not is_passing(error):
                    solo = blame(batch, round_, error)
                    batch = [pending for pending in batch if not pending.done]
                    if isinstance(error, CommitFailed) and error.interruption:
                        raise error.interruption from error
                    continue
                lost += 1
                self._lost(error)
                fresh = True
                if batch[0].large:
                    for pending in batch:
                        pending.began = time.monotonic()  # who waited for it has not tried yet
                    batch[0].lost += 1
                    if batch[0].lost >= _LARGE_ATTEMPTS:
                        batch.pop(0).fail(_never_still(self.record))
                        continue
                given_up = time.monotonic() - patience(error)
                fail_all([one for one in batch if one.began < given_up], _too_busy(self.record, error))
                come = self._queue.go_on()
                if come is None:
                    return
                batch = [pending for pending in batch if not pending.done] + come
                if not batch:
                    return
                # A row that a transaction elsewhere holds must not stop the other writers.
                solo = lost >= _SOLO_AFTER
                if solo:
                    batch.append(batch.pop(0))
                yield self.engine.world.sleep(retry_pause())
                yield from self.engine.committer.unblock(began)
            else:
                batch = [pending for pending in batch if not pending.done]
        self._turns.won(lost)

    def _take_turn(self) -> Operation[None]:
        """Wait until a commit has good prospects, while the queue grows."""
        pause = self._turns.rest()
        if pause:
            yield self.engine.world.sleep(pause)
        note = yield from self._baton.take()
        if note is not None:
            # The log will tell if it is not so any more.
            record = self.record
            current = self._catalog is not None and note.ddl_lsn == record.ddl_lsn
            self._head, self._head_line = (note.head if current else None), record.line_id
            self._lsns.borrow(*note.free)

    def _end_turn(self) -> None:
        self._hand_on(self._head)

    def _hand_on(self, head: Head | None) -> None:
        if head is None or not self._baton.shared():
            self._baton.pass_on(None)
        else:
            self._baton.pass_on(Note(head, self.record.ddl_lsn, self._lsns.lend()))

    def _land(
        self, round_: Round, snapshot: Snapshot, batch: list[Pending], *, solo: bool, fresh: bool, claim: bool
    ) -> Operation[None]:
        """Land as much of a batch as goes together, and tell those writers what became of them.

        Args:
            round_: Notes what is planned on the head.
            snapshot: The head.
            batch: The writers.
            solo: Whether to take one only.
            fresh: Whether the head was asked for since the writers came.
            claim: Whether to claim the head before planning on it.
        """
        assert self._head is not None
        known, branch = self._head, snapshot.branch
        if branch.line_id != self._head_line:
            raise StaleHead

        def plan() -> Operation[list[Commit]]:
            if not round_.begun:
                yield from plan_round(round_, snapshot, batch, solo=solo)
                if claim and round_.large is not None:
                    raise _TooLarge
            return round_.commits

        def landed(head: Head) -> None:
            if head.lsn == known.lsn:
                return
            self._head = self._known = head
            if round_.alters:
                self._altered(self.record.model_copy(update={"ddl_lsn": head.lsn}))
            round_.settle()

        def visible(head: Head) -> None:
            # Who comes next need not wait for the journal too: if this commit is lost, so is what follows.
            if head.lsn != known.lsn and not round_.alters:
                self._hand_on(head)

        if not claim:
            yield from plan()
        if round_.large is not None:
            yield from self._land_large(round_, branch, known)
        elif claim or round_.commits:
            land = self.engine.committer.land
            heard = known != self._known
            early = visible if self._baton.wanted() else None
            yield from land(branch, known, self._lsns, plan, landed, visible=early, claim=claim, heard=heard)
        if round_.settled:
            return
        # Nothing was written, so the log has not told whether this still is the head.
        if not fresh and (yield from self.head()).lsn != known.lsn:
            raise StaleHead
        round_.settle()

    def _land_large(self, round_: Round, branch: BranchRecord, known: Head) -> Operation[None]:
        assert round_.large is not None
        pending, plan = round_.large

        def landed(published: tuple[BranchRecord, Head]) -> None:
            record, head = published
            self._head, self._known, self._head_line = head, head, record.line_id
            self._altered(record)
            round_.settle()

        if known.lsn != (yield from self.head()).lsn:
            raise StaleHead
        commit = LargeCommit(self.engine, branch, known, plan, pending.author, pending.message)
        yield from commit.land(landed)

    def _lost(self, error: Exception) -> None:
        self._head = None
        self._baton.meet()
        if isinstance(error, LsnTaken):
            self._lsns.drop()
        if isinstance(error, StaleRow):
            # Perhaps a row of the catalogue that a child has marked: no entry of this branch tells of that.
            self._drop_catalog()


def _too_busy(record: BranchRecord, error: Exception) -> Exception:
    if isinstance(error, PyMongoError):
        return error
    return OperationFailure(
        f"the branch {record.name!r} is too busy: other commits came first all the time",
        112,
        {"code": 112, "codeName": "WriteConflict", "errorLabels": ["TransientTransactionError"]},
    )


def _never_still(record: BranchRecord) -> Conflict:
    return Conflict(
        f"the branch {record.name!r} was written to each of the {_LARGE_ATTEMPTS} times that a large commit "
        "to it was being prepared, and nothing of it is there: try again when its writers pause"
    )
