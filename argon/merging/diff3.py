"""What two sides changed since they last met, and where that collides: a merge, looked at from above."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument

from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.changed import Changed, changed_between
from argon.merging.definitions import counterpart
from argon.merging.diff import described, parts
from argon.merging.fields import body, is_document, join, value
from argon.merging.ids import IdSet
from argon.merging.progress import Tally, Watcher
from argon.merging.results import MISSING
from argon.merging.states import add_all, matching, plain, rows_of, value_of
from argon.merging.three_way import Side, ThreeWayDiff, ThreeWayEntry, ThreeWayField, ThreeWaySchema
from argon.models import CollectionRecord
from argon.timetravel.place import Place
from argon.versions.elements import elements
from argon.versions.ids import id_key
from argon.versions.layout import Row

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Change = ThreeWayEntry | ThreeWaySchema
Triple = tuple[CollectionRecord | None, CollectionRecord | None, CollectionRecord | None]
"""A collection at the base, on our side and on the other one."""


class Diff3:
    """The changes of two sides since a base, page by page; it costs what the sides have written since.

    Collections are matched as a merge matches them: a renamed one is the same.

    Args:
        engine: The engine.
        base: Where the sides last met.
        ours: Our side.
        theirs: The other side.
        space: Look at this namespace only.
        collection: Look at this collection only, by any of its names.
        query: Tell only of documents that match it in one of the states, and of no definitions.
        ids: Tell only of these documents, and of no definitions.
        watcher: Is told how far it is.
    """

    def __init__(
        self,
        engine: Engine,
        base: Place,
        ours: Place,
        theirs: Place,
        *,
        space: str | None = None,
        collection: str | None = None,
        query: Mapping[str, Any] | None = None,
        ids: Sequence[Any] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._engine = engine
        self._tally = Tally(watcher)
        self._places = (base, ours, theirs)
        self._space = space
        self._collection = collection
        self._query = query
        self._ids = ids
        self._states: list[Snapshot] = []
        self._changed: tuple[Changed, Changed] = (Changed(), Changed())
        self._waiting: deque[Triple] = deque()
        self._open: tuple[Triple, Iterator[list[Any]]] | None = None

    def next(self) -> Operation[list[Change] | None]:
        """Return the next page, which may be empty; None is the end.

        Raises:
            HistoryExpired: One of the states went while it was being read.
        """
        page = yield from self._next()
        for place in self._places:
            yield from self._engine.horizons.require(place.branch, place.lsn)
        return page

    def _next(self) -> Operation[list[Change] | None]:
        if not self._states:
            yield from self._begin()
        if self._open is not None:
            triple, ids = self._open
            page = next(ids, None)
            if page is not None:
                found = yield from self._compare(triple, page)
                self._tally.compared(len(page), len(found))
                return found
            self._open = None
        if not self._waiting:
            return None
        triple = self._waiting.popleft()
        base, ours, theirs = triple
        if base is None or (ours is not None and theirs is not None):
            self._open = triple, (yield from self._candidates(triple)).pages()
        if self._query is not None or self._ids is not None:
            return []
        return (yield from self._definitions(triple))

    def result(self, changes: list[Change]) -> ThreeWayDiff:
        """Gather what the pages told."""
        base, ours, theirs = self._places
        return ThreeWayDiff(str(ours), str(theirs), f"{base.branch.name}@{base.lsn}", changes)

    def _begin(self) -> Operation[None]:
        for place in self._places:
            self._states.append((yield from place.state(self._engine)))
        base, ours, theirs = self._places
        if self._ids is None:
            mine = yield from changed_between(self._engine, base, ours, self._tally)
            new = yield from changed_between(self._engine, base, theirs, self._tally)
            self._changed = (mine, new)
        self._waiting.extend(triple for triple in self._matched() if self._is_asked_for(triple))

    def _matched(self) -> Iterator[Triple]:
        """Put together what each collection is in the three states."""
        old, mine, new = (state.catalog for state in self._states)
        seen = set()
        for record in mine.records():
            base, theirs = counterpart(old, record, mine), counterpart(new, record, mine)
            seen |= {each.id for each in (base, theirs) if each is not None}
            yield base, record, theirs
        for record in new.records():
            if record.id not in seen:
                base = counterpart(old, record, new)
                seen |= set() if base is None else {base.id}
                yield base, None, record
        for record in old.records():
            if record.id not in seen:
                yield record, None, None

    def _is_asked_for(self, triple: Triple) -> bool:
        records = [record for record in triple if record is not None]
        return any(
            self._space in (None, record.space) and self._collection in (None, record.name)
            for record in records
        )

    def _candidates(self, triple: Triple) -> Operation[IdSet]:
        if self._ids is not None:
            return IdSet(self._ids)
        found = IdSet()
        base = triple[0]
        for record, changed, state in zip(triple[1:], self._changed, self._states[1:], strict=True):
            if base is not None and record is not None and base.store == record.store:
                if base.kind == "view":
                    continue
                if not changed.everything:
                    for page in changed.of(record.store).pages():
                        found.update(page)
                    continue
            yield from add_all(found, state, record)
            yield from add_all(found, self._states[0], base)
        return found

    def _compare(self, triple: Triple, ids: list[Any]) -> Operation[list[Change]]:
        sides = list(zip(self._states, triple, strict=True))
        if self._query is not None:
            wanted: set[Hashable] = set()
            for state, record in sides:
                wanted |= yield from matching(state, record, ids, self._query)
            ids = [identity for identity in ids if id_key(identity) in wanted]
        rows = []
        for state, record in sides:
            rows.append((yield from rows_of(state, record, ids)) if ids else {})
        name, found = _name(triple), list[Change]()
        for identity in ids:
            base, ours, theirs = images = [_image(each, identity) for each in rows]
            told = [None if image is None else bytes(image.raw) for image in images]
            if told[0] == told[1] == told[2]:
                continue
            side, fields = judge(*told), list[ThreeWayField]()
            if base is not None and ours is not None and theirs is not None:
                fields = list(_inside(bytes(base.raw), bytes(ours.raw), bytes(theirs.raw), ""))
                side = _together(fields) or (Side.BOTH if side is Side.CONFLICT else side)
            old, mine, new = map(value_of, images)
            found.append(ThreeWayEntry(*name, plain(identity), old, mine, new, side, fields))
        return found

    def _definitions(self, triple: Triple) -> Operation[list[Change]]:
        base, ours, theirs = triple
        if ours is None or theirs is None:
            side = yield from self._came_or_went(base, ours, theirs)
            was, mine, new = map(described, triple)
            return [ThreeWaySchema(*_name(triple), "collection", was, mine, new, side)]
        sides = [{} if each is None else _parts(each, named=base is not None) for each in triple]
        found: list[Change] = []
        for path in dict.fromkeys(path for side in sides[1:] + sides[:1] for path in side):
            was, mine, new = (side.get(path, MISSING) for side in sides)
            keys = [id_key(value) for value in (was, mine, new)]
            if len(set(keys)) > 1:
                found.append(ThreeWaySchema(*_name(triple), path, was, mine, new, judge(*keys)))
        return found

    def _came_or_went(
        self, base: CollectionRecord | None, ours: CollectionRecord | None, theirs: CollectionRecord | None
    ) -> Operation[Side]:
        """Say who made or dropped a collection; a drop collides with what the other side did to it."""
        if base is None:
            return Side.THEIRS if ours is None else Side.OURS
        if ours is not None and (yield from self._differs(base, 1, ours)):
            return Side.CONFLICT
        if theirs is not None and (yield from self._differs(base, 2, theirs)):
            return Side.CONFLICT
        return Side.THEIRS if ours is not None else Side.BOTH if theirs is None else Side.OURS

    def _differs(self, base: CollectionRecord, here: int, now: CollectionRecord) -> Operation[bool]:
        """Whether a side, the first or the second, changed a collection."""
        changed = self._changed[here - 1]
        one, other = (id_key(_parts(record, named=True)) for record in (base, now))
        if base.store != now.store or changed.everything or one != other:
            return True
        for page in (changed.of(base.store) if base.store else IdSet()).pages():
            old = yield from rows_of(self._states[0], base, page)
            new = yield from rows_of(self._states[here], now, page)
            for identity in page:
                was, is_now = _image(old, identity), _image(new, identity)
                if (was and was.raw) != (is_now and is_now.raw):
                    return True
        return False


def judge(base: Any, ours: Any, theirs: Any) -> Side:
    """Say who changed a value that is not the same everywhere."""
    if ours == theirs:
        return Side.BOTH
    if theirs == base:
        return Side.OURS
    return Side.THEIRS if ours == base else Side.CONFLICT


def _inside(base: bytes, ours: bytes, theirs: bytes, at: str) -> Iterator[ThreeWayField]:
    """Compare three documents by their fields, as a merge does."""
    old, mine, new = (dict(elements(document)) for document in (base, ours, theirs))
    for name in dict.fromkeys([*mine, *new, *old]):
        was, is_mine, is_new = (side.get(name) for side in (old, mine, new))
        if was == is_mine == is_new:
            continue
        path = join(at, name)
        # What only one side changed, or both alike, is looked into as well, for the innermost fields.
        documents = [body(element) for element in (was, is_mine, is_new) if element and is_document(element)]
        if len(documents) == len(_SIDES):
            yield from _inside(documents[0], documents[1], documents[2], path)
        else:
            yield ThreeWayField(path, value(was), value(is_mine), value(is_new), judge(was, is_mine, is_new))


def _together(fields: list[ThreeWayField]) -> Side | None:
    """Say who changed a document by who changed its fields; None where only their order is another."""
    sides = {field.side for field in fields}
    if Side.CONFLICT in sides:
        return Side.CONFLICT
    return sides.pop() if len(sides) == 1 else Side.MERGED if sides else None


_SIDES = ("base", "ours", "theirs")


def _image(rows: Mapping[Hashable, Row], identity: Any) -> RawBSONDocument | None:
    row = rows.get(id_key(identity))
    return None if row is None else row["d"]


def _parts(record: CollectionRecord, *, named: bool) -> dict[str, Any]:
    return {**({"name": record.name} if named else {}), **parts(record)}


def _name(triple: Triple) -> tuple[str, str]:
    base, ours, theirs = triple
    record = ours or theirs or base
    assert record is not None
    return record.space, record.name
