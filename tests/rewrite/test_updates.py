from __future__ import annotations

import datetime
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from argon.rewrite import (
    is_operator_update,
    is_pipeline,
    is_replacement,
    prefix_update,
    uses_positional,
)

from .conftest import Document, Pair, outcome, row

FIELDS = st.sampled_from(["a", "b", "c", "d", "f", "s", "0", "é"])
SCALARS = (
    st.integers(-3, 3)
    | st.sampled_from(
        [0.5, Int64(2**40), Decimal128("1.50"), "", "x", None, True, datetime.datetime(2020, 1, 1)]
    )
    | st.integers(0, 3).map(float)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(FIELDS, VALUES, max_size=5)
STEPS = FIELDS | st.sampled_from(["1", "3", "$[]", "$[x]"])
PATHS = st.tuples(FIELDS, st.lists(STEPS, max_size=2)).map(lambda parts: ".".join([parts[0], *parts[1]]))
NUMBERS = st.sampled_from([0, 1, -2, 1.5, Int64(2**62), Decimal128("0.1"), "no number"])
PUSHES = VALUES | st.fixed_dictionaries(
    {"$each": st.lists(VALUES, max_size=3)},
    optional={
        "$position": st.integers(-2, 2),
        "$slice": st.integers(-3, 3),
        "$sort": st.sampled_from([1, -1, {"a": 1}, {"b.c": -1}]),
    },
)
PULLS = VALUES | st.sampled_from(
    [
        {"$gte": 1},
        {"$in": [1, "x", None]},
        {"a": {"$exists": True}},
        {"$elemMatch": {"a": 1}},
        {"$not": {"$gt": 0}},
    ]
)
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "$set": VALUES,
    "$unset": st.just(""),
    "$inc": NUMBERS,
    "$mul": NUMBERS,
    "$min": VALUES,
    "$max": VALUES,
    "$push": PUSHES,
    "$addToSet": VALUES | st.lists(VALUES, max_size=3).map(lambda each: {"$each": each}),
    "$pop": st.sampled_from([1, -1, 2]),
    "$pull": PULLS,
    "$pullAll": st.lists(VALUES, max_size=3) | st.just(1),
    "$bit": st.sampled_from([{"and": 1}, {"or": 6}, {"xor": Int64(3)}, {"shift": 1}]),
    "$rename": PATHS,
}


@st.composite
def updates(draw: st.DrawFn) -> Document:
    operators = draw(st.lists(st.sampled_from(sorted(OPERANDS)), min_size=1, max_size=3, unique=True))
    return {
        operator: draw(st.dictionaries(PATHS, OPERANDS[operator], min_size=1, max_size=2))
        for operator in operators
    }


ARRAY_FILTERS = st.none() | st.sampled_from(
    [[{"x": {"$gte": 1}}], [{"x.a": 1}], [{"x": 1}, {"y": 2}], [{"$or": [{"x": 1}, {"x": "x"}]}]]
)


def apply_both(
    pair: Pair, document: Document, update: Document, array_filters: Any = None
) -> tuple[tuple[str, Any], tuple[str, Any]]:
    prefixed = prefix_update(update, array_filters)
    assert prefixed is not None
    document = {"_id": 1, **document}
    pair.plain.replace_one({"_id": 1}, document, upsert=True)
    pair.rows.replace_one({"d._id": 1}, row(document, 1), upsert=True)

    def plain() -> bytes:
        pair.plain.update_one({"_id": 1}, update, array_filters=array_filters)
        found = pair.plain.find_one({"_id": 1})
        assert found is not None
        return bson.encode(found)

    def rows() -> bytes:
        pair.rows.update_one({"d._id": 1}, prefixed, array_filters=array_filters)
        found = pair.rows.find_one({"d._id": 1})
        assert found is not None
        assert {key: found[key] for key in found if key != "d"} == {
            key: row({}, 1)[key] for key in ("_id", "f")
        }
        return bson.encode(found["d"])

    return outcome(plain), outcome(rows)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(document=DOCUMENTS, update=updates(), array_filters=ARRAY_FILTERS)
def test_an_update_in_place_leaves_the_same_bytes(
    pair: Pair, document: Document, update: Document, array_filters: Any
) -> None:
    expected, got = apply_both(pair, document, update, array_filters)
    event(expected[0])
    assert got == expected


@pytest.mark.parametrize(
    ("update", "array_filters"),
    [
        ({"$set": {"z": 1, "y": 2, "10": 3, "9": 4}}, None),
        ({"$set": {}}, None),
        ({"$set": {"a": {"$odd": 1, "b.c": 2}}}, None),
        ({"$set": {"a.0.b": 1}}, None),
        ({"$set": {"a": 1, "a.b": 2}}, None),
        ({"$inc": {"list.$[x]": 10}, "$set": {"b": 0}}, [{"x": {"$gt": 1}}]),
        ({"$set": {"deep.$[x].list.$[y]": 0}}, [{"x.n": 2}, {"y": 5}]),
        ({"$set": {"list.$[]": 0}}, None),
        ({"$set": {"list.$[x]": 0}}, None),
        ({"$set": {"b": 0}}, [{"x": 1}]),
        ({"$rename": {"a": "b"}}, None),
        ({"$rename": {"in.x": "x", "b": "in.b"}}, None),
        ({"$rename": {"deep.n": "n"}}, None),
        ({"$rename": {"a": "list.0"}}, None),
        ({"$rename": {"a": "a"}}, None),
        ({"$rename": {"nothing": "a"}}, None),
        ({"$push": {"list": {"$each": [9], "$slice": -2, "$sort": -1}}}, None),
        ({"$push": {"list": {"$each": [9], "$nonsense": 1}}}, None),
        ({"$pull": {"deep": {"n": 2}}}, None),
        ({"$unset": {"list.1": ""}}, None),
        ({"$currentDate": {"a": "nonsense"}}, None),
    ],
    ids=repr,
)
def test_an_update_that_has_rules_of_its_own(pair: Pair, update: Document, array_filters: Any) -> None:
    document = {
        "a": 1,
        "in": {"x": 1},
        "list": [1, 2, 3],
        "deep": [{"n": 1}, {"n": 2, "list": [4, 5]}],
        "b": 7,
    }
    expected, got = apply_both(pair, document, update, array_filters)
    assert got == expected


def test_the_current_date_is_set_in_the_document(pair: Pair) -> None:
    update = {"$currentDate": {"a": True, "in.b": {"$type": "timestamp"}}}
    _, (kind, raw) = apply_both(pair, {}, update)
    assert kind == "answer"
    document = bson.decode(raw)
    assert isinstance(document["a"], datetime.datetime)
    assert isinstance(document["in"]["b"], bson.Timestamp)


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"a": 1},
        [{"$set": {"a": 1}}],
        {"$set": {"a": 1}, "b": 2},
        {"$setOnInsert": {"a": 1}},
        {"$set": {"a": 1}, "$setOnInsert": {"b": 1}},
        {"$nonsense": {"a": 1}},
        {"$set": 1},
        {"$set": {"_id": 1}},
        {"$set": {"_id.a": 1}},
        {"$unset": {"_id": ""}},
        {"$rename": {"a": "_id"}},
        {"$rename": {"a": 1}},
        {"$rename": {"a": ""}},
        {"$set": {"list.$": 1}},
        {"$set": {"list.$.a": 1}},
        {"$set": {"": 1}},
        {"$set": {"a.": 1}},
        {"$set": {"a..b": 1}},
        {"$set": {"$a": 1}},
        {"$set": {"a.$b": 1}},
        {"$set": {"$[].a": 1}},
        {1: {"a": 1}},
        {"$set": {1: 1}},
        None,
    ],
    ids=repr,
)
def test_what_must_see_the_document_is_left_alone(update: Any) -> None:
    assert prefix_update(update, None) is None


def test_malformed_array_filters_are_left_alone() -> None:
    assert prefix_update({"$set": {"a": 1}}, {"x": 1}) is None


def test_an_id_further_down_is_a_field_as_any_other(pair: Pair) -> None:
    expected, got = apply_both(pair, {"a": {"_id": 1}}, {"$set": {"a._id": 5}})
    assert got == expected


def test_raw_bson_is_taken() -> None:
    raw = RawBSONDocument(bson.encode({"$set": {"a": {"b": 1}}}))
    prefixed = prefix_update(raw)
    assert prefixed is not None
    assert bson.encode(prefixed) == bson.encode({"$set": {"d.a": {"b": 1}}})


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"$set": {"a": 1}}, "operators"),
        ({"$nonsense": 1}, "operators"),
        ({}, "replacement"),
        ({"a": {"$set": 1}}, "replacement"),
        ([], "pipeline"),
        ([{"$set": {"a": 1}}], "pipeline"),
        ("x", "none"),
    ],
    ids=repr,
)
def test_kinds_of_update(update: Any, kind: str) -> None:
    told = {
        "operators": is_operator_update(update),
        "replacement": is_replacement(update),
        "pipeline": is_pipeline(update),
    }
    assert told == {name: name == kind for name in told}


@pytest.mark.parametrize(
    ("update", "positional"),
    [
        ({"$set": {"a.$": 1}}, True),
        ({"$set": {"b": 1}, "$inc": {"a.$.n": 1}}, True),
        ({"$rename": {"a": "b.$"}}, True),
        ({"$set": {"a.$[].b": 1, "c.$[x]": 2}}, False),
        ({"$set": {"a": {"b.$": 1}}}, False),
        ({"a.$": 1}, False),
        ([{"$set": {"a.$": 1}}], False),
    ],
    ids=repr,
)
def test_positional_updates_are_told(update: Any, positional: bool) -> None:
    assert uses_positional(update) is positional
