"""One collection with history, seen from main, from a child and a grandchild, and in the past."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import IndexModel, MongoClient

from argon import Argon, WALDatabase

SIZE = 3000
GROUPS = 100
BUSY = 7
"""The document that has had two hundred versions."""


@dataclass(frozen=True)
class Executed:
    """What the server says it did for a query.

    Attributes:
        stages: The names of all stages of the winning plan.
        keys: Index keys examined.
        documents: Documents examined.
    """

    stages: frozenset[str]
    keys: int
    documents: int


@pytest.fixture(scope="session")
def views(mongod_uri: str, client: MongoClient[Any]) -> Iterator[dict[str, Any]]:
    """The collection in each view; every document has past versions, and children changed some."""
    name = f"plans_{uuid.uuid4().hex[:12]}"
    with Argon(mongod_uri, database=name) as argon:
        project = argon.create_project("shop")
        main = WALDatabase(project.branch("main"))
        main.users.create_indexes(
            [
                IndexModel("group"),
                IndexModel([("city", 1), ("rank", -1)]),
                IndexModel("rank"),
                IndexModel("tags"),
            ]
        )
        main.users.insert_many(
            {
                "_id": n,
                "group": n % GROUPS,
                "rank": n,
                "city": f"c{n % 30}",
                "tags": [n % 50, "t"],
                "free": n % 5,
            }
            for n in range(SIZE)
        )
        main.users.update_many({}, {"$set": {"seen": 1}})
        for version in range(200):
            main.users.update_one({"_id": BUSY}, {"$set": {"version": version}})
        lsn = main.branch.head_lsn
        child = WALDatabase(project.create_branch("child"))
        child.users.update_many({"group": {"$lt": 10}}, {"$set": {"seen": 2}})
        child.users.delete_many({"group": 11})
        grandchild = WALDatabase(project.create_branch("grandchild", parent="child"))
        grandchild.users.update_many({"group": {"$gte": 95}}, {"$set": {"seen": 3}})
        for view in (main, child):
            view.users.update_many({"group": {"$lt": 5}}, {"$inc": {"seen": 1}})
        yield {
            "main": main.users,
            "child": child.users,
            "grandchild": grandchild.users,
            "past": main.at(lsn=lsn).users,
            "past of grandchild": grandchild.at(lsn=grandchild.branch.head_lsn).users,
        }
    client.drop_database(name)


def executed(explained: Mapping[str, Any]) -> Executed:
    """Read an explanation of a find or an aggregation, whatever its shape."""
    stages = explained.get("stages")
    plans = [stage["$cursor"] for stage in stages if "$cursor" in stage] if stages else [explained]
    names: set[str] = set()
    for part in stages or ():
        names |= {key for key in part if key.startswith("$")} | _named(part.get("$unionWith", {}))
    keys = documents = 0
    for plan in plans:
        names |= _named(plan["queryPlanner"]["winningPlan"])
        keys += plan["executionStats"]["totalKeysExamined"]
        documents += plan["executionStats"]["totalDocsExamined"]
    return Executed(frozenset(names), keys, documents)


def _named(plan: Any) -> set[str]:
    if isinstance(plan, list):
        return {name for item in plan for name in _named(item)}
    if not isinstance(plan, Mapping):
        return set()
    own = {plan["stage"]} if isinstance(plan.get("stage"), str) else set()
    return own | {name for key, value in plan.items() if key != "rejectedPlans" for name in _named(value)}
