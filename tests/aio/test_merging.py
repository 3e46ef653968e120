"""Large merges, the filters of a diff, and how far they are, on every face."""

from __future__ import annotations

from typing import Any

import pytest

from argon.merging import outcome
from argon.merging.progress import MergeProgress

from .faces import Face, do


async def test_large_merges(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "LARGE_CHANGES", 3)
    monkeypatch.setattr("argon.engine.large.MAX_CHANGES", 2)
    await do(face.db.users.insert_many([{"_id": number, "n": 0} for number in range(6)]))
    await do(face.branch.fork("feature"))
    feature: Any = type(face.db)(await do(face.branch.project.branch("feature")))
    await do(feature.users.update_many({}, {"$set": {"n": 1}}))
    await do(feature.users.delete_one({"_id": 5}))
    info = await do(face.branch.merge("feature"))
    assert (info.documents_applied, info.documents_deleted) == (5, 1)
    assert await do(face.db.users.count_documents({"n": 1})) == 5
    await do(face.db.users.insert_one({"_id": 7}))
    [newest, *entries] = await do(face.branch.log(limit=8))
    assert (newest.document_id, {entry.commit for entry in entries}) == (7, {info.lsn})
    assert (await do(face.branch.project.verify())).ok


async def test_a_branch_compares_by_every_filter(face: Face) -> None:
    cats = face.db.get_collection("cats")
    dogs = face.db.space("other").get_collection("dogs")
    point = await do(face.branch.fork("before"))
    await do(cats.insert_many([{"_id": number, "n": number % 2} for number in range(4)]))
    await do(dogs.insert_one({"_id": 1, "n": 0}))

    async def told(**filters: Any) -> set[tuple[str, Any]]:
        found = await do(face.branch.diff(point.destination, **filters))
        return {(each.collection, getattr(each, "id", "(schema)")) for each in found}

    assert await told(ids=[1]) == {("cats", 1), ("dogs", 1)}
    assert await told(ids=(each for each in [1, 3, 9]), collection="cats") == {("cats", 1), ("cats", 3)}
    assert await told(ids=[0, 1, 2], filter={"n": 0}) == {("cats", 0), ("cats", 2), ("dogs", 1)}
    assert await told(ids=[0, 1], space="other") == {("dogs", 1)}
    assert await told(ids=[]) == set()


async def test_a_merge_tells_how_far_it_is(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "LARGE_CHANGES", 3)
    monkeypatch.setattr("argon.merging.ids.PAGE", 2)
    await do(face.db.users.insert_many([{"_id": number, "n": 0} for number in range(6)]))
    await do(face.branch.fork("feature"))
    feature: Any = type(face.db)(await do(face.branch.project.branch("feature")))
    await do(feature.users.update_many({}, {"$set": {"n": 1}}))
    await do(face.db.users.update_one({"_id": 5}, {"$set": {"n": 1}}))
    told: list[MergeProgress] = []
    await do(face.branch.diff("feature", progress=told.append))
    assert told[-1] == MergeProgress("comparing", 7, 6, 5, 0)
    told.clear()
    await do(face.branch.merge("feature", preview=True, progress=told.append))
    assert told[-1] == MergeProgress("comparing", 6, 6, 5, 0)
    told.clear()
    await do(face.branch.merge("feature", progress=told.append))
    assert [each.examined for each in told if each.phase == "comparing"] == [2, 4, 6]
    assert [each.written for each in told if each.phase == "writing"] == [0, 2, 4, 5, 5]
    assert told[-1] == MergeProgress("writing", 6, 6, 5, 5)
    # What fits in one transaction is written at once.
    await do(feature.users.insert_one({"_id": 9}))
    told.clear()
    await do(face.branch.merge("feature", progress=told.append))
    assert [each.written for each in told if each.phase == "writing"] == [0, 1]
