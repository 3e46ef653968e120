"""The default branch: the one that is meant where none is named."""

from __future__ import annotations

from typing import Any

import pytest

from argon import Argon, Project, WALDatabase
from argon.engine import rules
from argon.errors import BranchNotFound, BranchProtected


@pytest.fixture
def trunk(project: Project) -> Project:
    """The project with the branch trunk, which is its default."""
    project.create_branch("trunk")
    project.set_default_branch("trunk", author="ann", message="moved")
    return project


def test_it_is_main_until_another_is_chosen(project: Project, trunk: Project) -> None:
    assert trunk.default_branch == "trunk"
    assert trunk.branch().name == "trunk"
    assert trunk.branch("main").name == "main"
    trunk.set_default_branch("main")
    assert trunk.default_branch == trunk.branch().name == "main"
    with pytest.raises(BranchNotFound, match="nowhere"):
        trunk.set_default_branch("nowhere")


def test_it_is_used_where_no_branch_is_named(argon: Argon, trunk: Project) -> None:
    client = argon.client()
    client["shop"]["users"].insert_one({"_id": 1})
    assert WALDatabase(trunk.branch("trunk"))["users"].count_documents({}) == 1
    assert client["shop@main"]["users"].count_documents({}) == 0
    assert argon.branch("shop").name == "trunk"
    assert trunk.create_branch("child").parent_id == trunk.branch("trunk").id
    assert trunk.create_tag("v1").branch_id == trunk.branch("trunk").id
    head = trunk.branch("trunk").head_lsn
    assert trunk.diff("main", head).summary.total_added == 1
    assert WALDatabase(trunk.branch("main")).name == "shop@main"


def test_its_database_has_the_projects_name(argon: Argon, trunk: Project) -> None:
    shop: Any = argon.client()["shop"]
    assert shop.name == "shop"
    assert shop.branch.name == "main"  # nobody has looked yet
    shop["users"].insert_one({"_id": 1})
    assert shop.branch.name == "trunk"


def test_it_cannot_be_deleted_nor_expire(trunk: Project) -> None:
    with pytest.raises(BranchProtected, match="is the default one"):
        trunk.delete_branch("trunk", force=True)
    with pytest.raises(BranchProtected, match="is the default one"):
        trunk.branch("trunk").set_expiry(ttl="1h")
    with pytest.raises(BranchProtected, match="'main' cannot be deleted"):
        trunk.delete_branch("main")
    trunk.create_branch("brief", ttl="1h")
    with pytest.raises(BranchProtected, match="a time to expire at"):
        trunk.set_default_branch("brief")


def test_it_stays_the_default_when_it_is_renamed(trunk: Project) -> None:
    trunk.branch("trunk").rename("stem")
    assert trunk.default_branch == "stem"


def test_it_is_logged_and_verified(trunk: Project) -> None:
    entry = trunk.engine.plain["wal_log"].find_one({"operation": "edit_project"})
    assert (entry["author"], entry["message"]) == ("ann", "moved")
    assert entry["document"] == {"default_branch": trunk.branch("trunk").id}
    assert trunk.verify().problems == []
    trunk.rebuild()
    assert trunk.default_branch == "trunk"


def test_a_running_client_follows(argon: Argon, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = argon.client()["shop"]
    shop["users"].insert_one({"_id": "main"})
    with Argon(argon.uri, database=argon.database) as other:
        theirs = other.project("shop")
        theirs.create_branch("trunk")
        theirs.set_default_branch("trunk")
        monkeypatch.setattr(rules, "RULES_BOUND", 0)
        shop["users"].insert_one({"_id": "trunk"})
        with shop.client.start_session() as session, session.start_transaction():
            shop["users"].insert_one({"_id": "group"}, session=session)
    assert WALDatabase(project.branch("main"))["users"].distinct("_id") == ["main"]
    assert sorted(WALDatabase(project.branch("trunk"))["users"].distinct("_id")) == ["group", "main", "trunk"]


def test_a_group_does_not_land_on_another_branch(argon: Argon, project: Project) -> None:
    from pymongo.errors import OperationFailure

    project.create_branch("trunk")
    shop = argon.client()["shop"]
    with pytest.raises(OperationFailure) as caught, shop.commit() as group:
        group["users"].insert_one({"_id": 1})
        project.set_default_branch("trunk")
    assert caught.value.has_error_label("TransientTransactionError")
    for name in ("main", "trunk"):
        assert WALDatabase(project.branch(name))["users"].count_documents({}) == 0
