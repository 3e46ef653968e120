"""What the server says when a plan fails on a document: each command has its own words for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from .parity import Document, Faces

FILTERS: list[Document] = [{"$where": "throw 1"}, {"$expr": {"$divide": [1, "$zero"]}}]
PARALLEL = [("list", -1), ("others", 1)]
WRITES: dict[str, Callable[[Any, Document], Any]] = {
    "update_one": lambda items, query: items.update_one(query, {"$set": {"q": 1}}),
    "update_many": lambda items, query: items.update_many(query, {"$set": {"q": 1}}),
    "replace_one": lambda items, query: items.replace_one(query, {"q": 1}),
    "delete_one": lambda items, query: items.delete_one(query),
    "delete_many": lambda items, query: items.delete_many(query),
    "find_one_and_update": lambda items, query: items.find_one_and_update(query, {"$set": {"q": 1}}),
    "find_one_and_replace": lambda items, query: items.find_one_and_replace(query, {"q": 1}),
    "find_one_and_delete": lambda items, query: items.find_one_and_delete(query),
}
READS: dict[str, Callable[[Any, Document], Any]] = {
    "find": lambda items, query: list(items.find(query)),
    "count_documents": lambda items, query: items.count_documents(query),
    "distinct": lambda items, query: items.distinct("list", query),
    "aggregate": lambda items, query: list(items.aggregate([{"$match": query}])),
}
SORTS: dict[str, Callable[[Any], Any]] = {
    "find": lambda items: list(items.find(sort=PARALLEL)),
    "aggregate": lambda items: list(items.aggregate([{"$sort": dict(PARALLEL)}])),
    "find_one_and_update": lambda items: items.find_one_and_update({}, {"$set": {"q": 1}}, sort=PARALLEL),
    "find_one_and_delete": lambda items: items.find_one_and_delete({}, sort=PARALLEL),
}


@pytest.fixture(scope="module")
def failing(make_faces: Any) -> Faces:
    """Documents on which a plan fails."""
    documents = [{"_id": n, "list": [n, 2], "others": [n, 2], "zero": 0} for n in range(6)]
    faces: Faces = make_faces(items=documents)
    return faces


def said(action: Callable[[Any], Any], database: Any) -> Any:
    with pytest.raises(OperationFailure) as caught:
        action(database["items"])
    return type(caught.value), caught.value.code, str((caught.value.details or {}).get("errmsg"))


@pytest.mark.parametrize("name", [*WRITES, *READS])
@pytest.mark.parametrize("query", FILTERS, ids=["where", "expr"])
def test_a_filter_that_fails(failing: Faces, name: str, query: Document) -> None:
    call = {**WRITES, **READS}[name]
    expected = said(lambda items: call(items, query), failing.plain)
    for view in failing.views.values():
        assert said(lambda items: call(items, query), view) == expected


@pytest.mark.parametrize("name", SORTS)
def test_a_sort_that_fails(failing: Faces, name: str) -> None:
    expected = said(SORTS[name], failing.plain)
    for view in failing.views.values():
        assert said(SORTS[name], view) == expected
