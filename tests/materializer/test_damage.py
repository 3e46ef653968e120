"""Damage of every kind is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from bson import Int64, ObjectId

from argon import Argon, Branch, Project, WALDatabase
from argon.gc.collect import Terms
from argon.materializer import ProblemKind
from argon.versions.layout import MAX_LSN, PROVISIONAL_LSN

BEYOND = 10_000
"""An LSN that the log does not have yet."""


@dataclass
class Shop:
    """A project with some history.

    Main inserts 1 to 5 in one commit, updates 1 twice and deletes 2. A child
    updates 3, deletes 4 and inserts 9. Then main updates 3.
    """

    project: Project
    database: Any
    child: Branch

    @property
    def main(self) -> Branch:
        return self.project.branch("main")

    @property
    def log(self) -> Any:
        return self.database["wal_log"]

    @property
    def rows(self) -> Any:
        [record] = self.database["collections"].find({"d.name": "users"})
        return self.database[record["d"]["store"]]

    def lsn(self, branch: Branch, operation: str, document_id: Any) -> int:
        """The LSN of the last such entry."""
        query = {"branch_id": branch.id, "operation": operation, "document_id": document_id}
        found = self.log.find_one(query, sort=[("lsn", -1)])
        return int(found["lsn"])

    def entry(self, lsn: int) -> dict[str, Any]:
        return {"lsn": Int64(lsn)}

    def move(self, row: dict[str, Any], **key: Any) -> None:
        """Give a row another key."""
        self.rows.delete_one({"_id": row["_id"]})
        self.rows.insert_one({**row, "_id": {**row["_id"], **key}})

    def row(self, document_id: Any, *, past: bool = False, branch: int = 1) -> dict[str, Any]:
        end = {"$lt": MAX_LSN} if past else MAX_LSN
        found: dict[str, Any] = self.rows.find_one(
            {"d._id": document_id, "_id.b": branch, "_id.t": end}, sort=[("_id.t", -1)]
        )
        return found


@pytest.fixture
def shop(argon: Argon, project: Project, main: Branch, db: WALDatabase) -> Shop:
    users = db["users"]
    users.insert_many([{"_id": n, "n": n, "m": 0} for n in (1, 2, 3, 4, 5)])
    users.update_one({"_id": 1}, {"$set": {"n": 10}})
    users.update_one({"_id": 1}, {"$set": {"n": 11}})
    users.delete_one({"_id": 2})
    child = project.create_branch("child")
    below = WALDatabase(child)["users"]
    below.update_one({"_id": 3}, {"$set": {"n": 30}})
    below.delete_one({"_id": 4})
    below.insert_one({"_id": 9, "n": 9})
    users.update_one({"_id": 3}, {"$set": {"n": 31}})
    return Shop(project, argon.engine.plain, child)


Found = list[tuple[ProblemKind, Any]]
"""Kinds of problems and ids of documents."""
Damage = Callable[[Shop], Found]
DAMAGES: list[Damage] = []


def damage(function: Damage) -> Damage:
    """Do damage, and return what a verification must find at least."""
    DAMAGES.append(function)
    return function


@damage
def a_current_row_is_removed(shop: Shop) -> Found:
    shop.rows.delete_one({"_id": shop.row(1)["_id"]})
    return [(ProblemKind.MISSING_ROW, 1)]


@damage
def a_past_row_is_removed(shop: Shop) -> Found:
    shop.rows.delete_one({"_id": shop.row(2, past=True)["_id"]})
    return [(ProblemKind.MISSING_ROW, 2), (ProblemKind.MISSING_END, 2)]


@damage
def a_row_is_changed(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$set": {"d.n": 6}})
    return [(ProblemKind.ROW, 5)]


@damage
def a_rows_fields_change_places(shop: Shop) -> Found:
    row = shop.row(5)
    shop.rows.update_one({"_id": row["_id"]}, {"$set": {"d": {"_id": 5, "m": 0, "n": 5}}})
    return [(ProblemKind.ROW, 5)]


@damage
def a_number_changes_its_type(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$set": {"d.n": Int64(5)}})
    return [(ProblemKind.ROW, 5)]


@damage
def a_rows_begin_is_moved(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$set": {"f": Int64(BEYOND)}})
    return [(ProblemKind.ROW, 5), (ProblemKind.MISSING_ROW, 5)]


@damage
def a_rows_begin_is_that_of_another_document(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$set": {"f": shop.row(1)["f"]}})
    return [(ProblemKind.ROW, 5), (ProblemKind.MISSING_ROW, 5)]


@damage
def a_rows_end_is_moved(shop: Shop) -> Found:
    row = shop.row(2, past=True)
    shop.move(row, t=Int64(row["_id"]["t"] + 1))
    return [(ProblemKind.ROW, 2), (ProblemKind.MISSING_END, 2)]


@damage
def a_deleted_document_is_current_again(shop: Shop) -> Found:
    shop.move(shop.row(2, past=True), t=MAX_LSN)
    return [(ProblemKind.MISSING_END, 2)]


@damage
def a_current_document_is_ended(shop: Shop) -> Found:
    shop.move(shop.row(5), t=Int64(shop.lsn(shop.main, "delete", 2)))
    return [(ProblemKind.ROW, 5)]


@damage
def a_documents_birth_is_moved(shop: Shop) -> Found:
    row = shop.row(1)
    shop.move(row, n=Int64(row["_id"]["n"] + 1))
    return [(ProblemKind.ROW, 1)]


@damage
def a_row_is_added(shop: Shop) -> Found:
    row = shop.row(5)
    shop.rows.insert_one({**row, "_id": {**row["_id"], "n": Int64(BEYOND)}, "d": {"_id": 6, "n": 6}})
    return [(ProblemKind.ROW, 6)]


@damage
def a_version_is_there_twice(shop: Shop) -> Found:
    row = shop.row(1, past=True)
    shop.rows.insert_one({**row, "_id": {**row["_id"], "t": Int64(shop.lsn(shop.main, "delete", 2))}})
    return [(ProblemKind.ROW, 1)]


@damage
def a_row_is_on_another_branch(shop: Shop) -> Found:
    shop.move(shop.row(5), b=shop.child.record.number)
    return [(ProblemKind.ROW, 5), (ProblemKind.MISSING_ROW, 5)]


@damage
def a_row_is_on_a_branch_that_never_was(shop: Shop) -> Found:
    shop.move(shop.row(5), b=77)
    return [(ProblemKind.ROW, None), (ProblemKind.MISSING_ROW, 5)]


@damage
def a_row_lacks_its_begin(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$unset": {"f": 1}})
    return [(ProblemKind.ROW, None), (ProblemKind.MISSING_ROW, 5)]


@damage
def a_row_of_an_open_transaction_stays(shop: Shop) -> Found:
    row = shop.row(5)
    shop.rows.insert_one(
        {
            "_id": {**row["_id"], "n": Int64(PROVISIONAL_LSN + 1)},
            "f": Int64(PROVISIONAL_LSN + 1),
            "d": {"_id": 6},
        }
    )
    return [(ProblemKind.PROVISIONAL, None)]


@damage
def a_mark_is_removed(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(4)["_id"]}, {"$unset": {"s": 1}})
    return [(ProblemKind.MISSING_END, 4)]


@damage
def a_past_rows_mark_is_removed(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(3, past=True)["_id"]}, {"$unset": {"s": 1}})
    return [(ProblemKind.MISSING_END, 3)]


@damage
def a_mark_is_added(shop: Shop) -> Found:
    number = shop.child.record.number
    mark = {"b": number, "l": Int64(shop.lsn(shop.child, "delete", 4))}
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$push": {"s": mark}})
    return [(ProblemKind.MARK, 5)]


@damage
def a_mark_is_added_that_the_log_does_not_know(shop: Shop) -> Found:
    mark = {"b": shop.child.record.number, "l": Int64(BEYOND)}
    shop.rows.update_one({"_id": shop.row(5)["_id"]}, {"$push": {"s": mark}})
    return [(ProblemKind.MARK, 5)]


@damage
def a_mark_is_there_twice(shop: Shop) -> Found:
    row = shop.row(4)
    shop.rows.update_one({"_id": row["_id"]}, {"$push": {"s": row["s"][0]}})
    return [(ProblemKind.MARK, 4)]


@damage
def a_mark_is_on_a_version_that_the_child_never_saw(shop: Shop) -> Found:
    [mark] = shop.row(3, past=True)["s"]
    shop.rows.update_one({"_id": shop.row(3, past=True)["_id"]}, {"$unset": {"s": 1}})
    shop.rows.update_one({"_id": shop.row(3)["_id"]}, {"$set": {"s": [mark]}})
    return [(ProblemKind.MARK, 3), (ProblemKind.MISSING_END, 3)]


@damage
def a_mark_names_another_branch(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(4)["_id"]}, {"$set": {"s.0.b": 77}})
    return [(ProblemKind.MARK, 4), (ProblemKind.MISSING_END, 4)]


@damage
def a_marks_lsn_is_moved(shop: Shop) -> Found:
    shop.rows.update_one({"_id": shop.row(4)["_id"]}, {"$inc": {"s.0.l": Int64(1)}})
    return [(ProblemKind.MARK, 4), (ProblemKind.MISSING_END, 4)]


@damage
def an_entry_is_removed(shop: Shop) -> Found:
    shop.log.delete_one(shop.entry(shop.lsn(shop.main, "update", 1)))
    return [(ProblemKind.CHAIN, 2), (ProblemKind.ROW, 1)]


@damage
def the_newest_entry_is_removed(shop: Shop) -> Found:
    shop.log.delete_one(shop.entry(shop.lsn(shop.main, "update", 3)))
    return [(ProblemKind.ROW, 3)]


@damage
def an_entry_is_removed_from_a_commit(shop: Shop) -> Found:
    shop.log.delete_one(shop.entry(shop.lsn(shop.main, "insert", 4)))
    return [(ProblemKind.CHAIN, 5), (ProblemKind.ROW, 4)]


@damage
def the_last_entry_of_a_commit_is_removed(shop: Shop) -> Found:
    shop.log.delete_one(shop.entry(shop.lsn(shop.main, "insert", 5)))
    return [(ProblemKind.CHAIN, 1), (ProblemKind.COMMIT, 1), (ProblemKind.ROW, 5)]


@damage
def an_entry_is_taken_out_of_its_commit(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 3)), {"$unset": {"commit": 1}})
    return [(ProblemKind.COMMIT, 3)]


@damage
def an_entrys_document_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 5)), {"$set": {"document.n": 6}})
    return [(ProblemKind.ROW, 5)]


@damage
def an_entrys_preimage_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$set": {"old_document.n": 6}})
    return [(ProblemKind.ROW, 2)]


@damage
def a_childs_preimage_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.child, "update", 3)), {"$set": {"old_fields.n": 6}})
    return [(ProblemKind.MARK, 3)]


@damage
def an_entrys_preimage_is_removed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$unset": {"old_document": 1}})
    return [(ProblemKind.ENTRY, 2)]


@damage
def an_entrys_id_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 5)), {"$set": {"document_id": 6}})
    return [(ProblemKind.ENTRY, 6), (ProblemKind.ROW, 5), (ProblemKind.MISSING_ROW, 6)]


@damage
def an_entrys_operation_is_none(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 5)), {"$set": {"operation": "upsert"}})
    return [(ProblemKind.ENTRY, 5), (ProblemKind.ROW, 5)]


@damage
def an_entrys_operation_is_another(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 5)), {"$set": {"operation": "update"}})
    return [(ProblemKind.MISSING_END, 5)]


@damage
def an_entrys_collection_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "insert", 5)), {"$set": {"collection": "others"}})
    return [(ProblemKind.ROW, 5), (ProblemKind.MISSING_ROW, 5)]


@damage
def an_entrys_branch_is_changed(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$set": {"branch_id": shop.child.id}})
    return [
        (ProblemKind.CHAIN, 2),
        (ProblemKind.CHAIN, 3),
        (ProblemKind.ROW, 2),
        (ProblemKind.MISSING_END, 2),
    ]


@damage
def an_entry_is_of_a_branch_that_never_was(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$set": {"branch_id": ObjectId()}})
    return [(ProblemKind.RECORD, None), (ProblemKind.CHAIN, 3), (ProblemKind.ROW, 2)]


@damage
def the_chain_is_broken(shop: Shop) -> Found:
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$set": {"prev_lsn": Int64(1)}})
    return [(ProblemKind.CHAIN, 2)]


@damage
def a_link_points_forwards(shop: Shop) -> Found:
    last = shop.lsn(shop.main, "update", 3)
    shop.log.update_one(shop.entry(shop.lsn(shop.main, "delete", 2)), {"$set": {"prev_lsn": Int64(last)}})
    return [(ProblemKind.ENTRY, 2), (ProblemKind.CHAIN, 3)]


@damage
def an_lsn_is_moved(shop: Shop) -> Found:
    lsn = shop.lsn(shop.main, "update", 3)
    entry = shop.log.find_one_and_delete(shop.entry(lsn))
    shop.log.insert_one({**entry, "_id": {**entry["_id"], "l": Int64(BEYOND)}, "lsn": Int64(BEYOND)})
    return [(ProblemKind.ROW, 3), (ProblemKind.MISSING_ROW, 3), (ProblemKind.MISSING_END, 3)]


@damage
def an_lsn_is_not_that_of_its_key(shop: Shop) -> Found:
    lsn = shop.lsn(shop.main, "insert", 4)
    shop.log.update_one(shop.entry(lsn), {"$inc": {"lsn": Int64(-1)}})
    return [(ProblemKind.ENTRY, 4)]


@damage
def time_runs_backwards(shop: Shop) -> Found:
    lsn = shop.lsn(shop.main, "delete", 2)
    moment = shop.log.find_one(shop.entry(lsn))["timestamp"]
    shop.log.update_one(shop.entry(lsn), {"$set": {"timestamp": moment - timedelta(hours=1)}})
    return [(ProblemKind.TIME, 2)]


@damage
def a_branchs_creation_is_removed(shop: Shop) -> Found:
    shop.log.delete_one({"branch_id": shop.child.id, "operation": "create_branch"})
    return [(ProblemKind.CHAIN, 3), (ProblemKind.RECORD, None)]


@damage
def a_branchs_record_is_removed(shop: Shop) -> Found:
    shop.database["branches"].delete_one({"_id": shop.child.id})
    return [(ProblemKind.RECORD, None), (ProblemKind.ROW, None)]


@damage
def a_branchs_name_is_changed(shop: Shop) -> Found:
    shop.database["branches"].update_one({"_id": shop.child.id}, {"$set": {"name": "other"}})
    return [(ProblemKind.RECORD, None)]


@damage
def a_branchs_base_is_moved(shop: Shop) -> Found:
    shop.database["branches"].update_one({"_id": shop.child.id}, {"$inc": {"base_lsn": Int64(-1)}})
    return [(ProblemKind.RECORD, None)]


@damage
def a_branchs_lineage_is_changed(shop: Shop) -> Found:
    shop.database["branches"].update_one({"_id": shop.child.id}, {"$inc": {"lineage.0.fork": Int64(-1)}})
    return [(ProblemKind.RECORD, None)]


@damage
def a_branch_is_deleted_past_the_log(shop: Shop) -> Found:
    shop.database["branches"].update_one({"_id": shop.child.id}, {"$set": {"status": "pending_delete"}})
    return [(ProblemKind.RECORD, None)]


@damage
def a_branchs_last_change_of_the_catalogue_is_forgotten(shop: Shop) -> Found:
    shop.database["branches"].update_one({"name": "main"}, {"$set": {"ddl_lsn": Int64(0)}})
    return [(ProblemKind.RECORD, None)]


def move_horizon(shop: Shop, branch: Branch, lsn: int) -> None:
    shop.database["branches"].update_one({"_id": branch.id}, {"$set": {"horizon_lsn": Int64(lsn)}})


@damage
def a_horizon_is_beyond_the_head(shop: Shop) -> Found:
    move_horizon(shop, shop.child, BEYOND)
    return [(ProblemKind.HORIZON, None)]


@damage
def a_horizon_is_on_another_branch(shop: Shop) -> Found:
    move_horizon(shop, shop.child, shop.lsn(shop.main, "delete", 2))
    return [(ProblemKind.HORIZON, None)]


@damage
def a_horizon_is_inside_a_commit(shop: Shop) -> Found:
    move_horizon(shop, shop.main, shop.lsn(shop.main, "insert", 3))
    return [(ProblemKind.HORIZON, None)]


@damage
def the_entry_at_a_horizon_is_removed(shop: Shop) -> Found:
    lsn = shop.lsn(shop.main, "delete", 2)
    move_horizon(shop, shop.main, lsn)
    shop.log.delete_one(shop.entry(lsn))
    return [(ProblemKind.HORIZON, None)]


@damage
def the_projects_name_is_changed(shop: Shop) -> Found:
    shop.database["projects"].update_one({}, {"$set": {"name": "other"}})
    return [(ProblemKind.RECORD, None)]


@damage
def a_catalogue_row_is_changed(shop: Shop) -> Found:
    rows = shop.database["collections"]
    row = rows.find_one({})
    rows.update_one({"_id": row["_id"]}, {"$set": {"d.name": "others"}})
    return [(ProblemKind.ROW, row["d"]["_id"])]


@damage
def a_catalogue_row_is_removed(shop: Shop) -> Found:
    row = shop.database["collections"].find_one_and_delete({})
    return [(ProblemKind.MISSING_ROW, row["d"]["_id"])]


@damage
def a_store_is_dropped(shop: Shop) -> Found:
    shop.rows.drop()
    return [(ProblemKind.STORE, None), (ProblemKind.MISSING_ROW, 1), (ProblemKind.MISSING_END, 4)]


@pytest.mark.parametrize("do_damage", DAMAGES, ids=[each.__name__ for each in DAMAGES])
def test_damage_is_found_and_named(shop: Shop, do_damage: Damage) -> None:
    assert shop.project.verify().problems == []
    expected = do_damage(shop)
    report = shop.project.verify()
    found = [(problem.kind, problem.document_id) for problem in report.problems]
    assert not report.ok
    assert [each for each in expected if each not in found] == []
    # One piece of damage is told in a few words, not in hundreds.
    assert report.problem_count < 20
    for problem in report.problems:
        if problem.document_id is not None and problem.lsn is not None:
            assert (problem.branch in ("main", "child"), bool(problem.collection)) == (True, True)


@pytest.mark.parametrize("forgetting", [False, True])
def test_history_that_a_horizon_claims_and_that_was_collected(
    shop: Shop, argon: Argon, forgetting: bool
) -> None:
    """It is known from what garbage collection remembers, and from the log alone."""
    argon.terms = Terms(retention=0.0, grace=0.0)
    assert shop.project.gc().rows > 0
    assert shop.project.verify().problems == []
    forgotten = {"$unset": {"swept": 1}} if forgetting else {}
    shop.database["branches"].update_one(
        {"_id": shop.main.id}, {"$set": {"horizon_lsn": Int64(0)}, **forgotten}
    )
    assert ProblemKind.HORIZON in [problem.kind for problem in shop.project.verify().problems]


def test_the_horizon_of_a_line_that_a_branch_has_left(
    shop: Shop, argon: Argon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 1)
    shop.main.merge("child", "theirs")
    argon.terms = Terms(retention=0.0, grace=0.0)
    WALDatabase(shop.main)["users"].insert_one({"_id": 7})
    shop.project.gc()
    assert shop.project.verify().problems == []
    branches = shop.database["branches"]
    [line] = branches.find({"status": "published"})
    for damaged in (line["_id"], shop.main.id):
        record = branches.find_one({"_id": damaged})
        branches.update_one({"_id": damaged}, {"$set": {"horizon_lsn": Int64(BEYOND)}})
        assert {each.kind for each in shop.project.verify().problems} == {ProblemKind.HORIZON}
        branches.replace_one({"_id": damaged}, record)


def test_many_problems_are_counted_and_the_first_are_shown(
    project: Project, users: Any, argon: Argon
) -> None:
    users.insert_many([{"_id": n} for n in range(300)])
    [store] = [name for name in argon.engine.plain.list_collection_names() if name.startswith("rows_")]
    argon.engine.plain[store].delete_many({})
    report = project.verify()
    assert (report.problem_count, len(report.problems)) == (300, 100)
