"""States of one branch's past, and commits of another branch, brought to bear on a head."""

from __future__ import annotations

from typing import Any

from argon.catalog.collections import Catalog, new_record
from argon.io import Operation
from argon.merging.compute import Merging
from argon.models import CollectionRecord

Record = CollectionRecord | None


class Rewinding(Merging):
    """Takes a branch from one state towards another, of which it knows what became of each collection.

    A collection of the same name that was made anew is another one. The rows of a dropped collection stay
    where they are: it comes back by its record, and only documents that shall be others are written. Where
    history was let go of since, rows may be gone, and it comes back as a copy.

    Args:
        states: As for a merge.
        whole: Whether nothing of what was written since then has been let go of.
        options: As for a merge.
    """

    def __init__(self, *states: Any, whole: bool, **options: Any) -> None:
        super().__init__(*states, **options)
        self._whole = whole

    def _counterpart(self, catalog: Catalog, record: CollectionRecord, _origin: Catalog) -> Record:
        return next((other for other in catalog.records() if other.id == record.id), None)

    def _only_theirs(self, base: Record, theirs: CollectionRecord) -> Operation[None]:
        if base is not None and not (yield from self._comes_back(base, theirs)):
            return
        if self._whole or theirs.kind == "view":
            yield from self._create(theirs, theirs, base, theirs)
            return
        made = self._stores.setdefault(theirs.id, new_record(theirs.space, theirs.name, theirs.options))
        copied = made.model_copy(update={"indexes": theirs.indexes})
        self.outcome.catalog.append(self._ours.catalog.create(copied))
        self.outcome.created.append(copied)
        yield from super()._documents(None, None, theirs, copied)

    def _dropped(self, base: CollectionRecord, ours: CollectionRecord) -> Operation[None]:
        written = base.kind == "collection" and bool(self._changed.of(base.store))
        if written and (yield from self._differs((yield from self._moved()), base, self._ours, ours)):
            # It was made for its first documents. It is in use by now: they go, and it stays.
            yield from self._documents(base, ours, base, ours)
        else:
            yield from super()._dropped(base, ours)

    def _documents(
        self, base: Record, ours: Record, theirs: CollectionRecord, merged: CollectionRecord
    ) -> Operation[None]:
        yield from super()._documents(base or theirs, ours, theirs, merged)


class Picking(Merging):
    """Brings what single commits of another branch changed, and no more of it."""

    def _only_theirs(self, base: Record, theirs: CollectionRecord) -> Operation[None]:
        if base is None or (yield from self._comes_back(base, theirs)):
            yield from self._create(theirs, (yield from self._record_of(theirs)), base)
