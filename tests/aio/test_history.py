"""The past of documents is the same on every face."""

from __future__ import annotations

from typing import Any

from .faces import Face, do


async def drained(versions: Any) -> list[Any]:
    """Read an iterator of either kind to its end."""
    if hasattr(versions, "__aiter__"):
        return [version async for version in versions]
    return list(versions)


async def test_history_blame_and_bisect(face: Face) -> None:
    users = face.db.users
    for number in range(6):
        await do(users.update_one({"_id": 1}, {"$set": {"n": number, "at.x": 1}}, upsert=True))
    versions = await drained(face.branch.history("users", 1))
    assert [version.document["n"] for version in versions] == [5, 4, 3, 2, 1, 0]
    assert await drained(face.branch.history("users", 1, limit=2)) == versions[:2]
    blamed = {field.path: field.commit for field in await do(face.branch.blame("users", 1))}
    first, last = versions[-1].commit, versions[0].commit
    assert blamed == {"_id": first, "at.x": first, "n": last}

    async def ask(db: Any) -> bool:
        document = await do(db.users.find_one({"_id": 1}))
        return bool(document["n"] < 4)

    def ask_now(db: Any) -> bool:
        return bool(db.users.find_one({"_id": 1})["n"] < 4)

    found = await do(face.branch.bisect(good=first, test=ask_now if face.name == "sync" else ask))
    assert (found.lsn, found.good_lsn, found.commits) == (versions[1].commit, versions[2].commit, 5)


async def test_three_way_diffs(face: Face) -> None:
    await do(face.db.users.insert_many([{"_id": key, "n": 0} for key in range(3)]))
    project = await do(face.argon.project(face.project))
    feature = await do(project.create_branch("feature"))
    await do(face.db.users.update_one({"_id": 1}, {"$set": {"n": 1}}))
    await do(face.database(feature).users.update_many({}, {"$set": {"n": 2}}))
    diff = await do(project.diff3("main", "feature"))
    assert {change.id: str(change.side) for change in diff} == {0: "theirs", 1: "conflict", 2: "theirs"}
    assert await drained(project.iter_diff3("main", "feature")) == diff.changes
    assert [change.id for change in await drained(project.iter_diff("main", "feature", ids=[2]))] == [2]
