"""Operations as data, so that one can be run on two collections, and strategies for them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from .filters import COLLATION, orders, projections, targets, wrong_filters, wrong_projections
from .queries import NAMES
from .updates import operators, pipelines, positional, replacements, with_array_filters, wrong_updates
from .values import Document, documents, ids, values, wrong_ids

_REQUESTS = {
    "insert_one": InsertOne,
    "update_one": UpdateOne,
    "update_many": UpdateMany,
    "replace_one": ReplaceOne,
    "delete_one": DeleteOne,
    "delete_many": DeleteMany,
}
_WITHOUT_FILTER = frozenset({"insert_one", "insert_many", "bulk_write", "aggregate"})
_WHEN_MATCHED: list[Any] = ["replace", "merge", "keepExisting", "fail", [{"$set": {"v": "$$new.k"}}], "never"]


@dataclass(frozen=True)
class Op:
    """A method of a collection with its arguments."""

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Document = field(default_factory=dict)

    def on(self, collection: Any, **more: Any) -> Any:
        """Call the method; the arguments are copied, because PyMongo may add to them."""
        args, kwargs = copy.deepcopy((self.args, self.kwargs))
        if self.method == "bulk_write":
            args = ([request.request() for request in args[0]],)
        return getattr(collection, self.method)(*args, **kwargs, **more)

    def request(self) -> Any:
        """Turn the operation into a request of a bulk write."""
        return _REQUESTS[self.method](*self.args, **self.kwargs)

    @property
    def filter(self) -> Document | None:
        """The filter, where the operation has one."""
        return (
            None if self.method in ("insert_one", "insert_many", "bulk_write", "aggregate") else self.args[0]
        )

    @property
    def upserts(self) -> bool:
        """Whether it may insert what it does not find."""
        if self.method == "bulk_write":
            return any(request.upserts for request in self.args[0])
        return bool(self.kwargs.get("upsert"))

    def narrowed(self, identity: Any) -> Op:
        """Return the same operation on one document at most."""
        assert self.filter is not None
        return replace(self, args=({"$and": [{"_id": {"$eq": identity}}, self.filter]}, *self.args[1:]))


def _op(
    method: str, *args: st.SearchStrategy[Any], **kwargs: st.SearchStrategy[Any]
) -> st.SearchStrategy[Op]:
    return st.builds(Op, st.just(method), st.tuples(*args), st.fixed_dictionaries({}, optional=kwargs))


def _sorted(
    method: str, *args: st.SearchStrategy[Any], **kwargs: st.SearchStrategy[Any]
) -> st.SearchStrategy[Op]:
    """Strategies for operations on the first document in an order."""
    return st.builds(
        Op, st.just(method), st.tuples(*args), st.fixed_dictionaries({"sort": orders}, optional=kwargs)
    )


_one = st.sampled_from(["update_one", "update_many"])
_ordered = st.booleans()
inserts = st.one_of(
    _op("insert_one", documents()),
    _op("insert_many", st.lists(documents(), min_size=1, max_size=8), ordered=_ordered),
    _op("insert_many", st.lists(documents(), min_size=1, max_size=8), ordered=_ordered),
)


def _updates() -> st.SearchStrategy[Op]:
    plain = st.builds(
        lambda method, query, update: Op(method, (query, update)),
        _one,
        targets,
        st.one_of(operators, operators, pipelines),
    )
    by_place = st.builds(lambda method, pair: Op(method, pair), _one, positional)
    by_array_filter = st.builds(
        lambda method, query, pair: Op(method, (query, pair[0]), {"array_filters": pair[1]}),
        _one,
        targets,
        with_array_filters,
    )
    return st.one_of(plain, plain, plain, by_place, by_array_filter)


def _set_id(update: Any, identity: Any) -> Any:
    """Let an upsert choose the id, which the server would otherwise draw at random."""
    if isinstance(update, list):
        return [{"$set": {"_id": {"$ifNull": ["$_id", {"$literal": identity}]}}}, *update]
    return {**update, "$setOnInsert": {**update.get("$setOnInsert", {}), "_id": identity}}


def _upserts() -> st.SearchStrategy[Op]:
    free = st.builds(
        lambda method, query, update, identity: Op(
            method, (query, _set_id(update, identity)), {"upsert": True}
        ),
        _one,
        targets,
        st.one_of(operators, pipelines),
        ids,
    )
    by_id = st.builds(
        lambda method, identity, update: Op(method, ({"_id": identity}, update), {"upsert": True}),
        _one,
        ids,
        st.one_of(operators, pipelines),
    )
    replacing = st.builds(
        lambda identity, body: Op("replace_one", ({"_id": identity}, body), {"upsert": True}),
        ids,
        replacements,
    )
    return st.one_of(free, by_id, replacing)


@st.composite
def _find_and_modify(draw: st.DrawFn) -> Op:
    method = draw(st.sampled_from(["find_one_and_update", "find_one_and_replace", "find_one_and_delete"]))
    query = draw(targets)
    kwargs: Document = {"sort": draw(orders)}
    if draw(st.booleans()):
        kwargs["projection"] = draw(projections)
    if method == "find_one_and_delete":
        return Op(method, (query,), kwargs)
    kwargs["return_document"] = draw(st.booleans())
    if method == "find_one_and_replace":
        return Op(method, (query, draw(replacements)), kwargs)
    update = draw(st.one_of(operators, pipelines))
    if draw(st.integers(0, 3)) == 0:
        kwargs["upsert"] = True
        update = _set_id(update, draw(ids))
    return Op(method, (query, update), kwargs)


_deletes = st.one_of(_op("delete_one", targets), _op("delete_many", st.one_of(targets, st.just({"k": 1}))))
_replaces = _op("replace_one", targets, replacements)
_collated = st.one_of(
    _op("update_many", targets, operators, collation=st.just(COLLATION)),
    _op("delete_many", targets, collation=st.just(COLLATION)),
)


@st.composite
def _written_out(draw: st.DrawFn) -> Op:
    """Draw an aggregation that ends in $out or $merge; it writes in the order of ids."""
    stages: list[Document] = [{"$match": draw(targets)}, {"$sort": {"_id": 1}}]
    if draw(st.booleans()):
        stages += draw(pipelines)
    name = draw(st.sampled_from(NAMES))
    if draw(st.booleans()):
        return Op("aggregate", ([*stages, {"$out": name}],))
    spec: Document = {"into": name}
    if draw(st.booleans()):
        spec["whenMatched"] = draw(st.sampled_from(_WHEN_MATCHED))
    if draw(st.booleans()):
        spec["whenNotMatched"] = draw(st.sampled_from(["insert", "discard", "fail"]))
    return Op("aggregate", ([*stages, {"$merge": spec}],))


_wrong = st.one_of(
    _op("insert_one", documents(wrong_ids)),
    _op(
        "insert_many",
        st.lists(documents(st.one_of(ids, wrong_ids)), min_size=1, max_size=4),
        ordered=_ordered,
    ),
    _op("update_one", targets, wrong_updates),
    _op("update_many", targets, wrong_updates),
    _sorted("find_one_and_update", targets, wrong_updates),
    _op("update_one", wrong_filters, operators),
    _op("update_one", wrong_filters, operators, upsert=st.just(True)),
    _op("delete_one", wrong_filters),
    _op("delete_many", wrong_filters),
    _sorted("find_one_and_delete", targets, projection=wrong_projections),
    _sorted("find_one_and_update", targets, operators, projection=wrong_projections),
    _op("replace_one", targets, st.builds(lambda value: {"_id": [1], "v": value}, values)),
)
_single_writes = st.one_of(_op("insert_one", documents()), _updates(), _upserts(), _replaces, _deletes)
_requests = st.one_of(
    _single_writes,
    st.builds(lambda identity, update: Op("update_one", ({"_id": identity}, update)), ids, operators),
    st.builds(lambda identity: Op("delete_one", ({"_id": identity},)), ids),
)
bulk_writes = _op("bulk_write", st.lists(_requests, min_size=1, max_size=6), ordered=_ordered)

writes: st.SearchStrategy[Op] = st.one_of(
    inserts,
    inserts,
    _updates(),
    _updates(),
    _upserts(),
    _find_and_modify(),
    _replaces,
    _deletes,
    bulk_writes,
    _collated,
    _written_out(),
    _wrong,
)
