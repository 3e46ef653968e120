"""Retention where users say it: settings, the asynchronous face, the command line."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import AsyncMongoClient

from argon import Argon
from argon.aio import AsyncArgon, AsyncWALDatabase
from argon.errors import HistoryExpired, InvalidSettings
from argon.periods import read_period, show_period
from argon.settings import load_settings

from .conftest import AT_ONCE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("period", "seconds", "text"),
    [
        ("7d", 604800.0, "1w"),
        ("36h", 129600.0, "36h"),
        ("90", 90.0, "90s"),
        (" 15 M ", 900.0, "15m"),
        ("1.5s", 1.5, "1.5s"),
        ("0s", 0.0, "0s"),
        (90, 90.0, "90s"),
        (timedelta(days=1), 86400.0, "1d"),
        ("Forever", math.inf, "forever"),
    ],
)
def test_a_period_is_read_and_written(period: Any, seconds: float, text: str) -> None:
    assert read_period(period) == seconds
    assert show_period(seconds) == text
    assert read_period(text) == seconds


@pytest.mark.parametrize("period", ["", "d", "-1d", "3x", "1d2h", -1, timedelta(-1), True, None, "nan", []])
def test_what_is_no_period_is_refused(period: Any) -> None:
    with pytest.raises(ValueError, match="is no period"):
        read_period(period)


def test_settings_say_how_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARGON_RETENTION", "30d")
    settings = load_settings(gc_interval="10m")
    assert (settings.retention, settings.gc_interval) == (30 * 86400.0, 600.0)
    assert (settings.gc_grace, settings.gc_batch) == (10.0, 1000)
    monkeypatch.setenv("ARGON_RETENTION", "soon")
    with pytest.raises(InvalidSettings, match=r"ARGON_RETENTION.*'soon' is no period"):
        load_settings()


def test_a_retention_that_is_none_changes_nothing(argon: Argon) -> None:
    project = argon.create_project("shop")
    with pytest.raises(InvalidSettings, match="'soon' is no period"):
        project.set_retention("soon")
    with pytest.raises(InvalidSettings, match="'-1' is no period"):
        project.branch().set_retention(-1)
    assert project.retention == project.branch().retention == 7 * 86400.0
    assert len(project.branch().log()) == 1


async def test_collection_on_an_event_loop(mongod_uri: str, argon: Argon) -> None:
    async with AsyncMongoClient[Any](mongod_uri) as client:
        other = AsyncArgon(client=client, database=argon.database)
        other.terms = AT_ONCE
        project = await other.create_project("shop")
        main = await project.branch()
        users = AsyncWALDatabase(main)["users"]
        for number in range(3):
            await users.update_one({"_id": 1}, {"$set": {"n": number}}, upsert=True)
        await main.set_retention("1h")
        assert (await project.gc()).rows == 0
        await main.set_retention(None)
        assert (await main.retention, project.retention) == (0.0, 0.0)
        assert (await project.gc(dry_run=True)).rows == 2
        [report] = await other.gc()
        assert report.rows == 2
        assert await main.horizon_lsn == await main.head_lsn
        with pytest.raises(HistoryExpired):
            await AsyncWALDatabase(main).at(lsn=4)["users"].find_one()
        assert await users.find_one() == {"_id": 1, "n": 2}
        assert (await main.size()).documents.count == (await project.size()).branches[0].own.count == 1
        assert (await project.verify()).ok
        await other.close()
