"""Reading: single documents, through indexes, and everything."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.data import PER_GROUP
from benchmarks.harness import Documents, Row, Subject, compare
from benchmarks.stage import Stage


def points(stage: Stage) -> Iterator[Row]:
    """Point reads, indexed equality, and a range with sort and limit."""
    views, count, samples = stage.views, stage.size.documents, stage.size.samples
    some = random.Random(1)
    keys = [some.randrange(count) for _ in range(10_000)]

    def by_id(users: Documents, number: int) -> None:
        assert users.find_one({"_id": keys[number % len(keys)]})

    def by_group(users: Documents, number: int) -> None:
        found = users.find({"group": keys[number % len(keys)] // PER_GROUP}).to_list()
        assert len(found) == PER_GROUP

    def in_order(users: Documents, number: int) -> None:
        start = keys[number % len(keys)] * (count - 20) // count
        found = users.find({"rank": {"$gte": start}}).sort("rank").limit(20).to_list()
        assert len(found) == 20

    main = Subject("main", views.main, 1.25, 1.05)
    child = Subject("child", views.child, 1.5, 1.2)
    past = Subject("past", views.past, 1.5, 1.2)
    yield from compare("find_one by _id", by_id, views.plain, [main, child, past], samples)
    main = Subject("main", views.main, 1.3, 1.05)
    yield from compare("indexed equality", by_group, views.plain, [main, child, past], samples)
    main, child = Subject("main", views.main, 1.5, 1.1), Subject("child", views.child, 2, 1.3)
    yield from compare("range, sort, limit", in_order, views.plain, [main, child], samples)


def scans(stage: Stage) -> Iterator[Row]:
    """Work that looks at every document."""
    views, samples = stage.views, max(5, stage.size.samples // 30)

    def scan(users: Documents, _: int) -> None:
        assert sum(1 for _ in users.find({})) == stage.size.documents

    def count(users: Documents, _: int) -> None:
        assert users.count_documents({"age": {"$gt": 50}}) > 0

    def group(users: Documents, _: int) -> None:
        stages = [{"$group": {"_id": "$city", "count": {"$sum": 1}, "score": {"$avg": "$score"}}}]
        assert users.aggregate(stages).to_list()

    for title, work, main, child in (
        ("full scan", scan, (1.5, 1.1), (2.0, 1.3)),
        ("unindexed count", count, (1.8, 1.2), (3.0, 1.5)),
        ("$group over all", group, (3.0, 1.5), (3.5, 2.0)),
    ):
        subjects = [Subject("main", views.main, *main), Subject("child", views.child, *child)]
        yield from compare(title, work, views.plain, subjects, samples)
