"""Which of a line's states have a collection: what the rows of a collection are held for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import COLLECTIONS
from argon.io import Operation
from argon.models import BranchRecord
from argon.retention.held import NEVER, Held
from argon.versions.layout import MAX_LSN
from argon.wal.transactions import patiently

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass(frozen=True)
class Version:
    """One version of a collection's record.

    Attributes:
        incarnation: The collection.
        store: Its physical collection; empty for a view.
        begin: The LSN that began the version.
        end: The LSN that ended it.
        marks: Branches that hid it, by number, each with the LSN from which on.
        indexes: The physical indexes that it defines.
    """

    incarnation: ObjectId
    store: str
    begin: int
    end: int
    marks: dict[int, int]
    indexes: frozenset[str]


class Catalogues:
    """The versions of collections' records, read branch by branch when they are asked for.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, list[Version]] = {}

    def of(self, number: int) -> Operation[list[Version]]:
        """Return a branch's own versions, past ones too."""
        if number not in self._known:
            table = self._engine.plain[COLLECTIONS].with_options(read_concern=ReadConcern("snapshot"))
            bounds = {
                "$gte": {"b": number, "t": MinKey(), "n": MinKey()},
                "$lte": {"b": number, "t": MAX_LSN, "n": MaxKey()},
            }
            fields = {"f": 1, "s": 1, "d._id": 1, "d.store": 1, "d.indexes.physical": 1}

            def read() -> Operation[list[Any]]:
                found: list[Any] = yield table.find({"_id": bounds}, fields).to_list(None)
                return found

            rows = yield from patiently(self._engine.world, read)
            self._known[number] = [_version(row) for row in rows]
        return self._known[number]

    def held(self, line: Held) -> Operation[dict[ObjectId, tuple[str, Held]]]:
        """Return for each collection that a line ever had its store, and what is held of it.

        Args:
            line: What is held of the line altogether.
        """
        branch = line.branch
        seen: dict[ObjectId, tuple[str, list[tuple[int, int]]]] = {}
        for version in (yield from self.of(branch.number)):
            stretch = (version.begin, version.end)
            seen.setdefault(version.incarnation, (version.store, []))[1].append(stretch)
        for depth, ancestor in enumerate(branch.lineage):
            lower = branch.lineage[:depth]
            for version in (yield from self.of(ancestor.number)):
                if not version.begin <= ancestor.fork < version.end:
                    continue
                if any(version.marks.get(other.number, NEVER) <= other.fork for other in lower):
                    continue
                stretch = (branch.base_lsn, version.marks.get(branch.number, NEVER))
                seen.setdefault(version.incarnation, (version.store, []))[1].append(stretch)
        return {
            incarnation: (store, _narrowed(line, stretches))
            for incarnation, (store, stretches) in seen.items()
        }


def own_rows(branch: BranchRecord, after: int, until: int) -> dict[str, Any]:
    """Return the filter of a branch's own rows that ended in a stretch of LSNs.

    Args:
        branch: The branch.
        after: They ended after this LSN.
        until: And up to this one.
    """
    return {
        "$gte": {"b": branch.number, "t": Int64(after + 1), "n": MinKey()},
        "$lte": {"b": branch.number, "t": Int64(until), "n": MaxKey()},
    }


def _narrowed(line: Held, stretches: list[tuple[int, int]]) -> Held:
    """Return what is held of a line in as far as it had a collection at all."""
    if any(end > line.horizon for _, end in stretches):
        return line
    return line.only(_covered(line.points, stretches))


def _covered(points: tuple[int, ...], stretches: list[tuple[int, int]]) -> Iterator[int]:
    for point in points:
        if any(begin <= point < end for begin, end in stretches):
            yield point


def _version(row: Any) -> Version:
    record = row["d"]
    return Version(
        record["_id"],
        record["store"],
        int(row["f"]),
        int(row["_id"]["t"]),
        {int(mark["b"]): int(mark["l"]) for mark in row.get("s", ())},
        frozenset(index["physical"] for index in record.get("indexes", ())),
    )
