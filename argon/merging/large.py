"""The second computation of a merge that memory should not hold: page by page, to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.engine.snapshot import Snapshot
from argon.errors import Conflict
from argon.io import Operation
from argon.merging.compute import Digest, Merging
from argon.merging.landing import inspect, validate
from argon.merging.place import Place
from argon.merging.progress import Tally
from argon.wal.change import Change
from argon.wal.commit import StaleHead

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class LargeMerge:
    """The changes of a merge once more.

    Args:
        engine: The engine.
        target: The target, at the head that the merge was computed on.
        merging: The computation, which has run.
        tally: Counts what is written.
    """

    def __init__(self, engine: Engine, target: Place, merging: Merging, tally: Tally) -> None:
        self._engine = engine
        self._target = target
        self._merging = merging
        catalog = merging.outcome.catalog
        self._first = list(catalog)
        self._left = iter((part, page) for part in merging.parts for page in part.ids.pages())
        self._digest = Digest(catalog)
        self._count = len(catalog)
        self._tally = tally

    def next(self) -> Operation[list[Change]]:
        """Return the next page; an empty one is the end.

        Raises:
            WriteError: A validator refuses a document.
            StaleHead: The target has moved.
            Conflict: The merge comes to something else than before.
        """
        first, self._first = self._first, []
        if first:
            return first
        self._tally.wrote(self._count)  # the pages before this one are
        for part, page in self._left:
            changes = yield from self._merging.changes(part, page, self._merging.settle_again)
            if not changes:
                continue
            self._digest.add(part.merged, changes)
            self._count += len(changes)
            if self._count > self._merging.outcome.count:
                raise (yield from self._differs())
            yield from validate(self._engine, part.merged, changes)
            return changes
        if str(self._digest) != self._merging.outcome.digest():
            raise (yield from self._differs())
        return []

    def inspect(self, hidden: Snapshot) -> Operation[None]:
        """Check what would be published.

        Raises:
            DuplicateKeyError: A unique index does not hold.
        """
        records = [part.merged for part in self._merging.parts]
        yield from inspect(hidden, self._merging.outcome, records)

    def _differs(self) -> Operation[Exception]:
        head = yield from self._engine.log.head(self._target.branch)
        if head.lsn != self._target.lsn:
            return StaleHead()
        return Conflict(
            f"the merge into {self._target.branch.name!r} came to something else when it was to be written "
            "than when it was computed, and nothing of it is there: a strategy that is a callable must "
            "answer the same question in the same way"
        )
