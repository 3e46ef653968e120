"""Random work on a plain collection and on a branch: both streams tell the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo import DeleteOne, InsertOne, MongoClient, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.collection import Collection

from argon import Argon, Branch, WALDatabase

from .twins import Twins

Step = Callable[[Collection[dict[str, Any]]], object]

_ids = st.integers(0, 3)
_scalars = st.sampled_from([0, 1, 2, 1.0, "x", None, True])
_values = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=3),
    st.dictionaries(st.sampled_from("pq"), st.one_of(_scalars, st.lists(_scalars, max_size=2)), max_size=2),
)
_fields = st.dictionaries(st.sampled_from("abc"), _values, max_size=3)
_paths = st.sampled_from(["a", "b", "c", "a.p", "b.q", "a.p.q", "new.x"])
_operators = st.one_of(
    st.tuples(_paths, _values).map(lambda pair: {"$set": dict([pair])}),
    st.tuples(_paths, st.just("")).map(lambda pair: {"$unset": dict([pair])}),
    st.tuples(_paths, st.integers(0, 2)).map(lambda pair: {"$inc": dict([pair])}),
    st.tuples(_paths, _scalars).map(lambda pair: {"$push": dict([pair])}),
    st.tuples(_paths, _scalars).map(lambda pair: {"$addToSet": dict([pair])}),
    st.tuples(_paths, st.integers(0, 2)).map(lambda pair: {"$max": dict([pair])}),
    st.tuples(_fields, _paths).map(
        lambda pair: {"$set": {**pair[0], "z": 1}, "$setOnInsert": {"y": pair[1]}}
    ),
)
_pipelines = st.one_of(
    _fields.map(lambda fields: [{"$set": {"n": {"$literal": fields}}}]),
    st.sampled_from("abc").map(lambda field: [{"$unset": field}]),
    _fields.map(lambda fields: [{"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": fields}]}}]),
)
_updates = st.one_of(_operators, _pipelines)


def _fresh(identity: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {"_id": identity, **fields}


# The replacement of a document by an equal one is told of by the server; a branch writes nothing.
_replacements = st.tuples(_fields, st.uuids()).map(lambda pair: {**pair[0], "u": str(pair[1])})

_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda i, f: lambda c: c.insert_one(_fresh(i, f)), _ids, _fields),
    st.builds(lambda i, f: lambda c: c.insert_many([_fresh(i, f), _fresh(i + 1, f)]), _ids, _fields),
    st.builds(
        lambda i, u, up: lambda c: c.update_one({"_id": i}, u, upsert=up), _ids, _updates, st.booleans()
    ),
    st.builds(lambda i, u: lambda c: c.update_many({"_id": {"$gte": i}}, u), _ids, _updates),
    st.builds(
        lambda i, r, up: lambda c: c.replace_one({"_id": i}, dict(r), upsert=up),
        _ids,
        _replacements,
        st.booleans(),
    ),
    st.builds(lambda i: lambda c: c.delete_one({"_id": i}), _ids),
    st.builds(lambda i: lambda c: c.delete_many({"_id": {"$lt": i}}), _ids),
    st.builds(lambda i, u: lambda c: c.find_one_and_update({"_id": i}, u), _ids, _updates),
    st.builds(
        lambda i, r: (
            lambda c: c.find_one_and_replace(
                {"_id": i}, dict(r), upsert=True, return_document=ReturnDocument.AFTER
            )
        ),
        _ids,
        _replacements,
    ),
    st.builds(lambda i: lambda c: c.find_one_and_delete({"_id": i}), _ids),
    st.builds(
        lambda i, u, r: (
            lambda c: c.bulk_write(
                [
                    UpdateOne({"_id": i}, u, upsert=True),
                    ReplaceOne({"_id": i + 1}, dict(r)),
                    DeleteOne({"_id": i + 2}),
                    InsertOne({"_id": i + 3}),
                ],
                ordered=False,
            )
        ),
        _ids,
        _updates,
        _replacements,
    ),
)


@pytest.fixture(scope="module")
def twins(mongod_uri: str, client: MongoClient[Any]) -> Iterator[Twins]:
    name = f"argon_{uuid.uuid4().hex[:12]}"
    plain = f"plain_{name}"
    with Argon(mongod_uri, database=name) as argon:
        yield Twins(client[plain], WALDatabase(argon.create_project("shop").branch()))
    client.drop_database(name)
    client.drop_database(plain)


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(_steps, min_size=1, max_size=12), inherited=st.booleans())
def test_the_streams_of_random_programs_are_the_same(
    twins: Twins, steps: list[Step], inherited: bool
) -> None:
    name = f"c{uuid.uuid4().hex[:12]}"
    twins.plain.create_collection(name, changeStreamPreAndPostImages={"enabled": True})
    for db in twins:
        db[name].insert_many(
            [{"_id": number, "a": {"p": 1, "q": [1]}, "b": [1], "c": 2} for number in (0, 2)]
        )
    both = twins
    if inherited:
        branch: Branch = twins.branch.branch  # type: ignore[attr-defined]
        both = Twins(twins.plain, WALDatabase(branch.project.create_branch(name)))
    images = {"full_document": "required", "full_document_before_change": "required"}
    with both.watched(name, **images) as streams:
        for step in steps:
            both.both(lambda db, step=step: step(db[name]))  # type: ignore[misc]
        told, ours = streams.told()
    # In which order a statement on many documents meets them is for the server's plan to say.
    for key in range(8):
        assert _about(key, ours) == _about(key, told)
    assert len(ours) == len(told)


def _about(key: int, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["documentKey"] == {"_id": key}]
