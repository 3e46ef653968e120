"""Random histories whose branches and tags grow, with merges that wait for decisions, against a model."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argon import Argon, Project, WALDatabase
from argon.errors import MergeConflict, MergeNotFound, MergePending
from argon.merging.results import MISSING, ConflictEntry, MergeInfo

from .model import Collision, Commit, Repository, State

FIELDS = ("a", "b")
MOST = 5
Place = tuple[int, str]
ids, values, some = st.integers(0, 1), st.integers(0, 3), st.integers(0, 59)
writes = st.one_of(
    st.tuples(st.just("put"), some, ids, values),
    st.tuples(st.just("set"), some, ids, st.sampled_from(FIELDS), values),
    st.tuples(st.just("set"), some, ids, st.sampled_from(FIELDS), values),
    st.tuples(st.just("delete"), some, ids),
)
growth = st.one_of(
    st.tuples(st.just("fork"), some),
    st.tuples(st.just("tag"), some),
    st.tuples(st.just("branch_at"), some),
)
merges = st.one_of(
    st.tuples(st.just("merge"), some, some, st.sampled_from(["strict", "ours", "theirs"]), st.booleans()),
    st.tuples(st.just("begin"), some, some, some),
    st.tuples(st.just("clash"), some, some, ids, some),
    st.tuples(st.just("clash"), some, some, ids, some),
    st.tuples(st.just("finish"), some, some),
    st.tuples(st.just("finish"), some, some),
    st.tuples(st.just("abort"), some),
)
programs = st.lists(st.one_of(writes, writes, growth, merges, merges), min_size=20, max_size=36)


@dataclass
class Waiting:
    """A pending merge: its source, and what was decided, by the values that it was decided on."""

    source: Commit
    decided: dict[Any, str] = field(default_factory=dict)


class Pair:
    """Argon and the model, given the same steps."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.model = Repository()
        self.names = ["main"]
        self.waiting: dict[str, Waiting] = {}
        self.tags: dict[str, Commit] = {}
        self.past: list[tuple[str, int, State]] = []
        docs = WALDatabase(project.branch("main")).docs
        docs.insert_one({"_id": "first"})
        docs.delete_one({"_id": "first"})
        self.fork(0)

    def put(self, branch: int, key: int, value: int) -> None:
        self._write(branch, key, dict.fromkeys(FIELDS, value))

    def set(self, branch: int, key: int, name: str, value: int) -> None:
        old = self.model.state(self._name(branch)).get(key)
        if old is not None:
            self._write(branch, key, {**old, name: value})

    def delete(self, branch: int, key: int) -> None:
        self._write(branch, key, None)

    def fork(self, source: int) -> None:
        if len(self.names) < MOST:
            name = f"b{len(self.names)}"
            self.project.fork(self._name(source), name)
            self.model.fork(self._name(source), name)
            self.names.append(name)

    def tag(self, branch: int) -> None:
        name = f"t{len(self.tags)}"
        self.project.create_tag(name, at=self._name(branch))
        self.tags[name] = self.model.heads[self._name(branch)]

    def branch_at(self, tag: int) -> None:
        if self.tags and len(self.names) < MOST:
            name, chosen = f"b{len(self.names)}", sorted(self.tags)[tag % len(self.tags)]
            found = self.project.tag(chosen)
            parent = next(each for each in self.project.branches() if each.id == found.branch_id)
            self.project.create_branch(name, parent=parent, at=chosen)
            self.model.heads[name] = self.tags[chosen]
            self.names.append(name)

    def merge(self, target: int, source: int, strategy: str, deletes: bool) -> None:
        into, source_name = self._name(target), self._name(source)
        if into == source_name:
            return
        branch = self.project.branch(into)
        head = branch.head_lsn
        try:
            self.model.merge(into, source_name, strategy, deletes=deletes)
        except Collision as collision:
            with pytest.raises(MergeConflict) as caught:
                branch.merge(source_name, strategy, propagate_deletes=deletes)
            assert places(caught.value.conflicts) == collision.args[0]
            assert branch.head_lsn == head
        else:
            branch.merge(source_name, strategy, propagate_deletes=deletes)
            self._remember(into)

    def begin(self, target: int, source: int, seed: int) -> None:
        into, source_name = self._name(target), self._name(source)
        if into == source_name:
            return
        branch = self.project.branch(into)
        if into in self.waiting:
            with pytest.raises(MergePending):
                branch.merge(source_name, keep_conflicts=True)
            return
        theirs = self.model.heads[source_name]
        try:
            self.model.merge(into, source_name, "strict")
        except Collision as collision:
            head = branch.head_lsn
            info = branch.merge(source_name, keep_conflicts=True)
            assert isinstance(info, MergeInfo)
            assert places(info.conflicts) == collision.args[0]
            assert branch.head_lsn == head
            self.waiting[into] = Waiting(theirs)
            self._decide(into, seed)
        else:
            branch.merge(source_name, keep_conflicts=True)
            self._remember(into)

    def clash(self, target: int, source: int, key: int, seed: int) -> None:
        """Let two branches disagree, and begin a merge that meets it."""
        self.put(target, key, seed % 4)
        self.put(source, key, (seed + 1) % 4)
        self.begin(target, source, seed)

    def finish(self, target: int, seed: int) -> None:
        into = sorted(self.waiting)[target % len(self.waiting)] if self.waiting else self._name(target)
        branch = self.project.branch(into)
        if into not in self.waiting:
            with pytest.raises(MergeNotFound):
                branch.merge_continue()
            return
        waiting = self.waiting[into]
        for attempt in range(3):
            collisions = self.model.collisions(into, waiting.source)
            still = {place for place, values in collisions.items() if (place, values) not in waiting.decided}
            if not still:
                break
            assert attempt < 2
            with pytest.raises(MergeConflict) as caught:
                branch.merge_continue()
            assert places(caught.value.conflicts) == still
            self._decide(into, seed, 1)
        branch.merge_continue()
        picks = {place: waiting.decided[place, values] for place, values in collisions.items()}
        self.model.merge(into, waiting.source, picks)
        del self.waiting[into]
        self._remember(into)

    def abort(self, target: int) -> None:
        into = self._name(target)
        if into in self.waiting:
            self.project.branch(into).merge_abort()
            del self.waiting[into]

    def _decide(self, into: str, seed: int, every: int = 2) -> None:
        """Resolve the open conflicts, or every second one."""
        branch = self.project.branch(into)
        for number, conflict in enumerate(branch.conflicts("open")):
            if (number + seed) % every == 0:
                take = ("ours", "theirs")[(seed + number) // 2 % 2]
                branch.resolve(conflict, take)
                self.waiting[into].decided[decision(conflict)] = take

    def _name(self, number: int) -> str:
        return self.names[number % len(self.names)]

    def _write(self, number: int, key: int, document: dict[str, Any] | None) -> None:
        branch = self._name(number)
        docs = WALDatabase(self.project.branch(branch)).docs
        if document is None:
            docs.delete_one({"_id": key})
        else:
            docs.replace_one({"_id": key}, document, upsert=True)
        state = dict(self.model.state(branch))
        if state.pop(key, None) == document:
            return
        if document is not None:
            state[key] = document
        self.model.commit(branch, state)
        self._remember(branch)

    def _remember(self, branch: str) -> None:
        self.past.append((branch, self.project.branch(branch).head_lsn, self.model.state(branch)))

    def check(self) -> None:
        for name in self.names:
            db: WALDatabase[dict[str, Any]] = WALDatabase(self.project.branch(name))
            assert documents(db) == self.model.state(name), name
        for name, lsn, state in self.past:
            assert documents(WALDatabase(self.project.branch(name)).at(lsn=lsn)) == state, (name, lsn)
        for name, commit in self.tags.items():
            found = self.project.tag(name)
            tagged = next(each for each in self.project.branches() if each.id == found.branch_id)
            assert documents(WALDatabase(tagged).at(tag=name)) == commit.state, name


def documents(db: WALDatabase[dict[str, Any]]) -> State:
    return {document.pop("_id"): document for document in db.docs.find()}


def places(conflicts: list[ConflictEntry]) -> set[Place]:
    return {(each.id, each.path) for each in conflicts}


def decision(conflict: ConflictEntry) -> Any:
    """Return what a decision is about: the place, and the values of base, target and source."""
    values = (conflict.base_value, conflict.target_value, conflict.source_value)
    return (conflict.id, conflict.path), tuple(plain(value) for value in values)


def plain(value: Any) -> Any:
    if value is MISSING:
        return None
    return tuple(value[name] for name in FIELDS) if isinstance(value, dict) else value


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_branches_that_grow_do_what_git_would(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    pair = Pair(argon.create_project(f"p{uuid.uuid4().hex[:12]}"))
    for step, *arguments in program:
        getattr(pair, step)(*arguments)
    pair.check()
    report = pair.project.verify()
    assert report.ok, report.problems
