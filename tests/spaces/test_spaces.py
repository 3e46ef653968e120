"""The spaces of a branch: what is in one, how one comes about and goes, and who is in which."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from gridfs import GridFS
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from argon import Argon, Branch, Project, WALDatabase
from argon.errors import (
    BranchProtected,
    InvalidName,
    InvalidOperation,
    ReadOnlyView,
    SpaceNotEmpty,
    SpaceNotFound,
    SpaceProtected,
)
from argon.models.entry import Operation as Kind

DB = WALDatabase[dict[str, Any]]
TOOLS = "tool-results"


def ids(collection: Any) -> list[Any]:
    return sorted(document["_id"] for document in collection.find())


def test_a_space_has_collections_of_its_own_from_the_first_write_on(db: DB, main: Branch) -> None:
    tools = db.space(TOOLS)
    before = main.head_lsn
    assert (db.list_spaces(), tools.list_collection_names(), ids(tools.runs)) == (["default"], [], [])
    assert main.head_lsn == before  # naming a space writes nothing
    tools.runs.insert_one({"_id": 1})
    db.runs.insert_one({"_id": 2})
    db.space("notes").pages.insert_one({"_id": 3})
    assert db.list_spaces() == ["default", TOOLS, "notes"]
    assert (ids(tools.runs), ids(db.runs), ids(db.space("default").runs)) == ([1], [2], [2])
    assert (tools.list_collection_names(), db.list_collection_names()) == (["runs"], ["runs"])
    tools.runs.rename("done")
    db.done.insert_one({"_id": 4})  # the name is taken in another space
    assert (tools.list_collection_names(), ids(db.done)) == (["done"], [4])
    with pytest.raises(OperationFailure, match="target namespace exists"):
        db.runs.rename("done")
    tools.done.drop()
    assert db.list_spaces() == ["default", "notes"]


@pytest.mark.parametrize("name", ["", "Notes", "1st", "a b", "a.b", "-a", "a" * 65, "_system_x", "no@"])
def test_a_wrong_name_is_refused_with_the_rule_before_anything_is_done(db: DB, name: str) -> None:
    for call in (db.space, db.in_space, db.delete_space):
        with pytest.raises(InvalidName, match=r"a-z 0-9 _ -|Argon's own"):
            call(name)


def test_argons_own_spaces_are_not_shown(db: DB, main: Branch) -> None:
    db.space("a_" + "b" * 62).users.insert_one({})
    hidden = db._with_handle(db._handle, space="_system_embeddings")
    hidden.vectors.insert_one({})
    assert db.list_spaces() == ["default", "a_" + "b" * 62]
    assert main.fork("feature").spaces == db.list_spaces()


def test_everything_of_a_database_works_on_a_space_alone(db: DB) -> None:
    tools = db.space(TOOLS)
    tools.create_collection("runs", validator={"n": {"$type": "int"}})
    tools.runs.create_index("n", unique=True)
    tools.runs.insert_many([{"_id": number, "n": number} for number in range(3)])
    db.runs.insert_many([{"_id": "else", "n": 1}, {"_id": "where", "n": 1}])
    tools.kinds.insert_one({"_id": 1, "name": "one"})
    db.kinds.insert_one({"_id": 1, "name": "other"})
    stages = [
        {"$match": {"n": 1}},
        {"$lookup": {"from": "kinds", "localField": "n", "foreignField": "_id", "as": "kind"}},
    ]
    [joined] = tools.runs.aggregate(stages)
    assert joined["kind"] == [{"_id": 1, "name": "one"}]
    union = tools.kinds.aggregate([{"$unionWith": "runs"}, {"$count": "n"}])
    assert list(union) == [{"n": 4}]
    tools.runs.aggregate([{"$match": {"n": {"$gt": 0}}}, {"$out": "copy"}])
    tools.runs.aggregate([{"$merge": {"into": "copy"}}])
    tools.create_collection("seen", viewOn="runs", pipeline=[{"$project": {"n": 1}}])
    assert (ids(tools.copy), ids(tools.seen), "copy" in db.list_collection_names()) == (
        [0, 1, 2],
        [0, 1, 2],
        False,
    )
    assert tools.command("count", "runs")["n"] == 3
    assert tools.command("dbStats")["objects"] == 7
    assert [each["name"] for each in tools.runs.list_indexes()] == ["_id_", "n_1"]
    assert [each["name"] for each in db.runs.list_indexes()] == ["_id_"]
    assert ids(Collection(tools, "runs")) == [0, 1, 2]  # PyMongo's own, made by hand
    stored = GridFS(tools).put(b"hello", filename="a")
    assert GridFS(tools).get(stored).read() == b"hello"
    assert not GridFS(db).exists(stored)
    tools.command("dropDatabase")
    assert (tools.list_collection_names(), db.list_collection_names()) == ([], ["runs", "kinds"])


def test_handles_know_their_space(db: DB, main: Branch) -> None:
    tools = db.space(TOOLS)
    tools.runs.insert_one({"_id": 1})
    assert (db.current_space, tools.current_space, tools.runs.space) == ("default", TOOLS, TOOLS)
    assert tools == db.space(TOOLS) != db
    assert tools.runs == db.space(TOOLS).runs != db.runs
    assert (tools.runs.database, tools.with_options()) == (tools, tools)
    assert (tools.name, tools.space("default")) == (db.name, db)
    assert TOOLS in repr(tools)
    assert TOOLS not in repr(db)
    past = tools.at(lsn=main.head_lsn)
    tools.runs.insert_one({"_id": 2})
    assert (past.current_space, ids(past.runs), ids(tools.runs)) == (TOOLS, [1], [1, 2])
    assert (ids(past.space("default").runs), past.list_spaces()) == ([], ["default", TOOLS])
    assert ids(tools.runs.at(lsn=main.head_lsn - 1)) == [1]
    with pytest.raises(ReadOnlyView):
        past.delete_space(TOOLS, force=True)


# in_space


def test_a_block_puts_a_handle_into_a_space_and_back(db: DB) -> None:
    before = db.users
    with db.in_space("a") as a:
        assert (db.current_space, a) == ("a", db.space("a"))
        db.users.insert_one({"_id": "a"})
        before.insert_one({"_id": "had before"})
        inside = db.users
        with db.in_space("b"):
            db["users"].insert_one({"_id": "b"})
            with db.in_space("default"):
                assert ids(db.users) == ["had before"]
            assert db.list_collection_names() == ["users"]
        assert db.command("find", "users")["cursor"]["firstBatch"] == [{"_id": "a"}]
        assert ids(Collection(db, "users")) == ["a"]
        with db.commit() as group:
            group.users.insert_one({"_id": "committed"})
        lazy = db.list_collections(), db.aggregate([{"$documents": [{"_id": 1}]}])
    assert db.current_space == "default"
    assert (ids(db.users), ids(inside), ids(db.space("b").users)) == (
        ["had before"],
        ["a", "committed"],
        ["b"],
    )
    assert [len(list(cursor)) for cursor in lazy] == [1, 1]
    with pytest.raises(ZeroDivisionError), db.in_space("a"):
        raise ZeroDivisionError
    assert db.current_space == "default"


def test_a_block_is_of_one_handle_and_one_thread(db: DB, main: Branch) -> None:
    other = WALDatabase[dict[str, Any]](main)
    inside, seen = threading.Barrier(2, timeout=30), {}

    def work(space: str) -> None:
        with db.in_space(space):
            inside.wait()
            db.users.insert_one({"_id": space})
            seen[space] = db.current_space, other.current_space
            inside.wait()

    threads = [threading.Thread(target=work, args=(space,)) for space in ("a", "b")]
    with db.in_space("c"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert db.current_space == "c"
    assert seen == {"a": ("a", "default"), "b": ("b", "default")}
    assert [ids(db.space(space).users) for space in ("a", "b", "c")] == [["a"], ["b"], []]


def test_blocks_may_end_in_any_order(db: DB) -> None:
    first, second = db.in_space("a"), db.in_space("b")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert db.current_space == "b"
    second.__exit__(None, None, None)
    assert db.current_space == "default"


# Deleting


def test_a_space_is_deleted_in_one_commit_that_touches_no_document(
    project: Project, db: DB, main: Branch
) -> None:
    tools = db.space(TOOLS)
    db.users.insert_one({"_id": 1})
    for name in ("a", "b", "c"):
        tools[name].insert_many([{"_id": number} for number in range(50)])
    before = main.head_lsn
    main.fork("feature")
    with pytest.raises(SpaceNotEmpty, match=r"in a, b, c: .*force"):
        db.delete_space(TOOLS)
    assert (main.head_lsn, db.list_spaces()) == (before, ["default", TOOLS])
    db.delete_space(TOOLS, force=True)
    entries = main.log(after=before)
    assert [entry.operation for entry in entries] == [Kind.DROP_COLLECTION] * 3
    assert {entry.commit for entry in entries} == {main.head_lsn}
    assert (db.list_spaces(), ids(tools.a), ids(db.users)) == (["default"], [], [1])
    feature = WALDatabase[dict[str, Any]](project.branch("feature"))
    assert len(ids(feature.space(TOOLS).a)) == len(ids(db.at(lsn=before).space(TOOLS).a)) == 50
    tools.a.insert_one({"_id": "new"})
    assert (db.list_spaces(), ids(tools.a)) == (["default", TOOLS], ["new"])
    project.rebuild()
    assert project.verify().ok


def test_a_space_without_documents_is_deleted_without_force(db: DB) -> None:
    tools = db.space(TOOLS)
    tools.create_collection("runs")
    tools.create_collection("view", viewOn="runs")
    tools.gone.insert_one({})
    tools.gone.delete_many({})
    db.delete_space(TOOLS)
    assert db.list_spaces() == ["default"]
    with pytest.raises(SpaceNotFound, match="its spaces are: default"):
        db.delete_space(TOOLS, force=True)


def test_the_default_space_stays(db: DB) -> None:
    for force in (False, True):
        with pytest.raises(SpaceProtected, match="default"):
            db.delete_space("default", force=force)


def test_a_space_of_a_protected_branch_is_deleted_by_force_of_the_branch(
    project: Project, db: DB, main: Branch
) -> None:
    db.space("a").create_collection("users")
    project.set_protected("main")
    with pytest.raises(BranchProtected):
        db.delete_space("a", force=True)
    WALDatabase[dict[str, Any]](main, force=True).delete_space("a")
    assert db.list_spaces() == ["default"]


# Commits


def test_a_commit_spans_spaces(db: DB, main: Branch) -> None:
    with db.commit(message="both") as group:
        group.users.insert_one({"_id": 1})
        group.space("a").users.insert_one({"_id": 2})
        with group.in_space("b"):
            group.users.insert_one({"_id": 3})
        assert group.list_spaces() == ["default", "a", "b"]
        assert ids(group.space("a").users) == [2]
        assert db.list_spaces() == ["default"]
    assert len({entry.commit for entry in main.log(limit=6)}) == 1
    assert [ids(db.space(space).users) for space in db.list_spaces()] == [[1], [2], [3]]
    with pytest.raises(ZeroDivisionError), db.commit() as group:
        group.delete_space("a", force=True)
        group.space("b").users.insert_one({"_id": 4})
        raise ZeroDivisionError
    assert [ids(db.space(space).users) for space in db.list_spaces()] == [[1], [2], [3]]


def test_a_session_spans_spaces(argon: Argon, project: Project) -> None:
    client = argon.client()
    db: Any = client["shop"]
    db.users.insert_one({"_id": 0})
    with client.start_session() as session, session.start_transaction():
        db.users.insert_one({"_id": 1}, session=session)
        db.space("a").users.insert_one({"_id": 2}, session=session)
        assert ids(db.space("a").users) == []
    assert len({entry.commit for entry in project.branch().log(limit=3)}) == 1
    assert (ids(db.users), ids(db.space("a").users)) == ([0, 1], [2])


def test_a_named_project_comes_into_being_with_a_write_to_a_space(argon: Argon) -> None:
    db: Any = argon.client()["new"]
    db.space("a").users.insert_one({"_id": 1})
    assert ("new" in argon.client().list_database_names(), db.list_spaces()) == (True, ["default", "a"])


# The rest of a branch


def test_the_log_can_be_read_by_space(db: DB, main: Branch) -> None:
    db.users.insert_one({"_id": 1})
    db.space("a").users.insert_one({"_id": 2})
    for space, document in (("default", 1), ("a", 2)):
        entries = main.log(space=space)
        assert [(entry.space, entry.document_id) for entry in entries if entry.operation == Kind.INSERT] == [
            (space, document)
        ]
        assert len(entries) == 2  # the other one is of the collection
        assert [entry.document_id for entry in main.log(collection="users", space=space, limit=1)] == [
            document
        ]


def test_expiry_and_verification_know_all_spaces(project: Project, db: DB, main: Branch) -> None:
    from datetime import UTC, datetime

    a = db.space("a")
    a.sessions.create_index("at", expireAfterSeconds=1)
    a.sessions.insert_many([{"_id": 1, "at": datetime(2020, 1, 1, tzinfo=UTC)}, {"_id": 2}])
    db.sessions.insert_one({"_id": 3, "at": datetime(2020, 1, 1, tzinfo=UTC)})
    assert main.expire() == 1
    assert (ids(a.sessions), ids(db.sessions)) == ([2], [3])
    assert a.command("validate", "sessions", full=True)["valid"]
    project.rebuild()
    assert project.verify().ok
    assert project.branch("main").log(space="a", limit=1)[0].document_id == 1


def test_a_stream_is_of_one_space_and_names_it(db: DB) -> None:
    a = db.space("a")
    with db.watch() as plain, a.watch() as ours, a.users.watch() as users:
        db.users.insert_one({"_id": 1})
        a.users.insert_one({"_id": 2})
        a.notes.insert_one({"_id": 3})
        a.users.update_one({"_id": 2}, {"$set": {"n": 1}})
        db.users.drop()
        db.delete_space("a", force=True)
        db.users.insert_one({"_id": 4})
        told = {
            "default": [plain.next() for _ in range(3)],
            "a": [ours.next() for _ in range(5)],
            "users": [users.next() for _ in range(4)],
        }
    kinds = {name: [event["operationType"] for event in events] for name, events in told.items()}
    assert kinds == {
        "default": ["insert", "drop", "insert"],
        "a": ["insert", "insert", "update", "drop", "drop"],
        "users": ["insert", "update", "drop", "invalidate"],
    }
    assert [event["ns"] for event in told["default"]] == [{"db": "shop", "coll": "users"}] * 3
    named = {"db": "shop", "coll": "users", "space": "a"}
    assert [event["ns"] for event in told["users"][:3]] == [named] * 3
    assert [event["ns"]["coll"] for event in told["a"]] == ["users", "notes", "users", "users", "notes"]


def test_a_classic_branch_has_no_spaces(project: Project, db: DB, argon: Argon) -> None:
    argon.set_feature("wal_create_branch", False)
    classic = WALDatabase[dict[str, Any]](project.create_branch("classic"))
    classic.users.insert_one({"_id": 1})
    assert (classic.list_spaces(), classic.space("default").users.count_documents({})) == (["default"], 1)
    a = classic.space("a")
    for call in (
        lambda: a.users.insert_one({}),
        lambda: a.users.find_one(),
        lambda: a.list_collection_names(),
        lambda: classic.delete_space("a"),
    ):
        with pytest.raises(InvalidOperation, match="migrate"):
            call()
