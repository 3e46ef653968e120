"""A collection itself and its indexes: the methods of PyMongo's collection that define them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pymongo.common import validate_list
from pymongo.operations import IndexModel

from argon.aio._world import cursor
from argon.aio.basis import AsyncCollectionHandle
from argon.engine import ddl
from argon.engine import indexes as index_operations
from argon.engine.arguments import index_name
from argon.io import run_async
from argon.names import check_collection_name

D = TypeVar("D", bound=Any)


class AsyncDefinitions(AsyncCollectionHandle[D]):
    """Indexes, options, renaming and dropping."""

    async def create_index(
        self, keys: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> str:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.create_index`."""
        options = {"maxTimeMS": kwargs.pop("maxTimeMS")} if "maxTimeMS" in kwargs else {}
        return (await self.create_indexes([IndexModel(keys, **kwargs)], session, **options))[0]

    async def create_indexes(
        self, indexes: Sequence[IndexModel], session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> list[str]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.create_indexes`."""
        validate_list("indexes", indexes)
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
        handle, limit = self._bound(session), kwargs.get("maxTimeMS")
        return await run_async(index_operations.create_indexes(handle, self._target(), indexes, limit))

    async def drop_index(
        self, index_or_name: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.drop_index`."""
        name = index_name(index_or_name)
        await run_async(index_operations.drop_index(self._bound(session), self._space, self.name, name))

    async def drop_indexes(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.drop_indexes`."""
        await run_async(index_operations.drop_index(self._bound(session), self._space, self.name, "*"))

    def list_indexes(self, session: Any = None, comment: Any | None = None) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.list_indexes`."""
        return cursor(self, lambda: self._indexes(session))

    async def _indexes(self, session: Any) -> Any:
        snapshot = await run_async(self._bound(session, reads=True).snapshot())
        return index_operations.list_indexes(snapshot, self._space, self.name)

    async def index_information(self, session: Any = None, comment: Any | None = None) -> dict[str, Any]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.index_information`."""
        snapshot = await run_async(self._bound(session, reads=True).snapshot())
        information = {}
        for index in index_operations.list_indexes(snapshot, self._space, self.name):
            name = index.pop("name")
            information[name] = {**index, "key": list(index["key"].items())}
        return information

    async def options(self, session: Any = None, comment: Any | None = None) -> dict[str, Any]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.options`."""
        snapshot = await run_async(self._bound(session, reads=True).snapshot())
        record = snapshot.record(self._space, self.name)
        return {} if record is None else dict(record.options)

    async def drop(
        self, session: Any = None, comment: Any | None = None, encrypted_fields: Any = None
    ) -> None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.drop`."""
        await run_async(ddl.drop_collection(self._bound(session), self._space, self.name))

    async def rename(
        self, new_name: str, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.rename`."""
        check_collection_name(new_name)
        drop_target = bool(kwargs.get("dropTarget", False))
        await run_async(
            ddl.rename_collection(
                self._bound(session), self._space, self.name, new_name, drop_target=drop_target
            )
        )
        return {"ok": 1.0}
