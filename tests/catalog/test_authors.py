"""Whoever is named as the author, and why, stands with everything that is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from argon import Argon, Project, WALDatabase
from argon.merging import outcome
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS, TAG_OPERATIONS, Operation


@pytest.fixture
def ann(argon: Argon) -> Iterator[Argon]:
    """The same Argon, with an author."""
    with Argon(argon.uri, database=argon.database, author="ann") as opened:
        yield opened


def everything(argon: Argon, **said: str) -> Project:
    """Do what leaves an entry of each kind, saying ``author=`` and ``message=`` where it is asked for."""
    project = argon.create_project("shop", **said)
    db = WALDatabase(project.branch(), **said)  # type: ignore[arg-type]
    db.create_collection("users")
    db["users"].insert_one({"_id": 1})
    db["users"].update_one({"_id": 1}, {"$set": {"v": 1}})
    db["users"].create_index("v")
    db["users"].drop_index("v_1")
    db.command("collMod", "users", validator={})
    db["users"].rename("people")
    db["people"].delete_many({})
    db["people"].drop()
    project.create_tag("v1", **said)
    project.delete_tag("v1", **said)
    feature = project.create_branch("feature", **said)
    feature.update(description="x", **said)
    feature.set_expiry("1h", **said)
    feature.rename("better", **said)
    WALDatabase(feature, **said)["users"].insert_one({"_id": 2})  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcome, "LARGE_CHANGES", 0)  # a large merge is published
        project.branch().merge("better", **said)
    project.branch().restore(lsn=project.branch().head_lsn, **said)
    project.branch().fork("fork", **said)
    project.delete_branch("better", **said)
    project.undelete_branch("better", **said)
    project.set_default_branch("better", **said)
    project.set_protected("x*", **said)
    project.unset_protected("x*", **said)
    with db.commit() as group:
        group["users"].insert_one({"_id": 3})
    main, better = project.branch("main"), project.branch("better")
    main.undo(**said)
    WALDatabase(better, **said)["users"].insert_one({"_id": 4})  # type: ignore[arg-type]
    main.cherry_pick("better", lsn=better.head_lsn, **said)
    if not said:  # its author= tells whose commits are taken back
        main.revert(lsn=main.head_lsn)
    main.reset("better", **said)
    argon.delete_project("shop", **said)
    return project


def entries(argon: Argon, field: str) -> tuple[Counter[str], set[str]]:
    """Return how often each value stands in the log, and which kinds of entries there are."""
    log = argon.engine.plain["wal_log"].find({}, {"operation": 1, field: 1}).to_list()
    return Counter(str(entry.get(field)) for entry in log), {entry["operation"] for entry in log}


def test_the_author_of_an_argon_stands_with_all_it_writes(ann: Argon) -> None:
    everything(ann)
    authors, kinds = entries(ann, "author")
    assert list(authors) == ["ann"]
    assert kinds >= DOCUMENT_OPERATIONS | DDL_OPERATIONS | TAG_OPERATIONS
    assert kinds >= {Operation.MERGE, Operation.REVERT, Operation.CHERRY_PICK, Operation.RESET}
    assert kinds >= {kind for kind in Operation if kind.endswith("_project")}
    assert kinds >= {kind for kind in Operation if kind.endswith("_branch")} - {Operation.MIGRATE_BRANCH}


def test_what_is_said_at_a_call_goes_before(ann: Argon) -> None:
    everything(ann, author="bo", message="because")
    assert list(entries(ann, "author")[0]) == ["bo"]
    messages = entries(ann, "message")[0]
    assert {text for text in messages if not text.startswith("keep main as it was before ")} == {"because"}


def test_a_migration_has_its_author(ann: Argon) -> None:
    ann.set_feature("wal_create_branch", False)
    project = ann.create_project("shop")
    classic = project.create_branch("old")
    WALDatabase(classic)["users"].insert_one({"_id": 1})
    ann.unset_feature("wal_create_branch")
    classic.migrate(message="into the log")
    authors, kinds = entries(ann, "author")
    assert list(authors) == ["ann"]
    assert Operation.MIGRATE_BRANCH in kinds
    log = ann.engine.plain["wal_log"]
    assert log.distinct("message", {"branch_id": classic.id, "prev_lsn": {"$ne": None}}) == ["into the log"]
