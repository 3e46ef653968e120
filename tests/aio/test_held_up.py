"""A writer that an open transaction holds up, and the other writers of the branch, who go past it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from argon import Argon, Project, WALDatabase
from argon.aio import AsyncWALDatabase
from argon.io import Operation
from argon.wal.transactions import Transactions

PATIENCE = 20
"""Seconds that nobody needs: what holds the one writer up ends after the others are done."""


@pytest.fixture
def retries(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set when a writer finds itself held up."""
    found, unblock = threading.Event(), Transactions.unblock

    def noting(self: Transactions, since: float) -> Operation[None]:
        found.set()
        return unblock(self, since)

    monkeypatch.setattr(Transactions, "unblock", noting)
    return found


@pytest.fixture
def holding(shared: Argon, shop: Project) -> Iterator[Any]:
    """The session of a transaction that has changed a document."""
    client = shared.client()
    items = client[shop.name]["items"]
    items.insert_one({"_id": "held", "by": []})
    with client.start_session() as session:
        session.start_transaction()
        items.update_one({"_id": "held"}, {"$push": {"by": "transaction"}}, session=session)
        yield session


def _check(shop: Project, others: int) -> None:
    items = WALDatabase[Any](shop.branch("main"))["items"]
    assert items.find_one({"_id": "held"}) == {"_id": "held", "by": ["held"]}
    assert items.count_documents({}) == 1 + others
    assert not shop.verify().problems


def test_threads_go_past_one_that_is_held_up(
    shared: Argon, shop: Project, holding: Any, retries: threading.Event
) -> None:
    items = shared.client()[shop.name]["items"]
    held = threading.Thread(target=items.update_one, args=({"_id": "held"}, {"$push": {"by": "held"}}))
    held.start()
    assert retries.wait(PATIENCE)
    others = [threading.Thread(target=items.insert_one, args=({"_id": number},)) for number in range(10)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(PATIENCE)
    assert held.is_alive()
    assert not any(thread.is_alive() for thread in others)
    holding.abort_transaction()
    held.join(PATIENCE)
    assert not held.is_alive()
    _check(shop, 10)


async def test_tasks_go_past_one_that_is_held_up(
    adb: AsyncWALDatabase[Any], shop: Project, holding: Any, retries: threading.Event
) -> None:
    async def insert(name: Any) -> None:
        await asyncio.wait_for(adb.items.insert_one({"_id": name}), PATIENCE)

    leader = asyncio.ensure_future(insert("leader"))
    held = asyncio.ensure_future(adb.items.update_one({"_id": "held"}, {"$push": {"by": "held"}}))
    await leader  # whose batch is not done
    await asyncio.wait_for(asyncio.to_thread(retries.wait), PATIENCE)
    await asyncio.gather(*(insert(number) for number in range(10)))
    assert not held.done()
    holding.abort_transaction()
    await asyncio.wait_for(held, PATIENCE)
    _check(shop, 11)


async def test_a_writer_that_is_held_up_may_be_cancelled(
    adb: AsyncWALDatabase[Any], shop: Project, holding: Any, retries: threading.Event
) -> None:
    held = asyncio.ensure_future(adb.items.update_one({"_id": "held"}, {"$push": {"by": "held"}}))
    await asyncio.wait_for(asyncio.to_thread(retries.wait), PATIENCE)
    held.cancel()
    await asyncio.wait([held])
    await asyncio.wait_for(adb.items.insert_one({"_id": "other"}), PATIENCE)
    holding.abort_transaction()
    await asyncio.wait_for(adb.items.insert_one({"_id": "later"}), PATIENCE)
    assert not shop.verify().problems
