"""Undo, revert, cherry-pick and reset, on every face."""

from __future__ import annotations

import pytest

from argon.errors import RevertConflict
from argon.merging import outcome
from argon.merging.progress import MergeProgress

from .faces import Face, do


async def test_what_was_done_is_taken_back(face: Face) -> None:
    users, main = face.db.users, face.branch
    await do(users.insert_many([{"_id": 1, "n": 0, "m": 0}, {"_id": 2}]))
    first = await do(main.head_lsn)
    project = await do(face.argon.project(face.project))
    await do(main.fork("feature"))
    feature = await do(project.branch("feature"))
    await do(users.update_one({"_id": 1}, {"$set": {"n": 1}}))
    wrong = await do(main.head_lsn)
    await do(users.update_one({"_id": 1}, {"$set": {"m": 1}}))
    info = await do(main.revert(wrong))
    assert await do(users.find_one({"_id": 1})) == {"_id": 1, "n": 0, "m": 1}
    backup = await do(project.branch(info.backup))
    assert await do(face.database(backup).users.find_one({"_id": 1})) == {"_id": 1, "n": 1, "m": 1}
    await do(main.undo())
    await do(users.update_one({"_id": 1}, {"$set": {"n": 2}}))
    with pytest.raises(RevertConflict):
        await do(main.revert(wrong))
    assert (await do(main.reset(first))).documents_applied == 1
    assert await do(users.find_one({"_id": 1})) == {"_id": 1, "n": 0, "m": 0}
    await do(face.database(feature).users.delete_one({"_id": 2}))
    assert (await do(main.cherry_pick("feature", preview=True))).documents_deleted == 1
    await do(main.cherry_pick("feature"))
    assert await do(users.count_documents({})) == 1
    await do(main.restore(lsn=first, in_place=True))
    assert await do(users.count_documents({})) == 2
    await do(feature.reset(to_parent=True))
    assert await do(face.database(feature).users.count_documents({})) == 2


async def test_so_is_what_is_too_much_for_one_transaction(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "LARGE_CHANGES", 3)
    monkeypatch.setattr("argon.engine.large.MAX_CHANGES", 2)
    users, main = face.db.users, face.branch
    await do(users.insert_many([{"_id": number, "n": 0} for number in range(6)]))
    first = await do(main.head_lsn)
    project = await do(face.argon.project(face.project))
    await do(main.fork("feature"))
    feature = await do(project.branch("feature"))
    await do(face.database(feature).users.update_many({}, {"$set": {"n": 1}}))
    merge = await do(main.merge("feature"))
    counts, told = [6], list[MergeProgress]()
    for change in (
        main.undo,
        main.undo,
        lambda: main.revert(merge.lsn),
        lambda: main.reset(merge.lsn),
        lambda: main.reset(first, progress=told.append),
    ):
        assert (await do(change())).documents_applied == 6
        counts.append(await do(users.count_documents({"n": 1})))
    assert counts == [6, 0, 6, 0, 6, 0]
    assert (told[-1].examined, told[-1].changed) == (6, 6)
    assert [each.written for each in told if each.phase == "writing"] == [0, 6, 6]
    told.clear()
    restored = await do(main.restore(lsn=merge.lsn, in_place=True, progress=told.append))
    assert restored.documents_applied == 6
    assert told[-1].written == 6
    assert (await do(project.verify())).ok
