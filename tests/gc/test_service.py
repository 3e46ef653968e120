"""Garbage collection as a service: rounds, failures, the end."""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, PyMongoError

from argon import Argon, GCService, WALDatabase
from argon.aio import AsyncArgon, AsyncGCService
from argon.errors import ProjectNotFound
from argon.gc import versions
from argon.gc.service import Pace

from .conftest import AT_ONCE


def write(argon: Argon, number: int) -> None:
    users = WALDatabase(argon.project("shop").branch())["users"]
    for each in range(number):
        users.update_one({"_id": 1}, {"$set": {"n": each}}, upsert=True)


def test_rounds_until_it_is_stopped(forgetful: Argon) -> None:
    forgetful.create_project("shop")
    write(forgetful, 3)
    rows: list[int] = []

    def note(reports: Any) -> None:
        rows.append(reports[0].rows)
        if len(rows) == 3:
            service.stop()
        write(forgetful, 2)

    service = GCService(forgetful.gc, every=0, on_round=note)
    service.run()
    assert rows == [2, 2, 2]
    service.run()
    assert len(rows) == 3


def test_it_is_stopped_amid_a_pause_and_amid_a_round(
    forgetful: Argon, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = forgetful.create_project("shop")
    write(forgetful, 20)
    reports: list[Any] = []
    service = GCService(project.gc, every="forever", on_round=reports.append)
    take = versions.Sweep._take

    def stopping(self: Any, *rows: Any) -> Any:
        yield from take(self, *rows)
        service.stop()

    with monkeypatch.context() as patch:
        patch.setattr(versions.Sweep, "_take", stopping)
        thread = Thread(target=service.run)
        thread.start()
        thread.join(30)
    assert not thread.is_alive()
    assert reports == []
    # The batch after which it was stopped has gone, and the next round finishes.
    assert 0 < project.gc().rows < 19
    assert project.verify().ok

    def stop(report: Any) -> None:
        reports.append(report)
        waiting.stop()

    waiting = GCService(project.gc, every="forever", on_round=stop)
    waiting.run()
    assert len(reports) == 1


def test_failures_are_told_of_and_tried_again(forgetful: Argon) -> None:
    forgetful.create_project("shop")
    outcomes: list[Any] = [AutoReconnect("away"), AutoReconnect("away"), "done"]
    told: list[Any] = []

    def collect(progress: Any) -> str:
        progress("", 0)
        outcome = outcomes.pop(0)
        if isinstance(outcome, PyMongoError):
            raise outcome
        return str(outcome)

    def end(result: str) -> None:
        told.append(result)
        service.stop()

    service = GCService(
        collect, every=0, on_round=end, on_error=lambda error, pause: told.append((str(error), pause))
    )
    service._alarm.wait = lambda _seconds: None  # type: ignore[method-assign]
    service.run()
    assert told == [("away", 1.0), ("away", 1.0), "done"]


def test_pauses_grow_up_to_that_between_rounds() -> None:
    pace = Pace(10.0)
    assert [pace.failed() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert pace.succeeded() == 10.0
    assert pace.failed() == 1.0
    assert max(Pace(float("inf")).failed() for _ in range(3)) == 1.0


def test_what_waiting_does_not_mend_ends_it(forgetful: Argon) -> None:
    def collect(progress: Any) -> Any:
        return forgetful.project("nope").gc(progress=progress)

    with pytest.raises(ProjectNotFound):
        GCService(collect).run()
    with pytest.raises(ValueError, match="'soon' is no period"):
        GCService(collect, every="soon")


async def test_the_same_on_an_event_loop(mongod_uri: str, forgetful: Argon) -> None:
    forgetful.create_project("shop")
    write(forgetful, 4)
    async with AsyncArgon(mongod_uri, database=forgetful.database) as argon:
        argon.terms = AT_ONCE
        done: asyncio.Queue[Any] = asyncio.Queue()
        service = AsyncGCService(argon.gc, every="forever", on_round=done.put_nowait)
        task = asyncio.create_task(service.run())
        [report] = await done.get()
        assert report.rows == 3
        service.stop()
        await asyncio.wait_for(task, 30)
