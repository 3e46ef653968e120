"""Taking back across history that was let go of: what is held is exact, and what is not is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from argon import Argon, Branch, Project, WALDatabase
from argon.errors import HistoryExpired
from argon.gc.collect import Terms


def test_a_tag_is_gone_back_to_over_what_was_forgotten(
    argon: Argon, project: Project, main: Branch, db: WALDatabase[Any], state: Callable[[Any], dict[str, Any]]
) -> None:
    argon.terms = Terms(retention=0.0, grace=0.0, young=timedelta(0))
    db.users.insert_many([{"_id": number, "n": 0} for number in range(4)])
    db.kept.insert_one({"_id": 1})
    tagged = state(db)
    project.create_tag("v1")
    db.users.update_one({"_id": 1}, {"$set": {"n": 1}})
    db.users.delete_one({"_id": 2})
    db.users.insert_one({"_id": 9})
    db.kept.update_one({"_id": 1}, {"$set": {"n": 1}})
    wrong = main.head_lsn
    db.drop_collection("users")
    db.kept.insert_one({"_id": 2})
    now = state(db)
    project.gc()
    info = main.reset("v1")
    assert state(db) == tagged
    main.undo()
    assert state(db) == now
    assert state(WALDatabase(project.branch(str(info.backup)))) == now
    with pytest.raises(HistoryExpired):
        main.revert(wrong)
    project.gc()
    main.reset("v1")
    assert state(db) == tagged
    report = project.verify()
    assert report.ok, report.problems
