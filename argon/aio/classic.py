"""A classic branch through the same ``AsyncWALDatabase``: calls pass through to its physical database."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from pymongo.asynchronous.collection import AsyncCollection

from argon.aio._world import cursor, passing_find, settle, stream
from argon.aio.collection import AsyncWALCollection
from argon.aio.session import AsyncWALSession
from argon.classic.passage import check_space, physical_of
from argon.engine.query import FindSpec
from argon.engine.sink import is_sink
from argon.errors import UnsupportedOperation
from argon.io import run_async

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

CURSORS = (
    "aggregate",
    "aggregate_raw_batches",
    "find_raw_batches",
    "list_indexes",
    "list_search_indexes",
    "watch",
)
"""What returns a cursor, and is a call only when that is used."""


class AsyncClassicCollection(AsyncWALCollection[D]):
    """A collection of a branch that is a physical database, or may turn out to be one.

    Every call asks anew where it goes, so a handle from before a migration
    goes on after it, in the log. See :class:`pymongo.asynchronous.collection.AsyncCollection`.
    """

    def find(self, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find`."""
        return passing_find(self, *args, **kwargs)

    async def _physical_find(self, spec: FindSpec, session: Any) -> Any:
        passed = await self.passed(writes=False, session=session)
        if passed is None:
            return None
        return passed.find(
            spec.filter,
            spec.projection,
            sort=spec.sort,
            skip=spec.skip,
            limit=spec.limit,
            hint=spec.hint,
            collation=spec.collation,
            **plain_session(session),
            **spec.options,
        )

    async def passed(self, *, writes: bool, session: Any = None) -> AsyncCollection[D] | None:
        """Return the physical collection for a call; None where it goes to the log.

        Args:
            writes: Whether the call may write.
            session: The call's session.

        Raises:
            Conflict: It may, and the branch is being migrated.
            UnsupportedOperation: The session is in a transaction, which would be a commit in the log; or the
                collection is in another space than the default one.
        """
        physical = await run_async(physical_of(self._handle, writes=writes))
        if physical is None:
            return None
        check_space(self._wal_database().branch.name, self._space)
        if isinstance(session, AsyncWALSession) and session.in_transaction:
            name = self._wal_database().branch.name
            raise UnsupportedOperation(
                f"a transaction is a commit in the log, which the classic branch {name!r} has not: turn it "
                f"into a branch in the log with 'argon branch migrate {name}'"
            )
        mongo = self._wal_database().branch.engine.client
        options = (self.codec_options, self.read_preference, self.write_concern, self.read_concern)
        collection: AsyncCollection[D] = mongo[physical].get_collection(self.name, *options)
        return collection


def _passing(name: str, *, writes: bool) -> Callable[..., Any]:
    """Make a method that goes where the branch is."""
    in_log = getattr(AsyncWALCollection, name)

    async def go(self: AsyncClassicCollection[Any], *args: Any, **kwargs: Any) -> Any:
        may_write = writes or (name == "aggregate" and writes_out(*args, **kwargs))
        passed = await self.passed(writes=may_write, session=kwargs.get("session"))
        if passed is None:
            return await settle(in_log(self, *args, **kwargs))
        return await settle(getattr(passed, name)(*args, **kwargs | plain_session(kwargs.get("session"))))

    def method(self: AsyncClassicCollection[Any], *args: Any, **kwargs: Any) -> Any:
        if name == "watch":
            return stream(lambda: go(self, *args, **kwargs))
        return cursor(self, lambda: go(self, *args, **kwargs))

    return functools.wraps(in_log)(method if name in CURSORS else go)


def plain_session(session: Any) -> dict[str, Any]:
    """Return the argument that gives a plain collection the plain client's session."""
    if isinstance(session, AsyncWALSession):
        session = session.plain
    return {} if session is None else {"session": session}


def writes_out(pipeline: Any = (), *_args: Any, **_kwargs: Any) -> bool:
    """Whether an aggregation ends in ``$out`` or ``$merge``."""
    return isinstance(pipeline, list | tuple) and bool(pipeline) and is_sink(pipeline[-1])


AsyncClassicCollection.__name__ = AsyncCollection.__name__
for _name in READS:
    if _name != "find":
        setattr(AsyncClassicCollection, _name, _passing(_name, writes=False))
for _name in WRITES:
    setattr(AsyncClassicCollection, _name, _passing(_name, writes=True))
