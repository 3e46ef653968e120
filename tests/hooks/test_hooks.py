"""Hooks: what they see, what they refuse, and that nothing is written then."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from argon import Argon, Branch, Project, WALDatabase
from argon.engine import rules
from argon.errors import Conflict, HookRefused, InvalidName, MergeConflict, NotFound
from argon.hooks import Proposal


@pytest.fixture
def feature(project: Project, db: WALDatabase) -> Branch:
    """A branch that has changed, added and deleted a document of main's."""
    db["users"].insert_many([{"_id": 1, "age": 40}, {"_id": 2}])
    made = project.create_branch("feature")
    users = WALDatabase(made)["users"]
    users.update_one({"_id": 1}, {"$inc": {"age": 1}})
    users.delete_one({"_id": 2})
    users.insert_one({"_id": 3})
    return made


def told(proposal: Proposal) -> list[tuple[Any, ...]]:
    return [(each.operation, each.collection, each.id, each.before, each.after) for each in proposal.changes]


CHANGED = [
    ("update", "users", 1, {"_id": 1, "age": 40}, {"_id": 1, "age": 41}),
    ("delete", "users", 2, {"_id": 2}, None),
    ("insert", "users", 3, None, {"_id": 3}),
]


def test_a_hook_sees_what_a_merge_would_write(main: Branch, feature: Branch) -> None:
    seen: list[Proposal] = []
    main.on_merge(lambda proposal: seen.append(proposal))
    main.merge("feature", author="ann", message="try")
    [proposal] = seen
    assert sorted(told(proposal), key=lambda each: each[2]) == CHANGED
    assert (proposal.event, proposal.project, proposal.branch) == ("pre-merge", "shop", "main")
    assert (proposal.source, proposal.source_lsn) == ("feature", feature.head_lsn)
    assert (proposal.author, proposal.message) == ("ann", "try")
    assert proposal.base_lsn == feature.base_lsn


def by_return(proposal: Proposal) -> str:
    return "no deletions, please"


def by_assertion(proposal: Proposal) -> None:
    assert not [each for each in proposal.changes if each.after is None], "no deletions, please"


def by_error(proposal: Proposal) -> None:
    raise HookRefused("no deletions, please")


@pytest.mark.parametrize("hook", [by_return, by_assertion, by_error])
def test_a_refused_merge_writes_nothing(project: Project, main: Branch, feature: Branch, hook: Any) -> None:
    main.on_merge(hook)
    head = main.head_lsn
    with pytest.raises(HookRefused, match=r"merge of 'feature' into 'main'.*'by_.*no deletions, please"):
        main.merge("feature")
    assert main.head_lsn == head
    project.remove_hook(hook)
    assert main.merge("feature").documents_applied == 2
    with pytest.raises(NotFound):
        project.remove_hook(hook)


def test_what_lands_is_what_the_hooks_have_seen(main: Branch, feature: Branch, db: WALDatabase) -> None:
    seen: list[Any] = []

    @main.on_merge
    def interfere(proposal: Proposal) -> None:
        seen.append({each.id: each.after for each in proposal.changes})
        if len(seen) == 1:
            db["users"].update_one({"_id": 1}, {"$set": {"name": "Ann"}})  # the head moves meanwhile

    main.merge("feature")
    assert [each[1] for each in seen] == [{"_id": 1, "age": 41}, {"_id": 1, "age": 41, "name": "Ann"}]
    assert db["users"].find_one({"_id": 1}) == {"_id": 1, "age": 41, "name": "Ann"}


def test_a_merge_can_be_tried_on_the_hooks(main: Branch, feature: Branch, db: WALDatabase) -> None:
    main.check_merge("feature")
    main.on_merge(by_return)
    head = main.head_lsn
    with pytest.raises(HookRefused):
        main.check_merge("feature")
    assert main.head_lsn == head
    db["users"].update_one({"_id": 1}, {"$set": {"age": 0}})
    with pytest.raises(MergeConflict):
        main.check_merge("feature")


COMMITS: dict[str, Any] = {
    "insert": lambda db: db["users"].insert_one({"_id": 1}),
    "update in place": lambda db: db["users"].update_one({"_id": 0}, {"$set": {"_x": 1, "v": 1}}),
    "update by a pipeline": lambda db: db["users"].update_many({}, [{"$set": {"v": 1}}]),
    "delete": lambda db: db["users"].delete_one({"_id": 0}),
    "a command": lambda db: db.command("insert", "users", documents=[{"_id": 1}]),
    "create a collection": lambda db: db.create_collection("more"),
    "drop": lambda db: db["users"].drop(),
}


@pytest.mark.parametrize("name", COMMITS)
def test_commits_are_seen_and_can_be_refused(project: Project, main: Branch, name: str) -> None:
    db = WALDatabase(main, author="ann", message="why")
    db["users"].insert_one({"_id": 0, "n": 1})
    seen: list[Proposal] = []
    refusing = [True]

    @project.on_commit("ma*")
    def look(proposal: Proposal) -> bool:
        seen.append(proposal)
        return not refusing[0]

    head = main.head_lsn
    with pytest.raises(HookRefused, match="commit to 'main' was refused by the hook 'look'"):
        COMMITS[name](db)
    assert main.head_lsn == head
    assert db["users"].find_one() == {"_id": 0, "n": 1}
    assert project.verify().problems == []
    refusing.clear()
    refusing.append(False)
    COMMITS[name](db)
    for entry in main.log(after=head):
        if entry.document_id in (0, 1):
            wanted = (str(entry.operation), entry.document_id, entry.old_document, entry.document)
            found = [(each.operation, each.id, each.before, each.after) for each in seen[-1].changes]
            assert wanted in found
    assert {(each.event, each.author, each.message) for each in seen} == {("pre-commit", "ann", "why")}


def test_a_group_is_judged_as_one_and_others_are_not_held_up(project: Project, main: Branch) -> None:
    seen: list[list[Any]] = []

    @main.on_commit
    def no_ghosts(proposal: Proposal) -> str | None:
        seen.append([each.id for each in proposal.changes if each.id is not None])
        return "a ghost" if any((each.after or {}).get("ghost") for each in proposal.changes) else None

    db = WALDatabase(main)
    db.create_collection("users")
    seen.clear()
    with db.commit() as group:
        group["users"].insert_one({"_id": 1})
        group["users"].insert_one({"_id": 2})
        group["users"].delete_one({"_id": 2})
    assert seen == [[1]]
    with pytest.raises(HookRefused), db.commit() as group:
        group["users"].insert_one({"_id": 3})
        group["users"].insert_one({"_id": 4, "ghost": True})
    WALDatabase(project.create_branch("other"))["users"].insert_one({"ghost": True})
    assert db["users"].distinct("_id") == [1]


def test_a_hook_that_writes_to_the_branch_it_judges_is_told(main: Branch, db: WALDatabase) -> None:
    @main.on_commit
    def meddle(proposal: Proposal) -> None:
        db["audit"].insert_one({})

    with pytest.raises(HookRefused, match="cannot write to the branch 'main' that it judges"):
        db["users"].insert_one({"_id": 1})
    assert db.list_collection_names() == []


SCRIPT = """
import json, os, sys
changes = [json.loads(line) for line in sys.stdin]
about = {name: value for name, value in os.environ.items() if name.startswith("ARGON_")}
json.dump({"changes": changes, "about": about}, open(sys.argv[1], "w"))
gone = [change["id"] for change in changes if change["after"] is None]
if gone:
    sys.exit(f"deletes {gone}")
"""


@pytest.fixture
def check(tmp_path: Path) -> list[str]:
    """A command that refuses deletions, and leaves what it got in a file."""
    (tmp_path / "check.py").write_text(SCRIPT)
    return [sys.executable, str(tmp_path / "check.py"), str(tmp_path / "got.json")]


@pytest.fixture
def running(argon: Argon, project: Project) -> Any:
    """The project for a process that runs stored hooks."""
    with Argon(argon.uri, database=argon.database, run_hooks=True) as opened:
        yield opened.project("shop")


def test_a_stored_command_judges_merges(
    project: Project, running: Project, feature: Branch, check: list[str], tmp_path: Path
) -> None:
    import json

    project.add_hook("pre-merge", check, "main", author="ann")
    main = running.branch("main")
    head = main.head_lsn
    with pytest.raises(HookRefused, match=r"refused by the hook 'pre-merge-1': deletes \[2\]"):
        main.merge("feature", author="bo", message="try")
    assert main.head_lsn == head
    got = json.loads((tmp_path / "got.json").read_text())
    assert {
        "operation": "update",
        "space": "default",
        "collection": "users",
        "id": 1,
        "before": {"_id": 1, "age": 40},
        "after": {"_id": 1, "age": 41},
    } in got["changes"]
    assert (got["about"]["ARGON_HOOK_SOURCE"], got["about"]["ARGON_BRANCH"]) == ("feature", "main")
    assert (got["about"]["ARGON_HOOK"], got["about"]["ARGON_HOOK_AUTHOR"]) == ("pre-merge", "bo")
    assert main.merge("feature", propagate_deletes=False).documents_applied == 2


def test_a_process_that_runs_no_hooks_is_refused(project: Project, main: Branch, feature: Branch) -> None:
    project.add_hook("pre-merge", ["true"], "ma*")
    with pytest.raises(HookRefused, match=r"'pre-merge-1' has to agree.*set ARGON_RUN_HOOKS=1"):
        main.merge("feature")
    WALDatabase(main)["users"].insert_one({"_id": 9})
    assert project.fork("main", "free").source == "main"
    project.remove_hook("pre-merge-1")
    main.merge("feature")


def test_a_stored_command_judges_commits(
    project: Project, running: Project, db: WALDatabase, check: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db["users"].insert_one({"_id": 1})
    project.add_hook("pre-commit", check, name="no-deletions")
    theirs = WALDatabase(running.branch("main"))["users"]
    theirs.insert_one({"_id": 2})
    with pytest.raises(HookRefused, match=r"'no-deletions': deletes \[1\]"):
        theirs.delete_one({"_id": 1})
    with pytest.raises(HookRefused, match="runs no stored hooks"):
        db["users"].insert_one({"_id": 3})
    running.add_hook("pre-commit", ["/nowhere/at-all"], "main")
    with pytest.raises(HookRefused, match="'/nowhere/at-all' cannot be run here: No such file"):
        theirs.insert_one({"_id": 3})
    for name in ("no-deletions", "pre-commit-1"):
        running.remove_hook(name)
    monkeypatch.setattr(rules, "RULES_BOUND", 0)
    db["users"].insert_one({"_id": 3})
    assert db["users"].distinct("_id") == [1, 2, 3]


def test_stored_hooks_are_listed_logged_and_verified(project: Project) -> None:
    made = project.add_hook(
        "pre-merge", ["python", "check.py"], "release/*", author="ann", message="data tests"
    )
    assert made.name == "pre-merge-1"
    project.add_hook("pre-commit", ["true"], name="quick")
    assert [hook.name for hook in project.hooks()] == ["pre-merge-1", "quick"]
    assert project.hooks()[0] == made
    assert project.verify().problems == []
    entry = project.engine.plain["wal_log"].find_one({"operation": "edit_project"})
    assert (entry["author"], entry["message"]) == ("ann", "data tests")
    project.remove_hook("pre-merge-1")
    with pytest.raises(NotFound, match="it has: quick"):
        project.remove_hook("pre-merge-1")
    with pytest.raises(Conflict, match="a hook 'quick' already"):
        project.add_hook("pre-commit", ["true"], name="quick")
    project.engine.plain["projects"].update_one({"_id": project.id}, {"$set": {"hooks.0.command": ["false"]}})
    [problem] = project.verify().problems
    assert "hooks is" in problem.message


def test_what_is_no_hook_is_refused(project: Project) -> None:
    wrong: list[tuple[Any, type[Exception]]] = [
        (("post-merge", ["true"]), ValueError),
        (("pre-merge", []), ValueError),
        (("pre-merge", "true"), ValueError),
        (("pre-merge", ["true"], "a b"), InvalidName),
    ]
    for arguments, error in wrong:
        with pytest.raises(error):
            project.add_hook(*arguments)
    with pytest.raises(TypeError):
        project.branch().on_merge("true")  # type: ignore[type-var]
    assert project.hooks() == []


def test_a_coroutine_is_refused_where_nobody_awaits(main: Branch, feature: Branch) -> None:
    @main.on_merge
    async def agree(proposal: Proposal) -> None:
        """Never awaited."""

    with pytest.warns(RuntimeWarning, match="never awaited"), pytest.raises(HookRefused, match="coroutine"):
        main.merge("feature")
