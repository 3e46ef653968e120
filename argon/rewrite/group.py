"""The stages that end with new documents, ``$group`` and its kin, evaluated on rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon.rewrite.expression import prefix_expression
from argon.rewrite.paths import CannotRewrite, is_ordinary_path, prefix_path

_SIMPLE = frozenset(
    {
        "$addToSet",
        "$avg",
        "$count",
        "$first",
        "$last",
        "$max",
        "$mergeObjects",
        "$min",
        "$push",
        "$stdDevPop",
        "$stdDevSamp",
        "$sum",
    }
)
# The operands of each that are evaluated on the grouped documents. What is not named,
# such as "n" and "initArgs", is evaluated on the group's key and must stay as it is.
_ON_DOCUMENTS: Mapping[str, frozenset[str]] = {
    "$accumulator": frozenset({"accumulateArgs"}),
    "$bottom": frozenset({"output"}),
    "$bottomN": frozenset({"output"}),
    "$firstN": frozenset({"input"}),
    "$lastN": frozenset({"input"}),
    "$maxN": frozenset({"input"}),
    "$median": frozenset({"input"}),
    "$minN": frozenset({"input"}),
    "$percentile": frozenset({"input"}),
    "$top": frozenset({"output"}),
    "$topN": frozenset({"output"}),
}


def prefix_grouping(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite a stage whose output no longer contains the document it read.

    Args:
        stage: A ``$group``, ``$count`` or ``$sortByCount`` stage.

    Returns:
        The stage that gives the same output from rows.

    Raises:
        CannotRewrite: If it is another stage, or one that must see documents.
    """
    [(operator, operand)] = stage.items()
    if operator == "$count":
        return {operator: operand}
    if operator == "$sortByCount":
        return {operator: prefix_expression(operand)}
    if operator == "$group" and isinstance(operand, Mapping):
        return {operator: {name: _prefix_output(name, value) for name, value in operand.items()}}
    raise CannotRewrite


def _prefix_output(name: str, value: Any) -> Any:
    if name == "_id":
        return prefix_expression(value)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise CannotRewrite
    [(accumulator, operand)] = value.items()
    if accumulator in _SIMPLE:
        return {accumulator: prefix_expression(operand)}
    if accumulator not in _ON_DOCUMENTS or not isinstance(operand, Mapping):
        raise CannotRewrite
    return {accumulator: {key: _prefix_operand(accumulator, key, operand[key]) for key in operand}}


def _prefix_operand(accumulator: str, key: str, value: Any) -> Any:
    if key in _ON_DOCUMENTS[accumulator]:
        return prefix_expression(value)
    if key == "sortBy" and isinstance(value, Mapping):
        if not all(is_ordinary_path(path) for path in value):
            raise CannotRewrite
        return {prefix_path(path): direction for path, direction in value.items()}
    return value
