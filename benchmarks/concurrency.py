"""Many writers: threads of one process, tasks of one loop, and processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from pymongo import AsyncMongoClient, MongoClient

from argon import Argon, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase
from benchmarks.data import fresh
from benchmarks.harness import Documents, Row
from benchmarks.stage import Stage

_MUSTS = {"16 threads": (0.6, 1.0), "4 processes": (0.2, 0.5)}
_FAIR = (10, 5)
_WARM_UP = 10
_PATIENCE = 60.0

Took = list[list[float]]
"""For each round, how long each write took, in seconds."""


def _rows(work: str, plain: Took, argon: Took, seconds: float) -> Iterator[Row]:
    """Tell how many writes there were, how long they took, and whether some writer had to wait far longer."""
    must, aim = _MUSTS.get(work, (None, None))
    rates = [statistics.median(map(len, took)) / seconds for took in (plain, argon)]
    yield Row(f"{work}, insert_one", "docs/s", *rates, must, aim, more_is_better=True)
    (plain50, plain99), (p50, p99) = (_percentiles(took) for took in (plain, argon))
    yield Row("   of these: p50", "ms", plain50, p50)
    yield Row("   of these: p99", "ms", plain99, p99)
    # One writer waits for nobody.
    fair = (None, None) if work.startswith("1 ") else _FAIR
    yield Row("   of these: p99 against p50", "ms", p50, p99, *fair)


def _percentiles(took: Took) -> tuple[float, float]:
    cuts = statistics.quantiles([each * 1000 for round_ in took for each in round_], n=100)
    return cuts[49], cuts[98]


def _plural(count: int, what: str, plural: str) -> str:
    return f"{count} {what if count == 1 else plural}"


def threads(stage: Stage) -> Iterator[Row]:
    """Documents that threads of one process insert one by one."""
    plain, main = stage.plain["stream"], stage.db.collection("stream")
    for count in stage.size.writers:
        took: tuple[Took, Took] = ([], [])
        with ThreadPoolExecutor(count) as pool:
            for round_ in range(-1, stage.size.rounds):
                for collection, kept in zip((plain, main), took, strict=True):
                    times = _in_threads(pool, count, collection, stage.size.seconds if round_ >= 0 else 0.2)
                    if round_ >= 0:
                        kept.append(times)
        yield from _rows(_plural(count, "thread", "threads"), *took, stage.size.seconds)


def _in_threads(pool: ThreadPoolExecutor, count: int, collection: Documents, seconds: float) -> list[float]:
    end = time.perf_counter() + seconds
    return [
        took for each in pool.map(lambda _: _insert_until(collection, end), range(count)) for took in each
    ]


def tasks(stage: Stage) -> Iterator[Row]:
    """Documents that tasks of one event loop insert one by one."""
    took = asyncio.run(_tasks(stage))
    for count, (plain, argon) in took.items():
        yield from _rows(_plural(count, "task", "tasks"), plain, argon, stage.size.seconds)


async def _tasks(stage: Stage) -> dict[int, tuple[Took, Took]]:
    result: dict[int, tuple[Took, Took]] = {}
    async with (
        AsyncMongoClient[dict[str, Any]](stage.uri) as client,
        AsyncArgon(stage.uri, database=stage.argon.database) as argon,
    ):
        db: AsyncWALDatabase[dict[str, Any]] = AsyncWALDatabase(
            await (await argon.project("bench")).branch("main")
        )
        subjects = (client[stage.plain.name]["tasks"], db.collection("tasks"))
        for count in stage.size.writers:
            took = result[count] = ([], [])
            for round_ in range(-1, stage.size.rounds):
                for collection, kept in zip(subjects, took, strict=True):
                    end = time.perf_counter() + (stage.size.seconds if round_ >= 0 else 0.2)
                    each = await asyncio.gather(*(_insert_soon(collection, end) for _ in range(count)))
                    if round_ >= 0:
                        kept.append([one for times in each for one in times])
    return result


async def _insert_soon(collection: Any, end: float) -> list[float]:
    took: list[float] = []
    now = time.perf_counter()
    while now < end:
        await collection.insert_one(fresh(len(took)))
        took.append(-now + (now := time.perf_counter()))
    return took


def _insert_until(collection: Documents, end: float) -> list[float]:
    """Insert until a moment; return how long each insert took."""
    took: list[float] = []
    now = time.perf_counter()
    while now < end:
        collection.insert_one(fresh(len(took)))
        took.append(-now + (now := time.perf_counter()))
    return took


def processes(stage: Stage) -> Iterator[Row]:
    """Documents that processes insert one by one: on a branch each, and all on one."""
    for number in range(max(stage.size.processes)):
        stage.project.create_branch(f"process-{number}")
    for count in stage.size.processes:
        plain, own, shared = _in_processes(stage, count)
        work = _plural(count, "process", "processes")
        if count == max(stage.size.processes):
            rates = [statistics.median(map(len, took)) / stage.size.seconds for took in (plain, own)]
            yield Row(f"{work}, a branch each, insert_one", "docs/s", *rates, 0.4, 0.8, more_is_better=True)
        for row in _rows(work, plain, shared, stage.size.seconds):
            yield replace(row, work=row.work.replace(", insert_one", ", one branch, insert_one"))


def _in_processes(stage: Stage, count: int) -> Iterator[Took]:
    context = multiprocessing.get_context("spawn")  # MongoClient does not live through a fork
    barrier = context.Barrier(count)
    results: multiprocessing.Queue[dict[str, list[list[float]]]] = context.Queue()
    plan = [stage.uri, stage.plain.name, stage.argon.database, stage.size.seconds, stage.size.rounds]
    workers = [
        context.Process(target=_worker, args=(number, barrier, results, *plan), daemon=True)
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    gathered = [results.get(timeout=_PATIENCE + 10 * stage.size.seconds * stage.size.rounds) for _ in workers]
    for worker in workers:
        worker.join()
    for name in ("plain", "branches", "one"):
        rounds = zip(*(result[name] for result in gathered), strict=True)
        yield [[took for each in round_ for took in each] for round_ in rounds]


def _worker(
    number: int,
    barrier: Any,
    results: Any,
    uri: str,
    plain: str,
    database: str,
    seconds: float,
    rounds: int,
) -> None:
    """Write in step with the other processes, and hand over how long each write took."""
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    project = Argon(uri, database=database).project("bench")
    own: WALDatabase[dict[str, Any]] = WALDatabase(project.branch(f"process-{number}"))
    shared: WALDatabase[dict[str, Any]] = WALDatabase(project.branch())
    collections: dict[str, Callable[[], Documents]] = {
        "plain": lambda: client[plain]["processes"],
        "branches": lambda: own.collection("processes"),
        "one": lambda: shared.collection("processes"),
    }
    result: dict[str, list[list[float]]] = {name: [] for name in collections}
    for _ in range(rounds):
        for name, collection in collections.items():
            users = collection()
            for warm_up in range(_WARM_UP):
                users.insert_one(fresh(warm_up))
            barrier.wait(_PATIENCE)
            result[name].append(_insert_until(users, time.perf_counter() + seconds))
            barrier.wait(_PATIENCE)
    results.put(result)
