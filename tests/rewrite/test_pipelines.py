from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from argon.errors import UnsupportedOperation
from argon.rewrite import rewrite_pipeline

from .conftest import Document, outcome
from .pipeline_table import BY_ID, ON_NOTHING, ON_THE_DATABASE, PIPELINES, Pipeline
from .views import LEGS, HandMadeSource, lay_out, resolver


@dataclass(frozen=True)
class Views:
    """Rows, and beside them each view as a plain database."""

    rows: Database[Document]
    plain: dict[str, Database[Document]]


@pytest.fixture(scope="module")
def views(client: MongoClient[Document]) -> Iterator[Views]:
    name = f"rewrite_{uuid.uuid4().hex[:12]}"
    views = Views(client[name], {view: client[f"{name}_{view}"] for view in LEGS})
    lay_out(views.rows, views.plain)
    yield views
    for database in (views.rows, *views.plain.values()):
        client.drop_database(database)


def without_order(value: Any) -> Any:
    """Lists of documents as multisets; MongoDB promises no order in what it joins."""
    if isinstance(value, dict):
        return {key: without_order(inner) for key, inner in value.items()}
    if isinstance(value, list):
        inner = [without_order(element) for element in value]
        return sorted(inner, key=repr) if all(isinstance(element, dict) for element in inner) else inner
    return value


def comparable(documents: list[Document], pipeline: Pipeline) -> list[str]:
    """Types and the order of fields count; the order of documents does after a final sort."""
    plain = [repr(without_order(document)) for document in documents]
    operators = [next(iter(stage), "") for stage in pipeline]
    while operators and operators[-1] in ("$limit", "$skip"):
        operators.pop()
    return plain if operators and operators[-1] in ("$sort", "$geoNear") else sorted(plain)


def answers(views: Views, view: str, name: str, pipeline: Pipeline, allow_union: bool) -> tuple[Any, Any]:
    resolve = resolver(view)
    rewritten = rewrite_pipeline(pipeline, resolve(name), resolve, allow_union=allow_union)
    assert rewritten.store is not None
    assert rewritten.sink is None
    store = views.rows[rewritten.store]
    plain = views.plain[view][name]
    return (
        outcome(lambda: comparable(list(plain.aggregate(pipeline)), pipeline)),
        outcome(lambda: comparable(list(store.aggregate(rewritten.stages)), pipeline)),
    )


@pytest.mark.parametrize("allow_union", [True, False], ids=["union", "or"])
@pytest.mark.parametrize("view", list(LEGS))
@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_a_view_answers_as_a_plain_collection(
    views: Views, view: str, pipeline: Pipeline, allow_union: bool
) -> None:
    expected, got = answers(views, view, "users", pipeline, allow_union)
    assert got == expected


# Stages that leave nothing to chance when any of them follow one another.
STEPS: list[Pipeline] = [
    [{"$match": {"age": {"$gte": 22}}}],
    [{"$match": {"$or": [{"age": 22}, {"boss": {"$lt": 3}}]}}],
    [{"$match": {"$expr": {"$ne": ["$boss", "$$ROOT.age"]}}}],
    [{"$match": {"d.f": None, "name": {"$type": "string"}}}],
    [{"$match": {"_id": {"$nin": [1, 6]}}}],
    [{"$sort": {"boss": -1, "_id": 1}}],
    [BY_ID, {"$limit": 6}],
    [BY_ID, {"$skip": 2}],
    [{"$set": {"boss": {"$add": ["$boss", 1]}, "d": "$age"}}],
    [{"$project": {"age": 1, "boss": 1, "d": "$name"}}],
    [{"$group": {"_id": "$age", "boss": {"$sum": "$boss"}, "age": {"$max": "$age"}}}],
    [{"$sortByCount": "$boss"}],
    [{"$count": "age"}],
    [{"$lookup": {"from": "orders", "localField": "boss", "foreignField": "user", "as": "joined"}}],
    [{"$unionWith": {"coll": "orders", "pipeline": [{"$match": {"user": {"$gte": 2}}}]}}],
    [{"$facet": {"age": [{"$match": {"age": 22}}], "boss": [{"$sortByCount": "$age"}, BY_ID]}}],
]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=5),
    view=st.sampled_from(sorted(LEGS)),
    allow_union=st.booleans(),
)
def test_stages_mean_the_same_in_any_order(
    views: Views, steps: list[Pipeline], view: str, allow_union: bool
) -> None:
    expected, got = answers(views, view, "users", [stage for step in steps for stage in step], allow_union)
    assert got == expected


@pytest.mark.parametrize("view", list(LEGS))
@pytest.mark.parametrize("pipeline", ON_NOTHING, ids=repr)
def test_a_collection_that_does_not_exist_is_empty(views: Views, view: str, pipeline: Pipeline) -> None:
    expected, got = answers(views, view, "nothing", pipeline, True)
    assert got == expected


@pytest.mark.parametrize("pipeline", ON_THE_DATABASE, ids=repr)
def test_a_pipeline_on_the_database(views: Views, pipeline: Pipeline) -> None:
    rewritten = rewrite_pipeline(pipeline, None, resolver("child"))
    assert rewritten.store is None
    expected = outcome(lambda: comparable(list(views.plain["child"].aggregate(pipeline)), pipeline))
    assert outcome(lambda: comparable(list(views.rows.aggregate(rewritten.stages)), pipeline)) == expected


def test_a_store_that_is_there_with_nothing_to_see_is_empty(views: Views) -> None:
    source = HandMadeSource("store_users", ())
    rewritten = rewrite_pipeline([{"$match": {"age": 22}}], source, resolver("root"))
    assert list(views.rows[rewritten.store or ""].aggregate(rewritten.stages)) == []


@pytest.mark.parametrize(
    "sink", [{"$out": "copy"}, {"$merge": {"into": {"db": "x", "coll": "copy"}, "whenMatched": []}}], ids=repr
)
def test_a_sink_is_cut_off_unchanged(sink: Document) -> None:
    resolve = resolver("root")
    rewritten = rewrite_pipeline([{"$match": {"age": 22}}, sink], resolve("users"), resolve)
    assert rewritten.sink == sink
    assert all(sink.keys() != stage.keys() for stage in rewritten.stages)


@pytest.mark.parametrize(
    "stage", [{"$collStats": {"count": {}}}, {"$indexStats": {}}, {"$planCacheStats": {}}], ids=repr
)
def test_statistics_are_those_of_the_store(views: Views, stage: Document) -> None:
    resolve = resolver("child")
    rewritten = rewrite_pipeline([stage, {"$limit": 1}], resolve("users"), resolve)
    assert (rewritten.store, rewritten.stages) == ("store_users", [stage, {"$limit": 1}])
    assert outcome(lambda: list(views.rows["store_users"].aggregate(rewritten.stages)))[0] == "answer"


@pytest.mark.parametrize(
    "stage",
    [
        {"$lookup": {"from": {"db": "elsewhere", "coll": "c"}, "pipeline": [], "as": "x"}},
        {"$unionWith": {"db": "elsewhere", "coll": "c"}},
        {"$search": {"text": {"query": "x", "path": "y"}}},
        {"$lookup": {"from": "users", "let": {"CURRENT": "$a"}, "pipeline": [], "as": "x"}},
        {
            "$graphLookup": {
                "from": "users",
                "startWith": 1,
                "connectFromField": "a",
                "connectToField": "b",
                "as": "x",
                "restrictSearchWithMatch": {"": 1},
            }
        },
    ],
    ids=repr,
)
def test_what_a_branch_cannot_do_is_refused(stage: Document) -> None:
    resolve = resolver("root")
    with pytest.raises(UnsupportedOperation):
        rewrite_pipeline([stage], resolve("users"), resolve, databases=["here"])


def test_the_own_database_may_be_named(views: Views) -> None:
    resolve = resolver("root")
    stage = {"$unionWith": {"db": "here", "coll": "orders"}}
    rewritten = rewrite_pipeline([stage, {"$count": "n"}], resolve("users"), resolve, databases=["here"])
    expected = [{"n": sum(views.plain["root"][name].count_documents({}) for name in ("users", "orders"))}]
    assert list(views.rows["store_users"].aggregate(rewritten.stages)) == expected


def test_no_union_where_none_is_allowed() -> None:
    resolve = resolver("child")
    lookup = {"$lookup": {"from": "orders", "pipeline": [], "as": "o"}}
    allowed = rewrite_pipeline([lookup], resolve("users"), resolve)
    refused = rewrite_pipeline([lookup], resolve("users"), resolve, allow_union=False)
    assert repr(allowed.stages).count("$unionWith") == 2
    assert "$unionWith" not in repr(refused.stages)


def stages_of(plan: Any) -> Iterator[Document]:
    """All stages of an explained plan."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for inner in plan.values():
            yield from stages_of(inner)
    elif isinstance(plan, list):
        for inner in plan:
            yield from stages_of(inner)


def explained(views: Views, view: str, pipeline: Pipeline) -> list[Document]:
    resolve = resolver(view)
    rewritten = rewrite_pipeline(pipeline, resolve("users"), resolve)
    command = {"aggregate": rewritten.store, "pipeline": rewritten.stages, "cursor": {}}
    plan = views.rows.command("explain", command, verbosity="queryPlanner")
    found = plan["stages"][0]["$cursor"] if "stages" in plan else plan
    return list(stages_of(found["queryPlanner"]["winningPlan"]))


@pytest.mark.parametrize("view", list(LEGS))
def test_an_indexed_field_is_sought_in_each_part_of_a_view(views: Views, view: str) -> None:
    scans = [plan for plan in explained(views, view, [{"$match": {"age": 22}}]) if plan["stage"] == "IXSCAN"]
    assert len(scans) == len(LEGS[view])
    for scan in scans:
        assert scan["indexBounds"]["d.age"] == ["[22, 22]"]
        assert len(scan["indexBounds"]["_id.b"]) == 1
        assert "MinKey" not in scan["indexBounds"]["_id.b"][0]


@pytest.mark.parametrize(
    "pipeline",
    [
        [],
        [{"$match": {"name": "u4"}}],
        [{"$match": {"$or": [{"age": 22}, {"": 1}]}}],
        [{"$match": {"": {"$exists": False}}}, {"$sort": {"age": 1}}],
    ],
    ids=repr,
)
@pytest.mark.parametrize("view", list(LEGS))
def test_a_scan_is_a_range_of_the_clustered_key(views: Views, view: str, pipeline: Pipeline) -> None:
    stages = [plan["stage"] for plan in explained(views, view, pipeline)]
    assert "CLUSTERED_IXSCAN" in stages
    assert not {"COLLSCAN", "IXSCAN"} & set(stages)


@pytest.mark.parametrize("query", [{"age": 22}, {"age": {"$in": [22, 23]}}], ids=repr)
@pytest.mark.parametrize("view", list(LEGS))
def test_a_count_reads_no_documents(views: Views, view: str, query: Document) -> None:
    resolve = resolver(view)
    rewritten = rewrite_pipeline([{"$match": query}, {"$count": "n"}], resolve("users"), resolve)
    assert "$replaceRoot" not in repr(rewritten.stages)


@pytest.mark.parametrize("view", list(LEGS))
def test_an_index_gives_the_order(views: Views, view: str) -> None:
    pipeline = [{"$match": {"age": {"$in": [22, 23]}}}, {"$sort": {"age": 1}}, {"$limit": 3}]
    stages = {plan["stage"] for plan in explained(views, view, pipeline)}
    assert {"IXSCAN", "LIMIT"} <= stages
    assert "SORT" not in stages
