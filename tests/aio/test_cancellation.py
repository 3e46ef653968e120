"""Cancelled tasks and loops that end: nothing half done, nobody stranded, nothing twice."""

from __future__ import annotations

import asyncio
import gc
import random
from contextlib import suppress
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerListener,
    ServerOpeningEvent,
)

from argon import Argon, Project, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.io import Operation, run_async

from .conftest import DRIVERS, connected


def ids(shop: Project, collection: str = "items") -> list[Any]:
    """What the synchronous face finds in the collection."""
    return [one["_id"] for one in WALDatabase(shop.branch("main"))[collection].find()]


def inserted(shop: Project) -> list[Any]:
    """The ids of the documents whose insertion is in the log, once for each time."""
    return [entry.document_id for entry in shop.branch("main").log() if entry.operation == "insert"]


def check(shop: Project, acknowledged: set[Any], attempted: set[Any]) -> None:
    found = ids(shop)
    assert len(found) == len(set(found))
    assert acknowledged <= set(found) <= attempted
    assert sorted(inserted(shop)) == sorted(found)
    assert not shop.verify().problems


@pytest.mark.parametrize("seed", range(3))
async def test_cancelled_writers_harm_nobody(adb: AsyncWALDatabase[Any], shop: Project, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: set[str] = set()

    async def write(name: str) -> None:
        await adb.items.insert_one({"_id": name})
        acknowledged.add(name)

    names = [f"{number:03}" for number in range(120)]
    tasks = {name: asyncio.ensure_future(write(name)) for name in names}
    doomed = chance.sample(names, 50)
    for name in doomed:
        # At any point: in the queue, while a batch is planned, in the commit, after it.
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            await adb.items.find_one({"_id": chance.choice(names)})
        tasks[name].cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks.values(), return_exceptions=True), 30)
    for name, result in zip(names, results, strict=True):
        assert result is None or (isinstance(result, asyncio.CancelledError) and name in doomed)
    assert set(names) - set(doomed) <= acknowledged
    await asyncio.wait_for(write("last"), 10)  # comes after whatever a cancelled leader had begun
    check(shop, acknowledged, {*names, "last"})


async def test_a_cancelled_leader_returns_at_once_and_its_batch_lands(
    adb: AsyncWALDatabase[Any], shop: Project
) -> None:
    await adb.items.insert_one({"_id": "first"})
    leader = asyncio.ensure_future(adb.items.insert_one({"_id": "leader"}))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(adb.items.insert_one({"_id": number})) for number in range(5)]
    for _ in range(3):
        await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert not any(other.done() for other in others)
    await asyncio.wait_for(asyncio.gather(*others), 10)
    assert {"first", *range(5)} <= set(ids(shop))
    assert not shop.verify().problems


async def test_a_cancelled_group_leaves_nothing(adb: AsyncWALDatabase[Any], shop: Project) -> None:
    await adb.items.insert_one({"_id": "first"})
    staged = asyncio.Event()

    async def group() -> None:
        async with adb.commit() as txn:
            await txn.items.insert_one({"_id": "staged"})
            await txn.items.delete_one({"_id": "first"})
            staged.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(group())
    await staged.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ids(shop) == ["first"]
    # What it had locked is free: nobody waits for the server to forget it.
    await asyncio.wait_for(adb.items.insert_one({"_id": "staged"}), 5)


@pytest.mark.parametrize("steps", [1, 3, 6, 10, 15, 25])
async def test_a_transaction_that_is_cancelled_anywhere(
    adb: AsyncWALDatabase[Any], aargon: AsyncArgon, shop: Project, steps: int
) -> None:
    client = aargon.client()
    await adb.items.insert_one({"_id": "first"})

    async def transfer() -> None:
        async with client.start_session() as session, session.start_transaction():
            items = client[shop.name].items
            await items.insert_one({"_id": "a"}, session=session)
            await items.insert_one({"_id": "b"}, session=session)

    task = asyncio.ensure_future(transfer())
    for _ in range(steps):
        await asyncio.sleep(0.001)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    # It may still land, in the background, as it does where the answer of a commit is lost.
    await asyncio.wait_for(adb.items.update_one({"_id": "first"}, {"$set": {"x": 1}}), 10)
    assert set(ids(shop)) in ({"first"}, {"first", "a", "b"})
    assert not shop.verify().problems


def end(tasks: set[asyncio.Task[Any]]) -> None:
    """Let nothing be left of tasks whose loop is closed, nor of what asyncio has to say of them."""
    while tasks:
        with suppress(RuntimeError):  # what awaits in order to clear away can do that no more
            tasks.pop().get_coro().close()
    gc.collect()


@pytest.mark.parametrize("driver", list(DRIVERS))
@pytest.mark.parametrize("way", ["cancelled", "abandoned"])
def test_a_loop_that_ends_in_mid_operation(
    driver: str, way: str, shared: Argon, shop: Project, mongod_uri: str
) -> None:
    names = [f"{number:02}" for number in range(30)]
    acknowledged: set[str] = set()
    left: set[asyncio.Task[Any]] = set()

    async def work() -> None:
        client = DRIVERS[driver](mongod_uri)
        db = AsyncWALDatabase(await AsyncArgon(database=shared.database, client=client).branch(shop.name))
        await db.items.insert_one({"_id": "first"})

        async def write(name: str) -> None:
            await db.items.insert_one({"_id": name})
            acknowledged.add(name)

        tasks = [asyncio.ensure_future(write(name)) for name in names]
        async with db.commit() as txn:
            await txn.items.insert_one({"_id": "staged"})
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            tasks.append(asyncio.ensure_future(write("late")))
            await asyncio.sleep(0)  # it has begun
            if way == "abandoned":
                loop = asyncio.get_running_loop()
                loop.call_soon(loop.stop)
                await asyncio.Event().wait()
            raise KeyboardInterrupt

    if way == "cancelled":
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(work())
    else:
        loop = asyncio.new_event_loop()
        with pytest.raises(RuntimeError, match="stopped before"):
            loop.run_until_complete(work())
        left = asyncio.all_tasks(loop)  # so that their connections stay open
        loop.close()
    # Others get past whatever is left open.
    db = WALDatabase(shop.branch("main"))
    db.items.update_one({"_id": "first"}, {"$set": {"x": 1}})
    db.items.insert_one({"_id": "staged"})
    check(shop, {*acknowledged, "first"}, {*names, "first", "staged", "late"})
    end(left)


@pytest.mark.filterwarnings("error")
def test_operations_whose_loop_is_gone_clear_away_what_needs_no_loop() -> None:
    heard = []

    async def call() -> None:
        await asyncio.sleep(0)

    def inner() -> Operation[None]:
        try:
            yield call()
        finally:
            heard.append("inner")
            yield call()
            heard.append("never")

    def outer() -> Operation[None]:
        try:
            yield from inner()
        finally:
            heard.append("outer")
            yield call()

    running = run_async(outer())
    running.send(None)
    running.close()
    assert heard == ["inner", "outer"]


class Losses(ServerListener):
    """Counts how often the driver has taken the server for gone."""

    def __init__(self) -> None:
        self.count = 0

    def opened(self, event: ServerOpeningEvent) -> None:
        """It is not gone."""

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        self.count += event.new_description.server_type_name == "Unknown"

    def closed(self, event: ServerClosedEvent) -> None:
        """By the client itself."""


def test_a_loop_that_ends_in_a_commit_does_not_lose_the_server(
    shared: Argon, shop: Project, mongod_uri: str
) -> None:
    losses = Losses()

    async def work(moment: int) -> None:
        options: Any = {"event_listeners": [losses], "serverSelectionTimeoutMS": 2000}
        client: AsyncMongoClient[Any] = AsyncMongoClient(mongod_uri, **options)
        db = AsyncWALDatabase(await AsyncArgon(database=shared.database, client=client).branch(shop.name))
        await db.items.insert_one({"_id": f"{moment} first"})
        writer = asyncio.ensure_future(db.items.insert_one({"_id": f"{moment} second"}))
        await asyncio.sleep(moment * 0.0005)
        assert writer  # its commit is cancelled with the driver's own tasks, who then look for no server

    for moment in range(16):
        asyncio.run(work(moment))
    assert not losses.count
    assert len(inserted(shop)) == len(ids(shop)) >= 16
    assert not shop.verify().problems


async def test_an_error_of_one_writer_is_that_writers(adb: AsyncWALDatabase[Any], shop: Project) -> None:
    tasks = [adb.items.insert_one({"_id": number // 2}) for number in range(40)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, PyMongoError) for result in results) == 20
    assert sorted(ids(shop)) == list(range(20))


class Commits(CommandListener):
    """Counts the transactions that are committed."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.count += event.command_name == "commitTransaction"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Started is enough."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Started is enough."""


async def test_a_thousand_tasks_share_commits(
    driver: str, shared: Argon, shop: Project, mongod_uri: str
) -> None:
    commits = Commits()
    async with connected(driver, mongod_uri, event_listeners=[commits]) as client:
        argon = AsyncArgon(database=shared.database, client=client)
        items = AsyncWALDatabase(await argon.branch(shop.name)).items
        await items.insert_one({"_id": -1})
        commits.count = 0
        await asyncio.wait_for(asyncio.gather(*(items.insert_one({"_id": n}) for n in range(1000))), 30)
    assert 0 < commits.count < 20
    assert sorted(inserted(shop)) == list(range(-1, 1000))
    assert not shop.verify().problems
