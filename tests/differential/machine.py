"""Random programs, run on branches and on plain databases side by side."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bson.raw_bson import RawBSONDocument
from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pymongo import MongoClient
from pymongo.database import Database

from argon import Argon, Branch, Materializer, Project, WALDatabase
from argon.io import run
from argon.materializer.verify import verify

from .ddl import Ddl, ddl
from .model import Dump, by_id, dump, load, natural
from .operations import Op, writes
from .outcomes import Outcome, decoded, observe
from .queries import NAMES, VIEW, Query, queries
from .settle import settled_op
from .values import SEED, Document

MAX_LINES = 5
_places = st.integers(0, MAX_LINES - 1)
_names = st.sampled_from([*NAMES, *NAMES, VIEW])
_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    "writes": st.lists(st.tuples(_names, writes), min_size=1, max_size=4),
    "definition": ddl,
    "queries": st.lists(queries, min_size=1, max_size=3),
}


@st.composite
def drawn(draw: st.DrawFn, kind: str) -> Any:
    """Draw from a strategy under a short name: Hypothesis writes out whole strategies again and again."""
    return draw(_DRAWN[kind])


@dataclass(frozen=True)
class Sides:
    """Where plain databases are, and where branches are."""

    client: MongoClient[Document]
    argon: Argon


@dataclass
class Memory:
    """What a branch held at an LSN."""

    lsn: int
    contents: Dump
    plain: Database[Document] | None = None

    def as_plain(self, client: MongoClient[Document], name: str) -> Database[Document]:
        """Return a plain database with the contents, made at the first call."""
        if self.plain is None:
            self.plain = load(client, name, self.contents)
        return self.plain


@dataclass
class Line:
    """A branch and the plain database that models it.

    Attributes:
        branch: The branch.
        database: The branch as an application holds it.
        plain: Its model.
        root: Whether it has no parent, so that its natural order is that of insertion.
        memories: What it held before, its parent's past up to the fork included.
    """

    branch: Branch
    database: WALDatabase[Document]
    plain: Database[Document]
    root: bool
    memories: list[Memory] = field(default_factory=list)


class Programs(RuleBasedStateMachine):
    """Each rule does the same to a branch and to its model, and compares what they give."""

    sides: ClassVar[Sides]

    def __init__(self) -> None:
        super().__init__()
        self.client, self.argon = self.sides.client, self.sides.argon
        self.prefix = f"d{uuid.uuid4().hex[:10]}"
        self.lines: list[Line] = []
        self.touched: set[tuple[int, str]] = set()

    @initialize(forks=st.lists(_places, max_size=MAX_LINES - 2))
    def begin(self, forks: list[int]) -> None:
        self.project: Project = self.argon.create_project(self.prefix)
        self._add(self.project.branch("main"), {}, root=True, memories=[])
        for database in (self.lines[0].plain, self.lines[0].database):
            database.create_collection("first")  # without one there is no plain database
            database["a"].insert_many(copy.deepcopy(SEED))
            database["b"].insert_many(copy.deepcopy(SEED[::2]))
        for place in forks:
            self._remember(self._line(place))
            self._fork(self._line(place))

    # Writing

    @rule(place=_places, steps=drawn("writes"), remember=st.booleans())
    def write(self, place: int, steps: list[tuple[str, Op]], remember: bool) -> None:
        for name, op in steps:
            self._write(self._line(place), name, op)
        if remember:
            self._remember(self._line(place))

    def _write(self, line: Line, name: str, op: Op) -> None:
        if op.upserts and name not in line.plain.list_collection_names():
            # Even an upsert that fails leaves a plain collection behind.
            self._same(line, lambda database: database.create_collection(name).name, name)
        op = settled_op(line.plain, name, op, ordered=line.root)
        self._same(line, lambda database: op.on(database[name]), (name, op))
        self._touch(line, *(NAMES if op.method == "aggregate" else [name]))

    @rule(place=_places, change=drawn("definition"))
    def define(self, place: int, change: Ddl) -> None:
        line = self._line(place)
        self._same(line, change.on, change)
        self._same(line, _described, "described")
        self._touch(line, *NAMES)

    @rule(place=_places, steps=drawn("writes"))
    def commit_together(self, place: int, steps: list[tuple[str, Op]]) -> None:
        """All or nothing: the first error ends a transaction on either side."""
        line = self._line(place)
        existing = set(line.plain.list_collection_names())
        settled: list[tuple[str, Op]] = []
        theirs: list[Outcome] = []
        with self.client.start_session() as session:
            session.start_transaction()
            for name, op in steps:
                if op.method == "aggregate" or name not in existing:
                    continue
                op = settled_op(line.plain, name, op, ordered=line.root, session=session)
                settled.append((name, op))
                theirs.append(
                    observe(lambda: op.on(line.plain[name], session=session), self._names(line))  # noqa: B023
                )
                if theirs[-1].failed:
                    break
            if theirs and theirs[-1].failed:
                session.abort_transaction()
            else:
                session.commit_transaction()
        ours: list[Outcome] = []

        class Failed(Exception):
            pass

        try:
            with line.database.commit(message="together") as group:
                for name, op in settled:
                    ours.append(observe(lambda: op.on(group[name]), self._names(line)))  # noqa: B023
                    if ours[-1].failed:
                        raise Failed
        except Failed:
            pass
        for (name, op), their, our in zip(settled, theirs, ours, strict=False):
            self._compare(line, (name, op), their, our)
        assert len(ours) == len(theirs)
        self._touch(line, *(name for name, _ in settled))

    # Branches and the past

    @rule(place=_places)
    def fork(self, place: int) -> None:
        assume(len(self.lines) < MAX_LINES)
        self._fork(self._line(place))

    @rule(place=_places, which=st.integers(0, 20), asked=drawn("queries"))
    def query_the_past(self, place: int, which: int, asked: list[Query]) -> None:
        line = self._line(place)
        assume(line.memories)
        memory = line.memories[which % len(line.memories)]
        plain = memory.as_plain(self.client, f"{self.prefix}_past_{uuid.uuid4().hex[:8]}")
        past = line.database.at(lsn=memory.lsn)
        names = {plain.name: "DB", self.prefix: "DB"}
        for query in asked:
            theirs, ours = (observe(query.ask(database), names) for database in (plain, past))
            self._compare(line, (memory.lsn, query), theirs, ours)

    @rule(place=_places, which=st.integers(0, 20))
    def restore(self, place: int, which: int) -> None:
        assume(len(self.lines) < MAX_LINES)
        line = self._line(place)
        assume(line.memories)
        memory = line.memories[which % len(line.memories)]
        branch = line.branch.restore(lsn=memory.lsn, name=f"restored{len(self.lines)}")
        earlier = [one for one in line.memories if one.lsn <= memory.lsn]
        self._add(branch, memory.contents, root=False, memories=earlier)
        self._touch(self.lines[-1], *NAMES)

    # Reading

    @rule(place=_places, asked=drawn("queries"))
    def query(self, place: int, asked: list[Query]) -> None:
        line = self._line(place)
        for query in asked:
            self._same(line, lambda database: query.ask(database)(), query)  # noqa: B023

    @invariant()
    def contents(self) -> None:
        """Compare what the last step may have changed; everything is compared at the end."""
        for place, name in sorted(self.touched):
            self._check_collection(self.lines[place], name)
        self.touched.clear()

    def teardown(self) -> None:
        try:
            for line in self.lines:
                self._same(line, _described, "described")
                for name in NAMES:
                    self._check_collection(line, name)
                for memory in line.memories:
                    self._check_memory(line, memory)
            self._check_log()
        finally:
            plain = {line.plain for line in self.lines}
            plain |= {
                memory.plain for line in self.lines for memory in line.memories if memory.plain is not None
            }
            for database in plain:
                self.client.drop_database(database)
            rows = self.client[self.argon.database]
            for name in rows.list_collection_names(filter={"name": {"$regex": "^rows_"}}):
                rows.drop_collection(name)

    # How

    def _line(self, place: int) -> Line:
        return self.lines[place % len(self.lines)]

    def _add(self, branch: Branch, contents: Dump, *, root: bool, memories: list[Memory]) -> None:
        plain = load(self.client, f"{self.prefix}_{len(self.lines)}", contents)
        self.lines.append(Line(branch, WALDatabase(branch), plain, root, memories))

    def _fork(self, line: Line) -> None:
        branch = self.project.create_branch(f"child{len(self.lines)}", parent=line.branch.name)
        self._add(branch, dump(line.plain), root=False, memories=list(line.memories))

    def _remember(self, line: Line) -> None:
        line.memories.append(Memory(line.branch.head_lsn, dump(line.plain)))

    def _touch(self, line: Line, *names: str) -> None:
        place = self.lines.index(line)
        self.touched |= {(place, name) for name in names}

    def _names(self, line: Line) -> dict[str, str]:
        return {line.plain.name: "DB", self.prefix: "DB"}

    def _same(self, line: Line, call: Callable[[Any], Any], about: object) -> None:
        theirs = observe(lambda: call(line.plain), self._names(line))
        ours = observe(lambda: call(line.database), self._names(line))
        self._compare(line, about, theirs, ours)

    def _compare(self, line: Line, about: object, theirs: Outcome, ours: Outcome) -> None:
        if ours != theirs:
            note(f"on {line.branch.name}: {about}")
            note(f"plain: {theirs.kind} {decoded(theirs.value)!r}")
            note(f"argon: {ours.kind} {decoded(ours.value)!r}")
        assert ours == theirs

    def _check_collection(self, line: Line, name: str) -> None:
        assert by_id(line.database[name]) == by_id(line.plain[name])
        if line.root:
            assert natural(line.database[name]) == natural(line.plain[name])

    def _check_memory(self, line: Line, memory: Memory) -> None:
        past = line.database.at(lsn=memory.lsn)
        assert sorted(past.list_collection_names()) == sorted(memory.contents)
        for name, then in memory.contents.items():
            assert past[name].options() == then.options
            if then.kind == "collection":
                assert sorted(natural(past[name])) == sorted(then.documents)
                assert past[name].count_documents({}) == len(then.documents)

    def _check_log(self) -> None:
        """What the log alone tells is the same again, and agrees with every row."""
        materializer = Materializer(self.argon)
        for line in self.lines:
            for name in NAMES:
                replayed = materializer.replay(line.branch, name)
                assert _bytes(replayed.values()) == sorted(natural(line.plain[name]))
            for memory in line.memories:
                for name, then in memory.contents.items():
                    if then.kind == "collection":
                        replayed = materializer.replay(line.branch, name, memory.lsn)
                        assert _bytes(replayed.values()) == sorted(then.documents)
        report = run(verify(self.project.engine, self.project.id))
        assert report.problems == []


def _bytes(documents: Iterable[RawBSONDocument]) -> list[bytes]:
    return sorted(bytes(document.raw) for document in documents)


def _described(database: Any) -> Document:
    names = sorted(name for name in database.list_collection_names() if name != "system.views")
    return {
        name: [database[name].options(), None if name == VIEW else database[name].index_information()]
        for name in names
    }
