"""``updateDescription`` against the server's own, for every way in which a document can change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import WriteError

from argon.rewrite.touched import MAX_BYTES, both_touched, touched_paths
from argon.streams.difference import describe

Event = dict[str, Any]

BASE: Event = {
    "_id": 1,
    "n": 1,
    "s": "x",
    "d": {"e": 1, "f": {"g": 1}},
    "arr": [1, 2, 3],
    "docs": [{"x": 1}, {"x": 2}, {"x": 3}],
    "one": [{"x": 1}],
    "m": [[1, 2], [3, 4]],
    "none": [],
    "a.b": 7,
}
UPDATES: list[Any] = [
    {"$set": {"n": 1, "s": "y"}},
    {"$set": {"n": 1.0}},
    {"$set": {"d": {"e": 1, "f": {"g": 2}}}},
    {"$set": {"d": {"f": {"g": 1}, "e": 1}}},
    {"$set": {"d.f.g": 2, "d.e": 1}},
    {"$set": {"new.a.b": 1, "new.a.c": 2}},
    {"$set": {"d.z.q": 1}},
    {"$set": {"arr": [1, 2, 3, 4]}},
    {"$set": {"arr.1": 9, "arr.5": 9}},
    {"$set": {"docs.0.x": 9, "docs.3.x": 1}},
    {"$set": {"d.0": 1}},
    {"$set": {"docs.$[].x": 7}},
    {"$set": {"docs.$[].x": 2}},
    {"$set": {"one.$[].x": 2}},
    {"$set": {"docs.$[i].y": 7}},
    {"$set": {"docs.$[j].y": 7}},
    {"$set": {"docs.$.y": 7}},
    {"$set": {"m.$[].0": 0}},
    {"$inc": {"arr.$[]": 1}},
    {"$inc": {"docs.0.x": 5, "n": 0}},
    {"$mul": {"absent": 2}, "$max": {"n": 5}, "$min": {"s": "z"}},
    {"$push": {"arr": 4}},
    {"$push": {"arr": {"$each": [4, 5]}}},
    {"$push": {"arr": {"$each": [0], "$position": 0}}},
    {"$push": {"arr": {"$each": [4], "$slice": -2}}},
    {"$push": {"arr": {"$each": [4], "$sort": 1}}},
    {"$push": {"none": 1, "absent": 2, "m.0": 5}},
    {"$push": {"m.$[]": 5}},
    {"$addToSet": {"arr": {"$each": [1, 8]}}},
    {"$pop": {"arr": 1, "m.0": -1}},
    {"$pull": {"arr": 2, "docs": {"x": 1}}},
    {"$pullAll": {"arr": [3]}},
    {"$unset": {"arr.1": "", "d.f": "", "absent": ""}},
    {"$unset": {"docs.$[].x": ""}},
    {"$rename": {"n": "m2", "s": "d.s"}},
    {"$rename": {"n": "s"}},
    {"$bit": {"n": {"or": 6}}},
    {"$setOnInsert": {"q": 1}, "$set": {"n": 2}},
    {"s": "replaced"},
    [{"$set": {"n": 5}}],
    [{"$set": {"arr": [1, 2, 3, 4]}}],
    [{"$set": {"arr": [1, 3]}}],
    [{"$set": {"arr": [9, 2, 3], "docs": [{"x": 1}, {"x": 5}]}}],
    [{"$unset": ["d.f", "n"]}],
    [{"$replaceWith": {"_id": 1, "n": 5}}],
    [{"$set": {"docs": [{"x": 1}], "n": {"now": ["a", "list"]}}}],
]


class Oracle:
    """A plain collection under a stream of the server's."""

    def __init__(self, collection: Any) -> None:
        self.collection = collection
        self.raw = collection.with_options(codec_options=bson.CodecOptions(RawBSONDocument))
        self.stream = collection.watch()

    def put(self, document: Event) -> RawBSONDocument:
        self.collection.delete_many({})
        self.collection.insert_one(document)
        return self.raw.find_one()

    def event(self) -> Event | None:
        """Return the event of the update that was made last; None if it changed nothing."""
        self.collection.insert_one({"_id": "last"})
        found = None
        for event in self.stream:
            if event["operationType"] in ("update", "replace"):
                found = event
            elif event["operationType"] == "insert" and event["documentKey"] == {"_id": "last"}:
                break
        return found


@pytest.fixture(scope="module")
def oracle(client: MongoClient[Any]) -> Iterator[Oracle]:
    collection = client[f"plain_{ObjectId()}"].documents
    oracle = Oracle(collection)
    yield oracle
    oracle.stream.close()
    client.drop_database(collection.database)


def described(before: RawBSONDocument, after: RawBSONDocument, update: Any) -> Event | None:
    description = describe(before, after, touched_paths(update))
    return None if description is None else in_order(bson.decode(bson.encode(description)))


def in_order(description: Event | None) -> Event | None:
    if description is not None:
        description["removedFields"].sort()
    return description


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_an_update_is_described_as_the_server_describes_it(oracle: Oracle, update: Any) -> None:
    before = oracle.put(BASE)
    if touched_paths(update) == ("",):
        oracle.collection.replace_one({}, update)
    else:
        names = [name for name in ("i", "j") if f"$[{name}]" in str(update)]
        filters = [{f"{name}.x": {"$lte": {"i": 1, "j": 2}[name]}} for name in names]
        query = {"docs.x": 2} if "docs.$.y" in str(update) else {}
        oracle.collection.update_one(query, update, array_filters=filters or None)
    after = oracle.raw.find_one({"_id": 1})
    event = oracle.event()
    assert event is not None
    assert described(before, after, update) == in_order(event.get("updateDescription"))


_scalars = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([1.0, Int64(1), Decimal128("1"), None, True, "", "a text of some length"]),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcu0"), inner, max_size=3)
    ),
    max_leaves=6,
)
_documents = st.dictionaries(st.sampled_from(["a", "b", "c", "s", "d", "0"]), _values, max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_documents, after=_documents, keep=st.booleans())
def test_a_pipeline_is_described_by_the_difference_it_makes(
    oracle: Oracle, before: Event, after: Event, keep: bool
) -> None:
    first = oracle.put({"_id": 1, **before})
    # Where the documents have much in common, the difference is small enough to be told.
    becomes = {"_id": 1, **before, **after} if keep else {"_id": 1, **after}
    oracle.collection.update_one({}, [{"$replaceWith": {"$literal": becomes}}])
    second = oracle.raw.find_one({"_id": 1})
    event = oracle.event()
    if event is None:
        assert first.raw == second.raw
        return
    assert describe_or_none(first, second) == in_order(event.get("updateDescription"))


def describe_or_none(before: RawBSONDocument, after: RawBSONDocument) -> Event | None:
    return described(before, after, [])


_paths = st.sampled_from(["a", "b", "a.b", "a.0", "b.u.c", "new.x", "b.1", "0"])
# To unset an array's element that is null already changes nothing, and yet the server tells of it.
_fields = _paths.filter(lambda path: not path.endswith((".0", ".1")))
_operators = st.one_of(
    st.dictionaries(_paths, _values, min_size=1, max_size=2).map(lambda fields: {"$set": fields}),
    st.dictionaries(_fields, st.just(""), min_size=1, max_size=2).map(lambda fields: {"$unset": fields}),
    st.dictionaries(_paths, st.integers(0, 2), min_size=1, max_size=2).map(lambda fields: {"$inc": fields}),
    st.dictionaries(_paths, _values, min_size=1, max_size=1).map(lambda fields: {"$push": fields}),
    st.dictionaries(_paths, _scalars, min_size=1, max_size=1).map(lambda fields: {"$addToSet": fields}),
    st.dictionaries(_paths, _scalars, min_size=1, max_size=1).map(lambda fields: {"$pull": fields}),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_documents, update=_operators)
def test_operators_are_described_by_the_fields_they_name(
    oracle: Oracle, document: Event, update: Event
) -> None:
    before = oracle.put({"_id": 1, **document})
    try:
        oracle.collection.update_one({}, update)
    except WriteError:
        return
    after = oracle.raw.find_one({"_id": 1})
    event = oracle.event()
    if event is None:
        assert before.raw == after.raw
        return
    assert described(before, after, update) == in_order(event["updateDescription"])


def test_what_two_updates_of_a_group_touch() -> None:
    assert both_touched(("a", "b."), ("a", "c")) == ("a", "b.", "c")
    assert both_touched(("a",), None) is None
    assert both_touched(("a",), ("",)) == ("",)


def test_long_lists_of_fields_are_left_to_the_images() -> None:
    assert touched_paths({"$set": {"x" * MAX_BYTES: 1}}) is None
    assert touched_paths({"$rename": {"a": 5}}) is None
