"""What an update makes of a document, told without the server, is what the server makes of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, ObjectId, Timestamp
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from argon.rewrite.effect import effect

NUMBERS = st.sampled_from(
    [
        0,
        1,
        -1,
        2**31 - 1,
        -(2**31),
        Int64(1),
        Int64(-7),
        2**31,
        2**62,
        2**63 - 1,
        -(2**63),
        1.5,
        Decimal128("1"),
        True,
    ]
)
VALUES = NUMBERS | st.sampled_from(
    [None, "x", "ü" * 5, b"b", [], [1, {"a": 1}], {}, {"z": 1, "a": {"b": 2}}, ObjectId(), Timestamp(0, 0)]
)
NAMES = st.sampled_from(["a", "b", "c", "ä", "b.a", "0"])
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c", "ä", "0"]), VALUES, max_size=4)
UPDATES = st.dictionaries(
    st.sampled_from(["$set", "$unset", "$inc", "$mul"]),
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=3),
    min_size=1,
)


@pytest.fixture(scope="module")
def plain(client: MongoClient[dict[str, Any]]) -> Iterator[Collection[Any]]:
    name = f"effect_{uuid.uuid4().hex[:12]}"
    yield client[name].get_collection("plain", bson.CodecOptions(document_class=RawBSONDocument))
    client.drop_database(name)


@given(before=DOCUMENTS, update=UPDATES)
@settings(max_examples=600, deadline=None)
def test_the_effect_is_the_servers(
    plain: Collection[Any], before: dict[str, Any], update: dict[str, Any]
) -> None:
    plain.delete_many({})
    plain.insert_one({"_id": 1, **before})
    old = plain.find_one({})
    try:
        plain.update_one({}, update)
    except OperationFailure:
        return
    told = effect(update, old)
    if told is not None:
        assert told.raw == plain.find_one({}).raw


@pytest.mark.parametrize("update", [{"$set": {"b": 2}}, {"$inc": {"a": 1}}, {"$unset": {"b": 1}}])
def test_a_name_that_stands_twice_is_left_to_the_server(update: dict[str, Any]) -> None:
    twice = [bson.encode({"a": number})[4:-1] for number in (1, 2)]
    data = b"".join([*twice, bson.encode({"b": 1})[4:-1]])
    before = RawBSONDocument((len(data) + 5).to_bytes(4, "little") + data + b"\0")
    assert effect(update, before) is None


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"a": 2}},
        {"$set": {"new": 1}},
        {"$inc": {"a": 1}},
        {"$inc": {"new": 1}},
        {"$inc": {"a": Int64(1)}},
        {"$inc": {"new": Int64(2**62)}},
        {"$unset": {"a": 1}},
    ],
)
def test_the_plainest_updates_are_known(update: dict[str, Any]) -> None:
    assert effect(update, RawBSONDocument(bson.encode({"_id": 1, "a": 1, "b": "x"}))) is not None
