"""Every combination of the flags through the same small application, with what each must come to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import InsertOne, MongoClient

from argon import Argon, Branch, WALDatabase
from argon.errors import BranchNotFound, FeatureDisabled, InvalidSettings, UnsupportedOperation
from argon.features import FLAGS, Rollout
from argon.features.rollout import position

COMBINATIONS = [
    dict(zip(FLAGS, values, strict=True)) for values in itertools.product([True, False], repeat=len(FLAGS))
]


@dataclass(frozen=True)
class Expected:
    """What becomes of the application.

    Attributes:
        main: The kind of a new project's main branch.
        feature: The kind of a branch made from it.
        refused: The flag that refuses writes to a branch in the log, if one does.
        timeless: The flag that refuses at=, restore and log, if one does.
    """

    main: str
    feature: str
    refused: str | None
    timeless: str | None


def expected(flags: Mapping[str, bool]) -> Expected:
    if not flags["wal_enabled"]:
        return Expected("classic", "classic", refused=None, timeless="wal_enabled")
    return Expected(
        main="wal",
        feature="wal" if flags["wal_create_branch"] else "classic",
        refused=None if flags["wal_data_operations"] else "wal_data_operations",
        timeless=None if flags["wal_time_travel"] else "wal_time_travel",
    )


def set_all(argon: Argon, flags: Mapping[str, bool]) -> None:
    for flag, value in flags.items():
        argon.set_feature(flag, value)


def write_in_every_way(db: WALDatabase) -> list[Callable[[], Any]]:
    users = db["users"]

    def grouped() -> None:
        with db.commit(message="both") as group:
            group["users"].insert_one({"_id": "grouped"})

    ways: list[Callable[[], Any]] = [
        lambda: users.insert_one({"_id": 1}),
        lambda: users.insert_many([{"_id": 2}]),
        lambda: users.update_one({"_id": 1}, {"$set": {"a": 1}}),
        lambda: users.replace_one({"_id": 1}, {"a": 2}),
        lambda: users.find_one_and_update({"_id": 1}, {"$set": {"a": 3}}),
        lambda: users.bulk_write([InsertOne({"_id": 3})]),
        lambda: users.aggregate([{"$merge": "others"}]),
        lambda: users.delete_one({"_id": 2}),
        lambda: users.create_index("a"),
        lambda: users.drop_index("a_1"),
        lambda: db.create_collection("made"),
        lambda: db["made"].rename("renamed"),
        lambda: db.drop_collection("renamed"),
    ]
    return [*ways, grouped] if db.branch.kind == "wal" else ways


def use(branch: Branch, outcome: Expected) -> None:
    """Write, read and travel on a branch."""
    db = WALDatabase(branch)
    refused = outcome.refused if branch.kind == "wal" else None
    for write in write_in_every_way(db):
        if refused is None:
            write()
        else:
            with pytest.raises(FeatureDisabled, match=refused):
                write()
    documents = [] if refused else [{"_id": 1, "a": 3}, {"_id": 3}]
    assert list(db["users"].find({"_id": {"$in": [1, 2, 3]}}).sort("_id", 1)) == documents
    assert db["users"].count_documents({"a": 3}) == len(documents[:1])
    for travel in (
        lambda: db.at(lsn=branch.base_lsn)["users"].find_one(),
        lambda: branch.restore(lsn=branch.base_lsn, name=f"again-{branch.name}"),
        lambda: branch.log(),
        lambda: branch.project.create_branch(f"then-{branch.name}", parent=branch, at=branch.base_lsn),
    ):
        if outcome.timeless is not None:
            with pytest.raises(FeatureDisabled, match=outcome.timeless):
                travel()
        elif branch.kind == "classic":
            with pytest.raises(UnsupportedOperation, match="argon branch migrate"):
                travel()
        else:
            travel()


@pytest.mark.parametrize(
    "flags", COMBINATIONS, ids=lambda flags: "".join("+" if on else "-" for on in flags.values())
)
def test_the_application(argon: Argon, flags: dict[str, bool]) -> None:
    set_all(argon, flags)
    outcome = expected(flags)
    project = argon.create_project("shop")
    main = project.branch("main")
    feature = project.create_branch("feature")
    assert (main.kind, feature.kind) == (outcome.main, outcome.feature)
    use(main, outcome)
    use(feature, outcome)
    if outcome.timeless is None and outcome.main == "wal":
        assert project.branch("again-main").kind == outcome.feature
    project.delete_branch("feature", force=True)
    with pytest.raises(BranchNotFound):
        project.branch("feature")
    assert project.undelete_branch("feature").kind == outcome.feature


@pytest.mark.parametrize(
    "flags", COMBINATIONS, ids=lambda flags: "".join("+" if on else "-" for on in flags.values())
)
def test_no_combination_shows_other_data_or_loses_any(
    argon: Argon, mongod_uri: str, flags: dict[str, bool]
) -> None:
    """A team that has begun to use branches switches flags, in whatever way, and back."""
    project = argon.create_project("shop")
    WALDatabase(project.branch("main"))["users"].insert_one({"_id": 1})
    WALDatabase(project.create_branch("feature"))["users"].insert_one({"_id": 2})
    argon.set_feature("wal_create_branch", False)
    WALDatabase(project.create_branch("old"))["users"].insert_one({"_id": 3})
    set_all(argon, flags)
    with Argon(mongod_uri, database=argon.database) as fresh:
        for name, ids, kind in (("main", [1], "wal"), ("feature", [1, 2], "wal"), ("old", [1, 3], "classic")):
            branch = fresh.branch(f"shop@{name}")
            users = WALDatabase(branch)["users"]
            assert branch.kind == kind
            assert [user["_id"] for user in users.find().sort("_id", 1)] == ids
            writable = kind == "classic" or (flags["wal_enabled"] and flags["wal_data_operations"])
            if writable:
                users.insert_one({"_id": "later"})
            else:
                with pytest.raises(FeatureDisabled):
                    users.insert_one({"_id": "later"})
            assert users.count_documents({}) == len(ids) + writable
    set_all(argon, dict.fromkeys(FLAGS, True))
    WALDatabase(project.branch("main"))["users"].insert_one({"_id": "back"})


def test_an_ordinary_database_is_what_is_used_without_the_log(
    argon: Argon, client: MongoClient[dict[str, Any]]
) -> None:
    argon.set_feature("wal_enabled", False)
    argon.client()["shop"]["users"].insert_one({"_id": 1})
    physical = argon.branch("shop").record.physical
    assert physical is not None
    assert client[physical]["users"].find_one() == {"_id": 1}
    operations = argon.engine.plain["wal_log"].distinct("operation")
    assert set(operations) == {"create_project", "create_branch"}


def test_a_rollout_by_projects(argon: Argon) -> None:
    argon.set_feature("wal_create_branch", {"projects": ["shop"]})
    assert argon.create_project("shop").create_branch("feature").kind == "wal"
    assert argon.create_project("other").create_branch("feature").kind == "classic"


def test_a_rollout_by_percent(argon: Argon) -> None:
    project = argon.create_project("shop")
    names = sorted((f"feature-{n}" for n in range(40)), key=lambda name: position("shop", name))
    percent = position("shop", names[20])
    argon.set_feature("wal_create_branch", Rollout(percent=percent))
    chosen = names[18:23]
    assert [project.create_branch(name).kind for name in chosen] == ["wal"] * 2 + ["classic"] * 3


def test_a_rollout_of_writes_is_decided_branch_by_branch(argon: Argon) -> None:
    project = argon.create_project("shop")
    names = sorted((f"feature-{n}" for n in range(10)), key=lambda name: position("shop", name))
    inside, outside = (WALDatabase(project.create_branch(name))["users"] for name in (names[0], names[-1]))
    argon.set_feature("wal_data_operations", {"percent": position("shop", names[-1])})
    inside.insert_one({})
    with pytest.raises(FeatureDisabled, match=f"shop@{names[-1]}.*percent"):
        outside.insert_one({})


@pytest.mark.parametrize(
    ("environment", "stored", "file", "on", "source"),
    [
        (None, None, None, True, "default"),
        (None, None, False, False, "features.yaml"),
        (None, True, False, True, "database"),
        (None, False, True, False, "database"),
        (True, False, False, True, "ARGON_FEATURES__WAL_DATA_OPERATIONS"),
        (False, True, True, False, "ARGON_FEATURES__WAL_DATA_OPERATIONS"),
    ],
)
def test_the_stronger_source_decides(
    argon: Argon,
    mongod_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: bool | None,
    stored: bool | None,
    file: bool | None,
    on: bool,
    source: str,
) -> None:
    argon.create_project("shop")
    if stored is not None:
        argon.set_feature("wal_data_operations", stored)
    if file is not None:
        (tmp_path / "config").mkdir()
        features = {"features": {"wal_data_operations": file}}
        (tmp_path / "config" / "features.yaml").write_text(json.dumps(features))
    monkeypatch.chdir(tmp_path)
    if environment is not None:
        monkeypatch.setenv("ARGON_FEATURES__WAL_DATA_OPERATIONS", json.dumps(environment))
    with Argon(mongod_uri, database=argon.database) as fresh:
        assert source in fresh.features().source("wal_data_operations")
        users = WALDatabase(fresh.branch("shop"))["users"]
        if on:
            users.insert_one({})
        else:
            with pytest.raises(FeatureDisabled, match=source):
                users.insert_one({})


def test_a_flag_set_here_is_seen_here_at_once(argon: Argon) -> None:
    users = WALDatabase(argon.create_project("shop").branch("main"))["users"]
    users.insert_one({})
    argon.set_feature("wal_data_operations", False)
    with pytest.raises(FeatureDisabled):
        users.insert_one({})
    assert argon.features().setting("wal_data_operations").value is False
    assert argon.unset_feature("wal_data_operations")
    assert not argon.unset_feature("wal_data_operations")
    users.insert_one({})
    assert users.count_documents({}) == 2


def test_a_slip_in_a_flag_is_refused(argon: Argon) -> None:
    with pytest.raises(InvalidSettings, match="did you mean 'wal_enabled'"):
        argon.set_feature("wal_enable", True)
    with pytest.raises(InvalidSettings, match="wrong value 'yes'"):
        argon.set_feature("wal_enabled", "yes")  # type: ignore[arg-type]
    with pytest.raises(InvalidSettings, match="percent"):
        argon.set_feature("wal_enabled", {"percent": 101})
