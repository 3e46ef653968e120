"""A commit goes on in the session of the last, and nobody is the worse for it."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, PyMongoError

from argon import Argon, WALDatabase
from argon.wal import sessions

if TYPE_CHECKING:
    from argon import Branch

COUNT = 20


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sessions that were opened for commits."""
    found: list[Any] = []
    plain = sessions.open_session

    def noting(*given: Any) -> Any:
        session = yield from plain(*given)
        found.append(session)
        return session

    monkeypatch.setattr(sessions, "open_session", noting)
    return found


def _left(argon: Argon) -> list[Any]:
    return [own for _, own in argon.engine.committer._sessions._left]


def _out_of_pool(client: Any) -> int:
    [server] = client._topology._servers.values()
    return int(server.pool.active_sockets)


def test_commits_that_follow_one_another_share_a_session(
    db: WALDatabase[Any], argon: Argon, opened: list[Any]
) -> None:
    db.create_collection("users")
    opened.clear()
    for number in range(COUNT):
        db.users.insert_one({"_id": number})
        db.users.update_one({"_id": number}, {"$set": {"n": number}})
    assert len(opened) <= 2, "one, unless the driver has heard of the servers meanwhile"
    assert len(_left(argon)) == _out_of_pool(argon.mongo) == 1
    assert [user["n"] for user in db.users.find()] == list(range(COUNT))


def test_a_write_that_is_refused_leaves_no_session(db: WALDatabase[Any], argon: Argon) -> None:
    db.users.insert_one({"_id": 0})
    for _ in range(3):
        [kept] = _left(argon)
        with pytest.raises(DuplicateKeyError):
            db.users.insert_one({"_id": 0})
        db.users.update_one({"_id": 0}, {"$inc": {"n": 1}})
        [now] = _left(argon)
        assert now is not kept
        assert _out_of_pool(argon.mongo) == 1
    assert db.users.find_one() == {"_id": 0, "n": 3}


def test_nothing_is_kept_of_a_client_that_is_closed(main: Branch, mongod_uri: str, argon: Argon) -> None:
    own = Argon(mongod_uri, database=argon.database)
    WALDatabase[Any](own.project("shop").branch()).users.insert_one({})
    [kept] = _left(own)
    own.close()
    assert not _left(own)
    assert kept.conn.closed
    assert _out_of_pool(argon.mongo) == len(_left(argon))


def test_nothing_is_kept_of_the_applications_client_nor_of_a_small_pool(
    main: Branch, argon: Argon, mongod_uri: str
) -> None:
    with MongoClient[Any](mongod_uri) as client:
        given = Argon(client=client, database=argon.database)
        WALDatabase[Any](given.project("shop").branch()).users.insert_one({})
        assert _out_of_pool(client) == 0
    with Argon(f"{mongod_uri}&maxPoolSize=9", database=argon.database) as small:
        WALDatabase[Any](small.project("shop").branch()).users.insert_one({})
        assert _out_of_pool(small.mongo) == 0


def test_threads_keep_no_more_than_they_use(db: WALDatabase[Any], argon: Argon) -> None:
    other = WALDatabase[Any](argon.project("shop").create_branch("other"))
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            pool.submit((db, other)[number % 2].users.insert_one, {"n": number})
    assert _out_of_pool(argon.mongo) == len(_left(argon)) <= 2
    assert db.users.count_documents({}) == other.users.count_documents({}) == 50


@pytest.mark.parametrize("quiet", [False, True], ids=["at once", "after a while"])
def test_a_connection_that_was_cut_meanwhile_is_replaced(
    db: WALDatabase[Any], argon: Argon, quiet: bool
) -> None:
    db.users.insert_one({"_id": 1})
    [kept] = _left(argon)
    kept.conn.conn.get_conn.shutdown(socket.SHUT_RDWR)
    if quiet:
        kept.conn.last_checkin_time -= 60
    db.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
    [now] = _left(argon)
    assert now is not kept
    assert kept.conn.closed
    assert db.users.find_one() == {"_id": 1, "n": 1}


def test_sessions_that_the_server_has_forgotten(
    db: WALDatabase[Any], argon: Argon, client: MongoClient[Any]
) -> None:
    db.users.insert_one({"_id": 1})
    [(session, _)] = argon.engine.committer._sessions._left
    client.admin.command("endSessions", [session.session_id])
    db.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
    client.admin.command("killSessions", [session.session_id])
    db.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert db.users.find_one() == {"_id": 1, "n": 2}


def test_a_time_limit_holds_for_the_next_commit(db: WALDatabase[Any], argon: Argon) -> None:
    db.users.insert_one({"_id": 1})
    assert _left(argon)
    catalogued = argon.engine.plain["collections"].find_one({"d.name": "users"})
    rows = argon.engine.plain[catalogued["d"]["store"]]
    with argon.mongo.start_session() as holder, holder.start_transaction():
        rows.update_one({}, {"$set": {"held": True}}, session=holder)
        began = time.monotonic()
        with pytest.raises(PyMongoError) as caught, pymongo.timeout(0.3):
            db.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
        assert caught.value.timeout
        assert time.monotonic() - began < 5
        holder.abort_transaction()
    db.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert db.users.find_one() == {"_id": 1, "n": 1}


def test_who_begins_to_watch_sees_the_commands_of_the_next_commit(
    db: WALDatabase[Any], argon: Argon, caplog: pytest.LogCaptureFixture
) -> None:
    db.users.insert_one({"_id": 1})
    assert _left(argon)
    with caplog.at_level(logging.DEBUG, "pymongo.command"):
        db.users.insert_one({"_id": 2})
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "wal_log" in said
    assert "commitTransaction" in said
