"""What a merge comes to at one state of the target: its changes, and its conflicts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument

from argon.catalog.collections import Catalog, kind_of, new_record
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.changed import Changed
from argon.merging.definitions import counterpart, merge_definition, same_definition
from argon.merging.diff import described
from argon.merging.documents import Settle, merge_document
from argon.merging.ids import IdSet
from argon.merging.outcome import Gathering, Outcome, Page
from argon.merging.progress import Tally
from argon.merging.results import MISSING, ConflictEntry
from argon.merging.states import add_all, plain, rows_of
from argon.merging.strategy import Pick, Strategy, pick
from argon.models import CollectionRecord
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.change import Change

if TYPE_CHECKING:
    from bson import ObjectId

Record = CollectionRecord | None
Settling = Callable[[CollectionRecord, Any], Settle]
Take = Callable[[CollectionRecord, list[Change]], None]


@dataclass
class Part:
    """The documents of one collection: what it is at the base, on both sides, and afterwards.

    Attributes:
        ids: Those that may differ between base and source.
    """

    base: Record
    ours: Record
    theirs: CollectionRecord
    merged: CollectionRecord
    ids: IdSet


class Merging:
    """One computation of a merge.

    Args:
        base: The state at the merge base.
        ours: The target's state.
        theirs: The source's state.
        changed: What may differ between base and source.
        moved: Finds what may differ between base and target, which only a dropped collection asks for.
        strategy: Settles conflicts.
        deletes: Whether the source's deletions count.
        stores: The records made so far for collections that cannot keep their store, by the source's id.
        tally: Counts the documents.

    Attributes:
        parts: The collections whose documents are merged.
        outcome: What it comes to.
    """

    def __init__(
        self,
        base: Snapshot,
        ours: Snapshot,
        theirs: Snapshot,
        changed: Changed,
        moved: Callable[[], Operation[Changed]],
        strategy: Strategy,
        *,
        deletes: bool,
        stores: dict[ObjectId, CollectionRecord],
        tally: Tally | None = None,
    ) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._changed = changed
        self._moved = moved
        self._strategy = strategy
        self._deletes = deletes
        self._stores = stores
        self._tally = tally or Tally()
        self.parts: list[Part] = []
        self.outcome = Outcome()

    def run(self, each: Take | None = None, *, keep: bool = False) -> Operation[Outcome]:
        """Compute the merge.

        Args:
            each: Gets the changes of documents page by page, in place of the outcome.
            keep: Whether the outcome has them also where it is large.
        """
        yield from self._definitions()
        gathering = Gathering(self.outcome, keep=keep)
        take = each or gathering.add
        for reading in self._pages(self._settle):
            take(*(yield from reading))
        return gathering.close()

    @property
    def records(self) -> list[CollectionRecord]:
        """The collections whose documents may change, as they are afterwards."""
        return [part.merged for part in self.parts]

    def again(self, ours: Snapshot) -> Iterator[Operation[Page]]:
        """Return what computes the changes once more, page by page.

        Args:
            ours: Another view of the same state of the target.
        """
        same = copy.copy(self)
        same._ours, same._tally = ours, Tally()
        if self._base is self._ours:
            same._base = ours
        return same._pages(same._settle_again)

    def _pages(self, settling: Settling) -> Iterator[Operation[Page]]:
        for part in self.parts:
            for page in part.ids.pages():
                yield self._page(part, page, settling)

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

    def _documents(
        self, base: Record, ours: Record, theirs: CollectionRecord, merged: CollectionRecord
    ) -> Operation[None]:
        """Note whose documents are to be merged, and find those that may differ between base and source."""
        if base is not None and base.store == theirs.store and not self._changed.everything:
            ids = self._changed.of(theirs.store)
        else:
            ids = IdSet()
            yield from add_all(ids, self._base, base)
            yield from add_all(ids, self._theirs, theirs)
        self.parts.append(Part(base, ours, theirs, merged, ids))

    def _page(self, part: Part, page: Sequence[Any], settling: Settling) -> Operation[Page]:
        """Merge a page of documents.

        Args:
            part: Their collection.
            page: Their ids.
            settling: Gives for a collection and an id what settles conflicts.
        """
        old = yield from rows_of(self._base, part.base, page)
        new = yield from rows_of(self._theirs, part.theirs, page)
        wanted = [one for one in page if _bytes(old.get(id_key(one))) != _bytes(new.get(id_key(one)))]
        mine = yield from rows_of(self._ours, part.ours, wanted)
        changes: list[Change] = []
        for identity in wanted:
            key = id_key(identity)
            row = mine.get(key)
            was = _document(row)
            settle = settling(part.merged, identity)
            image = merge_document(
                _document(old.get(key)), was, _document(new.get(key)), settle, deletes=self._deletes
            )
            if (image and image.raw) != (was and was.raw):
                changes.append(self._change(part.merged, identity, row, image))
        self._tally.compared(len(page), len(changes))
        return part.merged, changes

    def _change(
        self, record: CollectionRecord, identity: Any, row: Row | None, image: RawBSONDocument | None
    ) -> Change:
        operation = "insert" if row is None else "delete" if image is None else "update"
        return Change(
            operation,
            record.space,
            record.name,
            record.store,
            identity if row is None else row["d"]["_id"],
            before=row,
            inherited=row is not None and self._ours.is_inherited(row),
            after=image,
        )

    def _settle(self, record: CollectionRecord, identity: Any = MISSING) -> Settle:
        def settle(path: str, base: Any, source: Any, target: Any) -> Any:
            entry, picked = self._pick(record, identity, path, base, source, target)
            unresolved = picked is Pick.UNRESOLVED
            (self.outcome.conflicts if unresolved else self.outcome.resolved).append(entry)
            return picked

        return settle

    def _pick(
        self, record: CollectionRecord, identity: Any, path: str, base: Any, source: Any, target: Any
    ) -> tuple[ConflictEntry, Any]:
        definition = identity is MISSING
        about = (record.space, record.name, None if definition else plain(identity), path)
        entry = ConflictEntry(*about, base, source, target, definition)
        return entry, pick(self._strategy, entry)

    def _settle_again(self, record: CollectionRecord, identity: Any) -> Settle:
        """Return what settles conflicts of which the outcome tells already."""
        return lambda path, base, source, target: self._pick(record, identity, path, base, source, target)[1]

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
            if any(_bytes(old.get(id_key(one))) != _bytes(new.get(id_key(one))) for one in page):
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


def _document(row: Row | None) -> RawBSONDocument | None:
    return None if row is None else row["d"]


def _bytes(row: Row | None) -> bytes | None:
    return None if row is None else bytes(row["d"].raw)
