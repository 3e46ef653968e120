# Generated from argon/aio/writing.py by tools/async_to_sync.py: edit that.

"""Inserting and deleting documents of a collection: the methods of PyMongo's collection that do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.common import validate_is_document_type, validate_is_mapping, validate_list
from pymongo.errors import InvalidOperation
from pymongo.results import BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult

from argon.driver.basis import CollectionHandle
from argon.engine import bulk, operations, results
from argon.engine.arguments import as_hint, as_order, check_known, check_unacknowledged, delete_spec
from argon.engine.documents import plain_text
from argon.engine.specs import Deleted, DeleteSpec
from argon.io import run

D = TypeVar("D", bound=Any)


class Writing(CollectionHandle[D]):
    """Inserts, deletes and bulks."""

    def insert_one(
        self,
        document: Any,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any | None = None,
    ) -> InsertOneResult:
        """See :meth:`pymongo.collection.Collection.insert_one`."""
        validate_is_document_type("document", document)
        return run(
            operations.insert_one(
                self._bound(session),
                self._target(bypass_document_validation),
                document,
                acknowledged=self._acknowledges(session),
            )
        )

    def insert_many(
        self,
        documents: Iterable[Any],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any | None = None,
    ) -> InsertManyResult:
        """See :meth:`pymongo.collection.Collection.insert_many`."""
        if not isinstance(documents, Iterable) or isinstance(documents, Mapping) or not documents:
            raise TypeError("documents must be a non-empty list")
        if not self._acknowledges(session):
            check_unacknowledged(bypass=bypass_document_validation)
        given = list(documents)
        for document in given:
            validate_is_document_type("document", document)
        return run(
            operations.insert_many(
                self._bound(session),
                self._target(bypass_document_validation),
                given,
                ordered=ordered,
                acknowledged=self._acknowledges(session),
            )
        )

    def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """See :meth:`pymongo.collection.Collection.delete_one`."""
        spec = delete_spec(filter, collation=collation, hint=hint, let=let)
        return self._run_delete(spec, session)

    def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """See :meth:`pymongo.collection.Collection.delete_many`."""
        spec = delete_spec(filter, collation=collation, hint=hint, let=let, many=True)
        return self._run_delete(spec, session)

    def find_one_and_delete(
        self,
        filter: Mapping[str, Any],
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.find_one_and_delete`."""
        validate_is_mapping("filter", filter)
        check_known(kwargs, "collation", "maxTimeMS")
        if not self._acknowledges(session):
            check_unacknowledged(collation=kwargs.get("collation"))
        spec = DeleteSpec(
            filter,
            collation=kwargs.get("collation"),
            hint=as_hint(hint),
            sort=as_order(sort),
            let=let,
            projection=plain_text(projection),
            returns=True,
            max_time_ms=kwargs.get("maxTimeMS"),
        )
        outcome = run(operations.delete(self._bound(session), self._target(), spec))
        return results.decode(outcome.document, self.codec_options)

    def bulk_write(
        self,
        requests: Sequence[Any],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: Any = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult:
        """See :meth:`pymongo.collection.Collection.bulk_write`."""
        validate_list("requests", requests)
        if not requests:
            raise InvalidOperation("No operations to execute")
        if not self._acknowledges(session):
            check_unacknowledged(bypass=bypass_document_validation)
            for request in requests:
                asked = {name: getattr(request, f"_{name}", None) for name in ("collation", "array_filters")}
                check_unacknowledged(**asked)
        target = self._target(bypass_document_validation)
        return run(
            bulk.bulk_write(
                self._bound(session),
                target,
                requests,
                ordered=ordered,
                let=let,
                acknowledged=self._acknowledges(session),
            )
        )

    def _run_delete(self, spec: DeleteSpec, session: Any) -> DeleteResult:
        acknowledged = self._acknowledges(session)
        if not acknowledged:
            check_unacknowledged(collation=spec.collation)
        write = operations.delete(self._bound(session), self._target(), spec)
        outcome = run(operations.quietly(write, acknowledged, Deleted()))
        return results.delete_result(outcome, acknowledged=acknowledged)
