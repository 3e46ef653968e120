"""The user's stages, and what the server refuses of them."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from .twins import Twins, comparable

Plain = Database[dict[str, Any]]


def _work(db: Plain) -> None:
    db.users.insert_many([{"_id": number, "name": f"User {number}", "n": number} for number in range(6)])
    db.users.update_many({}, {"$inc": {"n": 1}, "$set": {"home": {"city": "Graz"}}})
    db.users.replace_one({"_id": 3}, {"name": "user 3"})
    db.users.delete_one({"_id": 4})
    db.users.insert_one({"_id": "end"})


PIPELINES: list[list[dict[str, Any]]] = [
    [{"$match": {"operationType": {"$in": ["update", "delete"]}}}],
    [{"$match": {"fullDocument.n": {"$gt": 2}}}],
    [{"$match": {"updateDescription.updatedFields.n": 3}}],
    [{"$match": {"documentKey._id": {"$gte": 2}}}, {"$match": {"ns.coll": "users"}}],
    [{"$project": {"documentKey": 1}}],
    [{"$project": {"fullDocument": 0, "ns": 0}}],
    [{"$addFields": {"seen": {"$concat": ["$operationType", "!"]}}}],
    [{"$set": {"fullDocument.n": "hidden"}}, {"$unset": ["clusterTime", "updateDescription"]}],
    [{"$replaceRoot": {"newRoot": {"_id": "$_id", "what": "$operationType"}}}],
    [{"$replaceWith": {"_id": "$_id", "key": "$documentKey._id"}}],
    [{"$redact": {"$cond": [{"$eq": ["$operationType", "update"]}, "$$PRUNE", "$$KEEP"]}}],
    [{"$match": {"$expr": {"$eq": ["$operationType", "insert"]}}}],
]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_stages_run_on_events_as_they_do_on_the_servers_own(twins: Twins, pipeline: list[Any]) -> None:
    told = []
    for db in twins:
        with db.users.watch(pipeline) as stream:
            _work(db)
            db.users.drop()  # which ends the stream, whatever its stages let through
            told.append([comparable(event) for event in stream])
    plain, branch = told
    assert plain
    assert branch == plain


@pytest.mark.parametrize(
    "stage",
    [
        {"$group": {"_id": 1}},
        {"$sort": {"x": 1}},
        {"$limit": 1},
        {"$lookup": {"from": "x", "as": "y", "pipeline": []}},
        {"$out": "x"},
        {"$count": "x"},
        {"$match": {"$foo": 1}},
        {"$match": {"$where": "1"}},
        {"$match": 1},
        {"$project": {}},
        {"$nothing": 1},
        {"$match": {}, "$project": {"a": 1}},
        {"$changeStream": {}},
        {"$documents": []},
    ],
    ids=str,
)
def test_a_stage_with_no_place_in_a_stream_is_refused_at_once(twins: Twins, stage: Any) -> None:
    errors = []
    for db in twins:
        with pytest.raises(OperationFailure) as caught:
            db.users.watch([stage])
        errors.append((caught.value.code, (caught.value.details or {}).get("errmsg")))
    plain, branch = errors
    assert branch == plain


@pytest.mark.parametrize(
    "pipeline",
    [
        [{"$project": {"_id": 0}}],
        [{"$set": {"_id": 1}}],
        [{"$unset": "_id"}],
        [{"$replaceRoot": {"newRoot": "$ns"}}],
        [{"$project": {"x": {"$divide": [1, "$documentKey._id"]}}}],
    ],
    ids=str,
)
def test_a_stage_that_fails_on_an_event_ends_the_stream(twins: Twins, pipeline: list[Any]) -> None:
    codes = []
    for db in twins:
        with db.users.watch(pipeline) as stream:
            db.users.insert_one({"_id": 0})
            with pytest.raises(OperationFailure) as caught:
                stream.next()
            codes.append(caught.value.code)
            assert not stream.alive
    assert codes[0] == codes[1]


@pytest.mark.parametrize(
    "options",
    [
        {"full_document": "nothing"},
        {"full_document_before_change": "nothing"},
        {"full_document": 5},
        {"pipeline": {"$match": {}}},
        {"batch_size": -1},
        {"unknown": 1},
        {"collation": 5},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_as_pymongo_or_the_server_refuses_it(twins: Twins, options: Any) -> None:
    outcomes = []
    for db in twins:
        try:
            db.users.watch(**options)
        except (PyMongoError, TypeError, ValueError) as error:
            outcomes.append((type(error), getattr(error, "code", None)))
    assert len(outcomes) == 2
    assert outcomes[0] == outcomes[1]


def test_strings_are_compared_by_the_collation(twins: Twins) -> None:
    # As an aggregation, since PyMongo 4.20 keeps the collation of watch() to itself.
    pipeline = [{"$changeStream": {}}, {"$match": {"fullDocument.name": "ANN"}}]
    for db in twins:
        with db.users.aggregate(pipeline, collation={"locale": "en", "strength": 2}) as events:
            db.users.insert_many([{"_id": 1, "name": "Bob"}, {"_id": 2, "name": "Ann"}])
            assert next(events)["documentKey"] == {"_id": 2}


def test_a_filtered_stream_still_moves_its_token(twins: Twins) -> None:
    users = twins.branch.users
    with users.watch([{"$match": {"operationType": "delete"}}], max_await_time_ms=1) as stream:
        users.insert_one({"_id": 1})
        assert stream.try_next() is None
        token = stream.resume_token
    users.insert_one({"_id": 2})
    with users.watch(resume_after=token) as stream:
        assert stream.next()["documentKey"] == {"_id": 2}


def test_events_larger_than_a_command_pass_through_stages_in_parts(twins: Twins) -> None:
    users = twins.branch.users
    with users.watch([{"$match": {"operationType": "insert"}}, {"$unset": "fullDocument.text"}]) as stream:
        users.insert_many([{"_id": number, "text": "x" * 3_000_000} for number in range(9)])
        assert [stream.next()["fullDocument"] for _ in range(9)] == [{"_id": number} for number in range(9)]
