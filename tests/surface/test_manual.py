"""Every operator of MongoDB's manual: on a plain collection, a head, a child, and the past of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from argon.errors import UnsupportedOperation
from tests.driver.parity import Faces
from tests.surface.cases import expressions, groups, manual, queries, stages, updates

BY_ID = {"$sort": {"_id": 1}}
TABLES: list[tuple[str, manual.Operators, Mapping[str, Any]]] = [
    ("expressions", manual.EXPRESSIONS, expressions.EXPRESSIONS),
    ("variables", manual.VARIABLES, expressions.VARIABLES),
    ("accumulators", manual.ACCUMULATORS, groups.ACCUMULATORS),
    ("windows", manual.WINDOWS, groups.WINDOWS),
    ("stages", manual.STAGES, stages.STAGES),
    ("queries", manual.QUERIES, queries.QUERIES),
    ("projections", manual.PROJECTIONS, queries.PROJECTIONS),
    ("updates", manual.UPDATES, updates.UPDATES),
]


@pytest.mark.parametrize(("operators", "table"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_every_operator_of_the_manual_has_a_case(
    operators: manual.Operators, table: Mapping[str, Any]
) -> None:
    assert set(table) == set(operators)
    for operator, cases in table.items():
        assert cases
        assert operator in {part for word in _words(cases) for part in word.split(".")}


def _words(value: Any) -> Iterable[str]:
    """Give every key and every variable's name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key.replace("$[p]", "$[x]")
            yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value


@pytest.fixture
def ask(things: Faces, client: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Compare an answer, of an operator that the server has."""
    operator = request.node.callspec.params.get("operator")
    lists = {name: operators for name, operators, _ in TABLES}
    since = lists.get(request.node.originalname.removeprefix("test_"), {}).get(operator)
    if since is not None and tuple(client.server_info()["versionArray"][:2]) < since:
        pytest.skip(f"{operator} is new in MongoDB {since[0]}.{since[1]}")
    return things.same


@pytest.mark.parametrize("operator", manual.EXPRESSIONS)
def test_expressions(ask: Callable[..., Any], operator: str) -> None:
    for case in expressions.EXPRESSIONS[operator]:
        ask(lambda db, v=case: list(db.things.aggregate([BY_ID, {"$project": {"v": v}}])))
        ask(lambda db, v=case: list(db.things.find({}, {"v": v, "o.v": v}).sort("_id", 1)))
        # Which of the server's two engines evaluates it, and gives the code, is the planner's choice.
        query = {"$expr": {"$ne": [case, 1]}, "n": {"$gt": 0}}
        ask(lambda db, q=query: list(db.things.find(q, {"n": 1})), ordered=False, errors="class")
        ask(lambda db, v=case: list(db.things.aggregate([{"$group": {"_id": v, "n": {"$sum": 1}}}, BY_ID])))


@pytest.mark.parametrize("operator", manual.EXPRESSIONS)
def test_arguments_that_an_expression_may_refuse(things: Faces, operator: str) -> None:
    if operator in ("$rand", "$meta"):
        return
    for argument in ("$m", ["$m", "$m"], {"x": "$m"}, {"input": "$m"}):
        pipeline = [BY_ID, {"$project": {"v": {operator: argument}}}]
        things.same(lambda db, p=pipeline: list(db.mixed.aggregate(p)), errors="code")


@pytest.mark.parametrize("operator", manual.VARIABLES)
def test_variables(ask: Callable[..., Any], operator: str) -> None:
    for case in expressions.VARIABLES[operator]:
        ask(lambda db, case=case: list(db.things.aggregate([*case, BY_ID])))


@pytest.mark.parametrize("operator", manual.ACCUMULATORS)
def test_accumulators(ask: Callable[..., Any], operator: str) -> None:
    for case in groups.ACCUMULATORS[operator]:
        for key in ("$kind", None, {"k": "$o.k"}):
            group = [BY_ID, {"$group": {"_id": key, "v": case}}, BY_ID]
            if operator == "$addToSet":
                group.append({"$set": {"v": {"$sortArray": {"input": "$v", "sortBy": 1}}}})
            ask(lambda db, group=group: list(db.things.aggregate(group)))


@pytest.mark.parametrize("operator", manual.WINDOWS)
def test_windows(ask: Callable[..., Any], operator: str) -> None:
    for case in groups.WINDOWS[operator]:
        for grouping in ({}, {"partitionBy": "$kind"}):
            stage = {"$setWindowFields": {**grouping, "sortBy": {"n": 1}, "output": {"v": case}}}
            pipeline = [{"$match": {"n": {"$gt": -2}}}, stage, {"$project": {"v": 1}}, BY_ID]
            if operator == "$addToSet":
                pipeline.append({"$set": {"v": {"$sortArray": {"input": "$v", "sortBy": 1}}}})
            ask(lambda db, p=pipeline: list(db.things.aggregate(p)))


@pytest.mark.parametrize("operator", manual.STAGES)
def test_stages(ask: Callable[..., Any], things: Faces, operator: str) -> None:
    for case in stages.STAGES[operator]:
        if operator in stages.REFUSED:
            for view in things.views.values():
                with pytest.raises(UnsupportedOperation, match="use"):
                    view.things.aggregate(case)
            continue
        if operator in stages.ENDLESS:
            ask(lambda db, case=case: _first(db.things.aggregate(case)), among=stages.HEADS)
            continue
        if operator in stages.ON_THE_DATABASE:
            ask(lambda db, case=case: list(db.aggregate(case)), errors="code")
            continue
        among = stages.HEADS if operator in ("$merge", "$out") else None
        ask(lambda db, case=case: list(db.things.aggregate(case)), among=among, errors="code")


def _first(cursor: Any) -> Any:
    with cursor:
        return cursor.try_next(), cursor.alive


@pytest.mark.parametrize("operator", manual.QUERIES)
def test_queries(ask: Callable[..., Any], operator: str) -> None:
    for case in queries.QUERIES[operator]:
        check_query(ask, case, ordered=operator in queries.ORDERED)


@pytest.mark.parametrize("place", range(len(queries.WITHOUT_OPERATOR)))
def test_queries_without_an_operator(things: Faces, place: int) -> None:
    check_query(things.same, queries.WITHOUT_OPERATOR[place], ordered=False)


def check_query(ask: Callable[..., Any], query: Any, *, ordered: bool) -> None:
    ask(lambda db: list(db.things.find(query, {"d": 0})), ordered=ordered)
    ask(lambda db: list(db.things.find(query, {"n": 1}).sort([("n", -1)]).skip(1).limit(3)), errors="code")
    ask(lambda db: list(db.things.aggregate([{"$match": query}, {"$project": {"s": 1}}])), ordered=ordered)
    ask(lambda db: db.things.count_documents(query), errors="code")
    ask(lambda db: db.things.distinct("pairs.v", query), ordered=False)


@pytest.mark.parametrize("place", range(len(queries.BOUNDED)))
def test_finds_between_bounds_of_an_index(things: Faces, place: int) -> None:
    options = queries.BOUNDED[place]
    things.same(lambda db: list(db.things.find(projection={"n": 1, "o.k": 1}, **options)), errors="code")
    things.same(lambda db: list(db.nothing.find(**options)), errors="class")


@pytest.mark.parametrize("operator", manual.PROJECTIONS)
def test_projections(ask: Callable[..., Any], operator: str) -> None:
    for query, projection in queries.PROJECTIONS[operator]:
        ask(lambda db, q=query, p=projection: list(db.things.find(q, p).sort("_id", -1)))
        ask(lambda db, q=query, p=projection: list(db.things.find(q, p)), ordered=False)


@pytest.mark.parametrize("place", range(len(queries.PLAIN_PROJECTIONS)))
def test_projections_without_an_operator(things: Faces, place: int) -> None:
    query, projection = queries.PLAIN_PROJECTIONS[place]
    things.same(lambda db: list(db.things.find(query, projection).sort("_id", -1)))
    things.same(lambda db: db.things.find_one({**query, "_id": 4}, projection))
