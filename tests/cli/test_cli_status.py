"""Status, doctor, features, verify and the server commands."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from argon.wal.log import CHAIN_INDEX, LOG

if TYPE_CHECKING:
    from conftest import Cli


@pytest.fixture
def database(mongod_uri: str) -> Any:
    """What lies below the branches, as MongoDB holds it."""
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        yield client[os.environ["ARGON_DATABASE"]]


def checks(cli: Cli) -> dict[str, dict[str, str]]:
    result = cli("doctor", "-o", "json")
    return {check["check"]: check for check in json.loads(result.stdout)}


def test_status_tells_what_is_in_use_and_why(shop: Cli, mongod_uri: str) -> None:
    shop.ok("branch", "create", "feature")
    shop.ok("features", "set", "wal_enabled", '{"percent": 25}')
    status = shop.json("status")
    assert status["server"] == mongod_uri
    assert status["embedded"] is False
    assert (status["project"], status["branch"]) == ("shop", "main")
    assert status["project_from"] == str(shop.folder / ".argon")
    assert (status["projects"], status["branches"]) == (1, 2)
    assert status["features_changed"] == {"wal_enabled": {"enabled": True, "percent": 25.0}}


def test_status_without_a_project(cli: Cli) -> None:
    status = cli.json("status")
    assert (status["project"], status["projects"], status["branches"]) == (None, 0, None)


def test_features_are_set_and_unset(cli: Cli) -> None:
    def value(flag: str) -> tuple[Any, str]:
        return next(
            (each["value"], each["source"]) for each in cli.json("features", "list") if each["flag"] == flag
        )

    assert value("wal_time_travel") == (True, "default")
    cli.ok("features", "set", "wal_time_travel", "false")
    assert value("wal_time_travel") == (False, "database")
    rollout = {"enabled": True, "projects": ["shop"], "percent": 25.0}
    cli.ok("features", "set", "wal_enabled", json.dumps(rollout))
    assert value("wal_enabled") == (rollout, "database")
    cli.ok("features", "unset", "wal_time_travel")
    assert value("wal_time_travel") == (True, "default")
    assert "held no value" in cli("features", "unset", "wal_time_travel").stderr


def test_a_flag_of_the_environment_goes_before_the_database(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGON_FEATURES__WAL_TIME_TRAVEL", "false")
    result = cli("features", "set", "wal_time_travel", "true")
    assert result.exit_code == 0
    assert "environment (ARGON_FEATURES__WAL_TIME_TRAVEL) goes before the database" in result.stderr


def test_without_time_travel_the_past_is_closed(shop: Cli) -> None:
    shop.file("users.json", '{"_id": 1}')
    shop.ok("import", "users.json")
    shop.ok("features", "set", "wal_time_travel", "false")
    for command in (["log"], ["find", "users", "--at", "1m"], ["branch", "restore", "--lsn", "3"]):
        assert "wal_time_travel" in shop.error(1, *command)
    assert shop.ok("export", "-c", "users") == '{"_id": {"$numberInt": "1"}}\n'


def test_the_doctor_finds_nothing_wrong(shop: Cli) -> None:
    shop.file("users.json", '{"_id": 1}')
    shop.ok("import", "users.json")
    found = checks(shop)
    assert {check["state"] for check in found.values()} == {"ok"}
    assert shop("doctor").exit_code == 0


def test_the_doctor_stops_where_no_server_answers(offline: Cli) -> None:
    result = offline("doctor", "-o", "json")
    assert result.exit_code == 1
    *_, last = json.loads(result.stdout)
    assert (last["check"], last["state"]) == ("server", "fail")


def test_the_doctor_misses_the_index_that_makes_writes_safe(shop: Cli, database: Any) -> None:
    database[LOG].drop_index(CHAIN_INDEX)
    found = checks(shop)["log indexes"]
    assert found["state"] == "fail"
    assert "branch_id, prev_lsn" in found["found"]
    assert found["mend"]
    assert shop("doctor").exit_code == 1


def test_the_doctor_notices_a_missing_log_entry(shop: Cli, database: Any) -> None:
    shop.file("users.json", '{"_id": 1}{"_id": 2}{"_id": 3}')
    shop.ok("import", "users.json")
    lsn = shop.json("log", "--id", "2")[0]["lsn"]
    database[LOG].delete_one({"lsn": lsn})
    found = checks(shop)["log chain"]
    assert found["state"] == "fail"
    assert str(lsn) in found["found"]
    assert "shop@main" in found["found"]


def test_the_doctor_looks_whether_the_context_exists(shop: Cli) -> None:
    assert checks(shop)["context"]["state"] == "ok"
    (shop.folder / ".argon").write_text("shop@gone\n")
    assert "'gone'" in checks(shop)["context"]["found"]
    (shop.folder / ".argon").write_text("gone\n")
    found = checks(shop)["context"]
    assert (found["state"], "'gone'" in found["found"], "shop" in found["mend"]) == ("warn", True, True)


def test_the_doctor_sees_flags_that_are_off(shop: Cli) -> None:
    shop.ok("features", "set", "wal_data_operations", "false")
    found = checks(shop)["feature flags"]
    assert (found["state"], "wal_data_operations" in found["found"]) == ("warn", True)


def test_verify_agrees(shop: Cli) -> None:
    shop.file("users.json", '{"_id": 1}{"_id": 2}')
    shop.ok("import", "users.json")
    report = shop.json("verify")
    assert (report["project"], report["ok"], report["problems"]) == ("shop", True, [])
    assert report["versions"] >= 2
    assert report["head_lsn"] == shop.json("branch", "show")["head_lsn"]
    assert "log and versions of shop agree" in shop("verify", "shop").stderr
    shop.error(3, "verify", "nope")


def test_verify_names_the_damage_and_rebuild_mends_it(shop: Cli, database: Any) -> None:
    shop.file("users.json", '{"_id": 1, "n": 1}{"_id": 2, "n": 1}')
    shop.ok("import", "users.json")
    for name in database.list_collection_names():
        if name.startswith("rows_"):
            database[name].update_one({"d._id": 2}, {"$set": {"d.n": 7}})
    result = shop("verify", "-o", "json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["ok"], report["problem_count"]) == (False, 1)
    assert (report["problems"][0]["collection"], report["problems"][0]["document_id"]) == ("users", 2)
    assert "'argon verify --rebuild'" in shop("verify").stderr
    assert "--yes" in shop.error(2, "verify", "--rebuild")
    assert shop.json("find", "users", '{"_id": 2}') == [{"_id": 2, "n": 7}]
    shop.ok("verify", "--rebuild", "--yes")
    assert shop.json("find", "users") == [{"_id": 1, "n": 1}, {"_id": 2, "n": 1}]


def test_the_embedded_server_is_started_shown_and_stopped(
    offline: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGON_MONGODB_URI")
    monkeypatch.setenv("ARGON_DATA_DIR", str(offline.folder / "data"))
    assert offline.json("server", "status")["running"] is False
    assert "was not running" in offline("server", "stop").stderr
    try:
        started = offline.json("server", "start")
        assert started["running"] is True
        assert started["uri"].startswith("mongodb://127.0.0.1:")
        assert offline.json("server", "start")["pid"] == started["pid"]
        status = offline.json("status")
        assert (status["embedded"], status["data_dir"]) == (True, str(offline.folder / "data"))
        assert checks(offline)["disk"]["found"].endswith(f"free on the disk of {offline.folder / 'data'}")
    finally:
        stopped = offline.json("server", "stop")
    assert stopped["running"] is False


def test_a_machine_without_mongod_gets_one_line_and_the_doctor_tells_ways_out(
    offline: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGON_MONGODB_URI")
    monkeypatch.setenv("ARGON_DATA_DIR", str(offline.folder / "data"))
    monkeypatch.setenv("ARGON_MONGOD", "/no/mongod")
    assert "'argon doctor'" in offline.error(1, "project", "list")
    assert "docker compose up" in offline("doctor").stderr
