"""The three-way table: what each pair of changes to one document or field comes to."""

from __future__ import annotations

from typing import Any

import bson
import pytest

from argon.merging.documents import merge_document
from argon.merging.results import MISSING
from argon.merging.strategy import Pick
from argon.versions.layout import raw

GONE = None
CONFLICT = "conflict"

# Base, target and source of a document without its _id; what comes out, or the paths that collide.
TABLE: list[tuple[Any, Any, Any, Any]] = [
    ({"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}),
    ({"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}),
    ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {"a": 2}, {"a": 3}, ["a"]),
    ({"a": 1}, {"a": 1.0}, {"a": 1}, {"a": 1.0}),
    ({"a": 1}, {"a": 2}, {"a": 2.0}, ["a"]),
    ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}),
    ({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 1}, {"a": 3, "b": 3, "c": 3}, ["a", "b"]),
    # Fields that come and go.
    ({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}),
    ({}, {"a": 1}, {"a": 1}, {"a": 1}),
    ({}, {"a": 1}, {"a": 2}, ["a"]),
    ({}, {"a": None}, {}, {"a": None}),
    ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2}),
    ({"a": 1}, {}, {}, {}),
    ({"a": 1}, {}, {"a": 2}, ["a"]),
    ({"a": 1}, {"a": 2}, {}, ["a"]),
    ({"a": 1}, {"a": None}, {}, ["a"]),
    # Nested documents by path, arrays as values.
    ({"d": {"x": 1, "y": 1}}, {"d": {"x": 2, "y": 1}}, {"d": {"x": 1, "y": 2}}, {"d": {"x": 2, "y": 2}}),
    ({"d": {"e": {"x": 1}}}, {"d": {"e": {"x": 2}}}, {"d": {"e": {"x": 3}}}, ["d.e.x"]),
    ({"d": {"x": 1}}, {"d": 5}, {"d": {"x": 2}}, ["d"]),
    ({"d": {"x": 1}}, {"d": {"x": 1, "y": 1}}, {"d": {"x": 1, "z": 1}}, {"d": {"x": 1, "y": 1, "z": 1}}),
    ({}, {"d": {"x": 1}}, {"d": {"y": 1}}, ["d"]),
    ({"l": [1]}, {"l": [1, 2]}, {"l": [1]}, {"l": [1, 2]}),
    ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 3]}, ["l"]),
    # The order of fields is a value, too.
    ({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"b": 1, "a": 1}, {"b": 1, "a": 1}),
    ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1, "a": 1}, {"b": 1, "a": 2}),
    ({"a": 1, "b": 1}, {"b": 1, "a": 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1, "b": 1}, {"a": 1, "b": 1, "m": 1}, {"a": 1, "b": 1, "n": 1}, {"a": 1, "b": 1, "m": 1, "n": 1}),
    # Whole documents.
    (GONE, GONE, {"a": 1}, {"a": 1}),
    (GONE, {"a": 1}, GONE, {"a": 1}),
    (GONE, {"a": 1}, {"a": 1}, {"a": 1}),
    (GONE, {"a": 1}, {"a": 2}, [""]),
    ({"a": 1}, GONE, {"a": 1}, GONE),
    ({"a": 1}, {"a": 1}, GONE, GONE),
    ({"a": 1}, GONE, GONE, GONE),
    ({"a": 1}, GONE, {"a": 2}, [""]),
    ({"a": 1}, {"a": 2}, GONE, [""]),
]  # fmt: skip


def image(fields: Any) -> Any:
    return None if fields is None else raw({"_id": 1, **fields})


def fields_of(document: Any) -> Any:
    if document is None:
        return None
    decoded = bson.decode(document.raw)
    del decoded["_id"]
    return decoded


@pytest.mark.parametrize(("base", "ours", "theirs", "expected"), TABLE)
def test_the_three_way_table(base: Any, ours: Any, theirs: Any, expected: Any) -> None:
    paths: list[str] = []

    def settle(path: str, *values: Any) -> Pick:
        paths.append(path)
        return Pick.OURS

    merged = merge_document(image(base), image(ours), image(theirs), settle)
    if isinstance(expected, list):
        assert paths == expected
        return
    assert paths == []
    # Compared as bytes, for the types and the order of fields.
    assert (merged and bytes(merged.raw)) == (image(expected) and bytes(image(expected).raw))


@pytest.mark.parametrize(("base", "ours", "theirs", "expected"), TABLE)
def test_deletions_that_do_not_count(base: Any, ours: Any, theirs: Any, expected: Any) -> None:
    merged = merge_document(image(base), image(ours), image(theirs), lambda *_: Pick.THEIRS, deletes=False)
    if theirs is GONE:
        assert fields_of(merged) == ours
    elif isinstance(expected, list):
        assert merged is not None


@pytest.mark.parametrize(
    ("settled", "field", "whole"),
    [
        (Pick.OURS, {"a": 2, "b": 5}, {"a": 2}),
        (Pick.THEIRS, {"a": 3, "b": 5}, None),
        (MISSING, {"b": 5}, None),
        ({"a": 7}, {"a": {"a": 7}, "b": 5}, {"a": 7}),
    ],
)
def test_what_settles_a_conflict(settled: Any, field: Any, whole: Any) -> None:
    asked: list[tuple[Any, ...]] = []

    def settle(*about: Any) -> Any:
        asked.append(about)
        return settled

    merged = merge_document(image({"a": 1, "b": 4}), image({"a": 2, "b": 4}), image({"a": 3, "b": 5}), settle)
    assert fields_of(merged) == field
    assert fields_of(merge_document(image({"a": 1}), image({"a": 2}), None, settle)) == whole
    assert asked == [("a", 1, 3, 2), ("", {"_id": 1, "a": 1}, MISSING, {"_id": 1, "a": 2})]
