"""Merges that are kept when they meet conflicts, and finished when those are resolved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from argon.catalog.merges import Merges
from argon.engine.handle import Handle
from argon.engine.snapshot import Snapshot
from argon.errors import BranchNotFound, MergeConflict, MergeNotFound, MergePending
from argon.io import Operation
from argon.merging.merge import Merge, source_of
from argon.merging.pending.answers import Answers, Told, as_choice, resolutions, storable
from argon.merging.pending.kept import RESOLVED
from argon.merging.pending.values import as_document, fingerprint
from argon.merging.plan import MergePlan
from argon.merging.progress import Watcher
from argon.merging.results import ConflictEntry, MergeInfo, named
from argon.merging.strategy import Pick, Strategy, pick
from argon.timetravel.place import Place
from argon.wal.change import Check, Plan

_PAGE, _PAGE_BYTES = 500, 8 << 20


class Reason(NamedTuple):
    """Who merges, and why; None for what goes without saying."""

    author: str | None = None
    message: str | None = None


def merges_of(handle: Handle) -> Merges:
    """Return the pending merge of a branch, as the database holds it."""
    return Merges(handle.line.engine.plain, handle.line.record.id)


def required(handle: Handle) -> Operation[dict[str, Any]]:
    """Return the record of the pending merge.

    Raises:
        MergeNotFound: None is pending.
    """
    record = yield from merges_of(handle).find()
    if record is None:
        name = handle.line.record.name
        raise MergeNotFound(
            f"no merge into {name!r} is pending; merge(source, keep_conflicts=True), or 'argon merge SOURCE "
            "--keep-conflicts', begins one where there are conflicts"
        )
    return record


def keep(
    handle: Handle,
    source: Place,
    strategy: Strategy,
    reason: Reason,
    *,
    deletes: bool,
    watcher: Watcher | None = None,
) -> Operation[MergeInfo]:
    """Merge, and where that meets conflicts, keep them in the database and leave the target as it is.

    What a callable settles is kept as resolved, for callables cannot be stored.

    Args:
        handle: The target.
        source: The source.
        strategy: Settles conflicts; those that it leaves open are kept.
        reason: Who merges, and why.
        deletes: Whether the source's deletions count.
        watcher: Is told how far it is.

    Returns:
        What was done, or the conflicts that were kept.

    Raises:
        MergePending: Another merge into the branch is pending.
    """
    merges, engine = merges_of(handle), handle.line.engine
    if (yield from merges.find()) is not None:
        raise MergePending(
            f"another merge into {handle.line.record.name!r} is pending: finish or abort it first ('argon "
            "merge --continue', 'argon merge --abort')"
        )
    while True:
        try:
            merge = Merge(handle, source, strategy, deletes=deletes, watcher=watcher)
            return (yield from merge.land(author=reason.author, message=reason.message))
        except MergeConflict:
            pass
        answers = Answers(storable(strategy), lambda entry: pick(strategy, entry))
        plan = yield from Merge(handle, source, answers, deletes=deletes, watcher=watcher).preview()
        if plan.conflicts:  # otherwise the target has moved
            break
    yield from engine.clock.refresh()
    found = [*answers.seen(plan)]
    about = {
        "plan": _stored(plan, answers.strategy),
        "author": reason.author or handle.author,
        "message": reason.message,
        "created_at": engine.clock.now(),
    }
    record = merges.draft(about, len(found))
    yield from _add(merges, record, found, 1)
    yield from merges.begin(record)
    there = yield from engine.branch_record(handle.line.record.id)
    if there is None or there.status != "active":
        yield from merges.end(record, any_revision=True)
        yield from merges.sweep(record)
        raise BranchNotFound(f"the branch {handle.line.record.name!r} was deleted meanwhile")
    return MergeInfo(
        plan.source, plan.target, plan.base_lsn, plan.target_lsn, 0, 0, 0, plan.conflicts, plan.resolved
    )


def finish(handle: Handle, reason: Reason, watcher: Watcher | None = None) -> Operation[MergeInfo]:
    """Finish the pending merge, in one commit that ends it as well.

    It is computed at the target's head. Resolutions count for the conflicts that have the values for
    which they were given; others are kept as open.

    Args:
        handle: The target.
        reason: Who finishes it, and why.
        watcher: Is told how far it is.

    Raises:
        MergeNotFound: None is pending.
        MergeConflict: Conflicts are open; the error has the list.
    """
    merges = merges_of(handle)
    while True:
        record = yield from required(handle)
        told = yield from resolutions(merges, record)
        plan = MergePlan.from_document(record["plan"])
        source = yield from source_of(handle.line.engine, plan)
        if source.branch is None:
            raise BranchNotFound(
                f"the branch {plan.source!r} is no longer held: abort the merge, and begin anew"
            )
        options: dict[str, Any] = {"deletes": plan.propagate_deletes, "watcher": watcher}
        merge = _Finish(handle, source, Answers(plan.strategy, told), record=record, **options)
        who = reason.author or record["author"]
        why = reason.message or record["message"]
        try:
            info = yield from merge.land(author=who, message=why)
        except _Revised:
            continue
        except MergeConflict:
            answers = Answers(plan.strategy, told)
            still = yield from Merge(handle, source, answers, **options).preview()
            if still.conflicts and (yield from _refresh(merges, record, still, answers)):
                raise _still_open(handle, source, still, told) from None
            continue
        yield from merges.end(record)  # where there was nothing left to write
        yield from merges.sweep(record)
        return info


def abort(handle: Handle) -> Operation[None]:
    """Give the pending merge up; the target has never been touched.

    Raises:
        MergeNotFound: None is pending.
    """
    merges = merges_of(handle)
    record = yield from required(handle)
    if not (yield from merges.end(record, any_revision=True)):
        raise MergeNotFound(f"the merge into {handle.line.record.name!r} was finished or aborted meanwhile")
    yield from merges.sweep(record)


class _Finish(Merge):
    """A merge whose commit ends the pending merge, provided that it is still as it was read."""

    def __init__(self, *arguments: Any, record: dict[str, Any], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._record = record

    def _plan(self, snapshot: Snapshot, careful: bool) -> Operation[Plan]:
        plan = yield from super()._plan(snapshot, careful)
        return replace(plan, check=self._also(plan.check)) if plan.writes else plan

    def _also(self, check: Check | None) -> Check:
        def both(session: Any) -> Operation[None]:
            if check is not None:
                yield from check(session)
            if not (yield from merges_of(self._handle).end(self._record, session)):
                raise _Revised

        return both


class _Revised(Exception):
    """The pending merge has been resolved further, ended or taken up by somebody else meanwhile."""


def _stored(plan: MergePlan, strategy: Any) -> dict[str, Any]:
    return replace(plan, strategy=strategy).as_document()


def _add(
    merges: Merges, record: dict[str, Any], found: list[tuple[ConflictEntry, Any]], first: int
) -> Operation[None]:
    page: list[dict[str, Any]] = []
    size = 0
    for number, (entry, picked) in enumerate(found, first):
        document = yield from as_document(merges, record, entry, number)
        if picked is not Pick.UNRESOLVED:
            document |= {"state": RESOLVED} | (yield from as_choice(merges, record, picked))
        page.append(document)
        size += len(document["values"]["data"])
        if len(page) >= _PAGE or size >= _PAGE_BYTES:
            yield from merges.add(record, page)
            page, size = [], 0
    yield from merges.add(record, page)


def _refresh(
    merges: Merges, record: dict[str, Any], plan: MergePlan, answers: Answers
) -> Operation[dict[str, Any] | None]:
    """Keep the conflicts as they are by now; None where somebody has changed the pending merge."""
    wanted = {fingerprint(entry): (entry, picked) for entry, picked in answers.seen(plan)}
    there = yield from merges.conflicts(record, {}, {"fingerprint": 1, "number": 1})
    known = {bytes(document["fingerprint"]): document["number"] for document in there}
    new = [found for key, found in wanted.items() if key not in known]
    gone = [number for key, number in known.items() if key not in wanted]
    change = {"plan": _stored(plan, answers.strategy)}
    revised = yield from merges.revise(record, change, len(new))
    if revised is not None:
        yield from merges.remove(record, gone)
        yield from _add(merges, record, new, int(revised["next"]) - len(new))
    return revised


def _still_open(handle: Handle, source: Place, plan: MergePlan, told: Told) -> MergeConflict:
    target = handle.line.record.name
    new = sum(fingerprint(entry) not in told.known for entry in plan.conflicts)
    since = f", {new} of them new since {target!r} has moved" if new else ""
    return MergeConflict(
        f"the merge of {str(source)!r} into {target!r} has open conflicts, and nothing was written "
        f"({len(plan.conflicts)}{since}): {named(plan.conflicts)}; resolve them (branch.resolve, 'argon "
        "conflicts resolve'), and continue the merge",
        plan.conflicts,
    )
