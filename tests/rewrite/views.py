"""Two views built by hand, a root branch and a child of it, with the documents that each should show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import Int64, MaxKey, MinKey
from pymongo.database import Database

from argon.rewrite import Leg, physical_keys

from .conftest import MAX, Document, row

FORK = 50
ROOT, CHILD = 1, 2

ROOT_LEGS = (
    Leg(
        scan={
            "_id": {
                "$gte": {"b": ROOT, "t": MAX, "n": MinKey()},
                "$lte": {"b": ROOT, "t": MAX, "n": MaxKey()},
            }
        },
        seek={"_id.b": ROOT, "_id.t": MAX},
    ),
)
_INHERITED = {"f": {"$lte": Int64(FORK)}, "s.b": {"$ne": CHILD}}
CHILD_LEGS = (
    Leg(
        scan={
            "_id": {
                "$gte": {"b": ROOT, "t": Int64(FORK + 1), "n": MinKey()},
                "$lte": {"b": ROOT, "t": MAX, "n": MaxKey()},
            },
            **_INHERITED,
        },
        seek={"_id.b": ROOT, "_id.t": {"$gt": Int64(FORK)}, **_INHERITED},
    ),
    Leg(
        scan={
            "_id": {
                "$gte": {"b": CHILD, "t": MAX, "n": MinKey()},
                "$lte": {"b": CHILD, "t": MAX, "n": MaxKey()},
            }
        },
        seek={"_id.b": CHILD, "_id.t": MAX},
    ),
)
LEGS: dict[str, tuple[Leg, ...]] = {"root": ROOT_LEGS, "child": CHILD_LEGS}


@dataclass
class History:
    """Writes on the two branches, kept as rows and, apart from them, as what each branch should show."""

    rows: list[Document] = field(default_factory=list)
    shown: dict[int, dict[Any, Document]] = field(default_factory=lambda: {ROOT: {}, CHILD: {}})
    lsn: int = 0

    def fork(self) -> None:
        self.lsn = FORK
        self.shown[CHILD] = dict(self.shown[ROOT])

    def insert(self, branch: int, *documents: Document) -> None:
        for document in documents:
            self.lsn += 1
            self.rows.append(row(document, self.lsn, branch=branch))
            self.shown[branch][document["_id"]] = document

    def update(self, branch: int, document: Document) -> None:
        born = self._end(branch, document["_id"])
        new = row(document, born, branch=branch)
        self.rows.append(new | {"f": Int64(self.lsn)})
        self.shown[branch][document["_id"]] = document

    def delete(self, branch: int, key: Any) -> None:
        self._end(branch, key)
        del self.shown[branch][key]

    def _end(self, branch: int, key: Any) -> int:
        """End the row that the branch sees, or mark it if it is the parent's."""
        self.lsn += 1
        for old in self.rows:
            if old["d"]["_id"] == key and old["_id"]["b"] == branch and old["_id"]["t"] == MAX:
                old["_id"]["t"] = Int64(self.lsn)
                return int(old["_id"]["n"])
        for old in self.rows:
            if old["d"]["_id"] == key and old["f"] <= FORK < old["_id"]["t"]:
                old["s"] = [*old.get("s", []), {"b": branch, "l": Int64(self.lsn)}]
                return self.lsn
        raise AssertionError(f"{key} is not there to be changed")


@dataclass(frozen=True)
class HandMadeSource:
    """A source whose indexed paths are given."""

    store: str | None
    legs: Sequence[Leg]
    indexed: frozenset[str] = frozenset()
    empty_store: str = "never_written"

    @property
    def stages(self) -> list[Document]:
        return []

    def order_bound(self, query: Any, sort: Any) -> Document:
        return {}

    @property
    def match_all(self) -> Document:
        return {"$or": [leg.seek for leg in self.legs]}

    def seekable(self, paths: Mapping[str, str], sort: Sequence[tuple[str, Any]] | None) -> bool:
        bound = {path for path, kind in paths.items() if kind != "other"}
        return bool(self.indexed & (bound | {path for path, _ in (sort or ())[:1]}))


INDEXES: dict[str, list[list[tuple[str, Any]]]] = {
    "users": [[("_id", 1)], [("age", 1)], [("bio", "text")], [("home", "2dsphere")]],
    "orders": [[("_id", 1)], [("user", 1)]],
}


def resolver(view: str) -> Callable[[str], HandMadeSource]:
    """Give the sources of one view; collections without a history do not exist."""

    def resolve(name: str) -> HandMadeSource:
        if name not in INDEXES:
            return HandMadeSource(None, ())
        ascending = frozenset(keys[0][0] for keys in INDEXES[name] if keys[0][1] == 1)
        return HandMadeSource(f"store_{name}", LEGS[view], ascending)

    return resolve


def lay_out(rows: Database[Document], plain: Mapping[str, Database[Document]]) -> None:
    """Write both views, as rows and as plain collections with the same indexes."""
    for name, history in histories().items():
        store = rows[f"store_{name}"]
        rows.create_collection(store.name, clusteredIndex={"key": {"_id": 1}, "unique": True})
        store.insert_many(history.rows)
        for keys in INDEXES[name]:
            store.create_index(physical_keys(keys))
            for view, branch in (("root", ROOT), ("child", CHILD)):
                if keys != [("_id", 1)]:
                    plain[view][name].create_index(keys)
                if keys == INDEXES[name][0]:
                    plain[view][name].insert_many(history.shown[branch].values())


def user(key: int, name: str, age: Any, **more: Any) -> Document:
    at = {"type": "Point", "coordinates": [key / 10, 50]}
    return {
        "_id": key,
        "name": name,
        "age": age,
        "bio": f"{name} likes {'tea' if key % 2 else 'coffee'}",
        "home": at,
        **more,
    }


def histories() -> dict[str, History]:
    """Every way in which a row can be seen, or not be seen, by a root and its child."""
    users = History()
    users.insert(
        ROOT, *(user(n, f"u{n}", 20 + n % 5, boss=n // 2, tags=["a", f"t{n % 3}"]) for n in range(1, 15))
    )
    users.update(ROOT, user(2, "changed before", 33, boss=1, d={"f": 1}))
    users.delete(ROOT, 3)
    users.fork()
    users.update(ROOT, user(4, "changed on root", 41, boss=1))
    users.delete(ROOT, 5)
    users.insert(ROOT, user(20, "new on root", 22, boss=2))
    users.update(CHILD, user(6, "changed on child", 24, boss=1, tags=["c"]))
    users.update(CHILD, user(6, "changed twice on child", 23, boss=1, tags=["c", "a"]))
    users.update(CHILD, user(4, "changed on both", 24, boss=1))
    users.delete(CHILD, 7)
    users.insert(CHILD, user(30, "new on child", 22, boss=4), user(31, "gone on child", 22))
    users.delete(CHILD, 31)
    users.update(ROOT, user(6, "changed on root too", 21, boss=2))
    users.insert(CHILD, user(3, "born again on child", 23, boss=1))
    users.delete(ROOT, 8)

    orders = History()
    orders.insert(
        ROOT, *({"_id": f"o{n}", "user": n % 6 or None, "sum": n, "lines": [{"user": n}]} for n in range(20))
    )
    orders.fork()
    orders.update(ROOT, {"_id": "o4", "user": 2, "sum": 400})
    orders.delete(ROOT, "o5")
    orders.update(CHILD, {"_id": "o7", "user": [2, 4], "sum": 700})
    orders.delete(CHILD, "o8")
    orders.insert(CHILD, {"_id": "o90", "sum": 90}, {"_id": "o91", "user": 30, "sum": 91})
    return {"users": users, "orders": orders}
