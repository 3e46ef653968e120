"""Strategies for BSON values, ids and documents.

Values come from small pools, so that filters hit, ids collide and numbers of
different types are equal (1, 1.0, Int64(1) and Decimal128("1") are one ``_id``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import (
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from hypothesis import strategies as st

Document = dict[str, Any]

OBJECT_ID = ObjectId("0123456789abcdef01234567")
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=UTC)
UUID_BINARY = Binary.from_uuid(UUID(int=7))

NUMBERS: list[Any] = [
    *(0, 1, 2, 3, 4, -1),
    *(0.0, -0.0, 1.0, 2.0, 2.5, -1.5),
    *(Int64(0), Int64(1), Int64(2), Int64(3)),
    *(Decimal128("0"), Decimal128("1"), Decimal128("1.0"), Decimal128("2.5"), Decimal128("3E+0")),
]
ODD_NUMBERS: list[Any] = [
    *(2**31 - 1, Int64(2**31), Int64(2**53 + 1), Int64(2**63 - 1), Int64(-(2**63))),
    *(float(2**53), 1e300, 0.1, float("inf"), float("-inf"), float("nan")),
    *(Decimal128("0.1"), Decimal128("NaN"), Decimal128("-Infinity"), Decimal128("1E-6176")),
]
STRINGS: list[Any] = ["", "a", "b", "A", "ab", "é", "$a", "a.b", str(OBJECT_ID), "1", "日本"]
OTHERS: list[Any] = [
    *(None, True, False),
    *(OBJECT_ID, ObjectId("ffffffffffffffffffffffff")),
    *(MOMENT, datetime(1960, 1, 1, tzinfo=UTC)),
    *(b"", b"a", Binary(b"a", 0), Binary(b"a", 5), Binary(b"a", 128), UUID_BINARY),
    *(Code("f()"), Code("f()", {"x": 1}), Timestamp(1, 1), Timestamp(2**32 - 1, 3), MinKey(), MaxKey()),
]
REGEXES: list[Any] = [Regex("^a", ""), Regex("a", "i")]
NESTED: list[Any] = [
    *({}, {"x": 1}, {"x": 1.0}, {"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": {"y": [1, {"z": None}]}}),
    *({"": 1}, {"_id": 1}, {"d": {"d": 2}}, DBRef("a", 1), DBRef("a", OBJECT_ID, "other", extra=1)),
]

numbers = st.sampled_from(NUMBERS)
strings = st.sampled_from(STRINGS)
scalars = st.one_of(numbers, strings, st.sampled_from(OTHERS), st.sampled_from(ODD_NUMBERS))
values = st.one_of(
    scalars,
    st.sampled_from(NESTED),
    st.sampled_from(REGEXES),
    st.lists(scalars, max_size=3),
    st.lists(st.sampled_from(NESTED), max_size=2),
    st.just([[1, 2], [3]]),
)

common_ids = st.sampled_from(
    [1, 2, 3, 4, 5.5, "a", OBJECT_ID, UUID_BINARY, {"x": 1}, None, False, *range(12, 30)]
)
ids = st.one_of(
    common_ids,
    common_ids,
    common_ids,
    st.sampled_from([1.0, Int64(1), Decimal128("1"), Int64(2), 2.0, 0, -0.0, 2.5, Decimal128("2.5")]),
    strings,
    st.sampled_from(OTHERS),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from([value for value in NESTED if not isinstance(value, DBRef)]),
    st.just(DBRef("a", 1)),
)
wrong_ids = st.sampled_from([[1], [], Regex("a", ""), {"$a": 1}, {"a": {"$b": 1}}])

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "k": numbers,
    "s": strings,
    "v": values,
    "n": st.fixed_dictionaries({}, optional={"a": numbers, "b": scalars, "c": st.lists(numbers, max_size=3)}),
    "arr": st.lists(numbers, max_size=4),
    "docs": st.lists(
        st.fixed_dictionaries({}, optional={"x": numbers, "y": strings, "z": st.lists(numbers, max_size=2)}),
        max_size=3,
    ),
    "u": st.integers(1, 12),
    "d": numbers,
    "f": scalars,
}

SEED: list[Document] = [
    {
        "_id": 1,
        "k": 1,
        "s": "a",
        "u": 1,
        "arr": [1, 2, 3],
        "n": {"a": 1, "b": "a"},
        "docs": [{"x": 1, "y": "a"}],
    },
    {"_id": 2, "k": 2.0, "s": "A", "u": 2, "arr": [2, 2.5], "docs": [{"x": 1}, {"x": 2, "z": [1]}], "v": "a"},
    {"_id": 3, "k": Int64(3), "s": "b", "u": 3, "arr": [], "docs": [], "v": None, "d": 1},
    {"_id": 4, "k": Decimal128("1"), "u": 4, "arr": 3, "n": {"c": [1, 2]}, "v": [1, "a"], "f": 2},
    {"_id": 5.5, "s": "ab", "u": 5, "k": [1, 2], "n": {"a": 2.5}, "v": {"x": 1}},
    {"u": 6, "_id": "a", "k": 1.0, "s": "a", "arr": [3, 1], "docs": [{"x": 3, "y": "b", "z": []}, {"x": 1}]},
    {"_id": OBJECT_ID, "k": -1, "u": 7, "v": MOMENT, "d": {"d": 1}, "f": "a"},
    {"_id": UUID_BINARY, "u": 8, "k": None, "n": {"a": 1, "c": []}, "arr": [[1, 2], 3]},
    {"_id": {"x": 1}, "u": 9, "s": "", "k": 2, "v": Regex("a", "i"), "docs": [{"y": "a"}, 5]},
    {"_id": None, "u": 10},
    {"_id": False, "u": 11, "k": float("nan"), "n": {}, "v": True, "arr": [1, 1, 1]},
    {"_id": 12, "u": 12, "k": 4, "s": "é", "d": 2.5, "n": {"b": {"deep": [1]}}},
]
"""Documents to begin with, so that filters have something to find."""

fields = st.sampled_from(sorted(FIELDS))
paths = st.sampled_from(
    [
        "k",
        "s",
        "v",
        "n",
        "n.a",
        "n.b",
        "n.c",
        "arr",
        "arr.0",
        "docs",
        "docs.x",
        "docs.0.x",
        "u",
        "d",
        "f",
        "q.r",
    ]
)


@st.composite
def bodies(draw: st.DrawFn) -> Document:
    """Draw the fields of a document, without an id, in any order."""
    names = draw(st.lists(fields, max_size=5, unique=True))
    return {name: draw(FIELDS[name]) for name in names}


@st.composite
def documents(draw: st.DrawFn, identity: st.SearchStrategy[Any] = ids) -> Document:
    """Draw a document with an id, which mostly comes first."""
    body = draw(bodies())
    if draw(st.integers(0, 5)):
        return {"_id": draw(identity), **body}
    return {**body, "_id": draw(identity)}
