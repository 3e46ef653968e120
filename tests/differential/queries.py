"""Questions as data, and strategies for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from .filters import COLLATION, filters, orders, projections, wrong_filters, wrong_projections
from .outcomes import encoded
from .values import Document, fields, ids, numbers, paths

NAMES = ["a", "b", "c"]
VIEW = "w"
_names = st.sampled_from([*NAMES, *NAMES, VIEW])


@dataclass(frozen=True)
class Query:
    """A question to a database.

    Attributes:
        collection: The collection to ask.
        method: ``find``, ``count_documents``, ``distinct`` or ``aggregate``.
        args: Its arguments.
        kwargs: Its keyword arguments.
        order: Whether the order of the answer is part of it.
        equal: Whether numbers that are equal are the same answer, whichever of them comes first.
    """

    collection: str
    method: str
    args: tuple[Any, ...]
    kwargs: Document
    order: bool = True
    equal: bool = False

    def ask(self, database: Any) -> Callable[[], Any]:
        """Return the question as something to call."""

        def call() -> Any:
            answer = getattr(database[self.collection], self.method)(*self.args, **self.kwargs)
            if isinstance(answer, int):
                return answer
            found = [plainly(item) if self.equal else item for item in answer]
            return found if self.order else sorted(found, key=encoded)

        return call


def plainly(value: Any) -> Any:
    """Forget of what type a number is."""
    from bson import Decimal128

    if isinstance(value, Decimal128):
        value = value.to_decimal()
        value = float(value) if value.is_finite() else float(str(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) + 0.0
    if isinstance(value, dict):
        return {key: plainly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plainly(item) for item in value]
    return value


@st.composite
def finds(draw: st.DrawFn) -> Query:
    """Draw a find."""
    kwargs: Document = {}
    order = draw(st.booleans())
    if order:
        kwargs["sort"] = draw(orders)
        for option in ("skip", "limit"):
            if draw(st.booleans()):
                kwargs[option] = draw(st.integers(0, 4))
    kwargs["projection"] = draw(st.one_of(st.none(), projections, projections, wrong_projections))
    if draw(st.integers(0, 7)) == 0:
        kwargs["collation"] = COLLATION
    query = draw(st.one_of(filters, filters, filters, wrong_filters))
    return Query(draw(_names), "find", (query,), kwargs, order)


counts = st.builds(
    lambda name, query, kwargs: Query(name, "count_documents", (query,), kwargs),
    _names,
    filters,
    st.fixed_dictionaries({}, optional={"skip": st.integers(0, 2), "limit": st.integers(1, 5)}),
)
distincts = st.builds(
    lambda name, path, query: Query(name, "distinct", (path, query), {}, order=False, equal=True),
    _names,
    paths,
    filters,
)


def _pipeline(*stages: Document) -> list[Document]:
    return list(stages)


_by_id: Document = {"$sort": {"_id": 1}}
_groups: st.SearchStrategy[tuple[list[Document], bool]] = st.one_of(
    st.builds(
        lambda query, path: (
            _pipeline(
                {"$match": query},
                {
                    "$group": {
                        "_id": f"${path}",
                        "n": {"$sum": 1},
                        "least": {"$min": "$k"},
                        "sum": {"$sum": "$u"},
                    }
                },
            ),
            True,
        ),
        filters,
        paths,
    ),
    st.builds(
        lambda query, path: (
            _pipeline(
                {"$match": query},
                _by_id,
                {"$group": {"_id": f"${path}", "all": {"$push": "$_id"}, "first": {"$first": "$$ROOT"}}},
            ),
            False,
        ),
        filters,
        paths,
    ),
    st.builds(lambda path: (_pipeline({"$sortByCount": f"${path}"}), True), paths),
    st.builds(lambda query: (_pipeline({"$match": query}, {"$count": "n"}), False), filters),
    st.builds(
        lambda bound: (
            _pipeline({"$bucket": {"groupBy": "$u", "boundaries": [0, bound, 20], "default": "none"}}),
            False,
        ),
        st.integers(1, 19),
    ),
)


def _lookup(other: str, local: str, foreign: str) -> list[Document]:
    return [
        {"$lookup": {"from": other, "localField": local, "foreignField": foreign, "as": "j"}},
        {"$set": {"j": {"$sortArray": {"input": "$j", "sortBy": {"_id": 1}}}}},
    ]


def _pipeline_lookup(other: str, path: str, query: Document) -> list[Document]:
    inner = [{"$match": {"$expr": {"$eq": [f"${path}", "$$mine"]}}}, {"$match": query}, _by_id]
    return [{"$lookup": {"from": other, "let": {"mine": f"${path}"}, "pipeline": inner, "as": "j"}}]


def _graph(other: str) -> list[Document]:
    spec = {"from": other, "startWith": "$k", "connectFromField": "k", "connectToField": "u", "as": "g"}
    return [
        {"$graphLookup": {**spec, "maxDepth": 2, "depthField": "depth"}},
        {"$set": {"g": {"$sortArray": {"input": "$g", "sortBy": {"_id": 1}}}}},
    ]


_whole: st.SearchStrategy[list[Document]] = st.one_of(
    st.builds(_lookup, _names, paths, paths),
    st.builds(_pipeline_lookup, _names, fields, filters),
    st.builds(_graph, _names),
    st.builds(lambda other: [{"$unionWith": other}], _names),
    st.builds(
        lambda other, query: [{"$unionWith": {"coll": other, "pipeline": [{"$match": query}]}}],
        _names,
        filters,
    ),
    st.builds(lambda path: [{"$unwind": {"path": f"${path}", "preserveNullAndEmptyArrays": True}}], fields),
    st.builds(lambda path: [{"$unwind": {"path": f"${path}", "includeArrayIndex": "at"}}], paths),
    st.builds(
        lambda query: [{"$project": {"k": 1, "n.a": 1, "x": {"$type": "$v"}}}, {"$match": query}], filters
    ),
    st.builds(lambda path, order: [{"$sort": dict(order)}, {"$limit": 3}, {"$unset": path}], paths, orders),
    st.builds(
        lambda query, number: [
            {"$facet": {"n": [{"$match": query}, {"$count": "n"}], "ids": [_by_id, {"$limit": number}]}}
        ],
        filters,
        st.integers(1, 3),
    ),
    st.builds(lambda value: [{"$match": {"k": value}}, {"$set": {"d": "$f", "row": "$$ROOT"}}], numbers),
    st.builds(
        lambda identity: [{"$match": {"_id": identity}}, {"$replaceRoot": {"newRoot": {"was": "$$ROOT"}}}],
        ids,
    ),
    st.sampled_from(
        [
            [{"$foo": 1}],
            [{"$match": {"k": {"$foo": 1}}}],
            [{"$project": {}}],
            [{"$group": {"n": {"$sum": 1}}}],
            [{"$unwind": "k"}],
            [{"$replaceRoot": {"newRoot": "$k"}}],
            [{"$set": {"x": {"$divide": [1, 0]}}}],
            [{"$set": {"x": {"$foo": 1}}}],
            [{"$limit": 0}],
        ]
    ),
)
aggregations = st.one_of(
    st.builds(
        lambda name, group: Query(name, "aggregate", (group[0],), {}, order=False, equal=group[1]),
        _names,
        _groups,
    ),
    st.builds(lambda name, stages: Query(name, "aggregate", (stages,), {}, order=False), _names, _whole),
    st.builds(
        lambda name, query, stages: Query(
            name, "aggregate", ([{"$match": query}, *stages],), {}, order=False
        ),
        _names,
        filters,
        _whole,
    ),
)

queries: st.SearchStrategy[Query] = st.one_of(
    finds(), finds(), finds(), counts, distincts, aggregations, aggregations
)
