"""``pymongo.timeout``: a writer's limit is its own, and what it stops is cleared away."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError

from argon import Argon, Branch, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.wire import timeouts
from argon.wire.timeouts import Limit

COUNT = 25
SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.004)
"""Limits that end at each step of a commit."""


def _calm(users: Any, writer: int) -> None:
    for number in range(COUNT):
        users.insert_one({"_id": f"calm {writer} {number}"})


def _hasty(users: Any, writer: int) -> list[str]:
    """Return what was acknowledged."""
    landed = []
    for number in range(COUNT):
        name = f"hasty {writer} {number}"
        try:
            with pymongo.timeout(SECONDS[number % len(SECONDS)]):
                users.insert_one({"_id": name})
        except PyMongoError as error:
            assert error.timeout, error
        else:
            landed.append(name)
    return landed


def test_who_has_no_time_stops_nobody_else(db: WALDatabase[Any]) -> None:
    db.create_collection("users")
    with ThreadPoolExecutor(6) as pool:
        calm = [pool.submit(_calm, db.users, writer) for writer in range(3)]
        hasty = [pool.submit(_hasty, db.users, writer) for writer in range(3)]
        for writer in calm:
            writer.result()
        landed = {name for writer in hasty for name in writer.result()}
    stored = {user["_id"] for user in db.users.find()}
    assert landed <= stored
    assert sum(name.startswith("calm") for name in stored) == 3 * COUNT
    assert not db.branch.project.verify().problems


async def test_tasks_without_time_stop_nobody_else(argon: Argon, main: Branch, mongod_uri: str) -> None:
    async def hasty(users: Any, number: int) -> None:
        try:
            with pymongo.timeout(SECONDS[number % len(SECONDS)]):
                await users.insert_one({"hasty": number})
        except PyMongoError as error:
            assert error.timeout, error

    async with AsyncArgon(mongod_uri, database=argon.database) as own:
        users = AsyncWALDatabase[Any](await (await own.project("shop")).branch(main.name)).users
        await users.insert_one({})
        tasks = [hasty(users, number) for number in range(COUNT)]
        tasks += [users.insert_one({"calm": number}) for number in range(COUNT)]
        await asyncio.gather(*tasks)
        assert await users.count_documents({"calm": {"$exists": True}}) == COUNT


def test_a_writer_alone_learns_soon_what_became_of_its_write(db: WALDatabase[Any]) -> None:
    db.users.insert_one({"_id": "first"})
    began = time.monotonic()
    landed = _hasty(db.users, 0)
    assert time.monotonic() - began < COUNT * 2 * timeouts.MOMENT
    assert set(landed) <= {user["_id"] for user in db.users.find()}
    db.users.delete_many({})  # nothing that was stopped holds anything


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        ([Limit(2.0, 1.0), Limit(3.0, 0.5)], Limit(3.0, 0.5)),
        ([Limit(2.0, 1.0), None], None),
    ],
)
def test_whoever_can_wait_longest_sets_the_limit(given: list[Limit | None], expected: Limit | None) -> None:
    assert timeouts.latest(given) == expected


def test_a_limit_is_as_before_after_a_moment_more() -> None:
    with pymongo.timeout(0.001):
        before = timeouts.current()
        with timeouts.a_moment_more():
            assert timeouts.current() != before
        assert timeouts.current() == before
    assert timeouts.current() is None
