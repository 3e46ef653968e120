"""What ``watch()`` was asked for, by PyMongo's names."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_list, validate_non_negative_integer_or_none, validate_string_or_none

from argon.engine.handle import Handle
from argon.errors import UnsupportedOperation
from argon.streams.errors import NOT_IN_TRANSACTION, refusal
from argon.streams.events import Images
from argon.streams.pipeline import Pipeline
from argon.streams.scope import Scope
from argon.streams.start import Start
from argon.streams.watch import Watch


def watch_options(method: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments of ``watch()`` by name, given or not, as PyMongo's own method takes them.

    Args:
        method: PyMongo's ``watch``.
        args: The positional arguments that were given.
        kwargs: The named ones.

    Raises:
        TypeError: One of them is unknown.
    """
    bound = inspect.signature(method).bind(None, *args, **kwargs)
    bound.apply_defaults()
    given = dict(bound.arguments)
    given.pop("self")
    return given


def watch_branch(
    handle: Handle, database: str, space: str, collection: str | None, options: Mapping[str, Any]
) -> Watch:
    """Say what ``watch()`` on a branch or on one of its collections was asked for.

    Args:
        handle: The branch.
        database: The name that the branch has as a database.
        space: The namespace within the branch.
        collection: The collection; None for all.
        options: The arguments of ``watch()``, by PyMongo's names.

    Raises:
        UnsupportedOperation: This is a view of the past, which does not change.
        OperationFailure: It is part of a transaction.
    """
    if handle.past:
        raise UnsupportedOperation(
            f"a view of the past ({handle.moment}) does not change: watch the branch, with "
            "start_at_operation_time= or resume_after= to begin in the past"
        )
    if handle.transaction is not None:
        raise _in_transaction()
    scope = Scope(space, collection, expanded=bool(options.get("show_expanded_events")))
    return _watch(scope, options, line=handle.line, project=database)


def watch_projects(space: str, options: Mapping[str, Any]) -> Watch:
    """Say what ``watch()`` on a client was asked for: the default branches of all projects.

    Args:
        space: The namespace within the branches.
        options: The arguments of ``watch()``, by PyMongo's names.
    """
    scope = Scope(space, everything=True, expanded=bool(options.get("show_expanded_events")))
    return _watch(scope, options)


def _watch(scope: Scope, options: Mapping[str, Any], **about: Any) -> Watch:
    session = options.get("session")
    if session is not None and session.in_transaction:
        raise _in_transaction()
    stages = validate_list("pipeline", options.get("pipeline") or [])
    full_document = validate_string_or_none("full_document", options.get("full_document"))
    before_change = options.get("full_document_before_change")
    given = {"fullDocument": full_document, "fullDocumentBeforeChange": before_change}
    collation = validate_collation_or_none(options.get("collation"))
    return Watch(
        scope,
        start=Start(
            options.get("resume_after"), options.get("start_after"), options.get("start_at_operation_time")
        ),
        images=Images(full_document or "default", before_change or "off"),
        pipeline=Pipeline(
            copy.deepcopy(stages),
            collation,
            {name: value for name, value in given.items() if value is not None},
        ),
        batch_size=validate_non_negative_integer_or_none("batchSize", options.get("batch_size")),
        max_await_time_ms=options.get("max_await_time_ms"),
        **about,
    )


def _in_transaction() -> Exception:
    return refusal(
        NOT_IN_TRANSACTION,
        "Operation not permitted in transaction :: caused by :: Aggregation stage $changeStream cannot run "
        "within a multi-document transaction.",
    )
