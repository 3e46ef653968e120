"""A verification of what is sound finds nothing, whatever was done and whoever writes meanwhile."""

from __future__ import annotations

import threading
from typing import Any

from argon import Argon, Branch, Project, WALDatabase
from argon.engine.ddl import modify_collection
from argon.io import run


def test_a_new_project_is_sound(project: Project) -> None:
    report = project.verify()
    assert (report.ok, report.problem_count, report.rows) == (True, 0, 0)


def test_work_of_every_kind_is_sound(project: Project, main: Branch, db: WALDatabase) -> None:
    users = db["users"]
    users.insert_many([{"_id": n, "n": n % 3} for n in range(50)])
    users.create_index("n")
    users.update_many({"n": 1}, {"$inc": {"n": 10}})
    child = project.create_branch("child")
    below = WALDatabase(child)
    below["users"].update_many({"n": {"$gt": 1}}, {"$set": {"below": True}})
    below["users"].delete_many({"n": 0})
    below["users"].insert_one({"_id": 0, "again": True})
    below["users"].delete_one({"_id": 0})
    users.update_many({}, {"$inc": {"n": 1}})
    grandchild = project.create_branch("grandchild", parent="child")
    WALDatabase(grandchild)["users"].update_many({}, {"$inc": {"n": 1}})
    below["users"].drop()
    users.rename("people")
    db.create_collection("some", validator={"n": {"$type": "int"}})
    run(modify_collection(main.handle, "default", "some", {"validator": {}}))
    db["people"].drop_index("n_1")
    with db.commit() as group:
        group["people"].delete_one({"_id": 3})
        group["new"].insert_one({"_id": 3})
    project.create_branch("early", at=main.log()[10].lsn)
    grandchild.rename("other")
    project.delete_branch("other")
    project.undelete_branch("other", new_name="third")
    project.delete_branch("early")
    report = project.verify()
    assert report.problems == []
    assert report.ok
    assert report.rows > 150


def test_a_deleted_project_and_its_namesake_are_sound(argon: Argon, project: Project, users: Any) -> None:
    users.insert_one({"_id": 1})
    argon.delete_project("shop")
    again = argon.create_project("shop")
    WALDatabase(again.branch("main"))["users"].insert_one({"_id": 1})
    assert project.verify().problems == []
    assert again.verify().problems == []


def test_images_that_do_not_fit_into_one_entry(project: Project, users: Any) -> None:
    half = "x" * (9 << 20)
    users.insert_one({"_id": 1, "text": half})
    users.update_one({"_id": 1}, {"$set": {"n": 1}})
    users.delete_one({"_id": 1})
    assert project.verify().problems == []


def test_progress_is_told(project: Project, users: Any) -> None:
    users.insert_many([{"_id": n} for n in range(40)])
    told: list[tuple[int, int]] = []
    report = project.verify(progress=lambda entries, rows: told.append((entries, rows)))
    assert told == sorted(told)
    assert told[-1] == (report.entries, report.rows)
    assert report.rows == 41


def test_twenty_thousand_documents(project: Project, users: Any) -> None:
    users.insert_many([{"_id": n, "n": n} for n in range(20_000)])
    users.update_many({"_id": {"$lt": 5000}}, {"$inc": {"n": 1}})
    report = project.verify()
    assert (report.problems, report.rows) == ([], 25_001)


def test_writers_cause_no_false_alarm(project: Project, db: WALDatabase) -> None:
    db["users"].insert_many([{"_id": n, "n": 0} for n in range(200)])
    child = project.create_branch("child")
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(database: WALDatabase, seed: int) -> None:
        try:
            turn = 0
            while not stop.is_set():
                turn += 1
                number = (turn * 37 + seed) % 200
                database["users"].update_one({"_id": number}, {"$inc": {"n": 1}}, upsert=True)
                database["users"].delete_one({"_id": (number + 50) % 200})
                if turn % 20 == 0:
                    database[f"new_{seed}_{turn}"].insert_one({"_id": turn})
                    made = project.create_branch(f"branch-{seed}-{turn}", parent=database.branch)
                    WALDatabase(made)["users"].update_many({"_id": {"$lt": 5}}, {"$inc": {"n": 1}})
                if turn % 35 == 0:
                    database[f"new_{seed}_{turn - turn % 20}"].rename(f"other_{seed}_{turn}")
        except BaseException as error:
            failures.append(error)

    writers = [(db, 1), (db, 2), (WALDatabase(child), 3)]
    threads = [threading.Thread(target=work, args=writer) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        reports = [project.verify() for _ in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert [problem for report in reports for problem in report.problems] == []
    assert project.verify().problems == []
    assert reports[-1].head_lsn > reports[0].head_lsn
