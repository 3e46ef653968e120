"""The three-way table by hand: what becomes of each pair of changes, and what collides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bson import Decimal128, Int64

GONE = None


@dataclass(frozen=True)
class Again:
    """A document that was deleted and made anew, or one that was only there for a while."""

    fields: Any = None


@dataclass(frozen=True)
class Collide:
    """Paths that collide, and what comes out where one side wins."""

    paths: tuple[str, ...]
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class Row:
    """What a document is at the merge base, on the target and on the source, and what it becomes.

    ``undeleted`` is what it becomes where the source's deletions do not count.
    """

    base: Any
    ours: Any
    theirs: Any
    becomes: Any
    undeleted: Any = "the same"


def collide(path: str, ours: Any, theirs: Any) -> Collide:
    return Collide((path,), ours, theirs)


A1, A2, A3 = {"a": 1}, {"a": 2}, {"a": 3}
DOCUMENTS = [
    # Made on one side or both.
    Row(GONE, GONE, A1, A1),
    Row(GONE, A1, GONE, A1),
    Row(GONE, A1, A1, A1),
    Row(GONE, A1, A2, collide("", A1, A2)),
    Row(GONE, {"a": 1}, {"a": 1.0}, collide("", {"a": 1}, {"a": 1.0})),
    Row(GONE, {"a": 1, "b": 1}, {"b": 1, "a": 1}, collide("", {"a": 1, "b": 1}, {"b": 1, "a": 1})),
    Row(GONE, Again(), GONE, GONE),
    Row(GONE, GONE, Again(), GONE),
    Row(GONE, Again(), A1, A1),
    Row(GONE, A1, Again(), A1),
    # Unchanged, changed alike, changed otherwise, deleted, made anew.
    Row(A1, A1, A1, A1),
    Row(A1, A2, A1, A2),
    Row(A1, A1, A2, A2),
    Row(A1, A2, A2, A2),
    Row(A1, A2, A3, collide("a", A2, A3)),
    Row(A1, GONE, A1, GONE),
    Row(A1, GONE, GONE, GONE),
    Row(A1, GONE, A2, collide("", GONE, A2)),
    Row(A1, A1, GONE, GONE, A1),
    Row(A1, A2, GONE, collide("", A2, GONE), A2),
    Row(A1, Again(A1), A1, A1),
    Row(A1, Again(A1), A2, A2),
    Row(A1, A2, Again(A1), A2),
    Row(A1, Again(A1), GONE, GONE, A1),
    Row(A1, GONE, Again(A1), GONE),
    Row(A1, Again(A2), A1, A2),
    Row(A1, Again(A2), Again(A2), A2),
    Row(A1, Again(A2), A3, collide("a", A2, A3)),
    Row(A1, GONE, Again(A2), collide("", GONE, A2)),
    Row(A1, Again(A2), GONE, collide("", A2, GONE), A2),
    Row(A1, Again({"b": 1}), A2, collide("a", {"b": 1}, {"b": 1, "a": 2})),
    Row(A1, {}, GONE, collide("", {}, GONE), {}),
]
FIELDS = [
    # Different fields, the same field, several at once.
    Row({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}),
    Row({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}, {"a": 2, "b": 2}),
    Row({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 1}, {"a": 3, "b": 3, "c": 3},
        Collide(("a", "b"), {"a": 2, "b": 2, "c": 3}, {"a": 3, "b": 3, "c": 3})),
    # Fields that come and go; null is a value.
    Row({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}),
    Row({}, {"a": 1}, {"a": 1}, {"a": 1}),
    Row({}, {"a": 1}, {"a": 2}, collide("a", {"a": 1}, {"a": 2})),
    Row({}, {"a": None}, {}, {"a": None}),
    Row({}, {"a": None}, {"a": None}, {"a": None}),
    Row({}, {"a": None}, {"a": 1}, collide("a", {"a": None}, {"a": 1})),
    Row({"a": None}, {"a": None}, {}, {}),
    Row({"a": None}, {}, {"a": 1}, collide("a", {}, {"a": 1})),
    Row({"a": 1}, {"a": None}, {}, collide("a", {"a": None}, {})),
    Row({"a": 1}, {}, {}, {}),
    Row({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2}),
    Row({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1}, collide("a", {"a": 2, "b": 1}, {"b": 1})),
    Row({"a": 1, "b": 1}, {"b": 1}, {"a": 2, "b": 1}, collide("a", {"b": 1}, {"b": 1, "a": 2})),
    # Numbers of the same value are different ones where their types differ.
    Row({"a": 1}, {"a": 1.0}, {"a": 1}, {"a": 1.0}),
    Row({"a": 1}, {"a": 1.0}, {"a": 1.0}, {"a": 1.0}),
    Row({"a": 1}, {"a": Int64(1)}, {"a": 1.0}, collide("a", {"a": Int64(1)}, {"a": 1.0})),
    Row({"a": 0.0}, {"a": 0.0}, {"a": -0.0}, {"a": -0.0}),
    Row({"a": Decimal128("1.0")}, {"a": Decimal128("1.0")}, {"a": Decimal128("1.00")},
        {"a": Decimal128("1.00")}),
    Row({"a": 1}, {"a": True}, {"a": "1"}, collide("a", {"a": True}, {"a": "1"})),
    # Nested documents by their paths.
    Row({"d": {"x": 1, "y": 1}}, {"d": {"x": 2, "y": 1}}, {"d": {"x": 1, "y": 2}}, {"d": {"x": 2, "y": 2}}),
    Row({"d": {"e": {"x": 1, "y": 1}}}, {"d": {"e": {"x": 2, "y": 1}}}, {"d": {"e": {"x": 3, "y": 3}}},
        collide("d.e.x", {"d": {"e": {"x": 2, "y": 3}}}, {"d": {"e": {"x": 3, "y": 3}}})),
    Row({"d": {"x": 1}}, {"d": {}}, {"d": {"x": 1, "y": 2}}, {"d": {"y": 2}}),
    Row({"d": {}}, {"d": {"x": 1}}, {"d": {"y": 1}}, {"d": {"x": 1, "y": 1}}),
    Row({}, {"d": {"x": 1}}, {"d": {"y": 1}}, collide("d", {"d": {"x": 1}}, {"d": {"y": 1}})),
    Row({"d": {"x": 1}}, {"d": {"x": 2}}, {}, collide("d", {"d": {"x": 2}}, {})),
    # A type that changes makes the whole of it one value; arrays always are.
    Row({"d": {"x": 1}}, {"d": [1]}, {"d": {"x": 1}}, {"d": [1]}),
    Row({"d": {"x": 1}}, {"d": [1]}, {"d": {"x": 2}}, collide("d", {"d": [1]}, {"d": {"x": 2}})),
    Row({"d": 1}, {"d": {"x": 1}}, {"d": {"y": 1}}, collide("d", {"d": {"x": 1}}, {"d": {"y": 1}})),
    Row({"l": [1]}, {"l": [1, 2]}, {"l": [1]}, {"l": [1, 2]}),
    Row({"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}, {"l": [1, 2]}),
    Row({"l": [1]}, {"l": [1, 2]}, {"l": [0, 1]}, collide("l", {"l": [1, 2]}, {"l": [0, 1]})),
    Row({"l": [{"x": 1}]}, {"l": [{"x": 2}]}, {"l": [{"x": 1, "y": 1}]},
        collide("l", {"l": [{"x": 2}]}, {"l": [{"x": 1, "y": 1}]})),
    # Names with dots and dollars are names like others.
    Row({"a.b": 1, "a": {"b": 1}}, {"a.b": 2, "a": {"b": 1}}, {"a.b": 1, "a": {"b": 3}},
        {"a.b": 2, "a": {"b": 3}}),
    Row({"d": {"$x": 1}}, {"d": {"$x": 2}}, {"d": {"$x": 3}},
        collide("d.$x", {"d": {"$x": 2}}, {"d": {"$x": 3}})),
    # The order of fields is the target's, unless the source alone has changed it; new fields come last.
    Row({"a": 1, "b": 1}, {"b": 1, "a": 1}, {"a": 1, "b": 1}, {"b": 1, "a": 1}),
    Row({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"b": 1, "a": 1}, {"b": 1, "a": 1}),
    Row({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1, "a": 1}, {"b": 1, "a": 2}),
    Row({"a": 1, "b": 1}, {"b": 1, "a": 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    Row({"a": 1}, {"a": 1, "m": 1}, {"a": 1, "n": 1}, {"a": 1, "m": 1, "n": 1}),
]  # fmt: skip


@dataclass(frozen=True)
class Defined:
    """A collection: its indexes by their names, the bound of its validator, and its documents."""

    indexes: dict[str, str] = field(default_factory=dict)
    bound: int | None = None
    ids: tuple[int, ...] = (0,)


C, WITH_I, OTHER_I = Defined(), Defined({"i": "a"}), Defined({"i": "b"})
MORE = Defined(ids=(0, 1))
BOUND_1, BOUND_2, BOUND_3 = Defined(bound=1), Defined(bound=2), Defined(bound=3)
DEFINITIONS = [
    # Made.
    Row(GONE, GONE, C, C),
    Row(GONE, C, GONE, C),
    Row(GONE, C, C, C),
    Row(GONE, WITH_I, Defined({"j": "b"}), Defined({"i": "a", "j": "b"})),
    Row(GONE, WITH_I, OTHER_I, collide("indexes.i", WITH_I, OTHER_I)),
    Row(GONE, BOUND_1, BOUND_2, collide("validator", BOUND_1, BOUND_2)),
    # Indexes by their names.
    Row(C, C, WITH_I, WITH_I),
    Row(C, WITH_I, WITH_I, WITH_I),
    Row(C, WITH_I, OTHER_I, collide("indexes.i", WITH_I, OTHER_I)),
    Row(WITH_I, C, WITH_I, C),
    Row(WITH_I, WITH_I, C, C),
    Row(WITH_I, OTHER_I, WITH_I, OTHER_I),
    Row(WITH_I, WITH_I, OTHER_I, OTHER_I),
    Row(WITH_I, OTHER_I, C, collide("indexes.i", OTHER_I, C)),
    Row(WITH_I, C, OTHER_I, collide("indexes.i", C, OTHER_I)),
    # Validators.
    Row(BOUND_1, BOUND_2, BOUND_1, BOUND_2),
    Row(BOUND_1, BOUND_1, BOUND_2, BOUND_2),
    Row(BOUND_1, BOUND_2, BOUND_2, BOUND_2),
    Row(BOUND_1, BOUND_2, BOUND_3, collide("validator", BOUND_2, BOUND_3)),
    Row(C, BOUND_1, WITH_I, Defined({"i": "a"}, 1)),
    # Dropped on one side.
    Row(C, GONE, C, GONE),
    Row(C, C, GONE, GONE, C),
    Row(C, GONE, GONE, GONE),
    Row(C, GONE, WITH_I, collide("collection", GONE, WITH_I)),
    Row(C, WITH_I, GONE, collide("collection", WITH_I, GONE), WITH_I),
    Row(C, GONE, MORE, collide("collection", GONE, MORE)),
    Row(C, MORE, GONE, collide("collection", MORE, GONE), MORE),
    Row(BOUND_1, GONE, BOUND_2, collide("collection", GONE, BOUND_2)),
]
