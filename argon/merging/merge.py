"""Merging: one commit that brings into a branch what another one changed since they last met.

What fits in one transaction lands in one. What does not is computed twice,
first to learn what it comes to, then to write it page by page as a large
commit, so that memory holds no more than a page of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId

from argon.engine.handle import Handle
from argon.engine.judging import Hook, hooks_of, judge, merge_proposal
from argon.engine.snapshot import Snapshot
from argon.errors import Conflict, MergeConflict, MergeOutdated
from argon.io import Operation
from argon.merging.base import ensure_indexes, merge_base
from argon.merging.changed import Changed, changed_between
from argon.merging.compute import Merging
from argon.merging.landing import Landing, entries
from argon.merging.outcome import Outcome
from argon.merging.plan import MergePlan
from argon.merging.progress import Tally, Watcher
from argon.merging.results import ConflictEntry, MergeInfo, named
from argon.merging.strategy import Strategy, check_strategy
from argon.models import CollectionRecord
from argon.timetravel.place import Place, at_head
from argon.versions.layout import raw
from argon.wal.change import Change, Plan

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class Merge:
    """One merge, with what is kept over repeated attempts.

    Args:
        handle: The target.
        source: The source.
        strategy: Settles conflicts.
        deletes: Whether the source's deletions count.
        digest: What the merge must come to; None for whatever it comes to.
        watcher: Is told how far it is.
    """

    def __init__(
        self,
        handle: Handle,
        source: Place,
        strategy: Strategy,
        *,
        deletes: bool,
        digest: str | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        check_strategy(strategy)
        self._handle = handle
        self._engine: Engine = handle.line.engine
        self._source = source
        self._strategy = strategy
        self._deletes = deletes
        self._digest = digest
        self._tally = Tally(watcher)
        self._fresh: dict[ObjectId, CollectionRecord] = {}
        self._landing = Landing(self._engine, tally=self._tally)
        self._hooks: list[Hook] = []
        self._agreed: set[str] = set()

    def land(self, *, author: str | None, message: str | None) -> Operation[MergeInfo]:
        """Merge, in one commit.

        Raises:
            MergeConflict: There are conflicts that nothing settles; nothing was written.
            MergeOutdated: It would do something else than was planned.
            DuplicateKeyError: A unique index of the target does not hold afterwards.
            WriteError: A validator of the target refuses a document.
            HookRefused: A hook does not agree.
        """
        yield from self._handle.admit_writes()
        yield from ensure_indexes(self._engine)
        line = self._handle.line
        message = message or f"merge {self._source} into {line.record.name}"
        author = author or self._handle.author
        self._hooks = yield from hooks_of(self._engine, "pre-merge", line.record)
        while True:
            try:
                info: MergeInfo = yield from line.write(self._plan, author=author, message=message)
                return info
            except _Unjudged as found:
                yield from self._judge(found, author, message)

    def judge(self, *, author: str | None, message: str | None) -> Operation[None]:
        """Ask the hooks about the merge at the target's head, and write nothing.

        Raises:
            MergeConflict: There are conflicts that nothing settles.
            HookRefused: A hook does not agree.
        """
        target = yield from self._target()
        base, merging = yield from self._compute(target, (yield from target.state(self._engine)))
        outcome = merging.outcome
        if outcome.conflicts:
            what = f"merging {str(self._source)!r} into {target.branch.name!r}"
            raise refusal(what, outcome.conflicts)
        self._hooks = yield from hooks_of(self._engine, "pre-merge", target.branch)
        yield from self._judge(_Unjudged(base, outcome), author, message)

    def _judge(self, found: _Unjudged, author: str | None, message: str | None) -> Operation[None]:
        """Ask the hooks, while nobody waits for this writer."""
        target = self._handle.line.record
        proposal = merge_proposal(
            self._engine.name_of(target.project_id),
            target,
            found.outcome.changes,
            author=author,
            message=message,
            source=self._source.branch.name,
            source_lsn=self._source.lsn,
            base_lsn=found.base.lsn,
        )
        yield from judge(self._engine, self._hooks, proposal)
        self._agreed.add(found.outcome.digest)

    def preview(self) -> Operation[MergePlan]:
        """Compute the merge at the target's head, and write nothing."""
        yield from self._engine.require_log(self._handle.line.record)
        target = yield from self._target()
        base, merging = yield from self._compute(target, (yield from target.state(self._engine)))
        outcome = merging.outcome
        return MergePlan(
            str(self._source),
            target.branch.name,
            self._source.branch.id,
            self._source.lsn,
            target.branch.id,
            target.lsn,
            base.lsn,
            self._strategy,
            self._deletes,
            outcome.digest,
            outcome.applied,
            outcome.deleted,
            outcome.conflicts,
            outcome.resolved,
            list(entries(outcome)),
        )

    def _target(self) -> Operation[Place]:
        return (yield from at_head(self._engine, self._handle.line.record))

    def _compute(
        self, target: Place, ours: Snapshot, *, keep: bool = True
    ) -> Operation[tuple[Place, Merging]]:
        engine, tally = self._engine, self._tally
        tally.begin()
        base = yield from merge_base(engine, target, self._source)
        if base is None:
            raise Conflict(
                f"{str(self._source)!r} and {target.branch.name!r} have no history in common to merge by"
            )
        nothing = _is(base, self._source)
        merging = Merging(
            (yield from base.state(engine)),
            ours,
            (yield from self._source.state(engine)),
            Changed() if nothing else (yield from changed_between(engine, base, self._source, tally)),
            partial(changed_between, engine, base, target),
            self._strategy,
            deletes=self._deletes,
            stores=self._fresh,
            tally=tally,
        )
        if not nothing:
            yield from merging.run(keep=keep)
            for place in (base, self._source):  # if one went while it was read, not all of it was there
                yield from engine.horizons.require(place.branch, place.lsn)
        return base, merging

    def _plan(self, snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        # If this commit lands, the head that is read here is the one that the snapshot is of.
        target = Place(snapshot.branch, (yield from self._engine.log.head(snapshot.branch)).lsn)
        # Hooks look at all of it.
        base, merging = yield from self._compute(target, snapshot, keep=bool(self._hooks))
        outcome = merging.outcome
        if outcome.conflicts:
            what = f"merging {str(self._source)!r} into {target.branch.name!r}"
            raise refusal(what, outcome.conflicts)
        if self._digest is not None and outcome.digest != self._digest:
            raise MergeOutdated(
                f"{target.branch.name!r} has moved since the merge of {str(self._source)!r} was planned, and "
                "the merge would do something else now: plan it anew"
            )
        info = (str(self._source), target.branch.name, base.lsn)
        if _is(base, self._source):
            return Plan([], lambda: MergeInfo(*info, target.lsn))
        if self._hooks and outcome.digest not in self._agreed:
            raise _Unjudged(base, outcome)
        mark = self._mark(base)

        def reply() -> MergeInfo:
            self._tally.wrote(outcome.count)
            done = (outcome.applied, outcome.deleted, len(outcome.spaces))
            return MergeInfo(*info, mark.lsn, *done, [], outcome.resolved)

        fresh = self._fresh.values()
        return (yield from self._landing.plan(snapshot, target, merging, mark, reply, fresh=fresh))

    def _mark(self, base: Place) -> Change:
        """Make the record by which later merges find their base."""
        branch = self._source.branch
        told = {"_id": branch.line_id, "branch": branch.name, "lsn": Int64(self._source.lsn)}
        about = {**told, "base": {"branch_id": base.branch.line_id, "lsn": Int64(base.lsn)}}
        return Change("merge", "", "", "", branch.line_id, after=raw(about))


class _Unjudged(Exception):
    """The hooks have not seen what the merge comes to at this head."""

    def __init__(self, base: Place, outcome: Outcome) -> None:
        super().__init__()
        self.base = base
        self.outcome = outcome


def merge_of_plan(handle: Handle, plan: MergePlan, watcher: Watcher | None = None) -> Operation[Merge]:
    """Return the merge that a plan stands for.

    Raises:
        MergeOutdated: It is for another branch.
    """
    if handle.line.record.id != plan.target_id:
        raise MergeOutdated(
            f"the plan is for {plan.target!r}, and not for {handle.line.record.name!r}: plan the merge anew"
        )
    source = yield from source_of(handle.line.engine, plan)
    options: dict[str, Any] = {"deletes": plan.propagate_deletes, "digest": plan.digest}
    return Merge(handle, source, plan.strategy, **options, watcher=watcher)


def source_of(engine: Engine, plan: MergePlan) -> Operation[Place]:
    """Return the source as it was when a plan was made."""
    branch: Any = yield from engine.branch_record(plan.source_id)
    return Place(branch, plan.source_lsn, named=True)


def _is(one: Place, other: Place) -> bool:
    return one.line[0] == other.line[0]  # a branch without entries of its own is where it was made


def refusal(what: str, conflicts: list[ConflictEntry]) -> MergeConflict:
    """Make the error that names what both sides changed."""
    return MergeConflict(
        f"{what} meets conflicts, and nothing was written "
        f"({len(conflicts)}): {named(conflicts)}; "
        "choose a strategy (ours, theirs, or one for each collection) to settle them",
        conflicts,
    )
