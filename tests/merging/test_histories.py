"""Random histories over several branches, held against git in plain dicts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argon import Argon, Project, WALDatabase
from argon.errors import MergeConflict
from argon.merging.results import DiffEntry

from .model import Collision, Repository

FIELDS = ("a", "b")
BRANCHES = ("main", "one", "two")
ids, values, branches = st.integers(0, 1), st.integers(0, 4), st.sampled_from(BRANCHES)
writes = st.one_of(
    st.tuples(st.just("put"), branches, ids, values),
    st.tuples(st.just("set"), branches, ids, st.sampled_from(FIELDS), values),
    st.tuples(st.just("delete"), branches, ids),
)
merges = st.tuples(
    st.just("merge"),
    st.permutations(BRANCHES),
    st.sampled_from(["strict", "strict", "ours", "theirs"]),
    st.sampled_from([True, True, False]),
).map(lambda step: (step[0], step[1][0], step[1][1], *step[2:]))
# Enough merges for bases that have moved and for histories that cross.
programs = st.lists(st.one_of(writes, merges), min_size=16, max_size=30)


class Pair:
    """Argon and the model, given the same steps."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.model = Repository()
        self.handles: dict[str, Any] = {"main": WALDatabase(project.branch("main")).docs}
        self.handles["main"].insert_one({"_id": "first"})
        self.handles["main"].delete_one({"_id": "first"})
        for name in BRANCHES[1:]:
            project.fork("main", name)
            self.model.fork("main", name)
            self.handles[name] = WALDatabase(project.branch(name)).docs

    def put(self, branch: str, key: int, value: int) -> None:
        document = dict.fromkeys(FIELDS, value)
        self.handles[branch].replace_one({"_id": key}, document, upsert=True)
        self._commit(branch, key, document)

    def set(self, branch: str, key: int, name: str, value: int) -> None:
        self.handles[branch].update_one({"_id": key}, {"$set": {name: value}})
        old = self.model.state(branch).get(key)
        if old is not None:
            self._commit(branch, key, {**old, name: value})

    def delete(self, branch: str, key: int) -> None:
        self.handles[branch].delete_one({"_id": key})
        self._commit(branch, key, None)

    def merge(self, target: str, source: str, strategy: str, deletes: bool) -> None:
        into = self.project.branch(target)
        head = into.head_lsn
        try:
            self.model.merge(target, source, strategy, deletes=deletes)
        except Collision as collision:
            with pytest.raises(MergeConflict) as caught:
                into.merge(source, strategy, propagate_deletes=deletes)
            assert {(each.id, each.path) for each in caught.value.conflicts} == collision.args[0]
            assert into.head_lsn == head
        else:
            into.merge(source, strategy, propagate_deletes=deletes)

    def _commit(self, branch: str, key: int, document: dict[str, Any] | None) -> None:
        state = dict(self.model.state(branch))
        if state.get(key) == document:
            return
        state.pop(key, None)
        if document is not None:
            state[key] = document
        self.model.commit(branch, state)

    def check(self) -> None:
        states = {}
        for name in BRANCHES:
            found = {document.pop("_id"): document for document in self.handles[name].find()}
            assert found == self.model.state(name), name
            states[name] = found
        for a in BRANCHES:
            for b in BRANCHES:
                told = {entry.id: entry for entry in self.project.diff(a, b) if isinstance(entry, DiffEntry)}
                keys = states[a].keys() | states[b].keys()
                assert told.keys() == {key for key in keys if states[a].get(key) != states[b].get(key)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_merges_do_what_git_would(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    pair = Pair(argon.create_project(f"p{uuid.uuid4().hex[:12]}"))
    for step, *arguments in program:
        getattr(pair, step)(*arguments)
    pair.check()
    report = pair.project.verify()
    assert report.ok, report.problems
