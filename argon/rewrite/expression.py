"""Aggregation expressions on documents as expressions on rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon.rewrite.paths import DOCUMENT, CannotRewrite, has_duplicate_keys, is_ordinary_path

# Operators whose operands are expressions through and through. An operator that is
# not listed may take field names relative to something else, so it is left alone.
_OPERATOR_NAMES = """
    $abs $acos $acosh $add $allElementsTrue $and $anyElementTrue $arrayElemAt $arrayToObject $asin $asinh
    $atan $atan2 $atanh $avg $binarySize $bitAnd $bitNot $bitOr $bitXor $bsonSize $ceil $cmp $concat
    $concatArrays $cond $convert $cos $cosh $dateAdd $dateDiff $dateFromParts $dateFromString
    $dateSubtract $dateToParts $dateToString $dateTrunc $dayOfMonth $dayOfWeek $dayOfYear
    $degreesToRadians $divide $eq $exp $filter $first $firstN $floor $getField $gt $gte $hour $ifNull
    $in $indexOfArray $indexOfBytes $indexOfCP $isArray $isNumber $isoDayOfWeek $isoWeek $isoWeekYear
    $last $lastN $let $ln $log $log10 $lt $lte $ltrim $map $max $maxN $median $mergeObjects $millisecond
    $min $minN $minute $mod $month $multiply $ne $not $objectToArray $or $percentile $pow
    $radiansToDegrees $rand $range $reduce $regexFind $regexFindAll $regexMatch $replaceAll $replaceOne
    $reverseArray $round $rtrim $second $setDifference $setEquals $setField $setIntersection
    $setIsSubset $setUnion $sin $sinh $size $slice $sortArray $split $sqrt $stdDevPop $stdDevSamp
    $strLenBytes $strLenCP $strcasecmp $substr $substrBytes $substrCP $subtract $sum $switch $tan $tanh
    $toBool $toDate $toDecimal $toDouble $toHashedIndexKey $toInt $toLong $toLower $toObjectId $toString
    $toUpper $trim $trunc $tsIncrement $tsSecond $type $unsetField $week $year $zip
"""
_OPERATORS = frozenset(_OPERATOR_NAMES.split())
_OPAQUE = frozenset({"$literal", "$const", "$meta"})
_READS_INPUT = frozenset({"$getField", "$setField", "$unsetField"})


def prefix_expression(expression: Any) -> Any:
    """Rewrite an aggregation expression so that it reads the document inside a row.

    Args:
        expression: Any expression: ``"$path"``, ``"$$variable"``, an operator,
            an object or array of expressions, or a constant.

    Returns:
        An expression with the same value on the row.

    Raises:
        CannotRewrite: If the expression depends on what the current document
            is in a way that no path shows, uses an unknown operator, or is
            malformed.
    """
    if isinstance(expression, str):
        return _prefix_string(expression)
    if isinstance(expression, Mapping):
        return _prefix_object(expression)
    if isinstance(expression, list | tuple):
        return [prefix_expression(element) for element in expression]
    return expression


def mentions_root(expression: Any) -> bool:
    """Tell whether ``$$ROOT`` occurs anywhere, even where it may be plain text."""
    if isinstance(expression, str):
        return expression.startswith("$$ROOT")
    if isinstance(expression, Mapping):
        return any(mentions_root(value) for value in expression.values())
    if isinstance(expression, list | tuple):
        return any(mentions_root(element) for element in expression)
    return False


def _prefix_string(text: str) -> str:
    if not text.startswith("$"):
        return text
    if not text.startswith("$$"):
        return f"${DOCUMENT}.{_checked(text[1:])}"
    variable, dot, path = text[2:].partition(".")
    if variable not in ("ROOT", "CURRENT"):
        return text
    return f"${DOCUMENT}.{_checked(path)}" if dot else f"${DOCUMENT}"


def _checked(path: str) -> str:
    if not is_ordinary_path(path):
        raise CannotRewrite
    return path


def _prefix_object(expression: Mapping[str, Any]) -> dict[str, Any]:
    if has_duplicate_keys(expression):
        raise CannotRewrite
    if not any(isinstance(key, str) and key.startswith("$") for key in expression):
        return {name: prefix_expression(value) for name, value in expression.items()}
    if len(expression) != 1:
        raise CannotRewrite
    [(operator, operand)] = expression.items()
    return {operator: _prefix_operand(operator, operand)}


def _prefix_operand(operator: str, operand: Any) -> Any:
    if operator in _OPAQUE:
        return operand
    if operator == "$function" and isinstance(operand, Mapping):
        # The body is code: a text that may begin with "$" without being a path.
        return {key: prefix_expression(value) if key == "args" else value for key, value in operand.items()}
    if operator not in _OPERATORS:
        raise CannotRewrite
    if operator in _READS_INPUT and not (isinstance(operand, Mapping) and "input" in operand):
        raise CannotRewrite  # the input left out is the current document
    if isinstance(operand, Mapping) and _rebinds_current(operand):
        raise CannotRewrite
    return prefix_expression(operand)


def _rebinds_current(operand: Mapping[str, Any]) -> bool:
    variables = operand.get("vars")
    return operand.get("as") == "CURRENT" or (isinstance(variables, Mapping) and "CURRENT" in variables)
