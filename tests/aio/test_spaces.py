"""Spaces on all faces, and which task is in which."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from argon.aio import AsyncWALDatabase
from argon.errors import SpaceNotEmpty, SpaceNotFound, SpaceProtected

from .faces import Face, do


async def _ids(collection: Any) -> list[Any]:
    return sorted([document["_id"] for document in await do(collection.find())])


async def test_spaces_on_every_face(face: Face) -> None:
    db, a = face.db, face.db.space("a")
    await do(db.users.insert_one({"_id": 1}))
    await do(a.users.insert_one({"_id": 2}))
    assert await do(db.list_spaces()) == ["default", "a"]
    with db.in_space("a") as same:
        assert (same, db.current_space) == (a, "a")
        assert await _ids(db.users) == [2]
        assert await do(db.list_collection_names()) == ["users"]
        later = db.aggregate([{"$documents": [{"_id": 1}]}]), db.list_collections(), db.users.find()
    assert [len(await do(cursor)) for cursor in later] == [1, 1, 1]
    assert await _ids(db.users) == [1]
    assert (await do(a.command("dbStats")))["objects"] == 1
    [info] = await do(face.branch.log(space="a", limit=1))
    assert (info.space, info.document_id) == ("a", 2)
    with pytest.raises(SpaceNotEmpty):
        await do(db.delete_space("a"))
    with pytest.raises(SpaceProtected):
        await do(db.delete_space("default", force=True))
    await do(db.delete_space("a", force=True))
    with pytest.raises(SpaceNotFound):
        await do(db.delete_space("a"))
    past = db.at(lsn=info.lsn)
    assert await do(past.list_spaces()) == ["default", "a"]
    assert await _ids(past.space("a").users) == await _ids(a.users.at(lsn=info.lsn)) == [2]
    assert await _ids(a.users) == []


async def test_a_block_is_of_one_task(adb: AsyncWALDatabase[Any]) -> None:
    inside = asyncio.Barrier(3)

    async def work(space: str) -> str:
        with adb.in_space(space):
            await inside.wait()
            await adb.users.insert_one({"_id": space})
            await inside.wait()
            return adb.current_space

    async def outside() -> str:
        await inside.wait()
        await adb.users.insert_one({"_id": "outside"})
        await inside.wait()
        return adb.current_space

    assert await asyncio.gather(work("a"), work("b"), outside()) == ["a", "b", "default"]
    assert adb.current_space == "default"
    with adb.in_space("a"):  # what is begun inside goes on inside
        task = asyncio.ensure_future(adb.users.insert_one({"_id": "task"}))
        count = asyncio.ensure_future(_count(adb))
    await task
    assert await count == 2
    found = [await _ids(adb.space(space).users) for space in ("default", "a", "b")]
    assert found == [["outside"], ["a", "task"], ["b"]]


async def _count(db: AsyncWALDatabase[Any]) -> int:
    while await db.users.find_one({"_id": "task"}) is None:
        await asyncio.sleep(0)
    return await db.users.count_documents({})


async def test_a_commit_spans_spaces(adb: AsyncWALDatabase[Any]) -> None:
    async with adb.commit() as group:
        await group.users.insert_one({"_id": 1})
        await group.space("a").users.insert_one({"_id": 2})
    entries = await adb.branch.log(limit=4)
    assert len({entry.commit for entry in entries}) == 1
    client: Any = adb.client
    async with client.start_session() as session, await session.start_transaction():
        await adb.users.insert_one({"_id": 3}, session=session)
        await adb.space("a").users.insert_one({"_id": 4}, session=session)
    assert len({entry.commit for entry in await adb.branch.log(limit=2)}) == 1
    assert [await _ids(adb.space(space).users) for space in ("default", "a")] == [[1, 3], [2, 4]]
