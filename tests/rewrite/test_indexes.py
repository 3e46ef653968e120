from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import OperationFailure

from argon.errors import UnsupportedOperation
from argon.rewrite import CannotRewrite, document_path, physical_keys, physical_options, prefix_filter

from .conftest import Document, Pair

SUFFIX = [("_id.b", 1), ("_id.t", 1)]
Keys = list[tuple[str, Any]]

DOCUMENTS: list[Document] = [
    {"_id": 1, "a": 1, "b": {"c": [1, 2]}, "text": "the horses", "at": [1, 2]},
    {"_id": 2, "a": 2, "text": "les chevaux", "language": "french", "spoken": "french", "at": [3, 4]},
    {"_id": 3, "b": 5, "text": "mange le cheval", "inner": {"text": "cheval", "language": "french"}},
    {"_id": 4, "b": 6},
]

# An index, its physical keys, and queries that it serves.
INDEXES: list[tuple[Keys, Document, Keys, list[Document]]] = [
    ([("a", 1)], {}, [("d.a", 1), *SUFFIX], [{"a": 2}]),
    ([("a", 1), ("b.c", -1)], {}, [("d.a", 1), ("d.b.c", -1), *SUFFIX], [{"a": 1, "b.c": 2}]),
    ([("a", 1)], {"expireAfterSeconds": 10**6}, [("d.a", 1), *SUFFIX], [{"a": 2}]),
    ([("a", 1)], {"sparse": True}, [("d.a", 1), *SUFFIX], [{"a": 2}, {"a": {"$gt": 1}}]),
    ([("a", 1), ("b", 1)], {"sparse": True}, [("d.a", 1), ("d.b", 1), *SUFFIX], [{"a": 2}]),
    (
        [("a", 1)],
        {"partialFilterExpression": {"a": {"$gt": 1}, "$and": [{"text": {"$exists": True}}]}},
        [("d.a", 1), *SUFFIX],
        [{"a": 2, "text": {"$exists": True}}],
    ),
    ([("a", 1)], {"hidden": False, "collation": {"locale": "en"}}, [("d.a", 1), *SUFFIX], []),
    ([("a", "hashed")], {}, [("d.a", "hashed"), *SUFFIX], [{"a": 2}]),
    ([("a", "hashed")], {"sparse": True}, [("d.a", "hashed"), *SUFFIX], [{"a": 2}]),
    ([("a", 1), ("b", "hashed")], {}, [("d.a", 1), ("d.b", "hashed"), *SUFFIX], [{"a": 1}]),
    ([("at", "2d")], {"min": -100, "max": 100}, [("d.at", "2d"), *SUFFIX], [{"at": {"$near": [0, 0]}}]),
    (
        [("at", "2dsphere"), ("a", 1)],
        {"sparse": True},
        [("d.at", "2dsphere"), ("d.a", 1), *SUFFIX],
        [{"at": {"$nearSphere": [0, 0]}}, {"at": {"$geoWithin": {"$centerSphere": [[1, 2], 0.01]}}}],
    ),
    (
        [("text", "text")],
        {},
        [("d.text", "text"), *SUFFIX],
        [{"$text": {"$search": "horse"}}, {"$text": {"$search": "cheval", "$language": "french"}}],
    ),
    (
        [("text", "text")],
        {"language_override": "spoken", "default_language": "english"},
        [("d.text", "text"), *SUFFIX],
        [{"$text": {"$search": "cheval", "$language": "french"}}],
    ),
    (
        [("text", "text"), ("inner.text", "text")],
        {"weights": {"text": 3, "inner.text": 7}},
        [("d.text", "text"), ("d.inner.text", "text"), *SUFFIX],
        [{"$text": {"$search": "cheval", "$language": "french"}}],
    ),
    (
        [("$**", "text")],
        {"weights": {"text": 5}},
        [("$**", "text"), *SUFFIX],
        [{"$text": {"$search": "cheval horse"}}],
    ),
    (
        [("a", 1), ("text", "text")],
        {},
        [("d.a", 1), ("d.text", "text"), *SUFFIX],
        [{"a": 1, "$text": {"$search": "horse"}}],
    ),
    ([("$**", 1)], {}, [("d.$**", 1)], [{"a": 2}, {"b.c": 2}]),
    ([("b.$**", 1)], {}, [("d.b.$**", 1)], [{"b.c": 2}]),
    ([("$**", 1)], {"wildcardProjection": {"b": 1}}, [("$**", 1)], [{"b.c": 2}]),
    ([("$**", 1)], {"wildcardProjection": {"text": 0}}, [("$**", 1)], [{"b.c": 2}]),
]


@pytest.mark.parametrize(("keys", "options", "physical", "queries"), INDEXES, ids=repr)
def test_a_physical_index_serves_what_the_index_serves(
    pair: Pair, keys: Keys, options: Document, physical: Keys, queries: list[Document]
) -> None:
    pair.plain.drop()
    pair.rows.drop()
    pair.fill([d for d in DOCUMENTS if "2d" not in dict(keys).values() or "at" in d])
    assert physical_keys(keys, options) == physical
    rewritten = physical_options(keys, options)
    name = pair.rows.create_index(physical, name="index", **rewritten)
    pair.plain.create_index(keys, **options)
    for query in queries:
        prefixed = prefix_filter(query)
        assert prefixed is not None
        hint = None if "$text" in query else name
        found = [row["d"] for row in pair.rows.find(prefixed, hint=hint)]
        expected = list(pair.plain.find(query))
        assert sorted(found, key=repr) == sorted(expected, key=repr)
        assert found


def test_a_sparse_index_holds_documents_with_any_of_its_fields() -> None:
    assert physical_options([("a", 1), ("b", 1)], {"sparse": True, "name": "x"}) == {
        "name": "x",
        "partialFilterExpression": {"$or": [{"d.a": {"$exists": True}}, {"d.b": {"$exists": True}}]},
    }
    assert physical_options([("a", 1)], {"sparse": False}) == {}


def test_what_the_server_refuses_together_stays_together(pair: Pair) -> None:
    options = {"sparse": True, "partialFilterExpression": {"a": {"$gt": 1}}}
    for collection, keys, given in (
        (pair.plain, [("a", 1)], options),
        (pair.rows, physical_keys([("a", 1)]), physical_options([("a", 1)], options)),
    ):
        with pytest.raises(OperationFailure) as refusal:
            collection.create_index(keys, **given)
        assert refusal.value.code == 67


def test_only_logical_options_are_left_out() -> None:
    options = {"unique": True, "expireAfterSeconds": 1, "collation": {"locale": "en"}, "hidden": True}
    assert physical_options([("a", 1)], options) == {"collation": {"locale": "en"}, "hidden": True}


def test_a_wildcard_does_not_take_in_the_fields_of_the_row() -> None:
    options = {"wildcardProjection": {"a": 0, "b.c": 0}}
    assert physical_options([("$**", 1)], options) == {
        "wildcardProjection": {"d.a": 0, "d.b.c": 0, "f": 0, "s": 0}
    }


def test_a_malformed_partial_filter_is_said() -> None:
    with pytest.raises(CannotRewrite):
        physical_options([("a", 1)], {"partialFilterExpression": {"$and": []}})


def test_the_language_cannot_stand_in_a_field_of_the_row() -> None:
    with pytest.raises(UnsupportedOperation, match="language_override 'd'"):
        physical_options([("a", "text")], {"language_override": "d"})


@pytest.mark.parametrize("path", ["a", "a.b", "d", "d.d", "$**"])
def test_paths_come_back(path: str) -> None:
    [(physical, _), *_] = physical_keys([(path, 1)])
    assert document_path(physical) == path
