"""Filters on documents as filters on rows, and what a filter says about indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bson.regex import Regex

from argon.rewrite.expression import mentions_root, prefix_expression
from argon.rewrite.paths import (
    DOCUMENT,
    CannotRewrite,
    has_duplicate_keys,
    is_ordinary_path,
    prefix_path,
)
from argon.rewrite.where import prefix_where

Kind = Literal["equality", "range", "other"]
"""How a filter binds a path: to values, to an interval, or in a way no index bounds."""

_STRENGTH: dict[Kind, int] = {"other": 0, "range": 1, "equality": 2}
_LOGICAL = frozenset({"$and", "$or", "$nor"})
_UNCHANGED = frozenset({"$text", "$comment", "$sampleRate", "$alwaysTrue", "$alwaysFalse"})
_EQUALITIES = frozenset({"$eq", "$in", "$all"})
_RANGES = frozenset({"$gt", "$gte", "$lt", "$lte"})
_NEAR = frozenset({"$near", "$nearSphere", "$geoNear"})
_DBREF = frozenset({"$ref", "$id", "$db"})
# The literal start that lets an index on the field bound a regular expression.
_ANCHORED = re.compile(r"(?:\^|\\A)[^\\.\[\](){}*+?|^$]")


def prefix_filter(query: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rewrite a filter on documents into one on rows.

    Args:
        query: A filter as ``find`` takes it.

    Returns:
        The filter that holds for a row exactly when ``query`` holds for the
        row's document, or None if there is no such filter or ``query`` is
        malformed; evaluate it unchanged on the document then.
    """
    try:
        return _prefix(query)
    except CannotRewrite:
        return None


def split_filter(query: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a filter into what can run on rows and what must see the document.

    Args:
        query: A filter as ``find`` takes it.

    Returns:
        A filter on rows and a filter on documents; a row is wanted when both
        hold. Either may be empty.
    """
    if has_duplicate_keys(query):
        return {}, dict(query)
    on_rows: dict[str, Any] = {}
    on_documents: dict[str, Any] = {}
    for key, value in query.items():
        try:
            on_rows.update([_prefix_condition(key, value)])
        except CannotRewrite:
            on_documents[key] = value
    return on_rows, on_documents


def equality_id(query: Mapping[str, Any]) -> tuple[bool, Any]:
    """Find the one ``_id`` that a filter asks for.

    Equality is MongoDB's under the simple collation (1 equals 1.0); a caller
    who sends a collation must not take the value for the only one.

    Args:
        query: A filter as ``find`` takes it.

    Returns:
        Whether the filter demands equality of ``_id``, and with which value.
    """
    if "_id" not in query:
        return False, None
    value = query["_id"]
    if is_operators(value):
        return ("$eq" in value, value.get("$eq"))
    if isinstance(value, Regex | re.Pattern):
        return False, None
    return True, value


def required_paths(query: Mapping[str, Any]) -> dict[str, Kind]:
    """Tell which fields a filter binds for every document that it matches.

    Args:
        query: A filter as ``find`` takes it.

    Returns:
        The strongest :data:`Kind` of each path constrained at the top level or
        inside a top-level ``$and``; an index on an ``equality`` or ``range``
        path could serve the filter.
    """
    paths: dict[str, Kind] = {}
    for path, kind in _bound_paths(query):
        if _STRENGTH[kind] >= _STRENGTH[paths.get(path, "other")]:
            paths[path] = kind
    return paths


def or_clauses(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the alternatives of a top-level ``$or``, each of which an index may serve.

    Args:
        query: A filter as ``find`` takes it.

    Returns:
        The clauses, or an empty list if there is no well-formed ``$or``.
    """
    clauses = query.get("$or")
    if isinstance(clauses, list | tuple) and all(isinstance(clause, Mapping) for clause in clauses):
        return list(clauses)
    return []


def is_operators(value: object) -> bool:
    """Tell whether the value of a field condition is operators and not a value to equal."""
    if not isinstance(value, Mapping):
        return False
    first = next(iter(value), "")
    return isinstance(first, str) and first.startswith("$") and first not in _DBREF


def has_text(query: Mapping[str, Any]) -> bool:
    """Tell whether ``$text`` stands anywhere in a filter; it must then come first in a pipeline."""
    return _has_operator(query, "$text")


def has_where(query: Mapping[str, Any]) -> bool:
    """Tell whether ``$where`` stands anywhere in a filter; a pipeline refuses it."""
    return _has_operator(query, "$where")


def has_expr(query: Mapping[str, Any]) -> bool:
    """Tell whether ``$expr`` stands anywhere in a filter; an upsert refuses it."""
    return _has_operator(query, "$expr")


def has_near(query: Mapping[str, Any]) -> bool:
    """Tell whether a field is to be near a point, which only ``find`` can do, and not in an ``$or``."""
    if any(is_operators(value) and not _NEAR.isdisjoint(value) for value in query.values()):
        return True
    return any(has_near(clause) for clause in _alternatives(query))


def _has_operator(query: Mapping[str, Any], operator: str) -> bool:
    return operator in query or any(_has_operator(clause, operator) for clause in _alternatives(query))


def _alternatives(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [clause for key in _LOGICAL & query.keys() for clause in _as_clauses(query[key])]


def _prefix(query: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(query, Mapping) or has_duplicate_keys(query):
        raise CannotRewrite
    return dict(_prefix_condition(key, value) for key, value in query.items())


def _prefix_condition(key: object, value: Any) -> tuple[str, Any]:
    """Rewrite one entry of a filter; no two entries can come out under one key."""
    if not isinstance(key, str):
        raise CannotRewrite
    if not key.startswith("$"):
        return _prefix_field(key), value
    if key in _UNCHANGED:
        return key, value
    if key in _LOGICAL:
        if not isinstance(value, list | tuple) or not value:
            raise CannotRewrite
        return key, [_prefix(clause) for clause in value]
    if key == "$expr":
        return key, _prefix_expr(value)
    if key == "$jsonSchema" and isinstance(value, Mapping):
        return key, {"required": [DOCUMENT], "properties": {DOCUMENT: value}}
    if key == "$where":
        return key, prefix_where(value)
    raise CannotRewrite


def _prefix_field(path: str) -> str:
    # A later component may begin with "$" ("ref.$id"); an empty one has a meaning of its own.
    if not all(path.split(".")):
        raise CannotRewrite
    return prefix_path(path)


def _prefix_expr(expression: Any) -> Any:
    try:
        return prefix_expression(expression)
    except CannotRewrite:
        if mentions_root(expression):
            raise
        # "$a" is short for "$$CURRENT.a", and CURRENT can be bound to the document.
        return {"$let": {"vars": {"CURRENT": f"${DOCUMENT}"}, "in": expression}}


def _as_clauses(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list | tuple):
        return []
    return [clause for clause in value if isinstance(clause, Mapping)]


def _bound_paths(query: Mapping[str, Any]) -> Iterator[tuple[str, Kind]]:
    for key, value in query.items():
        if key == "$and":
            for clause in _as_clauses(value):
                yield from _bound_paths(clause)
        elif key == "$expr":
            yield from _compared_paths(value)
        elif not key.startswith("$"):
            yield key, _kind(value)


def _kind(condition: Any) -> Kind:
    if isinstance(condition, Regex | re.Pattern):
        return _regex_kind(condition.pattern, condition.flags & re.IGNORECASE)
    if not is_operators(condition):
        return "equality"
    if _EQUALITIES & condition.keys():
        return "equality"
    if _RANGES & condition.keys():
        return "range"
    pattern = condition.get("$regex")
    if isinstance(pattern, Regex | re.Pattern):
        return _kind(pattern)
    if isinstance(pattern, str):
        return _regex_kind(pattern, "i" in str(condition.get("$options", "")))
    return "other"


def _regex_kind(pattern: str | bytes, ignore_case: object) -> Kind:
    text = pattern.decode("utf-8", "replace") if isinstance(pattern, bytes) else pattern
    return "range" if _ANCHORED.match(text) and not ignore_case else "other"


def _compared_paths(expression: Any) -> Iterator[tuple[str, Kind]]:
    """Paths that ``$expr`` compares with something known, as in joins: ``{$eq: ["$a", "$$a"]}``."""
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return
    [(operator, operands)] = expression.items()
    if not isinstance(operands, Sequence) or isinstance(operands, str):
        return
    if operator == "$and":
        for operand in operands:
            yield from _compared_paths(operand)
    elif len(operands) == 2 and (operator == "$eq" or operator in _RANGES):
        fields = [operand[1:] for operand in operands if _is_field(operand)]
        if len(fields) == 1:
            yield fields[0], "equality" if operator == "$eq" else "range"


def _is_field(operand: object) -> bool:
    return isinstance(operand, str) and operand[:1] == "$" and is_ordinary_path(operand[1:])
