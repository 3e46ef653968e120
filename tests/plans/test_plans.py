"""An index serves where it should, and a scan reads its own range of the clustered key and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argon.engine.pipelines import physical_pipeline
from argon.io import run

from .conftest import BUSY, GROUPS, SIZE, Executed, executed

VIEWS = ["main", "child", "grandchild", "past", "past of grandchild"]
ONE_LEG = ["main", "past"]
LEGS = {"main": 1, "child": 2, "grandchild": 3, "past": 1, "past of grandchild": 3}
GROUP = SIZE // GROUPS

# Each with the number of documents that it finds on main.
SEEKS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "one by _id": (lambda users: users.find({"_id": 17}), 1),
    "_id and more": (lambda users: users.find({"_id": 17, "free": 2}), 1),
    "_id in a list": (lambda users: users.find({"_id": {"$in": [1, 20, 2000]}}), 3),
    "a range of _id": (lambda users: users.find({"_id": {"$gte": SIZE - 20}}), 20),
    "equality": (lambda users: users.find({"group": 17}), GROUP),
    "equality and more": (lambda users: users.find({"group": 17, "free": 2}), GROUP),
    "equality, projected": (lambda users: users.find({"group": 17}, {"rank": 1}), GROUP),
    "a list of values": (lambda users: users.find({"group": {"$in": [17, 18]}}), 2 * GROUP),
    "an element of an array": (lambda users: users.find({"tags": 7}), SIZE // 50),
    "a compound prefix": (lambda users: users.find({"city": "c3"}), SIZE // 30),
    "both fields of a compound": (lambda users: users.find({"city": "c3", "rank": {"$lt": 300}}), 10),
    "alternatives": (lambda users: users.find({"$or": [{"group": 17}, {"_id": 9}]}), GROUP + 1),
    "$expr": (lambda users: users.find({"$expr": {"$eq": ["$group", 17]}}), GROUP),
    "a hint": (lambda users: users.find({"group": 17, "rank": {"$gte": 0}}).hint("group_1"), GROUP),
}
SORTED: dict[str, tuple[Callable[[Any], Any], int]] = {
    "by _id": (lambda users: users.find().sort("_id", 1).limit(10), 10),
    "backwards": (lambda users: users.find().sort("_id", -1).limit(10), 10),
    "only sorted": (lambda users: users.find().sort("rank", -1).limit(10), 10),
    "range and sort": (lambda users: users.find({"rank": {"$gt": 1500}}).sort("rank", 1).limit(10), 10),
    "prefix and sort": (lambda users: users.find({"city": "c3"}).sort("rank", -1).limit(10), 10),
    "prefix and sort backwards": (lambda users: users.find({"city": "c3"}).sort("rank", 1).limit(10), 10),
}
SCANS: dict[str, Callable[[Any], Any]] = {
    "everything": lambda users: users.find(),
    "no index": lambda users: users.find({"free": 3}),
    "a negation": lambda users: users.find({"free": {"$ne": 3}}),
    "a computed projection": lambda users: users.find({}, {"twice": {"$multiply": ["$rank", 2]}}),
    "another order": lambda users: users.find().sort("free", 1),
}
PIPELINES: dict[str, tuple[list[dict[str, Any]], int]] = {
    "_id": ([{"$match": {"_id": 17}}, {"$project": {"x": "$rank"}}], 1),
    "equality": ([{"$match": {"group": 17}}, {"$group": {"_id": "$free", "n": {"$sum": 1}}}], GROUP),
    "two matches": ([{"$match": {"free": 2}}, {"$match": {"group": 17}}, {"$count": "n"}], GROUP),
    "sort and limit": ([{"$sort": {"rank": -1}}, {"$limit": 10}, {"$set": {"x": 1}}], 10),
}


def explain(users: Any, stages: list[dict[str, Any]]) -> Executed:
    snapshot = run(users.handle.snapshot())
    store, physical = physical_pipeline(snapshot, users.space, users.name, stages)
    command = {"aggregate": store, "pipeline": physical, "cursor": {}}
    return executed(snapshot.engine.plain.command({"explain": command, "verbosity": "executionStats"}))


def bound(view: str, found: int) -> int:
    """Bound the index keys to look at: a few for each leg and document, however long the history."""
    return (4 * found + 40) * LEGS[view]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("query", SEEKS)
def test_an_index_serves(views: dict[str, Any], query: str, view: str) -> None:
    find, found = SEEKS[query]
    did = executed(find(views[view]).explain())
    assert "IXSCAN" in did.stages
    assert not did.stages & {"COLLSCAN", "CLUSTERED_IXSCAN"}
    assert did.documents <= bound(view, found)
    assert did.keys <= bound(view, found)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("query", SORTED)
def test_an_index_gives_the_order(views: dict[str, Any], query: str, view: str) -> None:
    find, found = SORTED[query]
    did = executed(find(views[view]).explain())
    assert "IXSCAN" in did.stages
    assert not did.stages & {"COLLSCAN", "CLUSTERED_IXSCAN", "SORT"}
    assert did.documents <= bound(view, found)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("query", SCANS)
def test_a_scan_reads_its_range_of_the_clustered_key(views: dict[str, Any], query: str, view: str) -> None:
    did = executed(SCANS[query](views[view]).explain())
    assert "CLUSTERED_IXSCAN" in did.stages
    assert not did.stages & {"COLLSCAN", "IXSCAN"}
    if view == "main":
        assert did.documents <= SIZE + 5, "the head is one run, without past versions"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_an_index_serves_a_pipeline(views: dict[str, Any], pipeline: str, view: str) -> None:
    stages, found = PIPELINES[pipeline]
    did = explain(views[view], stages)
    assert "IXSCAN" in did.stages
    assert not did.stages & {"COLLSCAN", "CLUSTERED_IXSCAN", "SORT", "$sort"}
    assert did.documents <= bound(view, found)


@pytest.mark.parametrize("view", VIEWS)
def test_a_long_history_does_not_slow_a_point_read(views: dict[str, Any], view: str) -> None:
    did = executed(views[view].find({"_id": BUSY}).explain())
    assert did.keys <= 3 * LEGS[view]
    assert did.documents <= 2 * LEGS[view]


@pytest.mark.parametrize("view", VIEWS)
def test_a_join_uses_the_index_of_the_joined_field(views: dict[str, Any], view: str) -> None:
    users = views[view]
    snapshot = run(users.handle.snapshot())
    for foreign in ("group", "_id"):
        lookup = {"$lookup": {"from": "users", "localField": "free", "foreignField": foreign, "as": "them"}}
        stages = [{"$match": {"_id": {"$in": [20, 21]}}}, lookup]
        store, physical = physical_pipeline(snapshot, users.space, users.name, stages)
        command = {"aggregate": store, "pipeline": physical, "cursor": {}}
        told = snapshot.engine.plain.command({"explain": command, "verbosity": "executionStats"})
        [did] = [stage for stage in told["stages"] if "$lookup" in stage]
        assert did["collectionScans"] == 0
        assert did["totalDocsExamined"] <= bound(view, 2 * GROUP)


@pytest.mark.parametrize("view", VIEWS)
def test_what_was_explained_is_what_is_found(views: dict[str, Any], view: str) -> None:
    """So that no plan above is fast because it finds nothing."""
    users = views[view]
    deleted = 0 if view in ONE_LEG else GROUP
    assert users.count_documents({}) == SIZE - deleted
    for find, found in [*SEEKS.values(), *SORTED.values()]:
        assert 0 < len(list(find(users))) <= found
