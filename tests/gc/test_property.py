"""Random work on several branches, with collections in between: no reachable state ever changes."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pymongo.errors import OperationFailure

from argon import Argon, Branch, Materializer, Project, WALDatabase
from argon.errors import ArgonError, HistoryExpired
from argon.gc.purge import Purge
from argon.gc.versions import Sweep
from argon.merging import outcome
from argon.versions.ids import id_key

RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
NAMES = ("a", "b")
State = dict[str, dict[Hashable, bytes]]
Step = tuple[str, int, str, int, int]

OPERATIONS = (
    *("insert", "insert", "update", "update", "update", "replace", "delete", "update many", "delete many"),
    *("group", "rename", "drop", "index"),
    *("branch", "branch", "branch at", "delete branch", "undelete", "merge", "undo", "reset"),
    *("tag", "tag at", "untag", "collect", "collect", "collect some", "killed"),
)

steps = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.integers(0, 3),
        st.sampled_from(NAMES),
        st.integers(0, 4),
        st.integers(0, 9),
    ),
    min_size=10,
    max_size=30,
)


class Killed(Exception):
    """Stands for the end of the process."""


@contextmanager
def killed_after(count: int) -> Iterator[None]:
    """Let a collection end with the batch of this number."""
    taken, unmark = Sweep._take, Purge._unmark
    left = [count]

    def live() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    def take(self: Sweep, rows: Any) -> Any:
        live()
        return (yield from taken(self, rows))

    def unmarking(self: Purge, stores: Any, entries: Any) -> Any:
        live()
        return (yield from unmark(self, stores, entries))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "_take", take)
        patch.setattr(Purge, "_unmark", unmarking)
        yield


class Work:
    """A project under random work, and all the states that it has been in.

    Args:
        argon: Where it is.
    """

    def __init__(self, argon: Argon) -> None:
        self.argon = argon
        self.project: Project = argon.create_project(f"p{uuid.uuid4().hex[:12]}")
        self.materializer = Materializer(argon)
        self.remembered: dict[tuple[Branch, int], State] = {}
        self.tags: dict[str, tuple[Branch, int]] = {}
        self.forks: list[tuple[Branch, int]] = []
        self.remember()

    @property
    def branches(self) -> list[Branch]:
        return self.project.branches()

    def seen(self, branch: Branch, lsn: int | None = None) -> State:
        database: Any = WALDatabase(branch)
        database = database if lsn is None else database.at(lsn=lsn)
        return {
            name: {
                id_key(document["_id"]): document.raw
                for document in database.get_collection(name, codec_options=RAW).find()
            }
            for name in NAMES
        }

    def remember(self) -> None:
        for branch in self.branches:
            if (branch, branch.head_lsn) not in self.remembered:
                self.remembered[branch, branch.head_lsn] = self.seen(branch)

    def take(self, step: Step) -> None:
        """Do one step; what is refused is no work."""
        operation, place, name, number, value = step
        branches = self.branches
        branch = branches[place % len(branches)]
        with pytest.MonkeyPatch.context() as patch:
            if value % 2:
                patch.setattr(outcome, "LARGE_CHANGES", 0)
            try:
                if not self.name_things(operation, branch, value):
                    write(branch, operation, name, number, value)
            except (OperationFailure, ArgonError) as error:
                note(f"{step} was refused: {error}")
        self.remember()

    def name_things(self, operation: str, branch: Branch, value: int) -> bool:
        """Do a step that is none on documents, and say whether it was one."""
        project = self.project
        points = [lsn for one, lsn in self.remembered if one == branch]
        at = points[-1 - value % len(points)]
        fresh = uuid.uuid4().hex[:8]
        match operation:
            case "branch" | "branch at":
                made = project.create_branch(
                    f"b{fresh}", parent=branch, at=at if operation == "branch at" else None
                )
                self.forks.append((branch, made.base_lsn))
            case "delete branch":
                if branch.name != "main":
                    project.delete_branch(branch.name, force=value > 4)
            case "undelete":
                for deleted in project.branches(deleted=True)[:1]:
                    project.undelete_branch(deleted.name)
            case "merge":
                others = [other for other in self.branches if other != branch]
                for source in others[:1]:
                    try:
                        branch.merge(source, strategy="theirs")
                    except HistoryExpired as error:
                        raise AssertionError("what heads are merged by is held") from error
            case "undo":
                branch.undo(1 + value // 4)
            case "reset":
                branch.reset(to=at)
            case "tag" | "tag at":
                lsn = at if operation == "tag at" else branch.head_lsn
                made_tag = project.create_tag(f"t{fresh}", at=f"{branch.name}@{lsn}")
                self.tags[made_tag.name] = (branch, made_tag.lsn)
            case "untag":
                for tag in list(self.tags)[:1]:
                    project.delete_tag(tag)
                    del self.tags[tag]
            case "collect" | "collect some" | "killed":
                self.collect(operation, branch, value)
            case _:
                return False
        return True

    def collect(self, operation: str, branch: Branch, value: int) -> None:
        if operation == "collect some":
            entry = branch.log()[: value + 1][-1]
            self.project.set_retention((datetime.now(UTC) - entry.timestamp).total_seconds())
        else:
            self.project.set_retention(0)
        if operation == "killed":
            with killed_after(value // 3), suppress(Killed):
                self.project.gc()
        else:
            self.project.gc()
        self.check()

    def check(self) -> None:
        """Every state that is held is as it was, and nothing else is shown."""
        report = self.project.verify()
        assert report.problems == []
        held = {(branch.id, lsn) for branch, lsn in [*self.tags.values()]}
        live = {branch.id for branch in self.branches}
        horizons = {branch.id: branch.horizon_lsn for branch in self.branches}
        for (branch, lsn), state in self.remembered.items():
            expired = branch.base_lsn < lsn < horizons.get(branch.id, 0)
            if branch.id not in live or (expired and (branch.id, lsn) not in held and lsn % 3):
                continue
            try:
                assert self.seen(branch, lsn) == state
            except HistoryExpired:
                assert lsn < branch.head_lsn
                assert (branch.id, lsn) not in held
                if lsn > branch.base_lsn:
                    assert lsn < horizons[branch.id]
        for branch in self.branches:
            assert self.seen(branch) == self.remembered[branch, branch.head_lsn]
            if branch.parent_id in live:
                parent = next(one for one in self.branches if one.id == branch.parent_id)
                self.seen(parent, branch.base_lsn)  # a fork point is held
            for name in NAMES:
                state = self.materializer.replay(branch, name)
                shown = {key: document.raw for key, document in state.items()}
                assert shown == self.remembered[branch, branch.head_lsn][name]

    def readable(self) -> dict[tuple[Branch, int], State]:
        """Return what can be seen, as the log alone has it."""
        found: dict[tuple[Branch, int], State] = {}
        live = {branch.id for branch in self.branches}
        for branch, lsn in self.remembered:
            if branch.id not in live:
                continue
            try:
                replayed = {name: self.materializer.replay(branch, name, lsn) for name in NAMES}
            except HistoryExpired:
                continue
            found[branch, lsn] = {
                name: {key: document.raw for key, document in state.items()}
                for name, state in replayed.items()
            }
        return found


def write(branch: Branch, operation: str, name: str, number: int, value: int) -> None:
    database = WALDatabase(branch)
    collection: Any = database[name]
    match operation:
        case "insert":
            collection.insert_one({"_id": number, "n": value})
        case "update":
            collection.update_one({"_id": number}, {"$set": {"n": value}, "$inc": {"times": 1}})
        case "replace":
            collection.replace_one({"_id": number}, {"z": value, "a": [number]}, upsert=value > 5)
        case "delete":
            collection.delete_one({"_id": number})
        case "update many":
            collection.update_many({"_id": {"$gt": number}}, {"$inc": {"n": value}})
        case "delete many":
            collection.delete_many({"n": {"$gt": value}})
        case "rename":
            collection.rename(NAMES[1 - NAMES.index(name)], dropTarget=value > 4)
        case "drop":
            collection.drop()
        case "index":
            collection.create_index([("n", 1 if value > 4 else -1)])
        case _:
            with database.commit(message="group") as group:
                group[name].update_many({}, {"$inc": {"n": 1}})
                group[name].delete_one({"_id": number})
                group[name].insert_one({"_id": number, "grouped": value})


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(walk=steps)
def test_no_reachable_state_ever_changes(shared: Argon, walk: list[Step]) -> None:
    work = Work(shared)
    for step in walk:
        work.take(step)
    work.collect("collect", work.project.branch("main"), 0)
    # The log alone gives every state that is left, and so do rows that are made of nothing else.
    states = work.readable()
    for where, state in states.items():
        assert state == work.remembered[where]
    work.project.rebuild()
    work.check()
    for (branch, lsn), state in states.items():
        assert work.seen(branch, lsn) == state
    shared.delete_project(work.project.name)
