"""A merge that waits for its conflicts, on every face."""

from __future__ import annotations

import pytest

from argon.errors import MergeConflict, MergeNotFound

from .faces import Face, do


async def test_conflicts_are_kept_resolved_and_land(face: Face) -> None:
    users, main = face.db.users, face.branch
    await do(users.insert_many([{"_id": 1, "n": 0, "m": 0}, {"_id": 2, "n": 0}]))
    project = await do(face.argon.project(face.project))
    await do(main.fork("feature"))
    feature = await do(project.branch("feature"))
    theirs = face.database(feature).users
    await do(users.update_many({}, {"$set": {"n": 1}}))
    await do(theirs.update_many({}, {"$set": {"n": 2}}))
    plan = await do(main.merge("feature", "theirs", preview=True))
    await do(main.save_plan("later", plan))
    assert list(await do(main.plans())) == ["later"]
    assert (await do(main.plan("later"))).digest == plan.digest
    await do(main.delete_plan("later"))

    info = await do(main.merge("feature", keep_conflicts=True))
    assert [each.id for each in info.conflicts] == [1, 2]
    with pytest.raises(MergeConflict):
        await do(main.merge_continue())
    first, _ = await do(main.conflicts("open", collection="users"))
    assert await do(main.resolve(first, value="both")) == 1
    assert await do(main.resolve(take="theirs", document_id=2)) == 1
    assert (await do(main.pending_merge())).open == 0
    await do(main.merge_continue())
    assert await do(users.find().sort("_id")) == [{"_id": 1, "n": "both", "m": 0}, {"_id": 2, "n": 2}]

    await do(users.update_one({"_id": 1}, {"$set": {"m": 1}}))
    await do(theirs.update_one({"_id": 1}, {"$set": {"m": 2}}))
    assert (await do(main.merge("feature", keep_conflicts=True))).conflicts
    await do(main.merge_abort())
    assert await do(main.pending_merge()) is None
    with pytest.raises(MergeNotFound):
        await do(main.conflicts())
