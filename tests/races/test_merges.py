"""Merges at the same time as one another, as writers, and as the end of their branches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from argon import Branch, Project, WALDatabase
from argon.errors import BranchNotFound, MergeConflict, MergeNotFound, MergePending
from argon.merging.results import MergeInfo

Database = WALDatabase[dict[str, Any]]
DOCS, TURNS = 4, 8


def together(*tasks: Callable[[], None]) -> None:
    """Run tasks in threads that start at once; whatever one raises, this raises."""
    errors: list[BaseException] = []
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[], None]) -> None:
        try:
            gate.wait()
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def merged(into: Branch, source: str, **options: Any) -> MergeInfo:
    info = into.merge(source, **options)
    assert isinstance(info, MergeInfo)
    return info


def test_no_write_is_lost_between_merges_and_writers(project: Project, main: Branch, db: Database) -> None:
    """Three branches count in fields of their own; two of them are merged into the third all the while."""
    sources = ("one", "two")
    db.tallies.insert_many([{"_id": n, "main": 0, "one": 0, "two": 0} for n in range(DOCS)])
    for name in sources:
        main.fork(name)
    done: dict[str, Counter[int]] = {name: Counter() for name in ("main", *sources)}
    seen: list[tuple[int, str, dict[int, int]]] = []

    def write(name: str) -> None:
        tallies = WALDatabase(project.branch(name)).tallies
        for turn in range(TURNS):
            tallies.update_one({"_id": turn % DOCS}, {"$inc": {name: 1}})
            done[name][turn % DOCS] += 1
            tallies.insert_one({"_id": f"{name}-{turn}"})

    def merge(name: str) -> None:
        into = project.branch("main")
        for _ in range(3):
            before = dict(done[name])
            seen.append((merged(into, name).lsn, name, before))

    together(
        *(lambda name=name: write(name) for name in done),
        *(lambda name=name: merge(name) for name in sources),
    )  # type: ignore[misc]
    for lsn, name, before in seen:
        # What had been acknowledged before a merge began, it has brought.
        state = {document["_id"]: document for document in db.at(lsn=lsn).tallies.find()}
        assert all(state[key][name] >= count for key, count in before.items()), (lsn, name)
    for name in sources:
        merged(main, name)
    found = {document["_id"]: document for document in db.tallies.find()}
    for key in range(DOCS):
        assert {name: found[key][name] for name in done} == {name: done[name][key] for name in done}
    assert found.keys() == {*range(DOCS), *(f"{name}-{turn}" for name in done for turn in range(TURNS))}
    assert project.verify().ok


def test_one_of_two_merges_that_collide_is_refused(project: Project, main: Branch, db: Database) -> None:
    for turn in range(4):
        db.seats.insert_one({"_id": turn, "by": None})
        won: list[str] = []
        for name in ("one", "two"):
            main.fork(f"{name}-{turn}")
            WALDatabase(project.branch(f"{name}-{turn}")).seats.update_one(
                {"_id": turn}, {"$set": {"by": name}}
            )

        def claim(name: str, turn: int = turn, won: list[str] = won) -> None:
            try:
                merged(project.branch("main"), f"{name}-{turn}")
            except MergeConflict as error:
                assert [each.path for each in error.conflicts] == ["by"]
            else:
                won.append(name)

        together(lambda: claim("one"), lambda: claim("two"))
        [winner] = won
        assert db.seats.find_one({"_id": turn}) == {"_id": turn, "by": winner}


def test_a_merge_into_a_branch_that_is_deleted_lands_whole_or_not(
    project: Project, main: Branch, db: Database
) -> None:
    db.docs.insert_one({"_id": "base"})
    main.fork("feature")
    ids = set(range(30))
    WALDatabase(project.branch("feature")).docs.insert_many([{"_id": n} for n in ids])
    for turn in range(4):
        name = f"target-{turn}"
        main.fork(name)
        target = project.branch(name)
        landed: list[int] = []

        def merge(target: Branch = target, landed: list[int] = landed) -> None:
            try:
                landed.append(merged(target, "feature").lsn)
            except BranchNotFound:
                return

        together(merge, partial(project.delete_branch, name))
        with pytest.raises(BranchNotFound):
            merged(target, "feature")
        project.undelete_branch(name)
        found = {document["_id"] for document in WALDatabase(project.branch(name)).docs.find()}
        assert found == ({"base"} | ids if landed else {"base"})
        marks = [entry for entry in project.branch(name).log(limit=60) if str(entry.operation) == "merge"]
        assert [entry.lsn for entry in marks] == landed
    assert project.verify().ok


def test_a_source_that_is_deleted_is_merged_whole_or_not(
    project: Project, main: Branch, db: Database
) -> None:
    db.docs.insert_one({"_id": "base"})
    for turn in range(4):
        name = f"source-{turn}"
        main.fork(name)
        ids = {f"{turn}-{n}" for n in range(20)}
        WALDatabase(project.branch(name)).docs.insert_many([{"_id": each} for each in ids])
        landed: list[bool] = []

        def merge(name: str = name, landed: list[bool] = landed) -> None:
            try:
                landed.append(bool(merged(project.branch("main"), name).lsn))
            except BranchNotFound:
                return

        together(merge, partial(project.delete_branch, name))
        found = {document["_id"] for document in db.docs.find({"_id": {"$regex": f"^{turn}-"}})}
        assert found == (ids if landed else set())
    assert project.verify().ok


def test_a_pending_merge_is_finished_once_with_the_last_word(
    project: Project, main: Branch, db: Database
) -> None:
    """Two finish it while a third goes on changing its mind: the last word that was taken is what counts."""
    for turn in range(3):
        db.docs.insert_one({"_id": turn, "n": "base"})
        name = f"feature-{turn}"
        main.fork(name)
        db.docs.update_one({"_id": turn}, {"$set": {"n": "main"}})
        WALDatabase(project.branch(name)).docs.update_one({"_id": turn}, {"$set": {"n": "feature"}})
        began: list[str] = []

        def begin(name: str = name, began: list[str] = began) -> None:
            try:
                began.append(merged(project.branch("main"), name, keep_conflicts=True).source)
            except MergePending:
                return

        together(begin, begin)
        assert len(began) == 1
        head = main.head_lsn
        main.resolve(1, value=0)
        words = [0]

        def change(words: list[int] = words) -> None:
            branch = project.branch("main")
            for word in range(1, 16):
                try:
                    branch.resolve(1, value=word)
                except MergeNotFound:
                    return
                words.append(word)

        def finish() -> None:
            try:
                project.branch("main").merge_continue()
            except MergeNotFound:
                return

        together(change, finish, finish)
        if main.pending_merge() is not None:  # both gave way to the one who changed
            main.merge_continue()
        assert db.docs.find_one({"_id": turn}) == {"_id": turn, "n": words[-1]}
        assert [str(entry.operation) for entry in main.log(after=head)].count("merge") == 1
    for table in ("merges", "conflicts", "conflict_values"):
        assert main.engine.plain[table].count_documents({}) == 0


def test_resolving_and_aborting_leave_the_branch_as_it_was(
    project: Project, main: Branch, db: Database
) -> None:
    db.docs.insert_one({"_id": 1, "n": 0})
    main.fork("feature")
    db.docs.update_one({"_id": 1}, {"$set": {"n": 1}})
    WALDatabase(project.branch("feature")).docs.update_one({"_id": 1}, {"$set": {"n": 2}})
    for _ in range(5):
        merged(main, "feature", keep_conflicts=True)
        main.resolve(take="theirs")
        head = main.head_lsn
        ended: list[str] = []

        def abort(ended: list[str] = ended) -> None:
            try:
                project.branch("main").merge_abort()
            except MergeNotFound:
                return
            ended.append("aborted")

        def finish(ended: list[str] = ended) -> None:
            try:
                project.branch("main").merge_continue()
            except MergeNotFound:
                return
            ended.append("finished")

        together(abort, finish)
        assert main.pending_merge() is None
        assert ended == (["aborted"] if main.head_lsn == head else ["finished"])
        assert db.docs.find_one() == {"_id": 1, "n": 1 if ended == ["aborted"] else 2}
        if ended == ["finished"]:
            break
