"""What a computed outcome needs in order to become one commit, be it small or large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from argon.catalog.tables import create_store
from argon.engine.index_building import build_index
from argon.engine.snapshot import Snapshot
from argon.engine.unique import all_checks
from argon.io import Operation
from argon.merging.checks import unique_checks, validate
from argon.merging.fields import field_changes
from argon.merging.large import LargeChange
from argon.merging.outcome import Computed, Outcome
from argon.merging.progress import Tally
from argon.merging.results import DiffEntry
from argon.merging.states import plain, value_of
from argon.models import CollectionRecord
from argon.timetravel.place import Place
from argon.wal.change import Change, Check, LargePlan, Plan

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class Landing:
    """Makes ready what an outcome needs; what is there already is not made again at the next attempt.

    Args:
        engine: The engine.
        judged: Whether validators and unique indexes judge what is written.
        tally: Counts what is written.
    """

    def __init__(self, engine: Engine, *, judged: bool = True, tally: Tally | None = None) -> None:
        self._engine = engine
        self._tally = tally or Tally()
        self._judged = judged
        self._made: set[str] = set()

    def plan(
        self,
        snapshot: Snapshot,
        head: Place,
        computed: Computed,
        last: Change,
        reply: Callable[[], Any],
        *,
        fresh: Iterable[CollectionRecord] = (),
        check: Check | None = None,
        alone: bool = False,
    ) -> Operation[Plan]:
        """Plan the commit of what was computed on a head.

        Args:
            snapshot: The head, and
            head: where it is.
            computed: The computation, which has run and met no conflicts.
            last: The change that comes last, for the log alone.
            reply: Makes the reply.
            fresh: Collections that need a store of their own.
            check: What else is to be done in the transaction in which it becomes visible.
            alone: Whether no other writer's changes may land with these.

        Raises:
            WriteError: A validator refuses a document.
        """
        outcome = computed.outcome
        yield from self._prepare(snapshot, outcome, fresh)
        if outcome.large:
            # At its LSN the branch stays as it is, whoever writes to it meanwhile.
            ours = yield from head.state(self._engine)
            large = LargeChange(self._engine, head, computed, ours, judged=self._judged, tally=self._tally)
            return LargePlan(
                reply=reply,
                check=check,
                pages=large.next,
                limit=outcome.count,
                last=last,
                inspect=large.inspect if self._judged else None,
            )
        unique = None
        if self._judged:
            for record, changes in outcome.documents:
                yield from validate(self._engine, record, changes)
            unique = unique_checks(snapshot, outcome)
        self._tally.wrote(0)
        return Plan([*outcome.changes, last], reply, all_checks([unique, check]), alone=alone)

    def _prepare(
        self, snapshot: Snapshot, outcome: Outcome, fresh: Iterable[CollectionRecord]
    ) -> Operation[None]:
        """Make what cannot be made inside the transaction; what a lost race leaves behind is nobody's."""
        for record in fresh:
            if record.store not in self._made:
                yield from create_store(self._engine.plain, record.store, record.collation)
                self._made.add(record.store)
        for record in [*outcome.created, *(merged for _, merged in outcome.indexed)]:
            for index in record.indexes:
                if record.kind == "collection" and f"{record.store} {index.physical}" not in self._made:
                    yield from build_index(snapshot, record, index)
                    self._made.add(f"{record.store} {index.physical}")


def entries(outcome: Outcome) -> Iterator[DiffEntry]:
    """Tell what becomes of the documents."""
    for record, changes in outcome.documents:
        for change in changes:
            was = None if change.before is None else change.before["d"]
            fields = [] if was is None or change.after is None else field_changes(was, change.after)
            identity = plain(change.document_id)
            yield DiffEntry(
                record.space, record.name, identity, value_of(was), value_of(change.after), fields
            )
