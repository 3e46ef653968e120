"""Tags: names that stand for a point wherever one is taken, and that the log tells of."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from argon import Argon, Branch, Project, WALDatabase
from argon.aio import AsyncArgon
from argon.errors import (
    BranchNotFound,
    InvalidName,
    PointNotFound,
    ProjectNotFound,
    TagExists,
    TagNotFound,
)
from argon.models import WALEntry


def _ids(db: WALDatabase[Any]) -> list[int]:
    return sorted(document["_id"] for document in db["users"].find())


@pytest.fixture
def lsns(db: WALDatabase[Any], main: Branch) -> list[int]:
    """Three commits to main; the head after each."""
    heads = []
    for number in range(3):
        db["users"].insert_one({"_id": number})
        heads.append(main.head_lsn)
    return heads


def test_a_tag_tells_where_who_why_and_when(project: Project, main: Branch, lsns: list[int]) -> None:
    before = datetime.now(UTC)
    made = project.create_tag("v1", at=f"main@{lsns[1]}", message="first", author="ann")
    assert (made.name, made.branch_id, made.lsn) == ("v1", main.id, lsns[1])
    assert (made.tagger, made.message) == ("ann", "first")
    assert abs((made.created_at - before).total_seconds()) < 5
    project.create_tag("head")
    assert [(tag.name, tag.lsn) for tag in project.tags()] == [("v1", lsns[1]), ("head", lsns[2])]
    assert project.tag("v1").message == "first"


def test_a_tag_stands_for_its_point_everywhere(
    project: Project, main: Branch, db: WALDatabase[Any], lsns: list[int]
) -> None:
    project.create_tag("v1", at=lsns[1])
    assert _ids(db.at(tag="v1")) == [0, 1]
    assert db["users"].at(tag="v1").count_documents({}) == 2
    assert _ids(WALDatabase(project.create_branch("b", at="v1"))) == [0, 1]
    assert _ids(WALDatabase(main.restore(tag="v1"))) == [0, 1]
    assert project.diff("main@v1", "main").summary.total_added == 1
    assert project.diff("v1", "main").summary.total_added == 1
    assert project.create_tag("again", at="v1").lsn == lsns[1]
    assert project.create_tag("third", at="main@v1").lsn == lsns[1]


def test_a_tag_moves_no_head(project: Project, main: Branch, lsns: list[int]) -> None:
    project.create_tag("v1")
    project.delete_tag("v1")
    assert main.head_lsn == lsns[-1]
    assert main.log(limit=1)[0].lsn == lsns[-1]


def test_names_are_unique_and_never_read_as_another_point(project: Project, lsns: list[int]) -> None:
    project.create_tag("v1", at=lsns[0])
    with pytest.raises(TagExists, match="'v1'"):
        project.create_tag("v1")
    assert project.tag("v1").lsn == lsns[0]
    for name in ("42", "2h", "2026-11-21", "a@b", ""):
        with pytest.raises(InvalidName):
            project.create_tag(name)
    with pytest.raises(TagNotFound, match="v1"):
        project.tag("v2")
    with pytest.raises(TagNotFound):
        project.delete_tag("v2")
    with pytest.raises(BranchNotFound, match="nowhere"):
        project.create_tag("v2", at="nowhere")
    with pytest.raises(PointNotFound):
        project.create_tag("v2", at="main@1000000")


def test_a_branch_is_meant_before_a_tag_of_its_name(project: Project, main: Branch, lsns: list[int]) -> None:
    project.create_branch("old", at=lsns[0])
    project.create_tag("old", at=lsns[1])
    assert project.create_tag("which", at="old").lsn == lsns[0]
    assert project.create_tag("other", at="main@old").lsn == lsns[1]


def test_a_deleted_tag_frees_its_name(project: Project, db: WALDatabase[Any], lsns: list[int]) -> None:
    project.create_tag("v1", at=lsns[0])
    project.delete_tag("v1")
    with pytest.raises(PointNotFound, match="no tag 'v1'"):
        _ids(db.at(tag="v1"))
    project.create_tag("v1", at=lsns[1])
    assert _ids(db.at(tag="v1")) == [0, 1]


def test_a_tag_of_another_branch_holds_where_its_point_is_inherited(
    project: Project, main: Branch, db: WALDatabase[Any], lsns: list[int]
) -> None:
    feature = project.create_branch("feature")
    project.create_tag("born", at="feature")  # nothing was written there: the state is one of main
    work = WALDatabase(feature)
    work["users"].insert_one({"_id": 10})
    project.create_tag("mine", at="feature")
    child = WALDatabase(project.create_branch("child", parent="feature"))
    work["users"].insert_one({"_id": 11})
    project.create_tag("later", at="feature")
    project.create_tag("early", at=f"child@{lsns[0]}")
    db["users"].insert_one({"_id": 20})
    project.create_tag("moved", at="main")
    assert _ids(db.at(tag="born")) == [0, 1, 2]
    assert _ids(db.at(tag="early")) == [0]
    assert _ids(child.at(tag="mine")) == [0, 1, 2, 10]
    assert _ids(child.at(tag="born")) == [0, 1, 2]
    for where, tag, owner in ((db, "mine", "feature"), (child, "later", "feature"), (work, "moved", "main")):
        with pytest.raises(PointNotFound, match=f"'{tag}' is at {owner}@"):
            _ids(where.at(tag=tag))
    with pytest.raises(PointNotFound, match="feature@"):
        project.create_branch("wrong", at="mine")


def test_the_tags_of_a_deleted_branch_stay(project: Project, main: Branch, lsns: list[int]) -> None:
    feature = project.create_branch("feature")
    WALDatabase(feature)["users"].insert_one({"_id": 10})
    made = project.create_tag("kept", at="feature")
    project.delete_branch("feature")
    assert project.tag("kept").branch_id == feature.id
    assert project.diff("main", "kept").summary.total_added == 1
    project.delete_tag("kept")
    assert project.create_tag("kept", at="main").lsn < made.lsn
    assert project.verify().problems == []


def test_a_project_is_deleted_with_its_tags(argon: Argon, project: Project, lsns: list[int]) -> None:
    project.create_tag("v1")
    argon.delete_project("shop")
    with pytest.raises(ProjectNotFound):
        project.delete_tag("v1")
    with pytest.raises(BranchNotFound):
        project.create_tag("v2")
    assert project.verify().problems == []
    again = argon.create_project("shop")
    assert again.tags() == []
    again.create_tag("v1")
    assert again.verify().problems == []


def test_one_of_many_makes_a_tag(argon: Argon, project: Project, lsns: list[int]) -> None:
    made, refused = [], []

    def make(number: int) -> None:
        with Argon(argon.uri, database=argon.database, author=str(number)) as other:
            mine = other.project("shop")
            mine.create_tag(f"own-{number}")
            try:
                mine.create_tag("shared")
                made.append(str(number))
            except TagExists:
                refused.append(str(number))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (made, len(refused)) == ([project.tag("shared").tagger], 3)
    assert len(project.tags()) == 5
    assert project.verify().problems == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"$set": {"lsn": 2}}, "lsn is 2, and by the log it is"),
        ({"$set": {"message": "other"}}, "message is 'other'"),
        (None, "the tag 'v1' has no record"),
    ],
)
def test_a_verification_holds_tags_against_the_log(
    argon: Argon, project: Project, lsns: list[int], damage: dict[str, Any] | None, said: str
) -> None:
    project.create_tag("v1", message="first")
    project.create_tag("v2")
    project.delete_tag("v2")
    assert project.verify().problems == []
    assert project.rebuild().rows == 4  # of three documents and a collection
    table = argon.engine.plain["tags"]
    if damage is None:
        table.delete_one({"name": "v1"})
    else:
        table.update_one({"name": "v1"}, damage)
    [problem] = project.verify().problems
    assert said in problem.message


def test_an_entry_about_a_tag_has_rules(argon: Argon, project: Project, lsns: list[int]) -> None:
    project.create_tag("v1")
    stored = argon.engine.plain["wal_log"].find_one({"operation": "create_tag"})
    assert WALEntry.from_bson(stored).document is not None
    name, branch = {"name": "v1"}, {"branch_id": project.id}
    for about in (branch | {"lsn": 2}, name | {"lsn": 2}, name | branch, name | branch | {"lsn": 10**6}):
        with pytest.raises(ValidationError):
            WALEntry.from_bson({**stored, "document": about})
    with pytest.raises(ValidationError):
        WALEntry.from_bson({**stored, "branch_id": stored["document"]["branch_id"]})


async def test_tags_on_an_event_loop(argon: Argon, project: Project, lsns: list[int]) -> None:
    async with AsyncArgon(argon.uri, database=argon.database, author="bo") as other:
        mine = await other.project("shop")
        await mine.create_tag("v1", at=lsns[0])
        branch = await mine.create_branch("b", at="v1")
        assert branch.base_lsn == lsns[0]
        assert [tag.tagger for tag in await mine.tags()] == ["bo"]
        await mine.delete_tag("v1")
        with pytest.raises(TagNotFound):
            await mine.tag("v1")
