"""Building a project's stores anew from its entries, a batch at a time.

A batch of entries is applied in memory to the versions that it touches, which
are read before and written back after it. Batches end where a branch begins,
so that what a new branch inherits is in place before anybody looks for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bson import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, InsertOne

from argon.errors import CorruptHistory
from argon.io import Operation
from argon.materializer.row import BEGINS, ENDS
from argon.models import BranchRecord
from argon.versions.ids import id_key
from argon.versions.layout import Row, current_row, mark
from argon.versions.visibility import make_view

Place = tuple[int, Hashable]
"""A branch's number and the key of a document's id."""


class _Version:
    """A row under work.

    Args:
        row: As it will be written.
        stored: Its key as it was read, or None if it is new.
    """

    __slots__ = ("dirty", "row", "stored")

    def __init__(self, row: dict[str, Any], stored: Mapping[str, Any] | None = None) -> None:
        self.row = row
        self.stored = stored
        self.dirty = stored is None


class StoreBuilder:
    """Builds one physical collection.

    Args:
        table: The empty collection, decoding to raw BSON.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._entries: list[tuple[BranchRecord, RawBSONDocument]] = []
        self._bytes = 0
        self.rows = 0

    def add(self, branch: BranchRecord, entry: RawBSONDocument) -> int:
        """Put an entry into the batch.

        Args:
            branch: Its branch.
            entry: As it is stored.

        Returns:
            How many bytes wait.
        """
        self._entries.append((branch, entry))
        self._bytes += len(entry.raw)
        return self._bytes

    def flush(self) -> Operation[None]:
        """Apply the batch.

        Raises:
            CorruptHistory: An entry changes what is not there.
        """
        if not self._entries:
            return
        batch, self._entries, self._bytes = self._entries, [], 0
        own, inherited = yield from self._load(batch)
        touched = [*own.values(), *inherited.values()]
        for branch, entry in batch:
            place = (branch.number, id_key(entry["document_id"]))
            lsn = int(entry["lsn"])
            birth = int(entry.get("born", lsn))
            if entry["operation"] in ENDS:
                birth = _end(own.pop(place, None), inherited.pop(place, None), branch, entry)
            elif place in own:
                raise _contradiction(entry, "is there already")
            if entry["operation"] in BEGINS:
                own[place] = _Version(current_row(branch.number, lsn, birth, entry["document"]))
                touched.append(own[place])
        yield from self._write(touched)

    def _load(
        self, batch: Sequence[tuple[BranchRecord, RawBSONDocument]]
    ) -> Operation[tuple[dict[Place, _Version], dict[Place, _Version]]]:
        """Read the versions that a batch ends: those of the branches themselves, and what they inherit."""
        wanted: dict[int, dict[Hashable, Any]] = {}
        branches = {branch.number: branch for branch, _ in batch}
        for branch, entry in batch:
            ids = wanted.setdefault(branch.number, {})
            ids[id_key(entry["document_id"])] = entry["document_id"]
        # A row that several branches see is one version, however often it is found.
        known: dict[tuple[int, int, int], _Version] = {}
        own: dict[Place, _Version] = {}
        inherited: dict[Place, _Version] = {}
        for number, ids in wanted.items():
            view = make_view(number, branches[number].ancestors)
            for leg in reversed(view.legs):
                missing = [value for key, value in ids.items() if (number, key) not in own]
                if not missing:
                    break
                rows = yield self._table.find({**leg.seek, "d._id": {"$in": missing}}).to_list(None)
                for row in rows:
                    version = known.setdefault(_numbers(row), _Version(dict(row), row["_id"]))
                    mine = own if row["_id"]["b"] == number else inherited
                    mine[number, id_key(row["d"]["_id"])] = version
        return own, inherited

    def _write(self, versions: Sequence[_Version]) -> Operation[None]:
        dirty = {id(version): version for version in versions if version.dirty}.values()
        # A superseded version leaves its place to the one that follows it.
        statements: list[Any] = [
            DeleteOne({"_id": version.stored}) for version in dirty if version.stored is not None
        ]
        self.rows += len(dirty) - len(statements)
        statements += [InsertOne(version.row) for version in dirty]
        if statements:
            yield self._table.bulk_write(statements)


def _end(own: _Version | None, inherited: _Version | None, branch: BranchRecord, entry: Row) -> int:
    """End the version that an update or a delete supersedes.

    Returns:
        The LSN of the document's birth.
    """
    version = own or inherited
    if version is None:
        raise _contradiction(entry, "is not there")
    version.dirty = True
    row, key = version.row, version.row["_id"]
    if own is not None:
        row["_id"] = {"b": key["b"], "t": Int64(entry["lsn"]), "n": key["n"]}
    else:
        row["s"] = [*row.get("s", ()), mark(branch.number, entry["lsn"])]
    return int(key["n"])


def _contradiction(entry: Row, text: str) -> CorruptHistory:
    return CorruptHistory(
        f"the rows cannot be built from the log: LSN {entry['lsn']} is {entry['operation']} of "
        f"{entry['document_id']!r} in {entry['collection']!r}, which {text}: restore wal_log from a backup"
    )


def _numbers(row: Row) -> tuple[int, int, int]:
    key = row["_id"]
    return int(key["b"]), int(key["t"]), int(key["n"])
