"""The documents of a merge: collection by collection, page by page, now and once more."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument

from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.changed import Changed
from argon.merging.documents import Settle, merge_document
from argon.merging.ids import IdSet
from argon.merging.outcome import Gathering, Outcome, Page
from argon.merging.progress import Tally
from argon.merging.results import MISSING, ConflictEntry
from argon.merging.states import add_all, differing, plain, rows_of
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


class PartsMerging(ABC):
    """The documents of one computation of a merge; what becomes of the collections is left open.

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

    @abstractmethod
    def _definitions(self) -> Operation[None]:
        """Merge the definitions, and note whose documents are to be merged."""

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
        wanted = differing(page, old, new)
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


def _document(row: Row | None) -> RawBSONDocument | None:
    return None if row is None else row["d"]
