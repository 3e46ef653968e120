"""The second computation of what memory should not hold: page by page, to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.engine.snapshot import Snapshot
from argon.errors import Conflict
from argon.io import Operation
from argon.merging.checks import inspect, validate
from argon.merging.outcome import Computed, Digest
from argon.merging.progress import Tally
from argon.timetravel.place import Place
from argon.wal.change import Change
from argon.wal.commit import StaleHead

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class LargeChange:
    """The changes of a computation once more.

    Args:
        engine: The engine.
        head: The head that they were computed on, and
        ours: its state.
        computed: The computation, which has run.
        judged: Whether validators judge them.
        tally: Counts what is written.
    """

    def __init__(
        self,
        engine: Engine,
        head: Place,
        computed: Computed,
        ours: Snapshot,
        *,
        judged: bool,
        tally: Tally,
    ) -> None:
        self._engine = engine
        self._head = head
        self._computed = computed
        self._judged = judged
        self._tally = tally
        catalog = computed.outcome.catalog
        self._first = list(catalog)
        self._left = computed.again(ours)
        self._digest = Digest(catalog)
        self._count = len(catalog)

    def next(self) -> Operation[list[Change]]:
        """Return the next page; an empty one is the end.

        Raises:
            WriteError: A validator refuses a document.
            StaleHead: The branch has moved.
            Conflict: It comes to something else than before.
        """
        first, self._first = self._first, []
        if first:
            return first
        self._tally.wrote(self._count)  # the pages before this one are
        outcome = self._computed.outcome
        for reading in self._left:
            record, changes = yield from reading
            if not changes:
                continue
            self._digest.add(record, changes)
            self._count += len(changes)
            if self._count > outcome.count:
                raise (yield from self._differs())
            if self._judged:
                yield from validate(self._engine, record, changes)
            return changes
        if str(self._digest) != outcome.digest:
            raise (yield from self._differs())
        return []

    def inspect(self, hidden: Snapshot) -> Operation[None]:
        """Check what would be published.

        Raises:
            DuplicateKeyError: A unique index does not hold.
        """
        yield from inspect(hidden, self._computed.outcome, self._computed.records)

    def _differs(self) -> Operation[Exception]:
        head = yield from self._engine.log.head(self._head.branch)
        if head.lsn != self._head.lsn:
            return StaleHead()
        return Conflict(
            f"what was computed for {self._head.branch.name!r} came to something else when it was to be "
            "written, and nothing of it is there: a strategy that is a callable must answer the same "
            "question in the same way"
        )
