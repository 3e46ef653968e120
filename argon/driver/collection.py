"""PyMongo's collection on a branch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import helpers_shared
from pymongo.collection import Collection, ReturnDocument
from pymongo.command_cursor import CommandCursor
from pymongo.common import (
    validate_is_document_type,
    validate_is_mapping,
    validate_list,
    validate_list_or_none,
    validate_ok_for_replace,
    validate_ok_for_update,
)
from pymongo.errors import InvalidOperation, OperationFailure
from pymongo.operations import IndexModel
from pymongo.read_concern import ReadConcern
from pymongo.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from pymongo.write_concern import WriteConcern, validate_boolean

from argon.driver.cursor import WALCursor
from argon.driver.session import bind
from argon.engine import bulk, ddl, operations, reading
from argon.engine import indexes as index_operations
from argon.engine.delete import Deleted, DeleteSpec
from argon.engine.find import find_one
from argon.engine.handle import Handle
from argon.engine.prepare import Target
from argon.engine.query import FindSpec, Reader
from argon.engine.update import Updated, UpdateSpec
from argon.errors import UnsupportedOperation
from argon.io import run
from argon.names import check_collection_name
from argon.streams.arguments import watch_branch, watch_options
from argon.streams.stream import WALChangeStream

if TYPE_CHECKING:
    from argon.driver.database import WALDatabase

D = TypeVar("D", bound=Any)


class WALCollection(Collection[D]):
    """A collection of a branch; see :class:`pymongo.collection.Collection`.

    Args:
        database: The database handle.
        name: The collection's name.
        space: Its namespace within the branch.
        handle: The branch and the moment.
    """

    def __init__(
        self,
        database: WALDatabase[D],
        name: str,
        space: str,
        handle: Handle,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None:
        check_collection_name(name)
        super().__init__(
            database,
            name,
            create=False,
            codec_options=codec_options,
            read_preference=read_preference,
            write_concern=write_concern,
            read_concern=read_concern,
        )
        self._space = space
        self._handle = handle
        self._reader: Reader | None = None

    @property
    def space(self) -> str:
        """The namespace within the branch."""
        return self._space

    @property
    def handle(self) -> Handle:
        """The branch and the moment that this collection looks at."""
        return self._handle

    def at(
        self,
        *,
        lsn: int | None = None,
        time: datetime | None = None,
        ago: timedelta | None = None,
        tag: str | None = None,
    ) -> WALCollection[D]:
        """Return this collection as it was; see :meth:`argon.WALDatabase.at`."""
        past = self._wal_database().at(lsn=lsn, time=time, ago=ago, tag=tag)
        return self._sibling(past, past._handle)

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> WALCollection[Any]:
        """See :meth:`pymongo.collection.Collection.with_options`."""
        return WALCollection(
            self._wal_database(),
            self.name,
            self._space,
            self._handle,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def __getattr__(self, name: str) -> WALCollection[D]:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {self.name}.{name} "
                f"collection, use database['{self.name}.{name}']."
            )
        return self[name]

    def __getitem__(self, name: str) -> WALCollection[D]:
        return WALCollection(
            self._wal_database(),
            f"{self.name}.{name}",
            self._space,
            self._handle,
            self.codec_options,
            self.read_preference,
            self.write_concern,
            self.read_concern,
        )

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, WALCollection):
            mine = (self._database, self._name, self._space, self._handle.lsn)
            return mine == (other._database, other._name, other._space, other._handle.lsn)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self._database, self._name, self._space, self._handle.lsn))

    # Inserting

    def insert_one(
        self,
        document: Any,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any = None,
    ) -> InsertOneResult:
        """See :meth:`pymongo.collection.Collection.insert_one`."""
        validate_is_document_type("document", document)
        return run(
            operations.insert_one(
                self._bound(session),
                self._target(bypass_document_validation),
                document,
                acknowledged=self._acknowledged,
            )
        )

    def insert_many(
        self,
        documents: Iterable[Any],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any = None,
    ) -> InsertManyResult:
        """See :meth:`pymongo.collection.Collection.insert_many`."""
        if not isinstance(documents, Iterable) or isinstance(documents, Mapping) or not documents:
            raise TypeError("documents must be a non-empty list")
        given = list(documents)
        for document in given:
            validate_is_document_type("document", document)
        return run(
            operations.insert_many(
                self._bound(session),
                self._target(bypass_document_validation),
                given,
                ordered=ordered,
                acknowledged=self._acknowledged,
            )
        )

    # Updating

    def update_one(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        sort: Any = None,
        comment: Any = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.collection.Collection.update_one`."""
        validate_ok_for_update(update)
        spec = self._update_spec(filter, update, upsert, collation, array_filters, hint, let, sort)
        return self._run_update(spec, bypass_document_validation, session)

    def update_many(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.collection.Collection.update_many`."""
        validate_ok_for_update(update)
        spec = self._update_spec(filter, update, upsert, collation, array_filters, hint, let, None)
        spec.many = True
        return self._run_update(spec, bypass_document_validation, session)

    def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        sort: Any = None,
        comment: Any = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.collection.Collection.replace_one`."""
        validate_ok_for_replace(replacement)
        spec = self._update_spec(filter, replacement, upsert, collation, None, hint, let, sort)
        return self._run_update(spec, bypass_document_validation, session)

    def find_one_and_update(
        self,
        filter: Mapping[str, Any],
        update: Any,
        projection: Any = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.find_one_and_update`."""
        validate_ok_for_update(update)
        spec = self._update_spec(
            filter, update, upsert, kwargs.get("collation"), array_filters, hint, let, sort
        )
        return self._find_and_update(spec, projection, return_document, kwargs, session)

    def find_one_and_replace(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Any = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.find_one_and_replace`."""
        validate_ok_for_replace(replacement)
        spec = self._update_spec(filter, replacement, upsert, kwargs.get("collation"), None, hint, let, sort)
        return self._find_and_update(spec, projection, return_document, kwargs, session)

    # Deleting

    def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> DeleteResult:
        """See :meth:`pymongo.collection.Collection.delete_one`."""
        validate_is_mapping("filter", filter)
        if let is not None:
            validate_is_document_type("let", let)
        spec = DeleteSpec(filter, collation=collation, hint=_hint(hint), let=let)
        write = operations.delete(self._bound(session), self._target(), spec)
        outcome = run(operations.quietly(write, self._acknowledged, Deleted()))
        return operations.delete_result(outcome, acknowledged=self._acknowledged)

    def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> DeleteResult:
        """See :meth:`pymongo.collection.Collection.delete_many`."""
        validate_is_mapping("filter", filter)
        if let is not None:
            validate_is_document_type("let", let)
        spec = DeleteSpec(filter, many=True, collation=collation, hint=_hint(hint), let=let)
        write = operations.delete(self._bound(session), self._target(), spec)
        outcome = run(operations.quietly(write, self._acknowledged, Deleted()))
        return operations.delete_result(outcome, acknowledged=self._acknowledged)

    def find_one_and_delete(
        self,
        filter: Mapping[str, Any],
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.find_one_and_delete`."""
        validate_is_mapping("filter", filter)
        _known(kwargs, "collation", "maxTimeMS")
        spec = DeleteSpec(
            filter,
            collation=kwargs.get("collation"),
            hint=_hint(hint),
            sort=_order(sort),
            let=let,
            projection=projection,
            returns=True,
        )
        outcome = run(operations.delete(self._bound(session), self._target(), spec))
        return operations.decode(outcome.document, self.codec_options)

    def bulk_write(
        self,
        requests: Sequence[Any],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult:
        """See :meth:`pymongo.collection.Collection.bulk_write`."""
        validate_list("requests", requests)
        if not requests:
            raise InvalidOperation("No operations to execute")
        target = self._target(bypass_document_validation)
        return run(
            bulk.bulk_write(
                self._bound(session),
                target,
                requests,
                ordered=ordered,
                let=let,
                acknowledged=self._acknowledged,
            )
        )

    # Reading

    def find(self, *args: Any, **kwargs: Any) -> WALCursor[D]:
        """See :meth:`pymongo.collection.Collection.find`."""
        return WALCursor(self, *args, **kwargs)

    def find_one(self, filter: Any = None, *args: Any, **kwargs: Any) -> D | None:
        """See :meth:`pymongo.collection.Collection.find_one`."""
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": filter}  # noqa: A001
        if not args and not kwargs:
            # Most reads are this one; a cursor that is opened for one document costs as much again.
            spec = FindSpec({} if filter is None else filter, limit=-1)
            found: D | None = run(find_one(self._handle, self._space, self.name, spec, self.reader()))
            return found
        for document in self.find(filter, *args, **kwargs).limit(-1):
            return document
        return None

    def aggregate(
        self,
        pipeline: Any,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> CommandCursor[Any]:
        """See :meth:`pymongo.collection.Collection.aggregate`."""
        validate_list("pipeline", pipeline)
        options = {"let": let, "comment": comment, **kwargs}
        return run(
            reading.aggregate(
                self._bound(session), self._target(), self.name, pipeline, self.reader(session), options
            )
        )

    def count_documents(
        self,
        filter: Mapping[str, Any],
        session: Any = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> int:
        """See :meth:`pymongo.collection.Collection.count_documents`."""
        options = {"comment": comment, **kwargs}
        return run(
            reading.count_documents(
                self._bound(session), self._target(), filter, self.reader(session), options
            )
        )

    def estimated_document_count(self, comment: Any = None, **kwargs: Any) -> int:
        """See :meth:`pymongo.collection.Collection.estimated_document_count`; here it is exact."""
        return self.count_documents({}, comment=comment, **kwargs)

    def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: Any = None,
        comment: Any = None,
        hint: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """See :meth:`pymongo.collection.Collection.distinct`."""
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        options = {"comment": comment, "hint": _hint(hint), **kwargs}
        return run(
            reading.distinct(
                self._bound(session),
                self._target(),
                key,
                {} if filter is None else filter,
                self.reader(session),
                options,
            )
        )

    # The collection itself and its indexes

    def create_index(self, keys: Any, session: Any = None, comment: Any = None, **kwargs: Any) -> str:
        """See :meth:`pymongo.collection.Collection.create_index`."""
        kwargs.pop("maxTimeMS", None)
        return self.create_indexes([IndexModel(keys, **kwargs)])[0]

    def create_indexes(
        self, indexes: Sequence[IndexModel], session: Any = None, comment: Any = None, **kwargs: Any
    ) -> list[str]:
        """See :meth:`pymongo.collection.Collection.create_indexes`."""
        validate_list("indexes", indexes)
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
        return run(index_operations.create_indexes(self._bound(session), self._target(), indexes))

    def drop_index(self, index_or_name: Any, session: Any = None, comment: Any = None, **kwargs: Any) -> None:
        """See :meth:`pymongo.collection.Collection.drop_index`."""
        name = index_or_name
        if isinstance(name, list):
            name = helpers_shared._gen_index_name(name)
        if not isinstance(name, str):
            raise TypeError(f"index_or_name must be an instance of str or list, not {type(name)}")
        run(index_operations.drop_index(self._bound(session), self._space, self.name, name))

    def drop_indexes(self, session: Any = None, comment: Any = None, **kwargs: Any) -> None:
        """See :meth:`pymongo.collection.Collection.drop_indexes`."""
        run(index_operations.drop_index(self._bound(session), self._space, self.name, "*"))

    def list_indexes(self, session: Any = None, comment: Any = None) -> CommandCursor[Any]:
        """See :meth:`pymongo.collection.Collection.list_indexes`."""
        snapshot = run(self._bound(session).snapshot())
        return self._listed(index_operations.list_indexes(snapshot, self._space, self.name))

    def index_information(self, session: Any = None, comment: Any = None) -> dict[str, Any]:
        """See :meth:`pymongo.collection.Collection.index_information`."""
        snapshot = run(self._bound(session).snapshot())
        information = {}
        for index in index_operations.list_indexes(snapshot, self._space, self.name):
            name = index.pop("name")
            information[name] = {**index, "key": list(index["key"].items())}
        return information

    def options(self, session: Any = None, comment: Any = None) -> dict[str, Any]:
        """See :meth:`pymongo.collection.Collection.options`."""
        record = run(self._bound(session).snapshot()).record(self._space, self.name)
        return {} if record is None else dict(record.options)

    def drop(self, session: Any = None, comment: Any = None, encrypted_fields: Any = None) -> None:
        """See :meth:`pymongo.collection.Collection.drop`."""
        run(ddl.drop_collection(self._bound(session), self._space, self.name))

    def rename(self, new_name: str, session: Any = None, comment: Any = None, **kwargs: Any) -> Any:
        """See :meth:`pymongo.collection.Collection.rename`."""
        check_collection_name(new_name)
        drop_target = bool(kwargs.get("dropTarget", False))
        run(
            ddl.rename_collection(
                self._bound(session), self._space, self.name, new_name, drop_target=drop_target
            )
        )
        return {"ok": 1.0}

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("find_raw_batches", "find() with document_class=RawBSONDocument")

    def aggregate_raw_batches(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("aggregate_raw_batches", "aggregate() with document_class=RawBSONDocument")

    def list_search_indexes(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("list_search_indexes", _TEXT)

    def create_search_index(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("create_search_index", _TEXT)

    def create_search_indexes(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("create_search_indexes", _TEXT)

    def update_search_index(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("update_search_index", _TEXT)

    def drop_search_index(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported on a branch."""
        raise _not_on_a_branch("drop_search_index", _TEXT)

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.collection.Collection.watch`; the events come from the log."""
        options = watch_options(Collection.watch, args, kwargs)
        project = self._wal_database().branch.project_name
        watch = watch_branch(self._handle, project, self._space, self.name, options)
        return WALChangeStream(self._handle.line.engine, watch, self.codec_options)

    # What operations need to know of this handle

    def reader(self, session: Any = None) -> Reader:
        """Return how this handle reads."""
        if self._reader is None:
            options: dict[str, Any] = {"read_preference": self.read_preference}
            if self.read_concern.level is not None:
                options["read_concern"] = self.read_concern
            self._reader = Reader(self.codec_options, options)
        return self._reader

    @property
    def _acknowledged(self) -> bool:
        return self.write_concern.acknowledged

    def _target(self, bypass: bool | None = None) -> Target:
        return Target(self._space, self.name, self.codec_options, bypass)

    def _update_spec(
        self,
        query: Any,
        update: Any,
        upsert: bool,
        collation: Any,
        array_filters: Any,
        hint: Any,
        let: Any,
        sort: Any,
    ) -> UpdateSpec:
        validate_is_mapping("filter", query)
        validate_boolean("upsert", upsert)
        validate_list_or_none("array_filters", array_filters)
        if let is not None:
            validate_is_mapping("let", let)
        return UpdateSpec(
            query,
            update,
            upsert=upsert,
            array_filters=array_filters,
            collation=collation,
            hint=_hint(hint),
            sort=_order(sort),
            let=let,
        )

    def _run_update(self, spec: UpdateSpec, bypass: bool | None, session: Any) -> UpdateResult:
        write = operations.update(self._bound(session), self._target(bypass), spec)
        outcome = run(operations.quietly(write, self._acknowledged, Updated()))
        return operations.update_result(outcome, acknowledged=self._acknowledged)

    def _find_and_update(
        self,
        spec: UpdateSpec,
        projection: Any,
        return_document: bool,
        kwargs: Mapping[str, Any],
        session: Any,
    ) -> Any:
        if not isinstance(return_document, bool):
            raise TypeError(
                f"return_document must be ReturnDocument.BEFORE or ReturnDocument.AFTER, "
                f"not {type(return_document)}"
            )
        _known(kwargs, "collation", "maxTimeMS", "bypassDocumentValidation")
        spec.projection = projection
        spec.returns = return_document
        outcome = run(
            operations.update(
                self._bound(session), self._target(kwargs.get("bypassDocumentValidation")), spec
            )
        )
        return operations.decode(outcome.document, self.codec_options)

    def _bound(self, session: Any) -> Handle:
        return bind(session, self._handle)

    def _explain(self, spec: FindSpec) -> Any:
        return run(reading.explain(self._handle, self._target(), spec))

    def _listed(self, documents: list[Any]) -> CommandCursor[Any]:
        info = {"id": 0, "firstBatch": documents, "ns": self.full_name}
        return CommandCursor(self, info, None)

    def _wal_database(self) -> WALDatabase[Any]:
        database: Any = self._database
        return database  # type: ignore[no-any-return]

    def _sibling(self, database: WALDatabase[Any], handle: Handle) -> WALCollection[Any]:
        return WALCollection(
            database,
            self.name,
            self._space,
            handle,
            self.codec_options,
            self.read_preference,
            self.write_concern,
            self.read_concern,
        )


_TEXT = "a text index: a search index holds all branches at once"


def _known(options: Mapping[str, Any], *known: str) -> None:
    """Refuse an option of ``findAndModify`` that the server does not know, in its words."""
    for name in options.keys() - set(known):
        text = f"BSON field 'findAndModify.{name}' is an unknown field."
        details = {"code": 40415, "codeName": "Location40415", "errmsg": text}
        raise OperationFailure(text, 40415, details)


def _hint(hint: Any) -> Any:
    if hint is None or isinstance(hint, str):
        return hint
    return helpers_shared._index_document(hint)


def _order(sort: Any) -> list[tuple[str, Any]] | None:
    return None if sort is None else list(helpers_shared._index_document(sort).items())


def _not_on_a_branch(name: str, instead: str) -> UnsupportedOperation:
    return UnsupportedOperation(f"{name}() is not available on a branch: use {instead}")


__all__ = ["RawBSONDocument", "WALCollection"]
