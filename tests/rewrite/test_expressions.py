from __future__ import annotations

from typing import Any

import pytest
from bson import Code

from argon.rewrite import CannotRewrite, prefix_expression

from .conftest import Document, Pair, outcome

DOCUMENTS: list[Document] = [
    {"_id": 1, "a": {"b": 2, "c": [1, 2]}, "x": 7, "d": {"a": 9}, "list": [{"k": 2, "v": "two"}, {"k": 1}]},
    {"_id": 2, "a": [{"b": 1}, {"b": 3}], "x": "$x", "list": []},
    {"_id": 3},
]

EXPRESSIONS: list[Any] = [
    "$a.b",
    "$d.a",
    "$missing",
    "$$ROOT",
    "$$CURRENT",
    "$$ROOT.a",
    "$$CURRENT.a.c",
    "plain text",
    {"$literal": "$x"},
    {"$literal": {"y": "$x"}},
    {"$const": "$x"},
    {"name": "$x", "inner": {"_id": "$_id", "both": ["$x", "$$ROOT._id"]}},
    {"a": {"$literal": "$x"}, "b": "$$REMOVE"},
    ["$x", {"$ifNull": ["$x", "none"]}],
    {"$let": {"vars": {"low": "$a.b", "x": 5}, "in": ["$$low", "$$x", "$x"]}},
    {"$map": {"input": "$list", "as": "one", "in": {"k": "$$one.k", "x": "$x"}}},
    {"$map": {"input": "$list", "in": "$$this.k"}},
    {"$filter": {"input": "$list", "as": "one", "cond": {"$gt": ["$$one.k", {"$size": "$list"}]}}},
    {"$reduce": {"input": "$list.k", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}},
    {"$sortArray": {"input": "$list", "sortBy": {"k": 1}}},
    {"$getField": {"field": "x", "input": "$$ROOT"}},
    {"$setField": {"field": "x", "input": "$$ROOT", "value": "$_id"}},
    {"$unsetField": {"field": "x", "input": "$$CURRENT"}},
    {"$switch": {"branches": [{"case": {"$eq": ["$x", 7]}, "then": "$_id"}], "default": "$$ROOT"}},
    {"$cond": {"if": {"$isArray": "$a"}, "then": "$a", "else": []}},
    {"$mergeObjects": ["$$ROOT", {"extra": "$x"}]},
    {"$objectToArray": "$$ROOT"},
    {"$function": {"body": Code("function(x) { return x }"), "args": ["$x"], "lang": "js"}},
    {"$regexMatch": {"input": {"$toString": "$x"}, "regex": "^7"}},
    {"$firstN": {"n": {"$ifNull": ["$a.b", 1]}, "input": {"$ifNull": ["$list", [0]]}}},
    {"$add": ["$x", 1]},
    {"$eq": ["$x"]},
]


@pytest.fixture(scope="module")
def filled(pair: Pair) -> Pair:
    pair.fill(DOCUMENTS)
    return pair


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=repr)
def test_a_rewritten_expression_has_the_same_value(filled: Pair, expression: Any) -> None:
    def values(expression: Any, of: Any) -> list[Document]:
        return list(of.aggregate([{"$sort": {"_id": 1}}, {"$project": {"_id": 0, "value": expression}}]))

    expected = outcome(lambda: values(expression, filled.plain))
    assert outcome(lambda: values(prefix_expression(expression), filled.rows)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "$",
        "$$ROOT.",
        "$a..b",
        "$.a",
        "$a.$b",
        {"$getField": "x"},
        {"$getField": {"field": "x"}},
        {"$getField": {"$literal": "x"}},
        {"$setField": {"field": "x", "value": 1}},
        {"$let": {"vars": {"CURRENT": "$a"}, "in": "$b"}},
        {"$map": {"input": "$list", "as": "CURRENT", "in": "$k"}},
        {"$eq": [1, 1], "$gt": [1, 1]},
        {"$eq": [1, 1], "name": 1},
        {"$someFutureOperator": "$x"},
        {"deep": [{"$getField": "x"}]},
    ],
    ids=repr,
)
def test_what_depends_on_the_current_document_is_left_alone(expression: Any) -> None:
    with pytest.raises(CannotRewrite):
        prefix_expression(expression)


def test_code_that_looks_like_a_path_is_left_alone() -> None:
    expression = {"$function": {"body": "$x", "args": ["$x"], "lang": "js"}}
    assert prefix_expression(expression) == {"$function": {"body": "$x", "args": ["$d.x"], "lang": "js"}}
