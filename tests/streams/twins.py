"""A plain database and a branch that are given the same work, each under a stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

Event = dict[str, Any]
LAST = "the last one"
_OWN = ("_id", "clusterTime", "wallTime", "stateBeforeChange")


class Twins:
    """Two databases.

    Args:
        plain: An ordinary database, the oracle.
        branch: A branch.
    """

    def __init__(self, plain: Database[Event], branch: Database[Event]) -> None:
        self.plain = plain
        self.branch = branch

    def __iter__(self) -> Iterator[Database[Event]]:
        yield self.plain
        yield self.branch

    def both(self, work: Callable[[Database[Event]], object]) -> None:
        """Do the same to both; what one refuses the other must refuse with the same code."""
        codes = [_code(work, database) for database in self]
        assert codes[0] == codes[1]

    @contextmanager
    def watched(self, collection: str | None = None, **options: Any) -> Iterator[Streams]:
        """Watch both, or a collection of both."""
        targets: list[Any] = [database if collection is None else database[collection] for database in self]
        with targets[0].watch(**options) as plain, targets[1].watch(**options) as branch:
            yield Streams(self, collection or LAST, (plain, branch))


class Streams:
    """The streams on twins."""

    def __init__(
        self, twins: Twins, collection: str, streams: tuple[ChangeStream[Event], ChangeStream[Event]]
    ) -> None:
        self._twins = twins
        self._collection = collection
        self._streams = streams

    def told(self) -> tuple[list[Event], list[Event]]:
        """Return what each stream tells of all that was done, in comparable form."""
        plain, branch = (
            [comparable(event) for event in until_last(stream, database[self._collection])]
            for stream, database in zip(self._streams, self._twins, strict=True)
        )
        return plain, branch

    def told_until_end(self) -> tuple[list[Event], list[Event]]:
        """The same, of streams that come to an end."""
        plain, branch = ([comparable(event) for event in stream] for stream in self._streams)
        return plain, branch


def until_last(stream: ChangeStream[Event], collection: Collection[Event]) -> list[Event]:
    """Return the events that precede a document inserted now."""
    collection.insert_one({"_id": LAST})
    events: list[Event] = []
    for event in stream:
        if event["operationType"] == "insert" and event["documentKey"] == {"_id": LAST}:
            break
        events.append(event)
    return [event for event in events if event["ns"]["coll"] != LAST]


def comparable(event: Event) -> Event:
    """Leave out of an event what is each server's own."""
    kept = {name: value for name, value in event.items() if name not in _OWN}
    if "collectionUUID" in kept:
        kept["collectionUUID"] = kept["collectionUUID"].subtype
    for name in ("ns", "to"):
        if name in kept:
            kept[name] = kept[name].get("coll")
    if "operationDescription" in kept:
        described = dict(kept["operationDescription"])
        if "dropTarget" in described:
            described["dropTarget"] = described["dropTarget"].subtype
        if "to" in described:
            described["to"] = described["to"]["coll"]
        kept["operationDescription"] = described
    if "updateDescription" in kept:
        kept["updateDescription"]["removedFields"].sort()
    return kept


def _code(work: Callable[[Database[Event]], object], database: Database[Event]) -> object:
    try:
        work(database)
    except PyMongoError as error:
        return getattr(error, "code", None) or type(error)
    return None
