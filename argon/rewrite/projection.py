"""Find projections on documents as projections on rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from bson.decimal128 import Decimal128

from argon.rewrite.paths import DOCUMENT, has_duplicate_keys, is_ordinary_path, prefix_path

_ROW_FIELDS = ("_id", "f", "s")


class Plan(Enum):
    """How a projection can be evaluated with MongoDB's own meaning."""

    ROWS = auto()
    """By ``find`` on rows, with the rewritten projection."""
    AGGREGATE = auto()
    """By a ``$project`` stage after ``$replaceRoot``, unchanged."""
    SCRATCH = auto()
    """By ``find`` on copies of the documents only, unchanged."""


class _Kind(Enum):
    INCLUDE = auto()
    EXCLUDE = auto()
    NEUTRAL = auto()  # $slice and $meta stand beside either
    SLICE = auto()
    EXPRESSION = auto()
    FIND_ONLY = auto()


@dataclass(frozen=True)
class Projection:
    """A projection, and the way to evaluate it.

    Attributes:
        plan: The way.
        document: What the user asked for, as a mapping.
        rows: For :attr:`Plan.ROWS`, the projection that leaves exactly
            ``{d: <projected document>}`` of a row.
        positional: Whether ``array.$`` is used. On rows it is right only if the
            user's filter stands at the top level of the row's filter (not in an
            ``$or`` over the legs of a view), rewritten as a whole.
        find_only: Whether ``find`` has a form for it that ``$project`` has not.
    """

    plan: Plan
    document: dict[str, Any]
    rows: dict[str, Any] | None = None
    positional: bool = False
    find_only: bool = False


def prefix_projection(projection: Mapping[str, Any] | Sequence[str] | Set[str] | None) -> Projection:
    """Decide how to evaluate a projection, and rewrite it where rows can do it.

    An invalid projection keeps a plan under which the server refuses it with
    the same error code.

    Args:
        projection: A projection as ``find`` takes it: a mapping, names, or None.

    Returns:
        The plan and, for :attr:`Plan.ROWS`, the projection of rows.

    Raises:
        TypeError: As PyMongo does, if it is neither a mapping nor a list of names.
    """
    document = _as_mapping(projection)
    if not document:
        return Projection(Plan.ROWS, {}, {DOCUMENT: 1, "_id": 0})
    if isinstance(projection, Mapping) and has_duplicate_keys(projection):
        return Projection(Plan.SCRATCH, document, find_only=True)
    positional = is_positional(document)
    kinds = {kind for path, value in document.items() for kind in _entry_kinds(path, value)}
    if _Kind.FIND_ONLY in kinds:
        return Projection(Plan.SCRATCH, document, positional=positional, find_only=True)
    find_only = positional or _Kind.SLICE in kinds
    if _Kind.EXPRESSION in kinds:
        plan = Plan.SCRATCH if find_only else Plan.AGGREGATE
        return Projection(plan, document, positional=positional, find_only=find_only)
    return Projection(Plan.ROWS, document, _on_rows(document), positional, find_only)


def is_positional(projection: Any) -> bool:
    """Tell whether a projection names the array element that the filter matched (``a.$``)."""
    return any(isinstance(path, str) and path.endswith(".$") for path in projection or ())


def _as_mapping(projection: Mapping[str, Any] | Sequence[str] | Set[str] | None) -> dict[str, Any]:
    if projection is None:
        return {}
    if isinstance(projection, Mapping):
        return dict(projection)
    if not isinstance(projection, Sequence | Set):
        raise TypeError(f"projection must be a mapping or a list of field names, not {projection!r}")
    if not all(isinstance(name, str) for name in projection):
        raise TypeError(f"projection must list field names as text, not {list(projection)!r}")
    return dict.fromkeys(projection, 1)


def _on_rows(document: dict[str, Any]) -> dict[str, Any]:
    rows = {prefix_path(path): value for path, value in document.items()}
    own_id = prefix_path("_id")
    if _includes(document):
        if not any(path.split(".")[0] == "_id" for path in document):
            rows[own_id] = 1
        elif _is_number(rows.get(own_id)) and not _is_true(rows[own_id]):
            del rows[own_id]  # under inclusion, what is not named is left out
        return {**rows, "_id": 0}
    if _is_number(rows.get(own_id)) and _is_true(rows[own_id]):
        del rows[own_id]  # under exclusion, what is not named stays
    return {**rows, **dict.fromkeys(_ROW_FIELDS, 0)}


def _includes(document: dict[str, Any]) -> bool:
    """Tell inclusion from exclusion, as the server does: ``_id`` decides only when alone."""
    for path, value in document.items():
        if path != "_id" or isinstance(value, Mapping):
            for kind in _entry_kinds(path, value):
                if kind in (_Kind.INCLUDE, _Kind.EXCLUDE):
                    return kind is _Kind.INCLUDE
    return _is_number(document.get("_id")) and _is_true(document["_id"])


def _entry_kinds(path: object, value: Any) -> Iterator[_Kind]:
    name = path.removesuffix(".$") if isinstance(path, str) else path
    yield from _value_kinds(value) if is_ordinary_path(name) else (_Kind.FIND_ONLY,)


def _value_kinds(value: Any) -> Iterator[_Kind]:
    if _is_number(value):
        yield _Kind.INCLUDE if _is_true(value) else _Kind.EXCLUDE
    elif not isinstance(value, Mapping):
        yield _Kind.EXPRESSION
    elif has_duplicate_keys(value):
        yield _Kind.FIND_ONLY
    elif "$slice" in value:
        yield _slice_kind(value["$slice"])
    elif "$meta" in value:
        yield _Kind.NEUTRAL
    elif "$elemMatch" in value:
        yield _Kind.FIND_ONLY  # the server refuses it on a nested path
    elif any(isinstance(key, str) and key.startswith("$") for key in value):
        yield _Kind.EXPRESSION
    else:
        for path, nested in value.items():
            yield from _value_kinds(nested) if is_ordinary_path(path) else (_Kind.FIND_ONLY,)


def _slice_kind(operand: Any) -> _Kind:
    """Tell the projection ``$slice`` from the expression of that name, which names its array."""
    if isinstance(operand, list | tuple):
        window = len(operand) == 2 and all(map(_is_number, operand)) and _is_positive(operand[1])
        return _Kind.SLICE if window else _Kind.EXPRESSION
    return _Kind.SLICE if _is_number(operand) else _Kind.FIND_ONLY


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float | Decimal128)


def _is_true(value: Any) -> bool:
    return bool(_python_number(value) != 0)


def _is_positive(value: Any) -> bool:
    return bool(_python_number(value) > 0)


def _python_number(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value
