"""A classic branch through the same ``WALDatabase``: calls pass through to its physical database."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.classic.definitions import NOT_OURS
from argon.classic.passage import physical_of
from argon.driver.collection import WALCollection
from argon.engine.sink import is_sink
from argon.io import run

if TYPE_CHECKING:
    pass

D = TypeVar("D", bound=Any)

READS = (
    "aggregate",
    "aggregate_raw_batches",
    "count_documents",
    "distinct",
    "estimated_document_count",
    "find",
    "find_one",
    "find_raw_batches",
    "index_information",
    "list_indexes",
    "list_search_indexes",
    "options",
    "watch",
)
WRITES = (
    "bulk_write",
    "create_index",
    "create_indexes",
    "create_search_index",
    "create_search_indexes",
    "delete_many",
    "delete_one",
    "drop",
    "drop_index",
    "drop_indexes",
    "drop_search_index",
    "find_one_and_delete",
    "find_one_and_replace",
    "find_one_and_update",
    "insert_many",
    "insert_one",
    "rename",
    "replace_one",
    "update_many",
    "update_one",
    "update_search_index",
)


class PhysicalDatabase(Database[D]):
    """The physical database of a classic branch, without the collections that stand for something else."""

    def list_collection_names(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> list[str]:
        """See :meth:`pymongo.database.Database.list_collection_names`."""
        return super().list_collection_names(session, _ours(filter), comment, **kwargs)

    def list_collections(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> CommandCursor[Any]:
        """See :meth:`pymongo.database.Database.list_collections`."""
        return super().list_collections(session, _ours(filter), comment, **kwargs)


class ClassicCollection(WALCollection[D]):
    """A collection of a branch that is a physical database, or may turn out to be one.

    Every call asks anew where it goes, so a handle from before a migration
    goes on after it, in the log. See :class:`pymongo.collection.Collection`.
    """

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> ClassicCollection[Any]:
        """See :meth:`pymongo.collection.Collection.with_options`."""
        return ClassicCollection(
            self._wal_database(),
            self.name,
            self._space,
            self._handle,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def __getitem__(self, name: str) -> ClassicCollection[D]:
        return ClassicCollection(
            self._wal_database(),
            f"{self.name}.{name}",
            self._space,
            self._handle,
            self.codec_options,
            self.read_preference,
            self.write_concern,
            self.read_concern,
        )

    def passed(self, *, writes: bool) -> Collection[D] | None:
        """Return the physical collection for a call; None where it goes to the log.

        Args:
            writes: Whether the call may write.

        Raises:
            Conflict: It may, and the branch is being migrated.
        """
        physical = run(physical_of(self._handle, writes=writes))
        if physical is None:
            return None
        mongo = self._wal_database().branch.engine.client
        collection: Collection[D] = mongo[physical].get_collection(
            self.name, self.codec_options, self.read_preference, self.write_concern, self.read_concern
        )
        return collection


def _passing(name: str, *, writes: bool) -> Callable[..., Any]:
    """Make a method that goes where the branch is."""
    in_log = getattr(WALCollection, name)

    @functools.wraps(in_log)
    def method(self: ClassicCollection[Any], *args: Any, **kwargs: Any) -> Any:
        may_write = writes or (name == "aggregate" and writes_out(*args, **kwargs))
        passed = self.passed(writes=may_write)
        return in_log(self, *args, **kwargs) if passed is None else getattr(passed, name)(*args, **kwargs)

    return method


def writes_out(pipeline: Any = (), *_args: Any, **_kwargs: Any) -> bool:
    """Whether an aggregation ends in ``$out`` or ``$merge``."""
    return isinstance(pipeline, list | tuple) and bool(pipeline) and is_sink(pipeline[-1])


def _ours(query: Mapping[str, Any] | None) -> dict[str, Any]:
    theirs = {"name": {"$not": NOT_OURS}}
    return {"$and": [query, theirs]} if query else theirs


for _name in READS:
    setattr(ClassicCollection, _name, _passing(_name, writes=False))
for _name in WRITES:
    setattr(ClassicCollection, _name, _passing(_name, writes=True))
