"""The stream as an object: PyMongo's interface, its images, its waiting."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import CodecOptions, DatetimeMS
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, OperationFailure

from argon import Project, WALDatabase
from argon.errors import UnsupportedOperation
from argon.streams.pipeline import Pipeline
from argon.wal.log import MAX_ENTRY

from .history import rest, take
from .twins import Twins

Users = Collection[dict[str, Any]]


def test_it_is_a_change_stream(users: Users) -> None:
    stream = users.watch(max_await_time_ms=1)
    assert isinstance(stream, ChangeStream)
    assert stream.alive
    assert iter(stream) is stream
    assert set(stream.resume_token or {}) == {"_data"}
    assert stream.try_next() is None
    stream.close()
    assert not stream.alive
    assert stream.try_next() is None
    with pytest.raises(StopIteration):
        stream.next()
    stream.close()


def test_it_tells_what_it_was_asked_for_as_pymongo_does(twins: Twins) -> None:
    asked: dict[str, Any] = {
        "pipeline": [{"$project": {"foo": 0}}],
        "full_document": "updateLookup",
        "max_await_time_ms": 1000,
        "batch_size": 100,
        "comment": "why",
    }
    streams = [database["users"].watch(**asked) for database in (twins.plain, twins.branch)]
    about = ("_pipeline", "_full_document", "_max_await_time_ms", "_batch_size", "_comment", "_collation")
    plain, own = ([getattr(stream, name) for name in about] for stream in streams)
    assert own == plain
    assert streams[1]._target == twins.branch["users"]
    for stream in streams:
        stream.close()


def test_values_in_its_pipeline_are_encoded_as_the_collection_has_it(twins: Twins) -> None:
    key = UUID(int=7)
    for database in twins:
        options: CodecOptions[Any] = CodecOptions(uuid_representation=UuidRepresentation.PYTHON_LEGACY)
        users = database["users"].with_options(codec_options=options)
        with users.watch([{"$match": {"documentKey._id": key}}]) as stream:
            users.insert_many([{"_id": 1}, {"_id": key}])
            assert stream.next()["documentKey"] == {"_id": key}


def test_leaving_its_context_closes_it(users: Users) -> None:
    with users.watch() as stream:
        assert stream.alive
    assert not stream.alive


def test_next_waits_for_an_event_of_another_thread(users: Users) -> None:
    seen: list[Any] = []
    with users.watch(max_await_time_ms=60_000) as stream:
        assert stream.resume_token is not None
        reader = threading.Thread(target=lambda: seen.append(stream.next()))
        reader.start()
        users.insert_one({"_id": 1})
        reader.join(30)  # half of what it would take to find out by itself
        assert [event["documentKey"] for event in seen] == [{"_id": 1}]


def test_try_next_waits_no_longer_than_it_was_asked_to(users: Users) -> None:
    with users.watch(max_await_time_ms=300) as stream:
        before = time.monotonic()
        assert stream.try_next() is None
        assert time.monotonic() - before >= 0.25
    with users.watch(max_await_time_ms=30_000) as stream:
        users.insert_one({"_id": 1})
        before = time.monotonic()
        assert stream.try_next() is not None
        assert time.monotonic() - before < 15


@pytest.mark.parametrize("batch_size", [0, 1, 2, 7, None])
def test_batches_of_every_size_show_the_same(users: Users, batch_size: int | None) -> None:
    with users.watch(batch_size=batch_size, max_await_time_ms=1) as stream:
        users.insert_many([{"_id": number} for number in range(20)])
        assert [event["documentKey"]["_id"] for event in rest(stream)] == list(range(20))


def test_times_are_the_logs(users: Users, db: WALDatabase[Any]) -> None:
    with users.watch() as stream:
        users.insert_one({"_id": 1})
        event = stream.next()
    entry = db.branch.log(limit=1)[0]
    assert event["clusterTime"].time == int(entry.timestamp.timestamp())
    assert event["clusterTime"].inc == entry.timestamp.microsecond + 1
    milliseconds = entry.timestamp.microsecond // 1000 * 1000
    assert event["wallTime"] == entry.timestamp.replace(tzinfo=None, microsecond=milliseconds)


def test_updates_are_looked_up_at_the_head(users: Users) -> None:
    users.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
    with users.watch(full_document="updateLookup", batch_size=1) as stream:
        users.update_one({"_id": 1}, {"$set": {"n": 1}})
        users.update_one({"_id": 1}, {"$set": {"n": 2}})
        users.update_one({"_id": 2}, {"$set": {"n": 3}})
        users.delete_one({"_id": 2})
        users.replace_one({"_id": 1}, {"n": 4})
        first, second, gone, _, replaced = take(stream, 5)
    assert first["fullDocument"] == second["fullDocument"] == {"_id": 1, "n": 4}
    assert gone["fullDocument"] is None
    assert replaced["fullDocument"] == {"_id": 1, "n": 4}


def test_ids_of_every_type_are_looked_up(users: Users) -> None:
    ids: list[Any] = [1, "1", None, True, {"a": 1, "b": [2]}, datetime(2026, 1, 1), 2.5]
    users.insert_many([{"_id": identity} for identity in ids])
    with users.watch(full_document="updateLookup") as stream:
        users.update_many({}, {"$set": {"n": 1}})
        events = take(stream, len(ids))
    assert [event["documentKey"]["_id"] for event in events] == ids
    assert [event["fullDocument"] for event in events] == [{"_id": identity, "n": 1} for identity in ids]


def test_an_image_too_large_for_the_log_is_found_in_the_rows(users: Users) -> None:
    large = "x" * (MAX_ENTRY // 2)
    users.insert_one({"_id": 1, "text": large, "n": 1})
    with users.watch(full_document_before_change="required") as stream:
        users.update_one({"_id": 1}, {"$set": {"n": 2}})
        event = stream.next()
    assert event["operationType"] == "update"
    assert event["updateDescription"]["updatedFields"] == {"n": 2}
    assert event["fullDocumentBeforeChange"] == {"_id": 1, "text": large, "n": 1}


def test_events_are_decoded_as_the_handle_decodes(users: Users) -> None:
    far = DatetimeMS(2**50)
    identity = UUID(int=7)
    options: CodecOptions[Any] = CodecOptions(
        tz_aware=True,
        uuid_representation=UuidRepresentation.STANDARD,
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )
    special = users.with_options(codec_options=options)
    with special.watch() as stream, users.with_options(CodecOptions(RawBSONDocument)).watch() as raw:
        special.insert_one({"_id": identity, "far": far, "near": datetime(2026, 1, 1, tzinfo=UTC)})
        special.update_one({"_id": identity}, {"$set": {"far": DatetimeMS(2**50 + 1)}})
        insert, update = take(stream, 2)
        assert isinstance(raw.next(), RawBSONDocument)
    assert insert["documentKey"] == {"_id": identity}
    assert insert["fullDocument"] == {"_id": identity, "far": far, "near": datetime(2026, 1, 1, tzinfo=UTC)}
    assert insert["wallTime"].tzinfo is not None
    assert update["updateDescription"]["updatedFields"] == {"far": DatetimeMS(2**50 + 1)}


def test_a_passing_error_of_the_network_loses_and_repeats_nothing(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Pipeline.apply
    failures = [AutoReconnect("gone for a moment")]

    def failing(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return (yield from apply(*args))

    with users.watch(batch_size=1, max_await_time_ms=1) as stream:
        users.insert_many([{"_id": number} for number in range(3)])
        monkeypatch.setattr(Pipeline, "apply", failing)
        # PyMongo begins anew where it was.
        assert [event["documentKey"]["_id"] for event in take(stream, 2)] == [0, 1]
        failures.append(AutoReconnect("and once more"))
        assert [event["documentKey"]["_id"] for event in rest(stream)] == [2]
        assert not failures


def test_a_group_is_told_as_one_commit(db: WALDatabase[Any]) -> None:
    db.users.insert_one({"_id": 0})
    with db.watch(max_await_time_ms=1) as stream:
        with db.commit() as group:
            group.users.insert_one({"_id": 1})
            group.orders.insert_one({"_id": 2})
            group.users.update_one({"_id": 0}, {"$set": {"a": {"b": 1}}})
            group.users.update_one({"_id": 0}, {"$set": {"c": 1}})
            assert stream.try_next() is None
        events = rest(stream)
    by_key = {event["documentKey"]["_id"]: event for event in events}
    assert set(by_key) == {0, 1, 2}
    assert by_key[0]["updateDescription"]["updatedFields"] == {"a": {"b": 1}, "c": 1}
    assert len({event["clusterTime"] for event in events}) == 1


def test_a_group_that_deletes_and_inserts_a_document_has_replaced_it(db: WALDatabase[Any]) -> None:
    db.users.insert_one({"_id": 0, "a": 1})
    with db.watch() as stream:
        with db.commit() as group:
            group.users.delete_one({"_id": 0})
            group.users.insert_one({"_id": 0, "a": 1, "b": 1})
        event = stream.next()
    assert event["operationType"] == "replace"
    assert event["fullDocument"] == {"_id": 0, "a": 1, "b": 1}


def test_the_past_and_a_group_cannot_be_watched(db: WALDatabase[Any], project: Project) -> None:
    db.users.insert_one({"_id": 1})
    with pytest.raises(UnsupportedOperation, match="does not change"):
        db.at(lsn=project.branch().head_lsn).users.watch()
    with pytest.raises(OperationFailure) as caught, db.commit() as group:
        group.watch()
    assert caught.value.code == 263
