"""Random histories with everything that takes back, held against git in plain dicts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argon import Argon, Project, WALDatabase
from argon.errors import MergeConflict, PointNotFound, UnsupportedOperation
from argon.merging import outcome

from .model import Collision, Commit, Repository, State, merged

FIELDS = ("a", "b")
BRANCHES = ("main", "one", "two")
ids, values, branches, picks = (
    st.integers(0, 1),
    st.integers(0, 4),
    st.sampled_from(BRANCHES),
    st.integers(0, 50),
)
strategies = st.sampled_from(["strict", "strict", "ours", "theirs"])
two = st.permutations(BRANCHES).map(lambda names: names[:2])
authors = st.sampled_from(["ann", "bob"])
writes = st.one_of(
    st.tuples(st.just("put"), branches, authors, ids, values),
    st.tuples(st.just("set"), branches, authors, ids, st.sampled_from(FIELDS), values),
    st.tuples(st.just("delete"), branches, authors, ids),
)
changes = st.one_of(
    st.tuples(st.just("merge"), two, strategies),
    st.tuples(st.just("undo"), branches),
    st.tuples(st.just("undo"), branches, st.integers(1, 4)),
    st.tuples(st.just("reset"), branches, branches, picks),
    st.tuples(st.just("revert"), branches, picks, picks, strategies),
    st.tuples(st.just("revert_author"), branches, authors, strategies),
    st.tuples(st.just("pick"), two, picks, picks, strategies),
)
programs = st.lists(st.one_of(writes, changes), min_size=16, max_size=30)


@dataclass
class Step:
    """A commit on a branch: the state that it found, and the one that it left."""

    lsn: int
    before: Commit
    after: Commit
    moves: bool
    author: str | None


class Pair:
    """Argon and the model, given the same steps."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.model = Repository()
        self.handles: dict[str, Any] = {}
        self._open("main")
        self.handles["main"].insert_one({"_id": "first"})
        self.handles["main"].delete_one({"_id": "first"})
        for name in BRANCHES[1:]:
            project.fork("main", name)
            self.model.fork("main", name)
            self._open(name)
        self.steps: dict[str, list[Step]] = {name: [] for name in BRANCHES}
        self.backups: list[tuple[str, State]] = []

    def _open(self, name: str) -> None:
        branch = self.project.branch(name)
        self.handles[name] = WALDatabase(branch).docs
        for author in ("ann", "bob"):
            self.handles[f"{name} {author}"] = WALDatabase(branch, author=author).docs

    def put(self, branch: str, author: str, key: int, value: int) -> None:
        document = dict.fromkeys(FIELDS, value)
        self.handles[f"{branch} {author}"].replace_one({"_id": key}, document, upsert=True)
        self._write(branch, author, key, document)

    def set(self, branch: str, author: str, key: int, name: str, value: int) -> None:
        self.handles[f"{branch} {author}"].update_one({"_id": key}, {"$set": {name: value}})
        old = self.model.state(branch).get(key)
        if old is not None:
            self._write(branch, author, key, {**old, name: value})

    def delete(self, branch: str, author: str, key: int) -> None:
        self.handles[f"{branch} {author}"].delete_one({"_id": key})
        self._write(branch, author, key, None)

    def merge(self, names: list[str], strategy: str) -> None:
        target, source = names
        before, into = self.model.heads[target], self.project.branch(target)
        try:
            self.model.merge(target, source, strategy)
        except Collision as collision:
            self._refused(target, collision, lambda: into.merge(source, strategy))
        else:
            into.merge(source, strategy)
            self._note(target, before, moves=True)

    def undo(self, branch: str, count: int = 1) -> None:
        handle = self.project.branch(branch)
        last = self.steps[branch][-count:]
        if len(last) < count:
            if branch != "main":  # which has made the collection
                with pytest.raises(UnsupportedOperation, match="undo"):
                    handle.undo(count)
            return
        before = self.model.heads[branch]
        self._told(branch, handle.undo(count))
        moves = any(step.moves for step in last)
        if moves:
            self.model.move(branch, last[0].before)
        else:
            self.model.commit(branch, last[0].before.state)
        self._note(branch, before, moves=moves)

    def reset(self, branch: str, other: str, pick: int) -> None:
        if not self.steps[other]:
            return
        step = self.steps[other][pick % len(self.steps[other])]
        before = self.model.heads[branch]
        info = self.project.branch(branch).reset(f"{other}@{step.lsn}")
        if step.after is before:
            assert info.backup is None
            return
        self._told(branch, info)
        self.model.move(branch, step.after)
        self._note(branch, before, moves=True)

    def revert(self, branch: str, one: int, other: int, strategy: str) -> None:
        steps = self.steps[branch]
        if steps:
            first, last = (steps[number] for number in sorted((one % len(steps), other % len(steps))))
            handle = self.project.branch(branch)
            self._apply(
                branch,
                [(last.after.state, first.before.state)],
                strategy,
                lambda: handle.revert(first.lsn, last.lsn, strategy=strategy),
            )

    def revert_author(self, branch: str, author: str, strategy: str) -> None:
        handle = self.project.branch(branch)
        runs = [
            list(run) for by, run in groupby(self.steps[branch], lambda step: step.author) if by == author
        ]
        if not runs:
            with pytest.raises(PointNotFound, match=author):
                handle.revert(author=author)
            return
        merges = [(run[-1].after.state, run[0].before.state) for run in reversed(runs)]
        self._apply(branch, merges, strategy, lambda: handle.revert(author=author, strategy=strategy))

    def pick(self, names: list[str], one: int, other: int, strategy: str) -> None:
        target, source = names
        steps = self.steps[source]
        if steps:
            first, last = (steps[number] for number in sorted((one % len(steps), other % len(steps))))
            handle = self.project.branch(target)
            self._apply(
                target,
                [(first.before.state, last.after.state)],
                strategy,
                lambda: handle.cherry_pick(source, first.lsn, last.lsn, strategy=strategy),
            )

    def _apply(self, branch: str, merges: list[tuple[State, State]], strategy: str, call: Any) -> None:
        before = self.model.heads[branch]
        state, collisions = before.state, set()
        for base, theirs in merges:
            state, more = merged(base, state, theirs, strategy)
            collisions |= more
        if collisions and strategy == "strict":
            self._refused(branch, Collision(collisions), call)
            return
        info = call()
        assert (info.backup is None) == (state == before.state)
        if info.backup is not None:
            self._told(branch, info)
            self.model.commit(branch, state)
            self._note(branch, before)

    def _refused(self, branch: str, collision: Collision, call: Any) -> None:
        head = self.project.branch(branch).head_lsn
        with pytest.raises(MergeConflict) as caught:
            call()
        assert {(each.id, each.path) for each in caught.value.conflicts} == collision.args[0]
        assert self.project.branch(branch).head_lsn == head

    def _told(self, branch: str, info: Any) -> None:
        assert info.lsn == self.project.branch(branch).head_lsn
        self.backups.append((info.backup, self.model.state(branch)))

    def _write(self, branch: str, author: str, key: int, document: dict[str, Any] | None) -> None:
        state = dict(self.model.state(branch))
        if state.get(key) == document:
            return
        state.pop(key, None)
        if document is not None:
            state[key] = document
        before = self.model.heads[branch]
        self.model.commit(branch, state)
        self._note(branch, before, author=author)

    def _note(self, branch: str, before: Commit, *, moves: bool = False, author: str | None = None) -> None:
        after = self.model.heads[branch]
        if after is not before:
            lsn = self.project.branch(branch).head_lsn
            self.steps[branch].append(Step(lsn, before, after, moves, author))

    def check(self) -> None:
        for name in BRANCHES:
            assert _documents(self.handles[name]) == self.model.state(name), name
            for step in self.steps[name]:
                past = WALDatabase(self.project.branch(name)).at(lsn=step.lsn).docs
                assert _documents(past) == step.after.state
        for name, state in self.backups:
            assert _documents(WALDatabase(self.project.branch(name)).docs) == state


def _documents(collection: Any) -> State:
    return {document.pop("_id"): document for document in collection.find()}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_taking_back_does_what_git_would(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    _run(argon, program)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_so_it_does_in_large_commits(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcome, "LARGE_CHANGES", 0)
        _run(argon, program)


def _run(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    pair = Pair(argon.create_project(f"p{uuid.uuid4().hex[:12]}"))
    for step, *arguments in program:
        getattr(pair, step)(*arguments)
    pair.check()
    report = pair.project.verify()
    assert report.ok, report.problems
