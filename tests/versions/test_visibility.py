"""Visibility against a model that replays the same history into plain dicts.

The model knows branches, forks and documents, and nothing of rows or marks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from bson import Int64
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection

from argon.versions.layout import MAX_LSN
from argon.versions.visibility import Level, View, make_view

Documents = dict[int, int]
IDS = 3


@dataclass
class Line:
    number: int
    lineage: list[tuple[int, int]]
    states: dict[int, Documents] = field(default_factory=dict)
    """The documents after each LSN of the line."""

    def at(self, lsn: int | None) -> Documents:
        known = [one for one in self.states if lsn is None or one <= lsn]
        return self.states[max(known)] if known else {}


class History:
    """Writes rows by the rules of the layout, and the same changes into dicts."""

    def __init__(self) -> None:
        self.lsn = 1
        self.lines = [Line(1, [], {1: {}})]
        self.rows: list[dict[str, Any]] = []

    def fork(self, parent: Line) -> None:
        base = max(parent.states)
        lineage = [(parent.number, base), *((number, min(fork, base)) for number, fork in parent.lineage)]
        self.lines.append(Line(len(self.lines) + 1, lineage, dict(parent.states)))

    def put(self, line: Line, key: int, value: int | None) -> None:
        state = dict(line.at(None))
        if value is None and key not in state:
            return
        self.lsn += 1
        row = self._visible(line, key)
        if row is not None and row["_id"]["b"] == line.number:
            row["_id"]["t"] = Int64(self.lsn)
        elif row is not None:
            row.setdefault("s", []).append({"b": line.number, "l": Int64(self.lsn)})
        if value is None:
            del state[key]
        else:
            born = self.lsn if row is None else row["_id"]["n"]
            self.rows.append(
                {
                    "_id": {"b": line.number, "t": MAX_LSN, "n": Int64(born)},
                    "f": Int64(self.lsn),
                    "d": {"_id": key, "v": value},
                }
            )
            state[key] = value
        line.states[self.lsn] = state

    def _visible(self, line: Line, key: int) -> dict[str, Any] | None:
        limits: list[tuple[int, int | None]] = [(line.number, None), *line.lineage]
        for depth, (number, limit) in enumerate(limits):
            for row in self.rows:
                alive = row["_id"]["t"] == MAX_LSN if limit is None else row["f"] <= limit < row["_id"]["t"]
                hidden = any(mark["b"] in [n for n, _ in limits[:depth]] for mark in row.get("s", []))
                if row["d"]["_id"] == key and row["_id"]["b"] == number and alive and not hidden:
                    return row
        return None


@pytest.fixture(scope="module")
def store(client: MongoClient[dict[str, Any]]) -> Iterator[Collection[dict[str, Any]]]:
    database = client[f"visibility_{uuid.uuid4().hex[:12]}"]
    yield database.create_collection("rows", clusteredIndex={"key": {"_id": 1}, "unique": True})
    client.drop_database(database)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.one_of(st.none(), st.tuples(st.integers(0, IDS - 1), st.one_of(st.none(), st.integers(0, 9)))),
    ),
    min_size=1,
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_view_is_what_a_replay_into_dicts_gives(
    store: Collection[dict[str, Any]], steps: list[tuple[int, tuple[int, int | None] | None]]
) -> None:
    history = History()
    for place, change in steps:
        line = history.lines[place % len(history.lines)]
        if change is None:
            history.fork(line)
        else:
            history.put(line, *change)
    store.delete_many({})
    if history.rows:
        store.insert_many(history.rows)
    for line in history.lines:
        for lsn in (None, *range(1, history.lsn + 1)):
            view = make_view(line.number, line.lineage, lsn)
            wanted = line.at(lsn)
            assert _documents(store, {"$or": [leg.scan for leg in view.legs]}) == wanted
            assert _documents(store, view.match_all) == wanted


def _documents(store: Collection[dict[str, Any]], where: dict[str, Any]) -> Documents:
    found = [row["d"] for row in store.find(where)]
    assert len({document["_id"] for document in found}) == len(found), "a document is seen twice"
    return {document["_id"]: document["v"] for document in found}


def test_the_head_of_a_branch_without_parent_is_one_range_of_current_rows() -> None:
    [leg] = make_view(7, []).legs
    assert set(leg.scan) == {"_id"}
    assert leg.seek == {"_id.b": 7, "_id.t": MAX_LSN}


def test_ancestors_come_first_so_that_new_documents_come_last() -> None:
    legs = make_view(3, [(2, 20), (1, 10)]).legs
    assert [leg.seek["_id.b"] for leg in legs] == [1, 2, 3]


def test_a_moment_before_a_fork_limits_every_level() -> None:
    view = make_view(3, [(2, 20), (1, 10)], 5)
    assert view == View((Level(3, 5), Level(2, 5), Level(1, 5)))
