"""A branch as this process knows it: its record, its view, its catalogue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bson import ObjectId

from argon.catalog.collections import Catalog, load_catalog
from argon.catalog.records import gone
from argon.engine.rules import RULES_BOUND
from argon.io import Operation
from argon.models import BranchRecord
from argon.versions.visibility import View, make_view
from argon.wal.log import Head

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot

READ_BOUND = 0.1
"""Seconds after which a reader looks for foreign changes of the catalogue."""

_defined: dict[ObjectId, int] = {}
"""For each branch the LSN of the last change of its catalogue that this process has made."""


class KnownBranch:
    """What is known of one branch, and how old that may be.

    Args:
        engine: The engine it belongs to.
        record: The branch.
    """

    def __init__(self, engine: Engine, record: BranchRecord) -> None:
        self.engine = engine
        self._at = (record, make_view(record.number, record.ancestors))
        self._catalog: Catalog | None = None
        self._drops = 0
        self._checked = 0.0
        self._charted = -1  # up to this LSN the record's lineage is known to be right

    @property
    def at(self) -> tuple[BranchRecord, View]:
        """The branch as this process knows it, and its head for reading rows, which go together."""
        return self._at

    @property
    def record(self) -> BranchRecord:
        """The branch, as this process knows it."""
        return self.at[0]

    @record.setter
    def record(self, record: BranchRecord) -> None:
        known, view = self._at
        if (record.number, record.lineage) != (known.number, known.lineage):
            view = make_view(record.number, record.ancestors)
        self._at = (record, view)

    @property
    def view(self) -> View:
        """The branch's head, for reading rows."""
        return self.at[1]

    def snapshot(self) -> Operation[Snapshot]:
        """Return the head as a reader sees it.

        The catalogue may be :data:`READ_BOUND` seconds behind what another
        process did; what this process did, by whichever client, is always in it.

        Raises:
            BranchNotFound: The branch was deleted.
        """
        catalog = self._catalog
        behind = _defined.get(self.record.id, 0) > self.record.ddl_lsn
        if catalog is None or behind or self._is_old(READ_BOUND):
            yield from self._look()
        return (yield from self._snapshot())

    def _snapshot(self) -> Operation[Snapshot]:
        # Record, view and catalogue belong together, whatever another thread learns meanwhile.
        record, view = self._at
        catalog = self._catalog
        if catalog is None or catalog.view is not view:
            catalog = yield from self._load_catalog(view)
        return self.engine.snapshot(record, view, catalog)

    @property
    def in_log(self) -> bool:
        """Whether the branch is known to be in the log, where it stays, and no physical database."""
        return self.record.kind == "wal"

    def current(self) -> Operation[BranchRecord | None]:
        """Return the branch's record, at most :data:`READ_BOUND` seconds old.

        Raises:
            BranchNotFound: The branch was deleted.
        """
        return (yield from self.opened())

    def opened(self) -> Operation[BranchRecord]:
        """Return the branch's record for a write; see :meth:`current`."""
        if self._is_old(READ_BOUND):
            yield from self._look()
        return self.record

    def admitted(self) -> Operation[BranchRecord | None]:
        """Return the branch's record for the rules of a write, at most :data:`RULES_BOUND` seconds old.

        Returns:
            None while there is no project.

        Raises:
            BranchNotFound: The branch was deleted, or its time is over.
        """
        if self._is_old(RULES_BOUND):
            yield from self._look()
        return self.record

    def _is_old(self, bound: float) -> bool:
        """Whether the record must be read anew; also when the branch's time is over."""
        if time.monotonic() - self._checked > bound:
            return True
        return self.record.expires_at is not None and self.record.has_expired(self.engine.clock.now())

    def learn(self, record: BranchRecord) -> None:
        """Take note of what this process has said of the branch itself."""
        self.record = record

    def forget(self) -> None:
        """Look at everything anew before the next read and the next write."""
        self._drop_catalog()
        self._checked = 0.0

    def past(self, lsn: int) -> Operation[Snapshot]:
        """Return the branch as it was at an LSN that lies in its history."""
        if lsn > self._charted:
            self._take_over((yield from self.engine.fresh(self.record)))
            self._charted = lsn
        return (yield from self.engine.past(self.record, lsn))

    def head(self) -> Operation[Head]:
        """Read the branch's head as a majority of the servers has it."""
        return (yield from self.engine.log.head(self.record))

    def _look(self) -> Operation[None]:
        """Read the branch's record, and drop the catalogue if it is behind."""
        now = time.monotonic()
        yield from self._reread()
        self._checked = now

    def _reread(self) -> Operation[None]:
        record = yield from self.engine.branch_record(self.record.id)
        if record is None or record.status != "active":
            raise gone(record or self.record)
        if record.expires_at is not None:
            yield from self.engine.clock.refresh()
            if record.has_expired(self.engine.clock.now()):
                raise gone(record)
        self._take_over(record)

    def _take_over(self, record: BranchRecord) -> None:
        if record.ddl_lsn != self.record.ddl_lsn:
            self._drop_catalog()
        self.record = record

    def _load_catalog(self, view: View) -> Operation[Catalog]:
        drops = self._drops
        catalog = yield from load_catalog(self.engine.raw, view, self.engine.world)
        if drops == self._drops:
            # Otherwise it changed while it was read: good for this reader, who came before, and nobody else.
            self._catalog = catalog
        return catalog

    def _drop_catalog(self) -> None:
        self._catalog = None
        self._drops += 1

    def _altered(self, record: BranchRecord) -> None:
        """Take note of a change of the catalogue that this process has made.

        Args:
            record: The branch's record with the LSN of the change.
        """
        self.record = record
        _defined[record.id] = record.ddl_lsn
        self._drop_catalog()
