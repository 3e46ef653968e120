"""Merges that wait for decisions, their conflicts, and merges that were planned for later.

They are no history: nothing of them is in the log, they end with their branch,
and whoever loses them has only to merge again. A branch has at most one pending
merge, whose record is the claim on it. Conflicts belong to one such merge by
its id, so what a crash leaves behind is nobody's, and goes with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Binary, Int64, MaxKey, MinKey, ObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from argon.errors import MergePending
from argon.io import Operation

MERGES = "merges"
CONFLICTS = "conflicts"
VALUES = "conflict_values"
PLANS = "merge_plans"

_PAGE = 500
_INLINE = 6 << 20
"""Bytes of its values, and as many of its resolution, that a conflict holds itself; documents hold 16 MB."""

Blob = dict[str, Any]
"""Bytes of any number: the first in ``data``, the others in parts of their own."""


class Merges:
    """The pending merge of a branch.

    Args:
        database: The database that holds everything.
        branch_id: The branch.
    """

    def __init__(self, database: Any, branch_id: ObjectId) -> None:
        self._merges = database[MERGES]
        self._conflicts = database[CONFLICTS]
        self._values = database[VALUES]
        self._branch_id = branch_id

    def find(self) -> Operation[dict[str, Any] | None]:
        """Return the record of the pending merge."""
        found: dict[str, Any] | None = yield self._merges.find_one({"_id": self._branch_id})
        return found

    def draft(self, about: Mapping[str, Any], conflicts: int) -> dict[str, Any]:
        """Make the record of a merge whose conflicts are stored before it is pending."""
        numbers = {"revision": 0, "next": Int64(conflicts + 1)}
        return {"_id": self._branch_id, "merge": ObjectId(), **numbers, **about}

    def begin(self, record: Mapping[str, Any]) -> Operation[None]:
        """Let a merge be the pending one.

        Raises:
            MergePending: One is pending already.
        """
        try:
            yield self._merges.insert_one(record)
        except DuplicateKeyError as error:
            yield from self.sweep(record)
            raise MergePending(
                "another merge into this branch is pending: finish or abort it first ('argon merge "
                "--continue', 'argon merge --abort')"
            ) from error
        for table in (self._conflicts, self._values):
            yield table.delete_many({"_id": self._within(), "_id.m": {"$ne": record["merge"]}})

    def revise(
        self, record: Mapping[str, Any], change: Mapping[str, Any] | None = None, new: int = 0
    ) -> Operation[dict[str, Any] | None]:
        """Take the next revision of a merge, with numbers for new conflicts; None if somebody else has."""
        update: dict[str, Any] = {"$inc": {"revision": 1, "next": Int64(new)}}
        if change:
            update["$set"] = dict(change)
        found: dict[str, Any] | None = yield self._merges.find_one_and_update(
            self._same(record), update, return_document=ReturnDocument.AFTER
        )
        return found

    def touch(self, record: Mapping[str, Any], session: Any) -> Operation[bool]:
        """Say in a transaction that it changes resolutions; False if the merge has ended."""
        done = yield self._merges.update_one(
            {"_id": self._branch_id, "merge": record["merge"]}, {"$inc": {"revision": 1}}, session=session
        )
        return bool(done.matched_count)

    def end(
        self, record: Mapping[str, Any], session: Any = None, *, any_revision: bool = False
    ) -> Operation[bool]:
        """End a merge as it was read; False if it is not so any more."""
        same = self._same(record)
        if any_revision:
            del same["revision"]
        gone = yield self._merges.delete_one(same, session=session)
        return bool(gone.deleted_count)

    def sweep(self, record: Mapping[str, Any]) -> Operation[None]:
        """Remove the conflicts of a merge that has ended."""
        for table in (self._conflicts, self._values):
            yield table.delete_many({"_id": self._within(record)})

    def add(self, record: Mapping[str, Any], documents: list[dict[str, Any]]) -> Operation[None]:
        """Store conflicts, which carry their ``number``."""
        if documents:
            keyed = [each | {"_id": self._key(record, n=each["number"])} for each in documents]
            yield self._conflicts.insert_many(keyed)

    def remove(self, record: Mapping[str, Any], numbers: list[int]) -> Operation[None]:
        """Remove conflicts that are none any more."""
        for start in range(0, len(numbers), _PAGE):
            page = numbers[start : start + _PAGE]
            yield self._conflicts.delete_many({"_id": self._within(record), "number": {"$in": page}})

    def conflicts(
        self, record: Mapping[str, Any], query: Mapping[str, Any], fields: Any = None
    ) -> Operation[list[dict[str, Any]]]:
        """Return conflicts in the order of their numbers."""
        cursor = self._conflicts.find({"_id": self._within(record), **query}, fields).sort("_id", 1)
        found: list[dict[str, Any]] = yield cursor.to_list(None)
        return found

    def count(self, record: Mapping[str, Any], query: Mapping[str, Any]) -> Operation[int]:
        """Count conflicts."""
        found: int = yield self._conflicts.count_documents({"_id": self._within(record), **query})
        return found

    def change(
        self, record: Mapping[str, Any], numbers: list[int], change: Mapping[str, Any], session: Any
    ) -> Operation[int]:
        """Change what is kept with conflicts; returns of how many."""
        query = {"_id": {"$in": [self._key(record, n=number) for number in numbers]}}
        done = yield self._conflicts.update_many(query, {"$set": change}, session=session)
        return int(done.matched_count)

    def write_blob(self, record: Mapping[str, Any], data: bytes) -> Operation[Blob]:
        """Store what does not fit into one document, and return what stands for all of it."""
        blob: Blob = {"data": Binary(data[:_INLINE])}
        if len(data) > _INLINE:
            blob["rest"] = ObjectId()
            for part, start in enumerate(range(_INLINE, len(data), _INLINE)):
                key = self._key(record, r=blob["rest"], p=part)
                yield self._values.insert_one({"_id": key, "data": Binary(data[start : start + _INLINE])})
        return blob

    def read_blob(self, record: Mapping[str, Any], blob: Blob) -> Operation[bytes]:
        """Return the bytes that were stored."""
        data = bytes(blob["data"])
        if "rest" in blob:
            first, last = ({**self._key(record, r=blob["rest"]), "p": end} for end in (MinKey(), MaxKey()))
            query = {"_id": {"$gte": first, "$lte": last}}
            data += b"".join(
                part["data"] for part in (yield self._values.find(query).sort("_id", 1).to_list(None))
            )
        return data

    def _key(self, record: Mapping[str, Any], **names: Any) -> dict[str, Any]:
        return {"b": self._branch_id, "m": record["merge"], **names}

    def _within(self, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a range of keys: those of one merge, or all of the branch."""
        key = {"b": self._branch_id} if record is None else self._key(record)
        return {"$gte": key, "$lt": {**key, "~": MaxKey()}}

    def _same(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return {"_id": self._branch_id, "merge": record["merge"], "revision": record["revision"]}


def forget_merges(database: Any, branch_ids: Iterable[ObjectId]) -> Operation[None]:
    """Remove the pending merges and the plans of branches that were deleted."""
    ids = list(branch_ids)
    ranges = [{"_id": {"$gte": {"b": each}, "$lt": {"b": each, "~": MaxKey()}}} for each in ids]
    if not ids:
        return
    yield database[MERGES].delete_many({"_id": {"$in": ids}})
    for table in (CONFLICTS, VALUES, PLANS):
        yield database[table].delete_many({"$or": ranges})
