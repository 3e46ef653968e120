"""Branches that expire: from a moment on they are as deleted, and whoever comes says so in the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from argon import Argon, Project, WALDatabase
from argon.errors import BranchNotFound, BranchProtected, InvalidPoint
from argon.wal.clock import Clock

HOUR = timedelta(hours=1)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the server's clock on, as every process sees it."""
    now = Clock.now

    def move(span: timedelta) -> None:
        monkeypatch.setattr(Clock, "now", lambda clock: now(clock) + span)

    return move


def test_a_branch_is_as_deleted_when_its_time_is_over(
    project: Project, later: Callable[[timedelta], None]
) -> None:
    made = project.create_branch("brief", ttl=HOUR)
    assert made.expires_at is not None
    users = WALDatabase(made)["users"]
    users.insert_one({"_id": 1})
    later(HOUR - timedelta(minutes=1))
    assert users.count_documents({}) == 1
    later(HOUR + timedelta(minutes=1))
    for use in (lambda: users.find_one(), lambda: users.insert_one({}), lambda: project.branch("brief")):
        with pytest.raises(
            BranchNotFound, match=r"'brief' expired at 20.*Z: .*'argon branch undelete brief'"
        ):
            use()
    assert [branch.name for branch in project.branches()] == ["main"]
    assert [branch.name for branch in project.branches(deleted=True)] == ["brief"]
    last = project.engine.plain["wal_log"].find_one({"branch_id": made.id}, sort=[("_id", -1)])
    assert (last["operation"], last["author"]) == ("delete_branch", "expiry")
    with pytest.raises(BranchNotFound, match="expired at"):
        project.branch("brief")

    back = project.undelete_branch("brief")
    assert back.expires_at is None
    assert WALDatabase(back)["users"].find_one() == {"_id": 1}
    assert project.verify().problems == []


@pytest.mark.parametrize("way", ["create", "rename", "undelete", "project"])
def test_whoever_comes_first_takes_note(
    argon: Argon, project: Project, later: Callable[[timedelta], None], way: str
) -> None:
    made = project.create_branch("brief", ttl="1h")
    other = project.create_branch("other")
    later(2 * HOUR)
    if way == "create":
        assert project.create_branch("brief").id != made.id
    elif way == "rename":
        other.rename("brief")
        assert project.branch("brief") == other
    elif way == "undelete":
        assert project.undelete_branch("brief") == made
    else:
        argon.delete_project("shop")
    if way in ("create", "rename"):
        assert made.status == "pending_delete"
        assert [branch.name for branch in project.branches(deleted=True)] == ["brief"]


def test_a_time_can_be_given_changed_and_cleared(
    project: Project, later: Callable[[timedelta], None]
) -> None:
    at = datetime(2100, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    branch = project.create_branch("brief", expires_at=at)
    assert branch.expires_at == project.branch("brief").expires_at == at.replace(microsecond=678000)
    branch.set_expiry(ttl="2h", author="ann", message="enough")
    [entry] = branch.log(limit=1)
    assert (entry.operation, entry.author, entry.message) == ("edit_branch", "ann", "enough")
    branch.set_expiry()
    assert project.branch("brief").expires_at is None
    later(3 * HOUR)
    WALDatabase(branch)["users"].insert_one({})
    assert project.verify().problems == []


def test_another_process_that_gave_it_more_time_is_heard(
    argon: Argon, project: Project, later: Callable[[timedelta], None]
) -> None:
    branch = project.create_branch("brief", ttl="1h")
    WALDatabase(branch)["users"].insert_one({})
    with Argon(argon.uri, database=argon.database) as other:
        other.project("shop").branch("brief").set_expiry(ttl="3h")
    later(2 * HOUR)
    WALDatabase(branch)["users"].insert_one({})
    assert WALDatabase(branch)["users"].count_documents({}) == 2


def test_what_was_made_from_it_keeps_working(project: Project, later: Callable[[timedelta], None]) -> None:
    WALDatabase(project.create_branch("brief", ttl="1h"))["users"].insert_one({"_id": 1})
    child = project.create_branch("child", parent="brief")
    later(2 * HOUR)
    assert WALDatabase(child)["users"].find_one() == {"_id": 1}
    assert [node.name for node in project.tree().children] == ["child"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"ttl": timedelta(0)}, "not in the future"),
    ({"ttl": "soon"}, "no duration"),
    ({"ttl": 5}, "no duration"),
    ({"expires_at": datetime(2001, 1, 1, tzinfo=UTC)}, "not in the future"),
    ({"expires_at": datetime(2100, 1, 1)}, "naive"),
    ({"ttl": "1h", "expires_at": datetime(2100, 1, 1, tzinfo=UTC)}, "not both"),
    ({"ttl": timedelta.max}, "no time"),
]


def test_times_that_are_none_are_refused_and_nothing_is_made(project: Project) -> None:
    for given, said in WRONG:
        with pytest.raises(InvalidPoint, match=said):
            project.create_branch("brief", **given)
    assert [branch.name for branch in project.branches()] == ["main"]


def test_main_and_protected_branches_do_not_expire(project: Project) -> None:
    with pytest.raises(BranchProtected):
        project.branch("main").set_expiry(ttl="1h")
    project.set_protected("release/*")
    with pytest.raises(BranchProtected):
        project.create_branch("release/1", ttl="1h")
    release = project.create_branch("release/1")
    with pytest.raises(BranchProtected):
        release.set_expiry(ttl="1h")
    brief = project.create_branch("brief", ttl="1h")
    with pytest.raises(BranchProtected):
        brief.rename("release/2")
    release.forced().set_expiry(ttl="1h")
    assert project.branch("release/1").expires_at is not None
