"""A merge that is too large for one transaction is one commit on every face."""

from __future__ import annotations

from typing import Any

import pytest

from argon.merging import merge

from .faces import Face, do


async def test_large_merges(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "LARGE_CHANGES", 3)
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
