"""What differs between two places; it costs what was written since their lines parted."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.changed import Changed, changed_between
from argon.merging.fields import field_changes
from argon.merging.ids import IdSet
from argon.merging.progress import Tally, Watcher
from argon.merging.results import (
    MISSING,
    BranchDiffResult,
    CollectionDiff,
    DiffEntry,
    DiffSummary,
    SchemaChange,
    SpaceDiff,
)
from argon.merging.states import add_all, matching, plain, rows_of, value_of
from argon.models import CollectionRecord
from argon.timetravel.place import Place
from argon.versions.ids import id_key

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Change = DiffEntry | SchemaChange
Name = tuple[str, str]


class Diff:
    """The differences between two places, page by page.

    Args:
        engine: The engine.
        a: The first place.
        b: The second one.
        space: Look at this namespace only.
        collection: Look at this collection only.
        query: Tell only of documents that match it in one of the two states, and of no definitions.
        ids: Tell only of these documents, and of no definitions; the log is not read for that.
        watcher: Is told how far it is.
    """

    def __init__(
        self,
        engine: Engine,
        a: Place,
        b: Place,
        *,
        space: str | None = None,
        collection: str | None = None,
        query: Mapping[str, Any] | None = None,
        ids: Sequence[Any] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._tally = Tally(watcher)
        self.a, self.b = a, b
        self._engine = engine
        self._space = space
        self._collection = collection
        self._query = query
        self._ids = ids
        self._states: tuple[Snapshot, Snapshot] | None = None
        self._changed = Changed()
        self._names: deque[Name] = deque()
        self._open: tuple[Name, Iterator[list[Any]]] | None = None

    def next(self) -> Operation[list[Change] | None]:
        """Return the next page, which may be empty; None is the end.

        Raises:
            HistoryExpired: One of the states went while it was being read.
        """
        page = yield from self._next()
        for place in (self.a, self.b):
            yield from self._engine.horizons.require(place.branch, place.lsn)
        return page

    def _next(self) -> Operation[list[Change] | None]:
        if self._states is None:
            yield from self._begin()
        if self._open is not None:
            name, ids = self._open
            page = next(ids, None)
            if page is not None:
                found = yield from self._compare(name, page)
                self._tally.compared(len(page), len(found))
                return found
            self._open = None
        if not self._names:
            return None
        name = self._names.popleft()
        self._open = (name, (yield from self._candidates(name)).pages())
        by_document = self._query is not None or self._ids is not None
        return [] if by_document else list(definitions(name, *self._records(name)))

    def result(self, changes: Iterable[Change]) -> BranchDiffResult:
        """Gather what the pages told."""
        spaces: dict[str, SpaceDiff] = {}
        counts = dict.fromkeys(("added", "removed", "modified"), 0)
        for change in changes:
            space = spaces.setdefault(change.space, SpaceDiff(change.space))
            place = space.collections.setdefault(
                change.collection, CollectionDiff(change.space, change.collection)
            )
            place.add(change)
            if isinstance(change, DiffEntry):
                counts[change.kind] += 1
        spaces_a, spaces_b = self._spaces(0), self._spaces(1)
        summary = DiffSummary(
            counts["added"],
            counts["removed"],
            counts["modified"],
            [name for name in spaces_a if name not in spaces_b],
            [name for name in spaces_b if name not in spaces_a],
            self._only(0),
            self._only(1),
        )
        return BranchDiffResult(str(self.a), str(self.b), list(spaces.values()), summary)

    def _begin(self) -> Operation[None]:
        self._states = (yield from self.a.state(self._engine)), (yield from self.b.state(self._engine))
        if self._ids is None:
            self._changed = yield from changed_between(self._engine, self.a, self.b, self._tally)
        self._names.extend(dict.fromkeys([*self._existing(0), *self._existing(1)]))

    def _existing(self, here: int) -> list[Name]:
        assert self._states is not None
        return [
            (record.space, record.name)
            for record in self._states[here].catalog.records(self._space)
            if self._collection in (None, record.name)
        ]

    def _only(self, here: int) -> list[Name]:
        others = set(self._existing(1 - here))
        return [name for name in self._existing(here) if name not in others]

    def _spaces(self, here: int) -> list[str]:
        return list(dict.fromkeys(space for space, _ in self._existing(here)))

    def _records(self, name: Name) -> tuple[CollectionRecord | None, CollectionRecord | None]:
        assert self._states is not None
        a, b = self._states
        return a.record(*name), b.record(*name)

    def _candidates(self, name: Name) -> Operation[IdSet]:
        assert self._states is not None
        if self._ids is not None:
            return IdSet(self._ids)
        a, b = self._records(name)
        if a is not None and b is not None and a.store == b.store and not self._changed.everything:
            return self._changed.of(a.store) if a.store else IdSet()
        # Made anew, renamed, or on one side only: then every document of it is a difference.
        ids = IdSet()
        yield from add_all(ids, self._states[0], a)
        yield from add_all(ids, self._states[1], b)
        return ids

    def _compare(self, name: Name, ids: list[Any]) -> Operation[list[Change]]:
        assert self._states is not None
        sides = list(zip(self._states, self._records(name), strict=True))
        if self._query is not None:
            wanted: set[Hashable] = set()
            for state, record in sides:
                wanted |= yield from matching(state, record, ids, self._query)
            ids = [identity for identity in ids if id_key(identity) in wanted]
        if not ids:
            return []
        before = yield from rows_of(*sides[0], ids)
        after = yield from rows_of(*sides[1], ids)
        found: list[Change] = []
        for identity in ids:
            key = id_key(identity)
            one, other = ((rows[key]["d"] if key in rows else None) for rows in (before, after))
            if one is other or (one is not None and other is not None and one.raw == other.raw):
                continue
            fields = [] if one is None or other is None else field_changes(one, other)
            found.append(DiffEntry(*name, plain(identity), value_of(one), value_of(other), fields))
        return found


def definitions(name: Name, a: CollectionRecord | None, b: CollectionRecord | None) -> Iterator[SchemaChange]:
    """Compare the definitions of a collection.

    Args:
        name: Its space and name.
        a: Its record in the first state.
        b: Its record in the second one.
    """
    if a is None or b is None or a.kind != b.kind:
        yield SchemaChange(*name, "collection", described(a), described(b))
        return
    for path, one, other in definition_changes(a, b):
        yield SchemaChange(*name, path, one, other)


def definition_changes(a: CollectionRecord, b: CollectionRecord) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs between two definitions: the path and both values."""
    one, other = parts(a), parts(b)
    for path in dict.fromkeys([*one, *other]):
        left, right = one.get(path, MISSING), other.get(path, MISSING)
        if left is MISSING or right is MISSING or id_key(left) != id_key(right):
            yield path, left, right


def parts(record: CollectionRecord) -> dict[str, Any]:
    """Return a definition by the paths under which differences are told."""
    indexes = {f"indexes.{index.name}": dict(index.described) for index in record.indexes}
    return {**record.options, **indexes}


def described(record: CollectionRecord | None) -> Any:
    """Describe a whole collection, or tell that there is none."""
    if record is None:
        return MISSING
    return {
        "kind": record.kind,
        "options": dict(record.options),
        "indexes": [dict(index.described) for index in record.indexes],
    }
