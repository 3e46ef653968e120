"""Change streams: how long after a write its event is in the reader's hands."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

from benchmarks.harness import Documents, Row, median_ms
from benchmarks.stage import Stage


def streams(stage: Stage) -> Iterator[Row]:
    """Insert documents one by one, each after the event of the one before."""
    samples = max(30, stage.size.samples // 5)
    plain = _latencies(stage.plain["watched"], samples)
    argon = _latencies(stage.db.collection("watched"), samples)
    yield Row("watch(): insert to event", "ms", plain, argon, 100, 20, absolute=True)


def _latencies(collection: Documents, samples: int) -> float:
    """Return the median time from before an insert until its event was read."""
    collection.insert_one({"_id": -1})
    seen: queue.SimpleQueue[float] = queue.SimpleQueue()

    def read() -> None:
        for _ in range(samples):
            stream.next()
            seen.put(time.perf_counter())

    times: list[float] = []
    with collection.watch() as stream:
        reader = threading.Thread(target=read)
        reader.start()
        for number in range(samples):
            start = time.perf_counter()
            collection.insert_one({"_id": number})
            times.append(seen.get() - start)
        reader.join()
    return median_ms(times)
