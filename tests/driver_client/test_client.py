"""``argon.client()`` behaves as PyMongo's MongoClient does, with projects for databases."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    DuplicateKeyError,
    InvalidName,
    OperationFailure,
    WriteConcernError,
)

from argon import Argon, Project, WALDatabase
from argon.driver.client import WALClient
from argon.errors import BranchNotFound, ProjectNotFound, ReadOnlyView, UnsupportedOperation


@pytest.fixture
def shops(argon: Argon) -> WALClient[dict[str, Any]]:
    """The client of an Argon that has no project."""
    return argon.client()


def test_it_is_a_mongo_client_of_wal_databases(shops: WALClient[Any]) -> None:
    assert isinstance(shops, MongoClient)
    assert isinstance(shops["shop"], WALDatabase)
    assert isinstance(shops["shop"], Database)
    assert isinstance(shops["shop"]["users"], Collection)
    assert shops["shop"].name == "shop"
    assert shops["shop"]["users"].full_name == "shop.users"
    assert shops["shop"] == shops.shop == shops.get_database("shop") == shops["shop@main"]
    assert shops["shop"].client is shops
    assert shops["shop"]["users"].database.client is shops


def test_python_speaks_of_them_as_of_pymongos(shops: WALClient[Any], db: WALDatabase) -> None:
    for handle, kind in ((shops["shop"], "Database"), (db["users"], "Collection")):
        for wrong in (iter, next):
            with pytest.raises(TypeError, match=f"^'{kind}' object is not iterable$"):
                wrong(handle)
        with pytest.raises(NotImplementedError, match=f"^{kind} objects do not implement"):
            bool(handle)
    assert repr(shops["shop"]) == "WALDatabase(shop@main)"
    assert repr(db["users"]) == f"WALCollection({db!r}, 'users')"


@pytest.mark.parametrize("name", ["drop_database", "list_database_names", "list_databases", "watch"])
def test_help_tells_of_the_arguments(name: str) -> None:
    mine = getattr(WALClient, name)
    assert inspect.signature(mine) == inspect.signature(getattr(MongoClient, name))
    assert ":param comment:" in inspect.getdoc(mine)


def test_sets_find_what_was_made_by_hand(shops: WALClient[Any]) -> None:
    by_hand = Database(shops, "shop")
    assert shops["shop"] in {by_hand}
    assert by_hand in {shops["shop@main"]}
    assert shops["shop"]["users"] in {Collection(by_hand, "users")}
    assert Collection(by_hand, "users") in {shops["shop@main"]["users"]}
    assert shops["shop"]["users"] not in {shops["shop"]["people"], shops["other"]["users"]}


def test_every_public_method_is_ours_or_harmless() -> None:
    """What is PyMongo's own code must not reach data; a new method there has to be looked at here."""
    about_the_connection = {
        "HOST",
        "PORT",
        "address",
        "append_metadata",
        "arbiters",
        "codec_options",
        "eq_props",
        "is_mongos",
        "is_primary",
        "next",
        "nodes",
        "options",
        "primary",
        "read_concern",
        "read_preference",
        "secondaries",
        "server_info",
        "topology_description",
        "write_concern",
    }
    public = {name for name in dir(MongoClient) if not name.startswith("_")}
    ours = {name for kind in WALClient.__mro__ if kind.__module__.startswith("argon.") for name in vars(kind)}
    assert public - about_the_connection <= ours
    for name in ("get_database", "get_default_database", "list_databases", "drop_database"):
        theirs, ours = (inspect.signature(getattr(kind, name)) for kind in (MongoClient, WALClient))
        assert list(ours.parameters) == list(theirs.parameters)


def test_reading_what_does_not_exist_makes_nothing(shops: WALClient[Any], argon: Argon) -> None:
    db = shops["shop"]
    assert list(db["users"].find({"a": 1})) == []
    assert db["users"].find_one() is None
    assert db["users"].count_documents({}) == 0
    assert db["users"].estimated_document_count() == 0
    assert db["users"].distinct("a") == []
    assert list(db["users"].aggregate([{"$match": {}}])) == []
    assert list(db["users"].list_indexes()) == []
    assert db["users"].index_information() == {}
    assert db.list_collection_names() == []
    assert db.command("ping")["ok"] == 1
    assert argon.projects() == []
    assert shops.list_database_names() == []


@pytest.mark.parametrize(
    "write",
    [
        lambda db: db["users"].insert_one({"_id": 1}),
        lambda db: db["users"].update_one({"_id": 1}, {"$set": {"a": 1}}, upsert=True),
        lambda db: db["users"].create_index("a"),
        lambda db: db.create_collection("users"),
    ],
)
def test_the_first_write_makes_the_project(shops: WALClient[Any], argon: Argon, write: Any) -> None:
    db = shops["shop"]
    write(db)
    assert [project.name for project in argon.projects()] == ["shop"]
    assert db.list_collection_names() == ["users"]
    assert [branch.name for branch in argon.project("shop").branches()] == ["main"]


def test_a_group_of_operations_can_be_the_first_write(shops: WALClient[Any]) -> None:
    with shops["shop"].commit(message="begin") as group:
        group["users"].insert_one({"_id": 1})
        group["orders"].insert_one({"_id": 2})
    assert shops["shop"].branch.log(limit=1)[0].message == "begin"
    assert shops["shop"]["users"].find_one() == {"_id": 1}


def test_handles_from_before_the_first_write_see_it(shops: WALClient[Any]) -> None:
    early = shops["shop"]["users"]
    assert early.find_one() is None
    shops["shop"]["users"].insert_one({"_id": 1})
    assert early.find_one() == {"_id": 1}
    with pytest.raises(DuplicateKeyError):
        early.insert_one({"_id": 1})


def test_two_clients_that_begin_at_once_make_one_project(argon: Argon, mongod_uri: str) -> None:
    with Argon(mongod_uri, database=argon.database) as other:
        one, two = argon.client()["shop"]["users"], other.client()["shop"]["users"]
        assert one.find_one() is two.find_one() is None
        one.insert_one({"_id": 1})
        two.insert_one({"_id": 2})
        assert one.count_documents({}) == two.count_documents({}) == 2
    assert len(argon.projects()) == 1


def test_the_project_is_the_same_by_every_door(shops: WALClient[Any], argon: Argon, users: Any) -> None:
    users.insert_one({"_id": 1})
    assert shops["shop"]["users"].find_one() == {"_id": 1}
    shops["shop"]["users"].insert_one({"_id": 2})
    assert users.count_documents({}) == 2
    assert shops["shop"].branch == argon.branch("shop")


def test_branches(shops: WALClient[Any], project: Project, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    project.create_branch("feature/x")
    feature = shops["shop@feature/x"]
    assert feature.name == "shop@feature/x"
    assert feature.client is shops
    feature["users"].insert_one({"_id": 2})
    assert [shops[name]["users"].count_documents({}) for name in ("shop", "shop@feature/x")] == [1, 2]


def test_a_branch_does_not_come_into_being(shops: WALClient[Any], project: Project) -> None:
    with pytest.raises(BranchNotFound, match="'nope'; it has: main"):
        shops["shop@nope"]
    with pytest.raises(ProjectNotFound):
        shops["nobody@nope"]
    for wrong in ("a b", "", "../x", "a@b@c"):
        with pytest.raises(InvalidName):
            shops[wrong]


def test_time_travel_through_a_client(shops: WALClient[Any]) -> None:
    db = shops["shop"]
    db["users"].insert_one({"_id": 1})
    lsn = db.branch.head_lsn
    db["users"].insert_one({"_id": 2})
    assert db.at(lsn=lsn)["users"].count_documents({}) == 1
    with pytest.raises(ReadOnlyView):
        db.at(lsn=lsn)["users"].insert_one({})
    assert db.branch.restore(lsn=lsn).name == f"main-lsn-{lsn}"
    assert shops[f"shop@main-lsn-{lsn}"]["users"].count_documents({}) == 1


def test_listing_projects(shops: WALClient[Any]) -> None:
    for name in ("shop", "bank"):
        shops[name]["users"].insert_one({})
    assert shops.list_database_names() == ["shop", "bank"]
    assert [database["name"] for database in shops.list_databases()] == ["shop", "bank"]
    assert list(shops.list_databases(nameOnly=True)) == [{"name": "shop"}, {"name": "bank"}]
    for wanted in ({"name": "bank"}, {"name": {"$regex": "^b"}}):
        assert list(shops.list_databases(filter=wanted, nameOnly=True)) == [{"name": "bank"}]
    assert list(shops.list_databases(filter={"name": "none"})) == []
    with pytest.raises(OperationFailure):
        list(shops.list_databases(filter={"$none": 1}))


def test_dropping_a_database_deletes_the_project_and_handles_begin_anew(shops: WALClient[Any]) -> None:
    users = shops["shop"]["users"]
    for drop in ("shop", shops["shop"]):
        users.insert_one({"_id": 1})
        users.create_index("a", unique=True)
        shops.drop_database(drop)
        assert shops.list_database_names() == []
        assert users.find_one() is None
        assert users.index_information() == {}
    shops.drop_database("shop")
    users.insert_one({"_id": 1})
    assert users.count_documents({}) == 1


def test_a_project_that_somebody_else_deleted(shops: WALClient[Any], argon: Argon, mongod_uri: str) -> None:
    users = shops["shop"]["users"]
    users.insert_one({"_id": 1})
    with Argon(mongod_uri, database=argon.database) as other:
        other.delete_project("shop")
    users.insert_one({"_id": 1})
    assert list(users.find()) == [{"_id": 1}]


def test_dropping_a_branch(shops: WALClient[Any], project: Project) -> None:
    project.create_branch("feature")
    shops.drop_database(shops["shop@feature"])
    assert [branch.name for branch in project.branches()] == ["main"]
    with pytest.raises(TypeError):
        shops.drop_database(7)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedOperation):
        shops.drop_database("admin")


def test_the_servers_own_databases_are_the_servers(
    shops: WALClient[Any], client: MongoClient[dict[str, Any]]
) -> None:
    assert shops.admin.command("ping")["ok"] == 1
    assert not isinstance(shops["admin"], WALDatabase)
    assert shops.server_info()["version"] == client.server_info()["version"]
    assert shops.address == client.address
    with shops.start_session() as session:
        assert shops.admin.command("ping", session=session)["ok"] == 1


def test_what_would_go_past_the_log_is_refused(shops: WALClient[Any]) -> None:
    with pytest.raises(UnsupportedOperation, match=r"db\.commit"):
        shops.bulk_write([])


def test_a_project_without_the_log(argon: Argon, shops: WALClient[Any]) -> None:
    """A handle from before the project exists follows it to wherever the flags put it."""
    users = shops["shop"]["users"]
    argon.set_feature("wal_enabled", False)
    assert users.find_one() is None
    users.insert_one({"_id": 1})
    assert argon.branch("shop").kind == "classic"
    assert users.find_one() == {"_id": 1}
    shops.drop_database("shop")
    assert users.find_one() is None
    argon.unset_feature("wal_enabled")
    users.insert_one({"_id": 2})
    assert argon.branch("shop").kind == "wal"
    assert list(users.find()) == [{"_id": 2}]


def test_dropping_a_database_tells_of_a_write_concern_that_nobody_can_satisfy(
    mongod_uri: str, argon: Argon
) -> None:
    argon.client()["shop"]["users"].insert_one({"_id": 1})
    with (
        WALClient[dict[str, Any]](mongod_uri, w=50, argon_database=argon.database) as client,
        pytest.raises(WriteConcernError),
    ):
        client.drop_database("shop")
    argon.client().drop_database("shop")
    assert argon.projects() == []


def test_what_the_servers_say_of_a_write_concern_does_not_keep_a_database(
    argon: Argon, mongod_uri: str, client: MongoClient[dict[str, Any]]
) -> None:
    special: Any = {"w": 50, "wtimeoutMS": 1}
    name = f"plain_{argon.database}"
    with (
        MongoClient[dict[str, Any]](mongod_uri, **special) as plain,
        WALClient[dict[str, Any]](mongod_uri, argon_database=argon.database, **special) as branches,
    ):
        for asking, usual in ((plain, client), (branches, argon.client())):
            usual[name]["users"].insert_one({"_id": 1})
            with pytest.raises(WriteConcernError):
                asking.drop_database(name)
            assert name not in usual.list_database_names()
