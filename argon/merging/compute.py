"""A merge at one state of the target: what becomes of its collections, and of their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argon.catalog.collections import Catalog, kind_of, new_record
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.changed import Changed
from argon.merging.definitions import counterpart, merge_definition, same_definition
from argon.merging.diff import described
from argon.merging.parts import PartsMerging, Record
from argon.merging.results import MISSING, ConflictEntry
from argon.merging.states import differing, rows_of
from argon.merging.strategy import Pick
from argon.models import CollectionRecord

if TYPE_CHECKING:
    from bson import ObjectId


class Merging(PartsMerging):
    """One computation of a merge; see :class:`~argon.merging.parts.PartsMerging` for its arguments."""

    def _definitions(self) -> Operation[None]:
        """Merge the definitions, and note whose documents are to be merged."""
        matched: set[ObjectId] = set()
        for theirs in self._theirs.catalog.records():
            base = self._counterpart(self._base.catalog, theirs, self._theirs.catalog)
            ours = self._counterpart(self._ours.catalog, theirs, self._theirs.catalog)
            if ours is not None:
                matched.add(ours.id)
                yield from self._both(base, ours, theirs)
            else:
                yield from self._only_theirs(base, theirs)
        for base in self._base.catalog.records():
            ours = self._counterpart(self._ours.catalog, base, self._base.catalog)
            gone = self._counterpart(self._theirs.catalog, base, self._base.catalog) is None
            if gone and ours is not None and ours.id not in matched:
                yield from self._dropped(base, ours)
        self._check_names()
        # A name is free before it is used again.
        self.outcome.catalog.sort(key=lambda change: change.after is not None)

    def _counterpart(self, catalog: Catalog, record: CollectionRecord, origin: Catalog) -> Record:
        return counterpart(catalog, record, origin)

    def _both(self, base: Record, ours: CollectionRecord, theirs: CollectionRecord) -> Operation[None]:
        merged = ours
        if base is None or not same_definition(base, theirs):
            merged = merge_definition(base, ours, theirs, self._settle(ours))
        if merged is not ours:
            change = self._ours.catalog.replace(kind_of(ours, merged), ours, merged)
            self.outcome.catalog.append(change)
            self.outcome.indexed.append((ours, merged))
        if "view" not in (ours.kind, theirs.kind):
            yield from self._documents(base, ours, theirs, merged)

    def _only_theirs(self, base: Record, theirs: CollectionRecord) -> Operation[None]:
        if base is None or (yield from self._comes_back(base, theirs)):
            yield from self._create(theirs, (yield from self._record_of(theirs)))

    def _record_of(self, theirs: CollectionRecord) -> Operation[CollectionRecord]:
        """Return what a collection that only the source has shall be here."""
        if theirs.kind == "view" or not (yield from self._was_here(theirs)):
            return theirs
        # Its rows here ended with it, and must stay as they were for the past.
        made = self._stores.setdefault(theirs.id, new_record(theirs.space, theirs.name, theirs.options))
        return made.model_copy(update={"indexes": theirs.indexes})

    def _comes_back(self, base: CollectionRecord, theirs: CollectionRecord) -> Operation[bool]:
        """Whether a collection that the target has dropped is there again afterwards."""
        if not (yield from self._differs(self._changed, base, self._theirs, theirs)):
            return False
        settle = self._settle(theirs)
        picked = settle("collection", described(base), described(theirs), MISSING)
        return picked is Pick.THEIRS or picked == described(theirs)

    def _create(
        self, theirs: CollectionRecord, record: CollectionRecord, base: Record = None, ours: Record = None
    ) -> Operation[None]:
        """Make a collection that the target has not, with the documents that belong in it.

        Args:
            theirs: The collection on the source.
            record: What it shall be here.
            base: Where to read what its documents were at the merge base; None for nowhere.
            ours: Where to read what they were here.
        """
        self.outcome.catalog.append(self._ours.catalog.create(record))
        self.outcome.created.append(record)
        if record.kind == "collection":
            yield from self._documents(base, ours, theirs, record)

    def _dropped(self, base: CollectionRecord, ours: CollectionRecord) -> Operation[None]:
        if not self._deletes:
            return
        if (yield from self._differs((yield from self._moved()), base, self._ours, ours)):
            settle = self._settle(ours)
            picked = settle("collection", described(base), MISSING, described(ours))
            if picked is not Pick.THEIRS and picked is not MISSING:
                return
        self.outcome.catalog.append(self._ours.catalog.drop(ours))

    def _differs(
        self, changed: Changed, base: CollectionRecord, state: Snapshot, now: CollectionRecord
    ) -> Operation[bool]:
        """Whether a collection is another than it was at the merge base."""
        if base.store != now.store or not same_definition(base, now) or changed.everything:
            return True
        if not base.store:
            return False
        for page in changed.of(base.store).pages():
            old = yield from rows_of(self._base, base, page)
            new = yield from rows_of(state, now, page)
            if differing(page, old, new):
                return True
        return False

    def _was_here(self, record: CollectionRecord) -> Operation[bool]:
        """Whether the target's own history has had the collection."""
        table = self._ours.engine.raw["collections"]
        seen: list[dict[str, Any]] = []
        for level in self._ours.view.levels:
            limit = {} if level.limit is None else {"f": {"$lte": level.limit}}
            seen.append({"d._id": record.id, "_id.b": level.branch, **limit})
        return (yield table.find_one({"$or": seen})) is not None

    def _check_names(self) -> None:
        """Refuse that two collections get one name, which no strategy can settle."""
        names = {record.id: (record.space, record.name) for record in self._ours.catalog.records()}
        for change in self.outcome.catalog:
            names.pop(change.document_id, None)
        for change in self.outcome.catalog:
            if change.after is None:
                continue
            name = (change.after["space"], change.after["name"])
            if name in names.values():
                self.outcome.conflicts.append(ConflictEntry(*name, None, "name", MISSING, name, name, True))
            names[change.document_id] = name
