"""History and blame of random programs, held against every state that was remembered."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argon import Argon, Project, WALDatabase

from .model import GONE, Held, Past, State, leaves

NAMES = ("a", "b")
AUTHORS = ("ann", "bo", "cy")
branches = st.integers(0, 2)
names = st.sampled_from(NAMES)
keys = st.integers(1, 2)
values = st.one_of(
    st.integers(0, 2), st.sampled_from([1.0, "x", [], {}, {"x": 1, "y": 2}, {"x": 1}, [{"x": 1}]])
)
edits = st.one_of(
    st.tuples(st.just("put"), keys, st.dictionaries(st.sampled_from("fgh"), values, max_size=3)),
    st.tuples(st.just("set"), keys, st.sampled_from(["f", "g", "h.x", "h.y"]), values),
    st.tuples(st.just("unset"), keys, st.sampled_from(["f", "h.x"])),
    st.tuples(st.just("delete"), keys),
)
steps = st.one_of(
    st.tuples(st.just("commit"), branches, names, st.lists(edits, min_size=1, max_size=3)),
    st.tuples(st.just("commit"), branches, names, st.lists(edits, min_size=1, max_size=1)),
    st.tuples(st.just("drop"), branches, names),
    st.tuples(st.just("rename"), branches, names),
    st.tuples(st.just("fork"), branches),
)


class Pair:
    """Argon, and what was remembered of it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.names = ["main"]
        self.pasts = {"main": Past()}
        self.count = 0

    def fork(self, which: int) -> None:
        source = self.names[which % len(self.names)]
        name = f"b{len(self.names)}"
        self.project.fork(source, name)
        self.names.append(name)
        self.pasts[name] = self.pasts[source].fork()

    def commit(self, which: int, collection: str, edits: list[tuple[Any, ...]]) -> None:
        branch = self.names[which % len(self.names)]
        self.count += 1
        author, message = AUTHORS[self.count % len(AUTHORS)], f"commit {self.count}"
        with WALDatabase(self.project.branch(branch)).commit(message=message, author=author) as db:
            for step, key, *arguments in edits:
                if step == "put":
                    db[collection].replace_one({"_id": key}, arguments[0], upsert=True)
                elif step == "set":
                    db[collection].update_many(
                        {"_id": key, "h": {"$not": {"$type": ["int", "double", "string", "array"]}}},
                        {"$set": {arguments[0]: arguments[1]}},
                    )
                elif step == "unset":
                    db[collection].update_many({"_id": key}, {"$unset": {arguments[0]: ""}})
                else:
                    db[collection].delete_one({"_id": key})
        self._remember(branch, author, message)

    def drop(self, which: int, collection: str) -> None:
        branch = self.names[which % len(self.names)]
        WALDatabase(self.project.branch(branch)).drop_collection(collection)
        now = self.pasts[branch].now
        now.pop(collection, None)
        self._remember(branch, None, None, now)

    def rename(self, which: int, collection: str) -> None:
        branch = self.names[which % len(self.names)]
        db = WALDatabase(self.project.branch(branch))
        [other] = [name for name in NAMES if name != collection]
        now = self.pasts[branch].now
        if collection in now and other not in now:
            db[collection].rename(other)
            now[other] = now.pop(collection)
            self._remember(branch, None, None, now)

    def _remember(
        self, branch: str, author: str | None, message: str | None, now: dict[str, Held] | None = None
    ) -> None:
        """Remember what the branch holds; of what it held before only which collection is which."""
        here = self.project.branch(branch)
        db, past = WALDatabase(here), self.pasts[branch]
        head = here.head_lsn
        if head == past.states[-1].lsn:
            return
        before = past.now if now is None else now
        found = {name: before.get(name, Held()) for name in db.list_collection_names()}
        for name, held in found.items():
            held.documents = {document["_id"]: document for document in db[name].find()}
        past.states.append(State(head, author, message, branch, found))

    def check(self) -> None:
        for branch, past in self.pasts.items():
            here = self.project.branch(branch)
            for name in NAMES:
                for key in (1, 2):
                    expected = past.versions(name, key)
                    told = list(here.history(name, key))
                    assert [
                        (one.commit, one.document, one.author, one.message, one.branch) for one in told
                    ] == [
                        (state.lsn, None if now is GONE else now, state.author, state.message, state.branch)
                        for state, now, _ in expected
                    ]
                    for one, (_, now, was) in zip(told, expected, strict=True):
                        if "collection" not in one.operation:
                            step = "delete" if now is GONE else "insert" if was is GONE else "update"
                            assert one.operation == step
                        changed = {change.path for change in one.fields}
                        both = now is not GONE and was is not GONE
                        assert bool(changed) == both
                    if name in past.states[-1].collections and expected and expected[0][1] is not GONE:
                        blamed = {one.path: one for one in here.blame(name, key)}
                        assert {path: one.value for path, one in blamed.items()} == leaves(expected[0][1])
                        assert {path: (one.commit, one.author) for path, one in blamed.items()} == {
                            path: (state.lsn, state.author) for path, state in past.blame(name, key).items()
                        }


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=st.lists(steps, min_size=8, max_size=20))
def test_history_and_blame_are_what_was_remembered(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    pair = Pair(argon.create_project(f"p{uuid.uuid4().hex[:12]}"))
    for step, *arguments in program:
        if step != "fork" or len(pair.names) < 3:
            getattr(pair, step)(*arguments)
    pair.check()
