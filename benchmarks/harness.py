"""Timing: what is compared runs interleaved, so that drift of the machine hits all of it alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.collection import Collection

Documents = Collection[dict[str, Any]]
Work = Callable[[Documents, int], object]


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        work: What was done.
        unit: Of ``plain`` and ``argon``.
        plain: What it takes on a plain collection, or in the case that is compared with.
        argon: What it takes on a branch.
        figure: What is judged: the ratio of the two, or ``argon`` itself where ``absolute``.
        must: The figure's limit, if it has one.
        aim: The figure hoped for.
        more_is_better: Whether the limits are lower ones.
        absolute: Whether the figure has the unit of ``argon``.
    """

    work: str
    unit: str
    plain: float | None
    argon: float
    must: float | None = None
    aim: float | None = None
    more_is_better: bool = False
    absolute: bool = False

    @property
    def figure(self) -> float:
        return self.argon if self.absolute or self.plain is None else self.argon / self.plain

    @property
    def ok(self) -> bool:
        return self.reaches(self.must)

    def reaches(self, limit: float | None) -> bool:
        """Whether the figure is on the right side of a limit, or there is none."""
        if limit is None:
            return True
        return self.figure >= limit if self.more_is_better else self.figure <= limit


@dataclass(frozen=True)
class Subject:
    """A view of the data that is compared with the plain collection."""

    name: str
    collection: Documents
    must: float
    aim: float


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_ms(times: Sequence[float]) -> float:
    return statistics.median(times) * 1000


def compare(
    title: str, work: Work, plain: Documents, subjects: Sequence[Subject], samples: int
) -> Iterator[Row]:
    """Run the same work on a plain collection and on views, in turn, and compare the medians.

    Args:
        title: What the work is.
        work: Called with a collection and a number that no other call gets.
        plain: The plain collection.
        subjects: The views.
        samples: How often each runs.

    Yields:
        A row for each view.
    """
    collections = [plain, *(subject.collection for subject in subjects)]
    times: list[list[float]] = [[] for _ in collections]
    number = 0
    for sample in range(-max(1, samples // 10), samples):
        for collection, kept in zip(collections, times, strict=True):
            start = time.perf_counter()
            work(collection, number)
            took = time.perf_counter() - start
            number += 1
            if sample >= 0:  # those before warm connections and caches
                kept.append(took)
    base = median_ms(times[0])
    for subject, kept in zip(subjects, times[1:], strict=True):
        yield Row(f"{title}, {subject.name}", "ms", base, median_ms(kept), subject.must, subject.aim)
