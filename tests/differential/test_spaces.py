"""Random programs over the spaces of branches give what they give on a plain database for each space."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from argon import Branch, Materializer, Project, WALDatabase
from argon.io import run
from argon.materializer.verify import verify

from .machine import MAX_LINES, Line, Memory, Programs, Sides, _bytes, drawn
from .model import Dump, dump, load, natural
from .operations import Op
from .outcomes import Outcome, observe
from .queries import NAMES
from .settle import settled_op
from .values import SEED, Document

if TYPE_CHECKING:
    from pymongo import MongoClient

    from argon import Argon

SPACES = ["default", "tool-results"]
PROGRAMS = 4
SOAKED = 200
STEPS = 20
_places = st.integers(0, MAX_LINES - 1)
_several = st.lists(st.tuples(_places, drawn("writes")), min_size=2, max_size=4)


class Spaces(Programs):
    """The same programs; a line is a space of a branch, and forks and moments are the branch's."""

    @initialize()
    def begin(self) -> None:  # type: ignore[override]
        self.project: Project = self.argon.create_project(self.prefix)
        for space in SPACES:
            line = self._add_space(self.project.branch("main"), space, {}, root=True, memories=[])
            for database in (line.plain, line.database):
                database.create_collection("first")  # without one there is neither database nor space
                database["a"].insert_many(copy.deepcopy(SEED[:: 1 + SPACES.index(space)]))
        self._fork(self.lines[0])

    @rule(place=_places, several=_several)
    def commit_over_spaces(self, place: int, several: list[tuple[int, list[tuple[str, Op]]]]) -> None:
        """One commit on all spaces of a branch, against one transaction over their models."""
        lines = self._of(self._line(place).branch)
        existing = {line.plain.name: set(line.plain.list_collection_names()) for line in lines}
        settled: list[tuple[Line, str, Op]] = []
        theirs: list[Outcome] = []
        with self.client.start_session() as session:
            session.start_transaction()
            for which, steps in several:
                line = lines[which % len(lines)]
                name, op = steps[0]
                if op.method == "aggregate" or name not in existing[line.plain.name]:
                    continue
                op = settled_op(line.plain, name, op, ordered=line.root, session=session)
                settled.append((line, name, op))
                theirs.append(
                    observe(lambda: op.on(line.plain[name], session=session), self._names(line))  # noqa: B023
                )
                if theirs[-1].failed:
                    break
            if theirs and theirs[-1].failed:
                session.abort_transaction()
            else:
                session.commit_transaction()

        class Failed(Exception):
            pass

        try:
            with WALDatabase[Document](lines[0].branch).commit() as group:
                for (line, name, op), their in zip(settled, theirs, strict=True):
                    collection: Any = group.space(line.database.current_space)[name]
                    our = observe(lambda: op.on(collection), self._names(line))  # noqa: B023
                    self._compare(line, (name, op), their, our)
                    if our.failed:
                        raise Failed
        except Failed:
            pass
        for line in lines:
            self._touch(line, *NAMES)

    @rule(place=_places)
    def empty(self, place: int) -> None:
        """Drop all that a space has, and begin it anew."""
        line = self._line(place)
        line.plain.command("dropDatabase")
        if line.database.current_space == "default":
            line.database.command("dropDatabase")
        else:
            WALDatabase[Document](line.branch).delete_space(line.database.current_space, force=True)
        for database in (line.plain, line.database):
            database.create_collection("first")
        self._touch(line, *NAMES)

    @rule(place=_places, which=st.integers(0, 20))
    def restore(self, place: int, which: int) -> None:
        assume(len(self.lines) < MAX_LINES)
        lines = self._of(self._line(place).branch)
        memories = [line.memories[which % len(line.memories)] for line in lines if line.memories]
        assume(memories)
        branch = lines[0].branch.restore(lsn=memories[0].lsn, name=f"restored{len(self.lines)}")
        for line, memory in zip(lines, memories, strict=True):
            earlier = [one for one in line.memories if one.lsn <= memory.lsn]
            space = line.database.current_space
            self._add_space(branch, space, memory.contents, root=False, memories=earlier)

    # How

    def _of(self, branch: Branch) -> list[Line]:
        return [line for line in self.lines if line.branch == branch]

    def _add_space(
        self, branch: Branch, space: str, contents: Dump, *, root: bool, memories: list[Memory]
    ) -> Line:
        plain = load(self.client, f"{self.prefix}_{uuid.uuid4().hex[:8]}", contents)
        line = Line(branch, WALDatabase[Document](branch).space(space), plain, root, memories)
        self.lines.append(line)
        self._touch(line, *NAMES)
        return line

    def _fork(self, line: Line) -> None:
        info = line.branch.fork(f"child{len(self.lines)}")
        assert info.spaces == SPACES
        child = self.project.branch(info.destination)
        for of in self._of(line.branch):
            space = of.database.current_space
            self._add_space(child, space, dump(of.plain), root=False, memories=list(of.memories))

    def _remember(self, line: Line) -> None:
        lsn = line.branch.head_lsn
        for of in self._of(line.branch):
            of.memories.append(Memory(lsn, dump(of.plain)))

    def _check_log(self) -> None:
        materializer = Materializer(self.argon)
        for line in self.lines:
            space = line.database.current_space
            for name in NAMES:
                replayed = materializer.replay(line.branch, name, space=space)
                assert _bytes(replayed.values()) == sorted(natural(line.plain[name]))
            for memory in line.memories:
                for name, then in memory.contents.items():
                    if then.kind == "collection":
                        replayed = materializer.replay(line.branch, name, memory.lsn, space)
                        assert _bytes(replayed.values()) == sorted(then.documents)
        report = run(verify(self.project.engine, self.project.id))
        assert report.problems == []


def test_programs_over_spaces(argon: Argon, client: MongoClient[Document]) -> None:
    _run(argon, client, settings(max_examples=PROGRAMS))


@pytest.mark.soak
def test_many_new_programs_over_spaces(argon: Argon, client: MongoClient[Document]) -> None:
    _run(argon, client, settings(max_examples=SOAKED, derandomize=False))


def _run(argon: Argon, client: MongoClient[Document], how: settings) -> None:
    class Run(Spaces):
        sides = Sides(client, argon)

    run_state_machine_as_test(
        Run,
        settings=settings(
            how,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
