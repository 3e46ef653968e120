"""What is said about branches, and the tree that they grow into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson.errors import InvalidDocument

from argon import Argon, Branch, Project, WALDatabase
from argon.aio import AsyncArgon
from argon.catalog.lineage import BranchNode
from argon.errors import BranchNotFound


def _shape(node: BranchNode) -> Any:
    return node.name, [_shape(child) for child in node.children]


def test_descriptions_and_metadata_are_kept_and_in_the_log(argon: Argon, project: Project) -> None:
    feature = project.create_branch("feature")
    assert (feature.description, feature.metadata) == (None, {})
    said = {"ticket": 7, "due": datetime(2026, 12, 1, tzinfo=UTC), "who": {"names": ["ann", "bo"]}}
    feature.update(description="prices", metadata=said)
    feature.update(description="new prices")
    again = project.branch("feature")
    assert (again.description, again.metadata) == (feature.description, feature.metadata)
    assert (again.description, again.metadata) == ("new prices", said)
    assert feature.log(limit=1)[0].document == {"description": "new prices"}
    assert project.verify().problems == []
    argon.engine.plain["branches"].update_one({"name": "feature"}, {"$set": {"metadata.ticket": 8}})
    [problem] = project.verify().problems
    assert "metadata" in problem.message


def test_what_is_said_of_a_branch_leaves_its_data_and_its_writers_alone(
    project: Project, main: Branch, db: WALDatabase[Any]
) -> None:
    db["users"].insert_one({"_id": 1})
    main.update(description="the root", metadata={"a": 1})
    db["users"].insert_one({"_id": 2})
    with db.watch() as stream:
        main.update(description="", metadata={})
        db["users"].insert_one({"_id": 3})
        assert next(stream)["documentKey"] == {"_id": 3}
    assert (main.description, main.metadata) == (None, {})
    assert db["users"].count_documents({}) == 3
    assert project.verify().problems == []


def test_what_cannot_be_said(project: Project) -> None:
    feature = project.create_branch("feature")
    with pytest.raises(ValueError, match="description="):
        feature.update()
    with pytest.raises(InvalidDocument):
        feature.update(metadata={"a": object()})
    feature.metadata["a"] = 1
    assert feature.metadata == {}
    project.delete_branch("feature")
    with pytest.raises(BranchNotFound):
        feature.update(description="late")


def test_the_tree_shows_which_branch_came_from_which(project: Project) -> None:
    project.create_branch("a")
    project.create_branch("b")
    project.create_branch("a1", parent="a")
    project.create_branch("a2", parent="a")
    project.create_branch("a11", parent="a1")
    tree = project.tree()
    assert _shape(tree) == ("main", [("a", [("a1", [("a11", [])]), ("a2", [])]), ("b", [])])
    project.delete_branch("a1", force=True)
    project.branch("b").rename("c")
    assert _shape(project.tree()) == ("main", [("a", [("a2", []), ("a11", [])]), ("c", [])])


async def test_on_an_event_loop(argon: Argon, project: Project) -> None:
    async with AsyncArgon(argon.uri, database=argon.database) as other:
        mine = await other.project("shop")
        feature = await mine.create_branch("feature")
        await feature.update(description="prices")
        assert (await mine.branch("feature")).description == "prices"
        assert _shape(await mine.tree()) == ("main", [("feature", [])])
