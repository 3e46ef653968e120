"""Sessions and their transactions, used as programs for MongoDB use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, DuplicateKeyError, InvalidOperation, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon import Argon, Project, WALClient
from argon.errors import UnsupportedOperation
from tests.listening.told import Told


@pytest.fixture
def mongo(argon: Argon, project: Project) -> Iterator[WALClient[Any]]:
    mongo = argon.client()
    mongo["shop"]["users"].insert_many([{"_id": n, "v": 0} for n in range(3)])
    yield mongo


def test_a_session_is_pymongos(mongo: WALClient[Any]) -> None:
    with mongo.start_session() as session:
        assert isinstance(session, ClientSession)
        assert session.client is mongo
        assert mongo["shop"]["users"].find_one({"_id": 1}, session=session) == {"_id": 1, "v": 0}
        mongo["shop"]["users"].update_one({"_id": 1}, {"$set": {"v": 1}}, session=session)
    assert session.has_ended
    with pytest.raises(InvalidOperation):
        mongo["shop"]["users"].find_one({}, session=session)


def test_a_transaction_is_one_commit_over_collections(mongo: WALClient[Any], project: Project) -> None:
    shop = mongo["shop"]
    main = project.branch("main")
    before = main.head_lsn
    with mongo.start_session() as session, session.start_transaction():
        shop["users"].update_one({"_id": 1}, {"$set": {"v": 9}}, session=session)
        shop["audit"].insert_one({"_id": "a"}, session=session)
        assert shop["users"].find_one({"_id": 1}, session=session) == {"_id": 1, "v": 9}
        assert list(shop["audit"].find({}, session=session)) == [{"_id": "a"}]
        assert shop["users"].count_documents({"v": 9}, session=session) == 1
        assert shop["users"].find_one({"_id": 1}) == {"_id": 1, "v": 0}
        assert main.head_lsn == before
    assert shop["users"].find_one({"_id": 1}) == {"_id": 1, "v": 9}
    entries = main.log(after=before)
    assert {entry.commit for entry in entries} == {main.head_lsn}
    assert len(entries) == 3


@pytest.mark.parametrize("branch", ["main", "feature"])
def test_transactions_that_are_open_at_the_same_time_insert_side_by_side(
    branch: str, mongo: WALClient[Any], project: Project
) -> None:
    if branch != "main":
        project.create_branch(branch, parent="main")
    users = mongo[f"shop@{branch}"]["users"]
    with mongo.start_session() as one, mongo.start_session() as other:
        for session in (one, other):
            session.start_transaction()
        for name in ("a", "b"):
            for session, who in ((one, "one"), (other, "other")):
                users.insert_one({"_id": who + name}, session=session)
                users.update_one({"_id": who + name}, {"$set": {"v": 1}}, session=session)
        users.update_one({"_id": 0}, {"$set": {"v": 1}}, session=one)
        users.update_one({"_id": 1}, {"$set": {"v": 1}}, session=other)
        users.delete_one({"_id": 2}, session=other)
        for session in (other, one):
            session.commit_transaction()
    everyone = [0, 1, "othera", "otherb", "onea", "oneb"]
    assert {found["_id"]: found["v"] for found in users.find()} == dict.fromkeys(everyone, 1)
    assert not project.verify().problems


def test_an_exception_leaves_nothing(mongo: WALClient[Any]) -> None:
    users = mongo["shop"]["users"]

    class Stop(Exception):
        pass

    with pytest.raises(Stop), mongo.start_session() as session, session.start_transaction():
        users.delete_many({}, session=session)
        assert users.count_documents({}, session=session) == 0
        raise Stop
    assert users.count_documents({}) == 3


def test_ending_the_session_aborts(mongo: WALClient[Any]) -> None:
    users = mongo["shop"]["users"]
    session = mongo.start_session()
    session.start_transaction()
    users.insert_one({"_id": "x"}, session=session)
    session.end_session()
    assert users.find_one({"_id": "x"}) is None


def test_the_order_of_calls_is_checked(mongo: WALClient[Any]) -> None:
    with mongo.start_session() as session:
        with pytest.raises(InvalidOperation, match="No transaction started"):
            session.commit_transaction()
        session.start_transaction()
        with pytest.raises(InvalidOperation, match="already in progress"):
            session.start_transaction()
        session.abort_transaction()
        with pytest.raises(InvalidOperation, match="twice"):
            session.abort_transaction()
        with pytest.raises(InvalidOperation, match="after calling abortTransaction"):
            session.commit_transaction()
        session.start_transaction()
        session.commit_transaction()
        session.commit_transaction()


def test_an_error_ends_the_transaction_as_in_mongodb(mongo: WALClient[Any]) -> None:
    users = mongo["shop"]["users"]
    with mongo.start_session() as session:
        session.start_transaction()
        users.insert_one({"_id": "first"}, session=session)
        with pytest.raises(DuplicateKeyError):
            users.insert_one({"_id": 1}, session=session)
        with pytest.raises(OperationFailure) as caught:
            users.insert_one({"_id": "second"}, session=session)
        assert caught.value.code == 251
        with pytest.raises(OperationFailure) as caught:
            session.commit_transaction()
        assert caught.value.code == 251
        assert caught.value.has_error_label("TransientTransactionError")
    assert users.find_one({"_id": "first"}) is None


def test_the_first_committer_wins_and_with_transaction_tries_again(mongo: WALClient[Any]) -> None:
    users = mongo["shop"]["users"]
    attempts: list[int] = []

    def add_one(session: ClientSession) -> None:
        found = users.find_one({"_id": 1}, session=session)
        assert found is not None
        if not attempts:
            users.update_one({"_id": 1}, {"$inc": {"v": 10}})
        attempts.append(1)
        users.update_one({"_id": 1}, {"$set": {"v": found["v"] + 1}}, session=session)

    with mongo.start_session() as session:
        session.with_transaction(add_one)
    assert users.find_one({"_id": 1}) == {"_id": 1, "v": 11}
    assert len(attempts) == 2


DEFINITIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "drop": lambda _, db, session: db["users"].drop(session=session),
    "drop nothing": lambda _, db, session: db.drop_collection("nothing", session=session),
    "rename": lambda _, db, session: db["users"].rename("people", session=session),
    "an index": lambda _, db, session: db["users"].create_index("v", session=session),
    "an index that is there": lambda _, db, session: db["users"].create_index("w", session=session),
    "of a new collection": lambda _, db, session: db["new"].create_index("v", session=session),
    "drop_index": lambda _, db, session: db["users"].drop_index("w_1", session=session),
    "drop_indexes": lambda _, db, session: db["nothing"].drop_indexes(session=session),
    "$out": lambda _, db, session: list(db["users"].aggregate([{"$out": "copy"}], session=session)),
    "$merge": lambda _, db, session: list(db["users"].aggregate([{"$merge": "copy"}], session=session)),
    "collMod": lambda _, db, session: db.command("collMod", "users", validator={}, session=session),
    "collection": lambda _, db, session: db.create_collection("made", session=session).name,
    "view": lambda _, db, session: db.create_collection("seen", viewOn="users", session=session),
    "drop_database": lambda client, db, session: client.drop_database(db.name, session=session),
}


@pytest.mark.parametrize("listening", [False, True])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_transaction_defines_what_one_of_mongodb_defines(
    argon: Argon, mongod_uri: str, plain_db: Any, name: str, *, listening: bool
) -> None:
    """A group of ``db.commit()`` may define more."""
    listeners = [Told()] if listening else []
    said: list[Any] = []
    with WALClient[Any](mongod_uri, argon_database=argon.database, event_listeners=listeners) as mine:
        for client, db in ((plain_db.client, plain_db), (mine, mine["shop"])):
            db["users"].drop()
            db["users"].insert_one({"_id": 1, "v": 1})
            db["users"].create_index("w")
            with client.start_session() as session:
                session.start_transaction()
                try:
                    said.append(DEFINITIONS[name](client, db, session))
                except OperationFailure as error:
                    text = str(error.details and error.details["errmsg"]).replace(db.name, "shop")
                    said.append((error.code, text))
                session.abort_transaction()
            assert db["users"].count_documents({}) == 1
        assert said[1] == said[0]


def test_a_transaction_is_on_one_branch(mongo: WALClient[Any], project: Project) -> None:
    project.create_branch("feature")
    with mongo.start_session() as session, pytest.raises(UnsupportedOperation, match="one branch"):
        session.start_transaction()
        mongo["shop"]["users"].insert_one({"_id": "x"}, session=session)
        mongo["shop@feature"]["users"].insert_one({"_id": "x"}, session=session)


def test_a_plain_clients_transaction_does_not_reach_branches(argon: Argon, mongo: WALClient[Any]) -> None:
    with argon.mongo.start_session() as session:
        mongo["shop"]["users"].insert_one({"_id": "fine"}, session=session)
        session.start_transaction()
        with pytest.raises(InvalidOperation, match="does not reach branches"):
            mongo["shop"]["users"].insert_one({"_id": "x"}, session=session)


def test_the_options_of_a_transaction_are_checked_as_by_pymongo(argon: Argon) -> None:
    session = argon.client().start_session()
    with pytest.raises(ConfigurationError, match="unacknowledged"):
        session.start_transaction(write_concern=WriteConcern(w=0))
    with pytest.raises(TypeError):
        session.start_transaction(read_concern=1)
    with session.start_transaction(ReadConcern("snapshot"), max_commit_time_ms=1000):
        pass
    with pytest.raises(InvalidOperation, match="snapshot sessions"):
        argon.client().start_session(snapshot=True).start_transaction()


def test_a_bound_session_is_the_session_of_what_is_done_in_its_block(argon: Argon) -> None:
    client = argon.client()
    users = client["shop"]["users"]
    session = client.start_session()
    session.start_transaction()
    with session.bind(end_session=False):
        users.insert_one({"_id": 1})
        assert users.count_documents({}) == 1
    assert users.count_documents({}) == 0
    session.commit_transaction()
    assert users.count_documents({}) == 1
    with session.bind():
        assert users.count_documents({}) == 1
    assert session.has_ended
