"""Protected branches: what is refused, what force does, and what every process sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo import InsertOne, MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from argon import Argon, Branch, Project, WALDatabase
from argon.engine import known, rules
from argon.errors import BranchProtected, Conflict, InvalidName, NotFound


@pytest.fixture
def release(project: Project, db: WALDatabase) -> Branch:
    """A branch with a document, whose name is protected afterwards; so are later ones."""
    db["users"].insert_one({"_id": 1, "at": None})
    made = project.create_branch("release/1.0")
    project.set_protected("release/*")
    return made


WRITES: dict[str, Callable[[WALDatabase], Any]] = {
    "insert": lambda db: db["users"].insert_one({}),
    "insert many": lambda db: db["users"].insert_many([{}, {}]),
    "update": lambda db: db["users"].update_one({"_id": 1}, {"$set": {"v": 1}}),
    "replace what is not there": lambda db: db["users"].replace_one({"_id": 9}, {}),
    "find and modify": lambda db: db["users"].find_one_and_delete({"_id": 1}),
    "delete": lambda db: db["users"].delete_many({}),
    "bulk": lambda db: db["users"].bulk_write([InsertOne({})]),
    "a command": lambda db: db.command("delete", "users", deletes=[{"q": {}, "limit": 0}]),
    "create a collection": lambda db: db.create_collection("more"),
    "create an index": lambda db: db["users"].create_index("v"),
    "$out": lambda db: list(db["users"].aggregate([{"$out": "copies"}])),
    "rename": lambda db: db["users"].rename("people"),
    "drop": lambda db: db["people"].drop(),
}


def test_writes_are_refused_unless_forced(release: Branch) -> None:
    before = release.head_lsn
    for write in WRITES.values():
        with pytest.raises(BranchProtected, match=r"'release/1.0' is protected by the pattern 'release/\*'"):
            write(WALDatabase(release))
    assert release.head_lsn == before
    for name, write in WRITES.items():
        write(WALDatabase(release, force=True))
        assert release.head_lsn > before or name.endswith("not there"), name
        before = release.head_lsn


def test_a_group_of_writes_is_refused_before_and_at_its_end(project: Project, release: Branch) -> None:
    db = WALDatabase(release)
    with pytest.raises(BranchProtected), db.commit():
        raise AssertionError("it begins")
    with WALDatabase(release, force=True).commit(message="hotfix") as group:
        group["users"].insert_one({"_id": 2})
    assert release.log(limit=1)[0].message == "hotfix"

    open_one = WALDatabase(project.branch("main"))
    with pytest.raises(BranchProtected), open_one.commit() as group:
        group["users"].insert_one({"_id": 3})
        project.set_protected("main")
    assert open_one["users"].find_one({"_id": 3}) is None


def test_merging_renaming_and_deleting_are_refused_unless_forced(project: Project, release: Branch) -> None:
    WALDatabase(project.branch("main"))["users"].insert_one({"_id": 2})
    with pytest.raises(BranchProtected):
        release.merge("main")
    with pytest.raises(BranchProtected):
        release.rename("old")
    with pytest.raises(BranchProtected):
        project.delete_branch("release/1.0")
    for change in (release.undo, lambda: release.reset("main"), lambda: release.revert(lsn=release.head_lsn)):
        with pytest.raises(BranchProtected):
            change()
    release.forced().merge("main")
    assert WALDatabase(release)["users"].count_documents({}) == 2
    release.forced().rename("release/one")
    project.delete_branch("release/one", force=True)
    assert [branch.name for branch in project.branches()] == ["main"]


def test_a_project_goes_with_its_protected_branches_only_by_force(argon: Argon, release: Branch) -> None:
    with pytest.raises(BranchProtected, match=r"protected branches \(release/1.0\)"):
        argon.delete_project("shop")
    with pytest.raises(BranchProtected):
        argon.client().drop_database("shop")
    argon.delete_project("shop", force=True)


def test_reading_branching_and_merging_from_it_go_on(project: Project, main: Branch, release: Branch) -> None:
    assert WALDatabase(release)["users"].count_documents({}) == 1
    assert WALDatabase(project.create_branch("fix", parent="release/1.0"))["users"].insert_one({}).inserted_id
    project.create_branch("release/2.0")
    with pytest.raises(BranchProtected):
        WALDatabase(project.branch("release/2.0"))["users"].insert_one({})
    WALDatabase(release, force=True)["users"].insert_one({"_id": 5})
    assert main.merge("release/1.0").documents_applied == 1


def test_documents_expire_on_protected_branches_too(release: Branch) -> None:
    from datetime import UTC, datetime

    forced = WALDatabase(release, force=True)
    forced["users"].create_index("at", expireAfterSeconds=1)
    forced["users"].insert_one({"_id": "old", "at": datetime(2000, 1, 1, tzinfo=UTC)})
    assert release.expire() == 1


def test_patterns_are_listed_logged_verified_and_taken_away(project: Project, release: Branch) -> None:
    project.set_protected("v[0-9]", author="ann", message="frozen")
    project.set_protected("v[0-9]")  # once more is nothing
    assert project.protected() == ["release/*", "v[0-9]"]
    assert project.verify().problems == []
    project.engine.plain["projects"].update_one({"_id": project.id}, {"$set": {"protected": []}})
    [problem] = project.verify().problems
    assert "protected is []" in problem.message
    project.engine.plain["projects"].update_one(
        {"_id": project.id}, {"$set": {"protected": ["release/*", "v[0-9]"]}}
    )
    project.unset_protected("release/*")
    WALDatabase(release)["users"].insert_one({})
    with pytest.raises(NotFound, match=r"by 'release/\*'; it does by 'v\[0-9\]'"):
        project.unset_protected("release/*")
    logged = project.engine.plain["wal_log"].find({"operation": "edit_project"}).sort("_id", 1).to_list()
    assert [entry["document"] for entry in logged] == [
        {"protected": ["release/*"]},
        {"protected": ["release/*", "v[0-9]"]},
        {"protected": ["v[0-9]"]},
    ]
    assert (logged[1]["author"], logged[1]["message"]) == ("ann", "frozen")


def test_what_is_no_pattern_is_refused(project: Project) -> None:
    for wrong in ("", "a@b", "a b", "x" * 129):
        with pytest.raises(InvalidName):
            project.set_protected(wrong)
    assert project.protected() == []


def test_every_process_sees_it_within_the_bound(
    argon: Argon, project: Project, db: WALDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RULES_BOUND", float("inf"))
    db["users"].insert_one({})
    with Argon(argon.uri, database=argon.database) as other:
        other.project("shop").set_protected("main")
        db["users"].insert_one({})  # what was asked a moment ago still counts
        monkeypatch.setattr(rules, "RULES_BOUND", 0)
        with pytest.raises(BranchProtected):
            db["users"].insert_one({})


def test_a_classic_branch_is_protected_too(argon: Argon, project: Project) -> None:
    argon.set_feature("wal_create_branch", False)
    classic = project.create_branch("old")
    project.set_protected("old")
    with pytest.raises(BranchProtected):
        WALDatabase(classic)["users"].insert_one({"_id": 1})
    with pytest.raises(BranchProtected):
        WALDatabase(classic).command("delete", "users", deletes=[{"q": {}, "limit": 0}])
    WALDatabase(classic, force=True)["users"].insert_one({"_id": 1})
    assert WALDatabase(classic).command("count", "users")["n"] == 1
    assert WALDatabase(classic)["users"].find_one() == {"_id": 1}


def test_a_branch_that_shall_expire_is_not_protected_by_the_way(project: Project) -> None:
    project.create_branch("release/0", ttl="1h")
    with pytest.raises(Conflict, match="clear it first"):
        project.set_protected("release/*")


class Reads(CommandListener):
    """Notes what is read of the catalogue's records."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command.get("find") in ("projects", "branches"):
            self.seen.append(event.command["find"])

    def succeeded(self, event: Any) -> None:
        """What was asked is enough."""

    def failed(self, event: Any) -> None:
        """What was asked is enough."""


def test_a_write_asks_for_no_rules_that_it_knows(
    mongod_uri: str, argon: Argon, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set_protected("release/*")
    for module in (rules, known):
        monkeypatch.setattr(module, "RULES_BOUND", float("inf"))
    reads = Reads()
    with MongoClient[Any](mongod_uri, event_listeners=[reads]) as client:
        users = WALDatabase(Argon(database=argon.database, client=client).project("shop").branch())["users"]
        for _ in range(2):  # the first one makes the collection, which the second one learns
            users.insert_one({})
        reads.seen.clear()
        for _ in range(5):
            users.insert_one({})
    assert reads.seen == []
