# Generated from argon/aio/definitions.py by tools/async_to_sync.py: edit that.

"""A collection itself and its indexes: the methods of PyMongo's collection that define them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pymongo.common import validate_list
from pymongo.operations import IndexModel

from argon.driver._world import cursor
from argon.driver.basis import CollectionHandle
from argon.engine import ddl
from argon.engine import indexes as index_operations
from argon.engine.arguments import index_name
from argon.io import run
from argon.names import check_collection_name

D = TypeVar("D", bound=Any)


class Definitions(CollectionHandle[D]):
    """Indexes, options, renaming and dropping."""

    def create_index(self, keys: Any, session: Any = None, comment: Any | None = None, **kwargs: Any) -> str:
        """See :meth:`pymongo.collection.Collection.create_index`."""
        options = {"maxTimeMS": kwargs.pop("maxTimeMS")} if "maxTimeMS" in kwargs else {}
        return self.create_indexes([IndexModel(keys, **kwargs)], session, **options)[0]

    def create_indexes(
        self, indexes: Sequence[IndexModel], session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> list[str]:
        """See :meth:`pymongo.collection.Collection.create_indexes`."""
        validate_list("indexes", indexes)
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
        handle, limit = self._bound(session), kwargs.get("maxTimeMS")
        return run(index_operations.create_indexes(handle, self._target(), indexes, limit))

    def drop_index(
        self, index_or_name: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """See :meth:`pymongo.collection.Collection.drop_index`."""
        name = index_name(index_or_name)
        run(index_operations.drop_index(self._bound(session), self._space, self.name, name))

    def drop_indexes(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> None:
        """See :meth:`pymongo.collection.Collection.drop_indexes`."""
        run(index_operations.drop_index(self._bound(session), self._space, self.name, "*"))

    def list_indexes(self, session: Any = None, comment: Any | None = None) -> Any:
        """See :meth:`pymongo.collection.Collection.list_indexes`."""
        return cursor(self, lambda: self._indexes(session))

    def _indexes(self, session: Any) -> Any:
        snapshot = run(self._bound(session, reads=True).snapshot())
        return index_operations.list_indexes(snapshot, self._space, self.name)

    def index_information(self, session: Any = None, comment: Any | None = None) -> dict[str, Any]:
        """See :meth:`pymongo.collection.Collection.index_information`."""
        snapshot = run(self._bound(session, reads=True).snapshot())
        information = {}
        for index in index_operations.list_indexes(snapshot, self._space, self.name):
            name = index.pop("name")
            information[name] = {**index, "key": list(index["key"].items())}
        return information

    def options(self, session: Any = None, comment: Any | None = None) -> dict[str, Any]:
        """See :meth:`pymongo.collection.Collection.options`."""
        snapshot = run(self._bound(session, reads=True).snapshot())
        record = snapshot.record(self._space, self.name)
        return {} if record is None else dict(record.options)

    def drop(self, session: Any = None, comment: Any | None = None, encrypted_fields: Any = None) -> None:
        """See :meth:`pymongo.collection.Collection.drop`."""
        run(ddl.drop_collection(self._bound(session), self._space, self.name))

    def rename(self, new_name: str, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """See :meth:`pymongo.collection.Collection.rename`."""
        check_collection_name(new_name)
        drop_target = bool(kwargs.get("dropTarget", False))
        run(
            ddl.rename_collection(
                self._bound(session), self._space, self.name, new_name, drop_target=drop_target
            )
        )
        return {"ok": 1.0}
