"""Changes of collections and indexes as data, and strategies for them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from pymongo.operations import IndexModel

from .filters import COLLATION
from .queries import NAMES, VIEW
from .values import Document


@dataclass(frozen=True)
class Ddl:
    """A call on a database or one of its collections."""

    collection: str
    method: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    def on(self, database: Any) -> Any:
        """Make the call."""
        args, kwargs = copy.deepcopy((self.args, dict(self.kwargs)))
        if self.method == "create_collection":
            database.create_collection(self.collection, **kwargs)
            return None
        if self.method == "create_indexes":
            return database[self.collection].create_indexes([IndexModel(*args, **kwargs)])
        getattr(database[self.collection], self.method)(*args, **kwargs)
        return None


_names = st.sampled_from(NAMES)
_VALIDATORS: list[Document] = [
    {"validator": {"k": {"$exists": True}}},
    {"validator": {"$jsonSchema": {"properties": {"s": {"bsonType": "string"}}, "required": ["_id"]}}},
    {"validator": {"k": {"$gt": 1}}, "validationLevel": "moderate"},
    {"validator": {"k": {"$gt": 1}}, "validationAction": "warn"},
    {"validator": {"k": {"$foo": 1}}},
]
_VIEWS: list[list[Document]] = [
    [],
    [{"$match": {"k": {"$gte": 1}}}, {"$set": {"seen": True}}],
    [{"$unwind": "$arr"}],
    [{"$project": {"k": 1, "s": 1, "n.a": 1}}],
    [{"$foo": 1}],
]
_KEYS: list[Any] = [
    *("k", "s", "u", "n.a", "v", "d", "docs.x", "arr"),
    *([("k", -1)], [("k", 1), ("u", 1)], [("s", 1), ("u", -1)], [("u", 1), ("_id", 1)], [("_id", 1)]),
]
_INDEX_OPTIONS: list[Document] = [
    *({}, {}, {"unique": True}, {"unique": True}),
    *({"sparse": True}, {"unique": True, "sparse": True}),
    {"partialFilterExpression": {"k": {"$gt": 1}}},
    {"unique": True, "partialFilterExpression": {"s": {"$exists": True}}},
    *({"name": "named"}, {"name": "named", "unique": True}),
    *({"collation": COLLATION}, {"collation": COLLATION, "unique": True}),
    {"partialFilterExpression": {"k": {"$foo": 1}}},
]


def _items(options: Document) -> tuple[tuple[str, Any], ...]:
    return tuple(options.items())


ddl: st.SearchStrategy[Ddl] = st.one_of(
    st.builds(
        lambda name, options: Ddl(name, "create_collection", (), _items(options)),
        _names,
        st.one_of(st.just({}), st.sampled_from(_VALIDATORS)),
    ),
    st.builds(
        lambda name, keys, options: Ddl(name, "create_indexes", (keys,), _items(options)),
        _names,
        st.sampled_from(_KEYS),
        st.sampled_from(_INDEX_OPTIONS),
    ),
    st.builds(
        lambda name, keys, options: Ddl(name, "create_indexes", (keys,), _items(options)),
        _names,
        st.sampled_from(_KEYS),
        st.sampled_from(_INDEX_OPTIONS),
    ),
    st.builds(
        lambda name, index: Ddl(name, "drop_index", (index,)),
        _names,
        st.sampled_from(["k_1", "u_1", "named", "_id_", [("s", 1)], [("k", 1), ("u", 1)]]),
    ),
    st.builds(lambda name: Ddl(name, "drop_indexes"), _names),
    st.builds(
        lambda source, pipeline: Ddl(
            VIEW, "create_collection", (), _items({"viewOn": source, "pipeline": pipeline})
        ),
        _names,
        st.sampled_from(_VIEWS),
    ),
    st.just(Ddl(VIEW, "drop")),
    st.builds(lambda name: Ddl(name, "drop"), _names),
    st.builds(
        lambda name, new, options: Ddl(name, "rename", (new,), _items(options)),
        _names,
        _names,
        st.sampled_from([{}, {"dropTarget": True}]),
    ),
)
