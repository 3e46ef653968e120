"""Many writers: threads of one process, and processes."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pymongo import MongoClient

from argon import Argon, WALDatabase
from benchmarks.data import fresh
from benchmarks.harness import Documents, Row
from benchmarks.stage import Stage

THREADS = 16
PROCESSES = 4
_WARM_UP = 10
_PATIENCE = 60.0


def threads(stage: Stage) -> Iterator[Row]:
    """Documents per second that 16 threads insert one by one."""
    plain, main = stage.plain["stream"], stage.db.collection("stream")
    rates: list[list[float]] = [[], []]
    with ThreadPoolExecutor(THREADS) as pool:
        for round_ in range(-1, stage.size.rounds):
            for collection, kept in zip((plain, main), rates, strict=True):
                rate = _rate_of_threads(pool, collection, stage.size.seconds if round_ >= 0 else 0.2)
                if round_ >= 0:
                    kept.append(rate)
    plain_rate, rate = map(statistics.median, rates)
    yield Row(f"{THREADS} threads, insert_one", "docs/s", plain_rate, rate, 0.6, 1.0, more_is_better=True)


def _rate_of_threads(pool: ThreadPoolExecutor, collection: Documents, seconds: float) -> float:
    start = time.perf_counter()
    end = start + seconds
    done = sum(pool.map(lambda _: len(_insert_until(collection, end)), range(THREADS)))
    return done / (time.perf_counter() - start)


def _insert_until(collection: Documents, end: float) -> list[float]:
    """Insert until a moment; return how long each insert took."""
    took: list[float] = []
    now = time.perf_counter()
    while now < end:
        collection.insert_one(fresh(len(took)))
        took.append(-now + (now := time.perf_counter()))
    return took


def processes(stage: Stage) -> Iterator[Row]:
    """Documents per second that 4 processes insert one by one: on a branch each, and all on one."""
    for number in range(PROCESSES):
        stage.project.create_branch(f"process-{number}")
    context = multiprocessing.get_context("spawn")  # MongoClient does not live through a fork
    barrier = context.Barrier(PROCESSES)
    results: multiprocessing.Queue[dict[str, list[list[float]]]] = context.Queue()
    plan = [stage.uri, stage.plain.name, stage.argon.database, stage.size.seconds, stage.size.rounds]
    workers = [
        context.Process(target=_worker, args=(number, barrier, results, *plan), daemon=True)
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    gathered = [results.get(timeout=_PATIENCE + 10 * stage.size.seconds * stage.size.rounds) for _ in workers]
    for worker in workers:
        worker.join()

    def rate(name: str) -> float:
        rounds = zip(*(result[name] for result in gathered), strict=True)
        return statistics.median(sum(map(len, took)) for took in rounds) / stage.size.seconds

    plain = rate("plain")
    for work, name, must, aim in (
        (f"{PROCESSES} processes, a branch each", "branches", 0.4, 0.8),
        (f"{PROCESSES} processes, one branch", "one", 0.2, 0.5),
    ):
        yield Row(work, "docs/s", plain, rate(name), must, aim, more_is_better=True)
    writes = [took * 1000 for result in gathered for round_ in result["one"] for took in round_]
    p99 = statistics.quantiles(writes, n=100)[98]
    yield Row("   of these: p99 against p50", "ms", statistics.median(writes), p99, 10, 5)


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
