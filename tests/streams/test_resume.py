"""Resuming: at every place, in another process's Argon, from tokens of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from bson import Timestamp
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from argon import Argon, Project, WALDatabase
from argon.streams.token import Place, Token, decode_token

from .history import make_history, rest, take

Users = Collection[dict[str, Any]]
QUICK = {"max_await_time_ms": 1}


def _target(db: Any, collection: str | None) -> Any:
    return db if collection is None else db[collection]


@pytest.mark.parametrize("collection", [None, "users", "orders"])
@pytest.mark.parametrize("expanded", [False, True])
def test_a_stream_resumes_at_every_place_without_loss_or_repetition(
    mongod_uri: str, argon: Argon, db: WALDatabase[Any], collection: str | None, expanded: bool
) -> None:
    options = {"show_expanded_events": expanded, **QUICK}
    with _target(db, collection).watch(**options) as stream:
        start = stream.resume_token
        make_history(db)
        events = rest(stream)
    assert len(events) > 5
    with Argon(mongod_uri, database=argon.database) as other:
        target = _target(WALDatabase(other.project("shop").branch()), collection)
        for place, token in enumerate([start, *(event["_id"] for event in events)]):
            if place and events[place - 1]["operationType"] == "invalidate":
                continue
            with target.watch(resume_after=token, **options) as stream:
                assert rest(stream) == events[place:]


def test_the_streams_own_token_leads_behind_the_last_event_that_was_taken(db: WALDatabase[Any]) -> None:
    with db.watch(**QUICK) as stream:
        make_history(db)
        tokens = []
        events = []
        while (event := stream.try_next()) is not None:
            events.append(event)
            tokens.append(stream.resume_token)
    for place, token in enumerate(tokens, 1):
        with db.watch(resume_after=token, **QUICK) as stream:
            assert rest(stream) == events[place:]


def test_events_have_the_order_of_the_log(db: WALDatabase[Any]) -> None:
    with db.watch(show_expanded_events=True, **QUICK) as stream:
        make_history(db)
        events = rest(stream)
    places = [decode_token(event["_id"], "resumeAfter").places[0] for event in events]
    assert all((one.lsn, one.skip) < (two.lsn, two.skip) for one, two in pairwise(places))
    assert all(one["clusterTime"] <= two["clusterTime"] for one, two in pairwise(events))


def test_where_nothing_has_come_yet_a_token_leads_to_what_comes(db: WALDatabase[Any]) -> None:
    with db.users.watch(**QUICK) as stream:
        assert stream.try_next() is None
        token = stream.resume_token
    db.orders.insert_one({"_id": 1})
    db.users.insert_one({"_id": 2})
    with db.users.watch(resume_after=token) as stream:
        assert stream.next()["documentKey"] == {"_id": 2}


def test_a_stream_shows_nothing_from_before_it_began(users: Users) -> None:
    users.insert_one({"_id": 1})
    with users.watch() as stream:
        users.insert_one({"_id": 2})
        assert stream.next()["documentKey"] == {"_id": 2}


def test_after_an_invalidation_only_start_after_goes_on(users: Users) -> None:
    with users.watch() as stream:
        users.insert_one({"_id": 1})
        users.drop()
        users.insert_one({"_id": 2})
        insert, drop, invalidate = list(stream)
        assert stream.resume_token == invalidate["_id"]
    with pytest.raises(OperationFailure) as caught:
        users.watch(resume_after=invalidate["_id"])
    assert caught.value.code == 260
    with users.watch(start_after=invalidate["_id"]) as stream:
        assert stream.next()["documentKey"] == {"_id": 2}
    with users.watch(resume_after=drop["_id"]) as stream:
        assert list(stream) == [invalidate]
    with users.watch(start_after=insert["_id"]) as stream:
        assert [event["operationType"] for event in stream] == ["drop", "invalidate"]


@pytest.mark.parametrize(
    "token",
    [{}, {"x": 1}, {"_data": 5}, {"_data": ""}, {"_data": "zz"}, 5],
    ids=str,
)
def test_a_malformed_token_is_refused_as_the_server_refuses_it(
    plain_db: Database[dict[str, Any]], users: Users, token: Any
) -> None:
    codes = []
    for collection in plain_db.users, users:
        with pytest.raises(OperationFailure) as caught:
            collection.watch(resume_after=token)
        codes.append(caught.value.code)
    assert codes[0] == codes[1]


@pytest.mark.parametrize("data", ["00", "826B015F39000000022B0229296E04", "05000000", "0500000000"])
def test_a_token_of_another_kind_of_stream_is_refused(users: Users, data: str) -> None:
    with pytest.raises(OperationFailure, match="Bad resume token") as caught:
        users.watch(resume_after={"_data": data})
    assert caught.value.code == 50811


def test_a_token_of_a_later_version_says_so(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argon.streams.token.VERSION", 2)
    token = Token(()).encode()
    monkeypatch.undo()
    with pytest.raises(OperationFailure, match="version is 2") as caught:
        users.watch(resume_after=token)
    assert caught.value.code == 50811


def test_a_token_of_another_branch_or_of_the_future_is_refused(users: Users, project: Project) -> None:
    feature = WALDatabase(project.create_branch("feature"))
    with feature.watch() as stream:
        token = stream.resume_token
    users.insert_one({"_id": 1})
    future = Token((Place(project.branch().id, project.branch().head_lsn + 1),)).encode()
    for wrong in token, future:
        with pytest.raises(OperationFailure, match="the resume token was not found") as caught:
            users.watch(resume_after=wrong)
        assert caught.value.code == 280


def test_history_that_is_no_longer_there_is_an_error_and_no_gap(
    argon: Argon, users: Users, client: Any
) -> None:
    with users.watch() as stream:
        users.insert_many([{"_id": number} for number in range(3)])
        first, second, _ = take(stream, 3)
    lsn = decode_token(second["_id"], "resumeAfter").places[0].lsn
    client[argon.database].wal_log.delete_one({"lsn": lsn})
    with pytest.raises(OperationFailure, match="may no longer be in the log") as caught:
        users.watch(resume_after=first["_id"])
    assert caught.value.code == 286


def test_a_stream_starts_at_a_time(users: Users) -> None:
    with users.watch() as stream:
        users.insert_many([{"_id": number} for number in range(3)])
        users.insert_one({"_id": 3})
        users.insert_one({"_id": 4})
        events = take(stream, 5)
    for place, event in enumerate(events):
        same = [other for other in events[:place] if other["clusterTime"] == event["clusterTime"]]
        with users.watch(start_at_operation_time=event["clusterTime"], **QUICK) as stream:
            assert rest(stream) == events[place - len(same) :]


@pytest.mark.parametrize("moment", [Timestamp(1, 1), Timestamp(int(datetime.now(UTC).timestamp()) - 3600, 7)])
def test_a_time_before_the_project_began_is_its_beginning(users: Users, moment: Timestamp) -> None:
    users.insert_one({"_id": 1})
    with users.watch(start_at_operation_time=moment) as stream:
        assert stream.next()["documentKey"] == {"_id": 1}


def test_a_time_to_come_lets_pass_what_is_before_it(users: Users) -> None:
    with users.watch(start_at_operation_time=Timestamp(2**32 - 1, 1), **QUICK) as stream:
        users.insert_one({"_id": 1})
        assert stream.try_next() is None
        assert stream.try_next() is None
    with pytest.raises(OperationFailure) as caught:
        users.watch(start_at_operation_time=5)  # type: ignore[arg-type]
    assert caught.value.code == 14


def _kinds(stream: Any) -> list[str]:
    return [event["operationType"] for event in stream]


def test_a_token_leads_over_from_a_dropped_database_to_the_next_one(argon: Argon) -> None:
    client = argon.client()
    client["fleeting"].users.insert_one({"_id": 1})
    with client["fleeting"].watch() as stream:
        client["fleeting"].users.insert_one({"_id": 2})
        insert = stream.next()
        client.drop_database("fleeting")
        *_, invalidate = list(stream)
    with pytest.raises(OperationFailure) as caught:
        client["fleeting"].watch(resume_after=invalidate["_id"])
    assert caught.value.code == 260
    for number in (3, 4):
        client["fleeting"].users.insert_one({"_id": number})
        if number == 3:
            client.drop_database("fleeting")
    with client["fleeting"].watch(resume_after=insert["_id"]) as stream:
        assert _kinds(stream) == ["drop", "dropDatabase", "invalidate"]
    with client["fleeting"].watch(start_after=invalidate["_id"]) as stream:
        assert stream.next()["documentKey"] == {"_id": 3}
        *_, invalidate = list(stream)
    with client["fleeting"].users.watch(start_after=invalidate["_id"]) as stream:
        assert stream.next()["documentKey"] == {"_id": 4}
        assert stream.try_next() is None


def test_a_token_of_a_dropped_database_waits_for_the_next_one(argon: Argon) -> None:
    client = argon.client()
    client["fleeting"].users.insert_one({"_id": 1})
    with client["fleeting"].watch() as stream:
        client.drop_database("fleeting")
        *_, invalidate = list(stream)
    with client["fleeting"].watch(start_after=invalidate["_id"]) as stream:
        client["fleeting"].users.insert_one({"_id": 2})
        assert stream.next()["documentKey"] == {"_id": 2}


def test_what_the_next_branch_of_a_name_inherited_is_not_told(project: Project, db: WALDatabase[Any]) -> None:
    with WALDatabase(project.create_branch("fleeting")).watch() as stream:
        project.delete_branch("fleeting")
        [*_, invalidate] = list(stream)
    db.users.insert_one({"_id": "inherited"})
    again = WALDatabase(project.create_branch("fleeting"))
    again.users.insert_one({"_id": "own"})
    with again.watch(start_after=invalidate["_id"]) as stream:
        assert stream.next()["documentKey"] == {"_id": "own"}
    with pytest.raises(OperationFailure) as caught:
        WALDatabase(project.create_branch("other")).watch(start_after=invalidate["_id"])
    assert caught.value.code == 280
