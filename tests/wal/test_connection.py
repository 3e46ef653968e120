"""A commit takes one connection and needs no other, and is handed on when others can see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from argon import Argon, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.engine.baton import Baton, Note
from argon.io import run
from argon.wal import commit as commits
from argon.wire import commands as wire

if TYPE_CHECKING:
    from argon import Branch

COUNT = 20


@pytest.fixture
def narrow(mongod_uri: str) -> str:
    """A server to which there is one connection, for which nobody waits in vain for long."""
    return f"{mongod_uri}&maxPoolSize=1&waitQueueTimeoutMS=5000"


@pytest.fixture
def child(main: Branch) -> Branch:
    """A branch with documents that are all inherited."""
    users = WALDatabase[dict[str, Any]](main).users
    users.create_index("email", unique=True)
    users.insert_many([{"_id": n, "n": 0, "email": f"{n}@x"} for n in range(COUNT)])
    return main.project.create_branch("child")


@pytest.fixture
def pooled(child: Branch, argon: Argon, narrow: str) -> Iterator[WALDatabase[dict[str, Any]]]:
    with Argon(narrow, database=argon.database) as own:
        yield WALDatabase(own.project("shop").branch("child"))


def test_one_connection_is_enough_for_every_write(pooled: WALDatabase[dict[str, Any]]) -> None:
    users = pooled.users
    users.insert_one({"_id": "a", "n": 1, "email": "a"})
    for _ in range(2):  # an inherited document first, then the branch's own
        users.update_one({"_id": 1}, {"$inc": {"n": 1}})
        users.update_one({"_id": 2}, [{"$set": {"n": {"$add": ["$n", 1]}}}])
        users.update_one({"_id": 3}, {"$inc": {"n": 0}})
        users.replace_one({"_id": 4}, {"n": 1, "email": "4@x"})
        users.update_many({}, {"$mul": {"n": 1}})
        users.find_one_and_update({"n": 0}, {"$push": {"list": 1}})
    users.update_one({"_id": "new"}, {"$set": {"email": "new"}}, upsert=True)
    users.bulk_write([UpdateOne({"_id": n}, {"$set": {"n": n}}) for n in range(COUNT)])
    with pytest.raises(DuplicateKeyError):
        users.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError):
        users.update_one({"_id": 5}, {"$set": {"email": "6@x"}})
    with pytest.raises(WriteError):
        users.update_one({"_id": "a"}, {"$inc": {"email": 1}})
    users.delete_one({"_id": 7})
    users.delete_many({"_id": {"$in": [8, 9, "a"]}})
    pooled.create_collection("more").create_index("x")
    with pooled.commit() as txn:
        txn["more"].insert_one({"x": 1})
        txn["users"].delete_one({"_id": 10})
    assert sorted(user["_id"] for user in users.find({"_id": {"$type": "number"}})) == [
        *range(7),
        *range(11, COUNT),
    ]
    assert pooled.more.count_documents({}) == 1


def test_a_hook_reads_by_the_connection_of_the_commit_that_waits_for_it(
    pooled: WALDatabase[dict[str, Any]],
) -> None:
    seen: list[int] = []
    pooled.branch.on_commit(lambda _: seen.append(pooled.users.count_documents({})))
    pooled.users.insert_one({"_id": "a", "email": "a"})
    assert seen == [COUNT]
    assert pooled.users.count_documents({}) == COUNT + 1


def test_threads_that_share_one_connection(pooled: WALDatabase[dict[str, Any]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(pooled.users.update_one, {"_id": 0}, {"$inc": {"n": 1}}) for _ in range(80)]
        work += [pool.submit(pooled.users.insert_one, {"email": f"more {n}"}) for n in range(80)]
        for done in work:
            done.result()
    assert pooled.users.find_one({"_id": 0}, {"n": 1}) == {"_id": 0, "n": 80}
    assert pooled.users.count_documents({}) == COUNT + 80


def test_tasks_that_share_one_connection(child: Branch, argon: Argon, narrow: str) -> None:
    async def work() -> Any:
        async with AsyncArgon(narrow, database=argon.database) as own:
            branch = await (await own.project("shop")).branch("child")
            users = AsyncWALDatabase[dict[str, Any]](branch).users
            tasks = [users.update_one({"_id": n % 2}, {"$inc": {"n": 1}}) for n in range(60)]
            cancelled = [asyncio.ensure_future(users.insert_one({"email": f"{n}"})) for n in range(20)]
            for task in cancelled[::2]:
                task.cancel()
            await asyncio.gather(*tasks)
            for task in cancelled:
                with suppress(asyncio.CancelledError):
                    await task
            return [user["n"] async for user in users.find({"_id": {"$lt": 2}}).sort("_id")]

    assert asyncio.run(work()) == [30, 30]


def test_connections_come_back_when_a_transaction_dies(
    pooled: WALDatabase[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, client: MongoClient[dict[str, Any]]
) -> None:
    """The server forgets it between two statements, once."""
    plain = commits.keep_connection
    killed = []

    def keep(its_client: Any, session: Any) -> Any:
        yield from plain(its_client, session)
        if not killed:
            killed.append(session)
            session._client["admin"]["nothing"].find_one({}, session=session)  # so that there is one
            client.admin.command("killSessions", [session.session_id])

    monkeypatch.setattr(commits, "keep_connection", keep)
    pooled.users.insert_one({"_id": "a", "email": "a"})
    pooled.users.update_one({"_id": "a"}, {"$set": {"n": 1}})
    assert killed
    assert pooled.users.find_one({"_id": "a"}) == {"_id": "a", "email": "a", "n": 1}


class Watched:
    """What is handed on early, and whether the log had it by then."""

    def __init__(self, argon: Argon, monkeypatch: pytest.MonkeyPatch) -> None:
        self.early: list[int] = []
        self._pass_on = Baton.pass_on
        log = argon.engine.plain["wal_log"]
        acknowledged = wire.commit

        def commit(its_client: Any, session: Any, visible: Any = None) -> Any:
            self.within = True
            try:
                return (yield from acknowledged(its_client, session, visible))
            finally:
                self.within = False

        def pass_on(baton: Baton, note: Note | None) -> None:
            if baton._held and self.within:
                assert note is not None
                assert log.find_one({"lsn": note.head.lsn}), "it is not there yet"
                self.early.append(note.head.lsn)
            self._pass_on(baton, note)

        self.within = False
        monkeypatch.setattr(wire, "commit", commit)
        monkeypatch.setattr(Baton, "pass_on", pass_on)


def test_who_waits_comes_as_soon_as_a_commit_is_visible(
    db: WALDatabase[dict[str, Any]], argon: Argon, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.users.insert_one({"_id": 0})
    watched = Watched(argon, monkeypatch)
    monkeypatch.setattr(Baton, "wanted", lambda baton: False)
    db.users.insert_one({"_id": 1})
    assert not watched.early, "nobody waits"
    monkeypatch.setattr(Baton, "wanted", lambda baton: baton._held)
    for number in (2, 3):
        db.users.insert_one({"_id": number})
        assert watched.early[-1] == db.branch.log()[0].lsn
    assert len(watched.early) == 2
    db.users.create_index("n")
    assert len(watched.early) == 2, "what is defined is to be known to a majority first"
    with pytest.raises(DuplicateKeyError):
        db.users.insert_one({"_id": 1})
    assert len(watched.early) == 2


def test_a_commit_that_the_server_refuses_is_not_visible(
    client: MongoClient[dict[str, Any]], plain_db: Any
) -> None:
    plain_db.create_collection("users")
    told: list[bool] = []
    with client.start_session() as session:
        session.start_transaction()
        plain_db.users.insert_one({"_id": 1}, session=session)
        client.admin.command("killSessions", [session.session_id])
        assert run(wire.commit(client, session, lambda: told.append(True))) is False
        assert not told
        with pytest.raises(OperationFailure):
            session.commit_transaction()
    assert plain_db.users.count_documents({}) == 0
