"""Checks of PyMongo's arguments, and the forms that operations take them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import helpers_shared
from pymongo.common import validate_is_document_type, validate_is_mapping, validate_list_or_none
from pymongo.errors import ConfigurationError, OperationFailure
from pymongo.write_concern import validate_boolean

from argon.engine.documents import plain_text
from argon.engine.errors import unknown_field
from argon.engine.specs import DeleteSpec, UpdateSpec


def update_spec(
    query: Any,
    update: Any,
    *,
    upsert: bool,
    collation: Any = None,
    array_filters: Any = None,
    hint: Any = None,
    let: Any = None,
    sort: Any = None,
) -> UpdateSpec:
    """Check the arguments that all updates share, by PyMongo's names."""
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
        hint=as_hint(hint),
        sort=as_order(sort),
        let=let,
    )


def delete_spec(query: Any, *, collation: Any, hint: Any, let: Any, many: bool = False) -> DeleteSpec:
    """Check the arguments that all deletes share, by PyMongo's names."""
    validate_is_mapping("filter", query)
    if let is not None:
        validate_is_document_type("let", let)
    return DeleteSpec(query, many=many, collation=collation, hint=as_hint(hint), let=let)


def check_unacknowledged(**given: Any) -> None:
    """Refuse what cannot be asked of a write whose outcome nobody waits for, as PyMongo does.

    Args:
        given: ``collation``, ``array_filters`` and ``bypass`` as the user gave them.

    Raises:
        ConfigurationError: A collation or array filters were given.
        OperationFailure: Rules are to be passed over.
    """
    if given.get("collation") is not None:
        raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
    if given.get("array_filters") is not None:
        raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")
    if given.get("bypass"):
        raise OperationFailure("Cannot set bypass_document_validation with unacknowledged write concern")


def check_not_reserved(options: Mapping[str, Any]) -> None:
    """Refuse options that would put another pipeline, or another collection, in the place of the given ones.

    Raises:
        ConfigurationError: There is one.
    """
    for name in ("aggregate", "pipeline"):
        if name in options:
            raise ConfigurationError(f"{name!r} is a reserved option of aggregate and cannot be given again")


def check_known(options: Mapping[str, Any], *known: str) -> None:
    """Refuse an option of ``findAndModify`` that the server does not know, in its words.

    Raises:
        OperationFailure: There is one.
    """
    for name in options.keys() - set(known):
        raise unknown_field(f"findAndModify.{name}")


def as_hint(hint: Any) -> Any:
    """Return a hint as the server takes it: a name, or keys as a document."""
    if hint is None or isinstance(hint, str):
        return plain_text(hint)
    return plain_text(helpers_shared._index_document(hint))


def as_order(sort: Any) -> list[tuple[str, Any]] | None:
    """Return a sort as pairs of path and direction."""
    return None if sort is None else list(plain_text(helpers_shared._index_document(sort)).items())


def index_name(index_or_name: Any) -> str:
    """Return the name of an index that is given by it, or by its keys.

    Raises:
        TypeError: It is given by neither.
    """
    name = index_or_name
    if isinstance(name, list):
        name = helpers_shared._gen_index_name(name)
    if not isinstance(name, str):
        raise TypeError(f"index_or_name must be an instance of str or list, not {type(name)}")
    return name
