"""Listeners of commands hear of a branch what they would hear of a database.

The truth is a plain database on the same server, used in the same way.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import SON, DBRef
from gridfs import GridFS
from pymongo import DeleteOne, InsertOne, MongoClient, ReadPreference, UpdateMany, monitoring
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon import Argon, WALClient, WALCollection, WALDatabase

from .told import Told

Call = Callable[[Any, Any], Any]


def _transaction(client: Any, db: Any) -> None:
    with client.start_session() as session, session.start_transaction(ReadConcern("snapshot")):
        db["users"].insert_one({"_id": "in"}, session=session)
        db["users"].find_one({"_id": "in"}, session=session)


def _aborted(client: Any, db: Any) -> None:
    with client.start_session() as session:
        session.start_transaction()
        db["users"].delete_one({"_id": 1}, session=session)
        session.abort_transaction()


def _bound(client: Any, db: Any) -> None:
    with client.start_session() as session, session.bind():
        db["users"].count_documents({})


def _raw(_client: Any, db: Any) -> bytes:
    return b"".join(db["users"].find_raw_batches({}, batch_size=2))


def _killed(_client: Any, db: Any) -> None:
    with db["users"].find({}, batch_size=2) as cursor:
        cursor.next()


def _by_hand(client: Any, db: Any) -> None:
    users = Collection(Database(client, db.name), "users")
    users.bulk_write([InsertOne({"_id": "h"}), DeleteOne({"_id": "h"})])
    users.rename("people")
    Collection(db, "people").rename("users")


MIXED = [
    InsertOne({"_id": 9}),
    UpdateMany({}, {"$set": {"z": 1}}),
    DeleteOne({"_id": 9}),
    InsertOne({"_id": 1}),
]

CALLS: dict[str, Call] = {
    "insert_one": lambda _, db: db["users"].insert_one({"_id": "a", "v": 1}),
    "insert_many": lambda _, db: db["users"].insert_many([{"_id": "b"}, {"_id": "c"}], ordered=False),
    "insert twice": lambda _, db: db["users"].insert_one({"_id": 1}),
    "insert into nothing": lambda _, db: db["new"].insert_one({"_id": 1}, comment="first"),
    "unacknowledged": lambda _, db: (
        db["users"].with_options(write_concern=WriteConcern(w=0)).insert_one({"_id": "quiet"})
    ),
    "update_one": lambda _, db: db["users"].update_one({"_id": 1}, {"$inc": {"v": 1}}, hint="_id_"),
    "update_many": lambda _, db: db["users"].update_many({}, {"$set": {"w": 1}}, let={"x": 1}),
    "upsert": lambda _, db: db["users"].update_one({"_id": "u"}, {"$set": {"v": 1}}, upsert=True),
    "replace_one": lambda _, db: db["users"].replace_one({"_id": 2}, {"v": 5}),
    "delete_one": lambda _, db: db["users"].delete_one({"_id": 3}),
    "delete_many": lambda _, db: db["users"].delete_many({"v": {"$gte": 0}}, comment={"why": 1}),
    "bulk_write": lambda _, db: db["users"].bulk_write(
        [
            InsertOne({"_id": 9}),
            UpdateMany({}, {"$set": {"z": 1}}),
            DeleteOne({"_id": 9}),
            InsertOne({"_id": 1}),
        ],
        ordered=False,
    ),
    "find_one_and_update": lambda _, db: db["users"].find_one_and_update(
        {"_id": 1}, {"$set": {"v": 2}}, {"_id": 0}, sort=[("_id", 1)], maxTimeMS=5000
    ),
    "find_one_and_delete": lambda _, db: db["users"].find_one_and_delete({"_id": 1}),
    "find_one": lambda _, db: db["users"].find_one({"_id": 1}),
    "find": lambda _, db: list(db["users"].find({"v": 0}, {"_id": 1}).sort("_id", -1).limit(3)),
    "find in batches": lambda _, db: list(db["users"].find({}, batch_size=3, comment="c")),
    "find in raw batches": _raw,
    "a bad query": lambda _, db: db["users"].find_one({"$bad": 1}),
    "killed": _killed,
    "from a secondary": lambda _, db: (
        db["users"]
        .with_options(
            read_preference=ReadPreference.SECONDARY_PREFERRED, read_concern=ReadConcern("majority")
        )
        .find_one({})
    ),
    "aggregate": lambda _, db: list(db["users"].aggregate([{"$sort": {"_id": 1}}], batchSize=2)),
    "count_documents": lambda _, db: db["users"].count_documents({"v": 0}, skip=1),
    "estimated count": lambda _, db: db["users"].estimated_document_count(),
    "distinct": lambda _, db: db["users"].distinct("v"),
    "create_index": lambda _, db: db["users"].create_index([("v", 1)], unique=False),
    "index_information": lambda _, db: db["users"].index_information(),
    "drop_index": lambda _, db: db["users"].drop_index("nothing_1"),
    "create_collection": lambda _, db: db.create_collection("made", validator={"a": {"$exists": True}}),
    "create it twice": lambda _, db: db.create_collection("users"),
    "names": lambda _, db: sorted(db.list_collection_names()),
    "drop_collection": lambda _, db: db.drop_collection("users"),
    "rename": lambda _, db: db["users"].rename("people"),
    "command": lambda _, db: db.command(SON([("count", "users"), ("query", {"v": 0})])),
    "ping": lambda client, _: client.admin.command("ping"),
    "ping the database": lambda _, db: db.command("ping"),
    "a wrong command": lambda _, db: db.command("nonsense"),
    "dereference": lambda _, db: db.dereference(DBRef("users", 1)),
    "transaction": _transaction,
    "aborted": _aborted,
    "bound": _bound,
    "by hand": _by_hand,
    "drop_database": lambda client, db: client.drop_database(db.name),
    "gridfs": lambda _, db: GridFS(db).find_one({"filename": "none"}),
}


@pytest.fixture(scope="module")
def database(mongod_uri: str) -> Iterator[str]:
    """The name of a database that no other test uses."""
    name = f"listening_{uuid.uuid4().hex[:8]}"
    yield name
    with MongoClient[Any](mongod_uri) as mongo:
        mongo.drop_database(name)


@pytest.fixture(scope="module")
def clients(mongod_uri: str, database: str) -> Iterator[tuple[Any, Any, Told, Told]]:
    """A plain client and one of branches, and what their listeners are told."""
    plain_told, told = Told(), Told()
    with (
        MongoClient[Any](mongod_uri, event_listeners=[plain_told]) as plain,
        WALClient[Any](mongod_uri, event_listeners=[told], argon_database=database) as client,
    ):
        yield plain, client, plain_told, told
        plain.drop_database(f"of_{database}")


@pytest.fixture
def heard(clients: tuple[Any, Any, Told, Told], database: str) -> tuple[Any, Any, Told, Told]:
    """A database and a project of the same name, and what the listeners of their clients are told."""
    plain, client, plain_told, told = clients
    databases = [one[f"of_{database}"] for one in (plain, client)]
    for db in databases:
        for name in ("made", "new", "people", "users"):
            db.drop_collection(name)
        db["users"].insert_many([{"_id": n, "v": n % 2} for n in range(8)])
    plain_told.take()
    told.take()
    return databases[0], databases[1], plain_told, told


@pytest.mark.parametrize("call", CALLS)
def test_what_is_heard_is_what_a_database_says(heard: tuple[Any, Any, Told, Told], call: str) -> None:
    expected, mine, plain_told, told = heard
    outcomes = []
    for db in (expected, mine):
        try:
            CALLS[call](db.client, db)
            outcomes.append("done")
        except PyMongoError as error:
            outcomes.append(type(error).__name__)
    assert plain_told.events
    assert told.take() == plain_told.take()
    assert outcomes[0] == outcomes[1]


def test_nothing_physical_is_heard_of_history(heard: tuple[Any, Any, Told, Told]) -> None:
    _, db, _, told = heard
    db.branch._project.create_branch("feature", parent="main")
    feature = db.client[f"{db.name}@feature"]
    feature["users"].delete_many({})
    assert feature["users"].count_documents({}) == 0
    past = db.at(lsn=db.branch.head_lsn)
    assert past["users"].count_documents({}) == 8
    with db.commit() as group:
        group["users"].insert_one({"_id": "grouped"})
        assert group["users"].count_documents({}) == 9
    assert db["users"].count_documents({}) == 9
    names = [(event[1], event[2]) for event in told.take() if event[0] == "started"]
    assert names == [
        ("delete", f"{db.name}@feature"),
        ("aggregate", f"{db.name}@feature"),
        ("aggregate", db.name),
        ("insert", db.name),
        ("aggregate", db.name),
        ("aggregate", db.name),
    ]


def test_a_sort_decides_which_is_updated_also_where_somebody_listens(
    heard: tuple[Any, Any, Told, Told],
) -> None:
    _, db, _, told = heard
    db["users"].update_one({}, {"$set": {"last": True}}, sort={"_id": -1})
    assert [event[3]["updates"][0]["sort"] for event in told.take() if event[0] == "started"] == [{"_id": -1}]
    assert db["users"].find_one({"last": True}, {"_id": 1}) == {"_id": 7}


def test_events_name_a_connection_of_the_server(mongod_uri: str, database: str) -> None:
    heard = []

    class Hears(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            heard.append(event.server_connection_id)

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            heard.append(event.server_connection_id)

        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    with WALClient[Any](mongod_uri, event_listeners=[Hears()], argon_database=database) as client:
        client["named"]["users"].insert_one({"_id": 1})
        assert client["named"]["users"].find_one() == {"_id": 1}
    assert len(heard) >= 4
    assert all(type(number) is int for number in heard)


def test_a_cursor_that_is_let_go_of_is_heard_to_be_killed(
    clients: tuple[Any, Any, Told, Told], database: str
) -> None:
    heard = []
    for client, told in zip(clients[:2], clients[2:], strict=True):
        client._kill_cursors_executor.close()  # which would do it within a second, too
        client._kill_cursors_executor.join()
        users = client[f"of_{database}"]["left"]
        users.insert_many([{"_id": n} for n in range(9)])
        cursor = users.find({}, batch_size=2)
        cursor.next()
        told.take()
        del cursor
        client._process_kill_cursors()
        client._kill_cursors_executor.open()
        heard.append(told.take())
    assert [event[:2] for event in heard[0]] == [("started", "killCursors"), ("succeeded", "killCursors")]
    assert heard[1] == heard[0]
    assert clients[1].argon.engine.held_cursors == {}


def test_the_options_tell_of_the_listeners(heard: tuple[Any, Any, Told, Told]) -> None:
    _, db, _, told = heard
    assert told in db.client.options.event_listeners
    assert told not in db.client.argon.mongo.options.event_listeners


def test_the_log_of_commands_is_that_of_a_database(
    mongod_uri: str, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="pymongo.command")
    logged = []
    for kind, options in ((MongoClient, {}), (WALClient, {"argon_database": database})):
        made: Any = kind
        with made(mongod_uri, **options) as client:
            caplog.clear()
            users = client[f"of_{database}"]["logged"]
            users.insert_many([{"_id": n} for n in range(5)])
            assert len(list(users.find({}, batch_size=2))) == 5
            with pytest.raises(OperationFailure):
                users.create_index("v", unknown=1)
            client.admin.command("ping")
            users.drop()
            told = [json.loads(record.getMessage()) for record in caplog.records]
            logged.append([[one["message"], one["commandName"], one["databaseName"]] for one in told])
            assert len({one["clientId"]["$oid"] for one in told}) == 1
    assert logged[1] == logged[0]


def test_without_listeners_no_command_is_written(argon: Argon) -> None:
    db = argon.client()["shop"]
    assert type(db) is WALDatabase
    db["users"].insert_one({"_id": 1})
    assert type(db["users"]) is WALCollection


def test_global_listeners_are_heard_by_an_argon_of_its_own(mongod_uri: str, database: str) -> None:
    told = Told()
    listeners = monitoring._LISTENERS.command_listeners
    listeners.append(told)
    try:
        with Argon(mongod_uri, database=database) as argon:
            db = WALDatabase(argon.create_project("shop").branch("main"))
            db["users"].insert_one({"_id": 1})
            assert db["users"].find_one() == {"_id": 1}
    finally:
        listeners.remove(told)
    assert [event[1] for event in told.take() if event[0] == "started"] == ["insert", "find"]


def test_a_client_of_ones_own_keeps_its_listeners(mongod_uri: str, database: str) -> None:
    told = Told()
    with (
        MongoClient[Any](mongod_uri, event_listeners=[told]) as mongo,
        Argon(database=database, client=mongo) as argon,
    ):
        argon.create_project("lent")
        told.take()
        argon.client()["lent"]["users"].insert_one({"_id": 1})
        heard = {event[1] for event in told.take() if event[0] == "started"}
    assert "insert" in heard
    assert heard & {"commitTransaction", "findAndModify", "find"}
