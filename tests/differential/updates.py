"""Strategies for updates: operators, pipelines, replacements, and wrong ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .values import Document, bodies, fields, ids, numbers, paths, scalars, strings, values


def _operator(
    name: str, path: st.SearchStrategy[str], operand: st.SearchStrategy[Any]
) -> st.SearchStrategy[Document]:
    return st.builds(
        lambda entries: {name: dict(entries)},
        st.lists(
            st.tuples(path, operand), min_size=1, max_size=2, unique_by=lambda entry: entry[0].split(".")[0]
        ),
    )


_arrays = st.sampled_from(["arr", "docs", "n.c", "v", "k"])
_elements = st.one_of(numbers, st.fixed_dictionaries({"x": numbers}, optional={"y": strings}))
_push: st.SearchStrategy[Any] = st.one_of(
    _elements,
    st.fixed_dictionaries(
        {"$each": st.lists(_elements, max_size=3)},
        optional={
            "$sort": st.sampled_from([1, -1, {"x": 1}]),
            "$slice": st.integers(-2, 3),
            "$position": st.integers(-1, 2),
        },
    ),
)
_pull: st.SearchStrategy[Any] = st.one_of(
    numbers,
    st.builds(lambda value: {"$gte": value}, numbers),
    st.builds(lambda value: {"x": value}, numbers),
    st.builds(lambda value: {"x": {"$lt": value}}, numbers),
    st.builds(lambda several: {"$in": several}, st.lists(numbers, max_size=2)),
)
_single: st.SearchStrategy[Document] = st.one_of(
    _operator("$set", paths, values),
    _operator("$set", paths, values),
    _operator("$unset", paths, st.just("")),
    _operator("$inc", paths, numbers),
    _operator("$mul", paths, numbers),
    _operator("$min", paths, scalars),
    _operator("$max", paths, scalars),
    _operator("$rename", fields, st.sampled_from(["k2", "n.z", "s", "v"])),
    _operator("$push", _arrays, _push),
    _operator("$addToSet", _arrays, _push),
    _operator("$pull", _arrays, _pull),
    _operator("$pullAll", _arrays, st.lists(numbers, max_size=2)),
    _operator("$pop", _arrays, st.sampled_from([1, -1])),
    _operator("$bit", paths, st.sampled_from([{"and": 1}, {"or": 2}, {"xor": 3}])),
    st.builds(lambda value: {"$setOnInsert": {"v": value}}, values),
    st.builds(lambda value: {"$set": {"arr.$[]": value}}, numbers),
    st.builds(lambda value: {"$inc": {"docs.$[].x": value}}, numbers),
)
operators: st.SearchStrategy[Document] = st.one_of(
    _single,
    st.builds(lambda one, two: {**one, **two}, _single, _single),
)
positional: st.SearchStrategy[tuple[Document, Document]] = st.one_of(
    st.builds(lambda old, new: ({"arr": old}, {"$set": {"arr.$": new}}), numbers, numbers),
    st.builds(lambda old, new: ({"arr": {"$gte": old}}, {"$inc": {"arr.$": new}}), numbers, numbers),
    st.builds(lambda old, new: ({"docs.x": old}, {"$set": {"docs.$.y": new}}), numbers, strings),
    st.builds(lambda old: ({"docs": {"$elemMatch": {"x": old}}}, {"$unset": {"docs.$.x": ""}}), numbers),
)
"""Filters with updates of the element that they matched."""

with_array_filters: st.SearchStrategy[tuple[Document, list[Document]]] = st.one_of(
    st.builds(lambda old, new: ({"$set": {"arr.$[e]": new}}, [{"e": {"$gte": old}}]), numbers, numbers),
    st.builds(
        lambda old, new: ({"$inc": {"docs.$[e].x": new}, "$set": {"k": 1}}, [{"e.x": old}]), numbers, numbers
    ),
    st.builds(lambda new: ({"$push": {"docs.$[e].z": new}}, [{"e.z": {"$exists": True}}]), numbers),
    st.sampled_from(
        [
            ({"$set": {"arr.$[e]": 1}}, []),
            ({"$set": {"arr.$[e]": 1}}, [{"x": 1}]),
            ({"$set": {"k": 1}}, [{"e": 1}]),
        ]
    ),
)
"""Updates with their array filters, some of which do not go together."""

pipelines: st.SearchStrategy[list[Document]] = st.one_of(
    st.builds(lambda field, value: [{"$set": {field: {"$literal": value}}}], fields, values),
    st.builds(lambda field, other: [{"$set": {field: f"${other}"}}], fields, fields),
    st.builds(lambda field: [{"$unset": field}], fields),
    st.builds(lambda path: [{"$set": {"k": {"$add": [1, {"$ifNull": [f"${path}", 0]}]}}}], paths),
    st.just([{"$replaceWith": {"_id": "$_id", "whole": "$$ROOT"}}]),
    st.just([{"$set": {"t": {"$type": "$v"}}}, {"$project": {"v": 0}}]),
    st.just([{"$set": {"copy": "$d", "d": "$f", "f": "$$ROOT.d"}}]),
    st.just([]),
)
replacements: st.SearchStrategy[Document] = st.one_of(
    bodies(),
    bodies(),
    st.builds(lambda identity, body: {"_id": identity, **body}, ids, bodies()),
)
wrong_updates: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"$foo": {"k": 1}},
        {"$set": {"k": 1}, "$inc": {"k": 1}},
        {"$set": {"n": 1, "n.a": 2}},
        {"$set": {"_id": 99}},
        {"$unset": {"_id": ""}},
        {"$inc": {"k": "a"}},
        {"$set": {"": 1}},
        {"$set": {"k.": 1}},
        {"$set": {"arr.$": 1}},
        {"$set": 5},
        {"$push": {"arr": {"$each": 1}}},
        {"$rename": {"k": "k"}},
        {"$rename": {"arr.0": "z"}},
        {"$pop": {"arr": 3}},
        {"$bit": {"k": {"nand": 1}}},
        {"$set": {"$k": 1}},
        {"$currentDate": {"k": "now"}},
        [{"$set": {"_id": 99}}],
        [{"$match": {}}],
        [{"$set": {"k": {"$foo": 1}}}],
        [{"$replaceWith": "$k"}],
    ]
)
