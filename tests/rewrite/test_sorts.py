from __future__ import annotations

from typing import Any

import pytest

from argon.rewrite import prefix_sort

from .conftest import Pair, outcome

KEYS: list[list[tuple[str, Any]]] = [
    [("_id", 1)],
    [("_id", -1)],
    [("a", 1), ("_id", -1)],
    [("a.b", -1), ("_id", 1)],
    [("list", 1), ("_id", 1)],
    [("list", -1), ("a", 1), ("_id", 1)],
    [("list", 1), ("more", 1)],
    [("a", 2)],
]


@pytest.mark.parametrize("keys", KEYS, ids=repr)
def test_rows_sort_as_their_documents(pair: Pair, keys: list[tuple[str, Any]]) -> None:
    pair.fill(
        [
            {"_id": 3, "a": {"b": 1}, "list": [5, 1], "more": [1, 2]},
            {"_id": 1, "a": {"b": 2}, "list": [2, 3]},
            {"_id": 2, "a": 7},
            {"_id": "x", "a": None, "list": []},
        ]
    )
    prefixed = prefix_sort(keys)
    assert prefixed is not None
    expected = outcome(lambda: [d["_id"] for d in pair.plain.find().sort(keys)])
    assert outcome(lambda: [r["d"]["_id"] for r in pair.rows.find().sort(prefixed)]) == expected


@pytest.mark.parametrize("field", ["$natural", "", "a.", "a..b", "$x"])
def test_an_order_that_rows_do_not_have_is_left_alone(field: str) -> None:
    assert prefix_sort([("a", 1), (field, 1)]) is None


def test_a_metadata_direction_stays() -> None:
    direction = {"$meta": "textScore"}
    assert prefix_sort([("score", direction)]) == [("d.score", direction)]
