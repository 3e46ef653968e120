"""Making, describing, renaming and dropping collections."""

from __future__ import annotations

from typing import Any

import pytest
from bson.dbref import DBRef
from pymongo.collation import Collation
from pymongo.errors import CollectionInvalid, WriteConcernError
from pymongo.write_concern import WriteConcern

from argon import Argon, Project, WALDatabase
from argon.errors import UnsupportedOperation

from .parity import Document, Faces, outcome

RULES: Document = {
    "$jsonSchema": {"required": ["name"], "properties": {"age": {"bsonType": "int", "minimum": 0}}}
}
ENGLISH: Document = {"locale": "en", "strength": 2}

OPTIONS: list[Document] = [
    {},
    {"validator": RULES},
    {"validator": {"age": {"$gt": 1}}, "validationLevel": "moderate", "validationAction": "warn"},
    {"collation": ENGLISH},
    {"collation": Collation("de")},
    {"comment": "why"},
    {"validator": {"$foo": 1}},
    {"validator": 1},
    {"validationLevel": "maybe"},
    {"collation": {"locale": "nowhere"}},
    {"unknown": 1},
    {"storageEngine": {}},
]


def described(db: Any) -> Any:
    """Describe collections without what is physical."""
    shown = []
    for info in db.list_collections():
        options = {key: value for key, value in info["options"].items() if key != "collation"}
        collation = {key: info["options"].get("collation", {}).get(key) for key in ("locale", "strength")}
        shown.append({**info, "info": info["info"]["readOnly"], "options": options, "collation": collation})
    return sorted(shown, key=lambda info: info["name"])


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_create_collection(writing: Faces, options: Document) -> None:
    writing.same(lambda db: db.create_collection("new", **options))
    writing.same(described)
    writing.same(lambda db: db.create_collection("new"))
    writing.same(lambda db: db.create_collection("new", check_exists=False))


@pytest.mark.parametrize(
    "name", ["", "a..b", ".a", "a.", "$a", "a$b", "a\0b", 5, "x" * 300, "ü", "a b", "a.b"]
)
def test_names(writing: Faces, name: Any) -> None:
    """Where only the server refuses a name, a branch says which rule it breaks."""
    refusals = ("InvalidName", "TypeError", "CollectionInvalid", "OperationFailure")
    for make in (lambda db: db.create_collection(name), lambda db: db[name].insert_one({"_id": 1})):
        refused = "error" in outcome(make, writing.plain)
        for view in writing.views.values():
            found = outcome(make, view)
            assert found.get("error") in refusals if refused else found
    writing.same(lambda db: name in db.list_collection_names())


@pytest.mark.parametrize(
    "options",
    [
        {"capped": True, "size": 1000},
        {"timeseries": {"timeField": "t"}},
    ],
    ids=repr,
)
def test_kinds_that_a_branch_has_not(writing: Faces, options: Document) -> None:
    for view in writing.views.values():
        with pytest.raises(UnsupportedOperation, match=next(iter(options))):
            view.create_collection("new", **options)
        assert view.list_collection_names() == ["users"]


CLUSTERED = {"key": {"_id": 1}, "unique": True}


@pytest.mark.parametrize(
    "options",
    [
        {"clusteredIndex": CLUSTERED},
        {"clusteredIndex": {**CLUSTERED, "name": "by id"}, "collation": ENGLISH},
        {"clusteredIndex": {"key": {"_id": 1}}},
        {"clusteredIndex": {"key": {"age": 1}, "unique": True}},
        {"clusteredIndex": {"key": {"_id": 1}, "unique": False}},
        {"clusteredIndex": CLUSTERED, "viewOn": "users"},
    ],
    ids=repr,
)
def test_clustered_collections(writing: Faces, options: Document) -> None:
    def described(db: Any) -> Any:
        [found] = db.list_collections(filter={"name": "new"})
        indexes = [dict(index) for index in db["new"].list_indexes()]
        return sorted(found["options"].items()), "idIndex" in found, indexes, db["new"].index_information()

    def use(db: Any) -> Any:
        db["new"].insert_many([{"_id": n, "age": -n} for n in (3, 1, 2)])
        db["new"].create_index("age")
        name = next(iter(db["new"].index_information()))
        found = list(db["new"].find({"_id": {"$gte": 2}}, hint=name).sort("_id"))
        return found, db.command("collStats", "new")["nindexes"], list(db["new"].find({}, sort=[("age", 1)]))

    def no_index(db: Any) -> Any:
        db["new"].drop_index(next(iter(db["new"].index_information())))

    writing.same(lambda db: db.create_collection("new", **options).name)
    writing.same(described)
    writing.same(use)
    writing.same(no_index)
    writing.same(lambda db: db["new"].drop_indexes())
    writing.same(described)


def test_listing(writing: Faces) -> None:
    def prepare(db: Any) -> Any:
        db.create_collection("a.b")
        db.create_collection("other", collation=ENGLISH)
        db.create_collection("seen", viewOn="users", pipeline=[{"$match": {"age": 22}}])
        return sorted(name for name in db.list_collection_names() if name != "system.views")

    writing.same(prepare)
    for query in (
        {"name": "other"},
        {"name": {"$regex": "^o"}},
        {"type": "view"},
        {"type": "collection", "name": {"$ne": "system.views"}},
        {"options.viewOn": "users"},
        {"name": "none"},
        {},
    ):
        writing.same(
            lambda db, query=query: sorted(set(db.list_collection_names(filter=query)) - {"system.views"})
        )
    writing.same(lambda db: db.list_collection_names(filter={"$foo": 1}))
    writing.same(lambda db: db.list_collection_names(comment="why", nameOnly=True, filter={"name": "other"}))


def test_options_of_a_collection(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("new", validator=RULES))
    for name in ("new", "users", "none"):
        writing.same(lambda db, name=name: db[name].options())


def test_dropping(writing: Faces) -> None:
    writing.same(lambda db: db.users.drop())
    writing.same(lambda db: db.users.drop())
    writing.same(lambda db: db.users.count_documents({}))
    writing.same(lambda db: db.list_collection_names())
    writing.same(lambda db: db.users.insert_one({"_id": 3, "new": 1}))
    writing.same(lambda db: list(db.users.find()))
    writing.same(lambda db: [index["name"] for index in db.users.list_indexes()])


def test_dropping_by_way_of_the_database(writing: Faces) -> None:
    for name in ("a", "b"):
        writing.same(lambda db, name=name: db[name].insert_one({"_id": 1}))
    writing.same(lambda db: db.drop_collection("a")["ok"])
    writing.same(lambda db: db.drop_collection(db.b)["ok"])
    writing.same(lambda db: db.drop_collection("b").get("ns"))
    writing.same(lambda db: db.drop_collection(5))
    writing.same(lambda db: db.list_collection_names())


def test_renaming(writing: Faces) -> None:
    for name in ("a", "b"):
        writing.same(lambda db, name=name: db[name].insert_one({"_id": name}))
    writing.same(lambda db: db.a.rename("b"))
    writing.same(lambda db: db.a.rename("a"))
    writing.same(lambda db: db.none.rename("c"))
    writing.same(lambda db: db.a.rename("$c"), errors="class")
    writing.same(lambda db: db.a.rename("c..d"), errors="class")
    writing.same(lambda db: db.a.rename(""), errors="class")
    writing.same(lambda db: db.a.rename(5), errors="class")
    writing.same(lambda db: db.a.rename("c")["ok"])
    writing.same(lambda db: sorted(db.list_collection_names()))
    writing.same(lambda db: db.c.rename("b", dropTarget=True)["ok"])
    writing.same(lambda db: sorted(db.list_collection_names()))
    writing.same(lambda db: list(db.b.find()))
    writing.same(lambda db: db.b.insert_one({"_id": "a"}))


def test_renaming_an_inherited_collection_leaves_the_parent_alone(writing: Faces) -> None:
    main, child = writing.views["main"], writing.views["child"]
    before = main.users.count_documents({})
    child.users.rename("people")
    assert main.list_collection_names() == ["users"]
    assert child.list_collection_names() == ["people"]
    child.people.insert_one({"_id": "new"})
    assert (main.users.count_documents({}), child.people.count_documents({})) == (before, before + 1)
    assert child.people.index_information().keys() == main.users.index_information().keys()


def test_a_validator(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("new", validator=RULES))
    writing.same(lambda db: db.new.insert_one({"_id": 1, "name": "a", "age": 1}))
    writing.same(lambda db: db.new.insert_one({"_id": 2}))
    writing.same(lambda db: db.new.insert_one({"_id": 2, "name": "b", "age": -1}))
    writing.same(
        lambda db: db.new.insert_many([{"_id": 3, "name": "c"}, {"_id": 4}, {"_id": 5, "name": "e"}])
    )
    writing.same(lambda db: db.new.insert_many([{"_id": 6}, {"_id": 5, "name": "f"}], ordered=False))
    writing.same(lambda db: db.new.update_one({"_id": 1}, {"$set": {"age": -5}}))
    writing.same(lambda db: db.new.update_one({"_id": 1}, {"$set": {"age": 5}}))
    writing.same(lambda db: db.new.update_many({}, {"$unset": {"name": 1}}))
    writing.same(lambda db: db.new.replace_one({"_id": 1}, {"x": 1}))
    writing.same(lambda db: db.new.update_one({"_id": 9}, {"$set": {"x": 1}}, upsert=True))
    writing.same(lambda db: db.new.find_one_and_update({"_id": 1}, {"$set": {"age": "x"}}))
    writing.same(lambda db: db.new.insert_one({"_id": 7}, bypass_document_validation=True))
    writing.same(
        lambda db: db.new.update_one({"_id": 1}, {"$set": {"age": -1}}, bypass_document_validation=True)
    )
    writing.same_documents("new")


def test_a_lenient_validator(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("warned", validator=RULES, validationAction="warn"))
    writing.same(lambda db: db.warned.insert_one({"_id": 1}))
    writing.same(lambda db: db.create_collection("moderate", validator=RULES, validationLevel="moderate"))
    writing.same(lambda db: db.moderate.insert_one({"_id": 1}, bypass_document_validation=True))
    writing.same(lambda db: db.moderate.update_one({"_id": 1}, {"$set": {"x": 1}}))
    writing.same(lambda db: db.moderate.insert_one({"_id": 2}))
    writing.same(lambda db: db.create_collection("off", validator=RULES, validationLevel="off"))
    writing.same(lambda db: db.off.insert_one({"_id": 1}))
    writing.same_documents("warned", "moderate", "off")


def test_a_default_collation(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("new", collation=ENGLISH))
    writing.same(lambda db: db.new.insert_many([{"_id": "a", "x": "A"}, {"_id": "b", "x": "a"}]))
    writing.same(lambda db: db.new.insert_one({"_id": "A"}), errors="code")
    writing.same(
        lambda db: db.new.insert_many([{"_id": "c"}, {"_id": "C"}, {"_id": "d"}], ordered=False),
        errors="code",
    )
    writing.same(lambda db: db.new.find_one({"_id": "A"}))
    writing.same(lambda db: db.new.find({"x": "a"}), ordered=False)
    writing.same(lambda db: db.new.find({"x": "a"}, collation={"locale": "simple"}), ordered=False)
    writing.same(lambda db: db.new.count_documents({"x": "a"}))
    writing.same(lambda db: len(db.new.distinct("x")))
    writing.same(
        lambda db: db.new.aggregate([{"$group": {"_id": {"$toLower": "$x"}, "n": {"$sum": 1}}}]),
        ordered=False,
    )
    writing.same(lambda db: db.new.update_one({"_id": "A"}, {"$set": {"y": 1}}))
    writing.same(lambda db: db.new.update_many({"x": "a"}, {"$set": {"z": 1}}))
    writing.same(lambda db: db.new.replace_one({"_id": "B"}, {"x": "q"}))
    writing.same(lambda db: db.new.update_one({"_id": "D"}, {"$set": {"n": 1}}, upsert=True))
    writing.same(lambda db: db.new.find_one_and_delete({"_id": "C"}))
    writing.same(lambda db: db.new.delete_many({"_id": {"$in": ["A", "B"]}}))
    writing.same_documents("new")


def test_an_existing_collection_is_refused_before_the_server_is_asked(writing: Faces) -> None:
    for view in writing.views.values():
        with pytest.raises(CollectionInvalid, match="already exists"):
            view.create_collection("users")


def test_dereferencing(writing: Faces) -> None:
    from bson import DBRef

    writing.same(lambda db: db.dereference(DBRef("users", 4)))
    writing.same(lambda db: db.dereference(DBRef("users", 99)))
    writing.same(lambda db: db.dereference(DBRef("users", 4, "elsewhere")), among=["main"])
    writing.same(lambda db: db.dereference(4))


def test_commands(writing: Faces) -> None:
    for view in writing.views.values():
        assert view.command("ping")["ok"] == 1
        assert view.command({"buildInfo": 1})["version"]
        for command in ("compact", {"reIndex": "users"}):
            with pytest.raises(UnsupportedOperation, match="past the log"):
                view.command(command)


def test_rules_can_be_changed(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("new", validator=RULES))
    writing.same(lambda db: db.command("collMod", "new", validator={"n": {"$gt": 0}})["ok"])
    writing.same(lambda db: db.new.insert_one({"_id": 1, "n": -1}))
    writing.same(lambda db: db.new.insert_one({"_id": 1, "n": 1}))
    writing.same(lambda db: db.command({"collMod": "new", "validationAction": "warn"})["ok"])
    writing.same(lambda db: db.new.insert_one({"_id": 2, "n": -1}))
    writing.same(lambda db: db.new.create_index("at", expireAfterSeconds=50))
    change = {"name": "at_1", "expireAfterSeconds": 90}
    writing.same(lambda db: db.command("collMod", "new", index=change)["ok"])
    writing.same(lambda db: db.new.index_information())
    defaults = {"validationLevel": "strict"}  # which the server writes down from the first change on
    writing.same(lambda db: sorted({**defaults, **db.new.options()}.items()))
    writing.same(lambda db: db.command("collMod", "new", index={**change, "name": "none"}), errors="code")
    writing.same(lambda db: db.command("collMod", "none", validator={}), errors="code")
    writing.same(lambda db: db.command("collMod", "new", validator={"$foo": 1}), errors="code")


def test_a_view_can_be_changed(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("seen", viewOn="users", pipeline=[]))
    stages = [{"$match": {"age": 22}}]
    writing.same(lambda db: db.command("collMod", "seen", viewOn="users", pipeline=stages)["ok"])
    writing.same(lambda db: db.seen.find(), ordered=False)


def test_another_client_of_the_process_sees_a_definition_at_once(
    argon: Argon, mongod_uri: str, db: WALDatabase[dict[str, Any]]
) -> None:
    with Argon(mongod_uri, database=argon.database) as other:
        theirs = WALDatabase[dict[str, Any]](other.project("shop").branch("main"))
        for name in ("one", "two", "three"):
            assert name not in theirs.list_collection_names()
            db.create_collection(name)
            assert name in theirs.list_collection_names()
            db[name].create_index("x")
            assert "x_1" in theirs[name].index_information()
            db.drop_collection(name)
            assert name not in theirs.list_collection_names()


def test_a_special_write_concern_is_asked_of_the_servers(db: WALDatabase[Any], plain_db: Any) -> None:
    said = []
    for database in (plain_db, db):
        special: Any = database.with_options(write_concern=WriteConcern(w=50, wtimeout=1))
        calls = (
            lambda special: special.create_collection("made"),
            lambda special: special.drop_collection("made"),
            lambda special: special.drop_collection("never"),
            lambda special: special["made"].insert_one({"_id": 1}),
            lambda special: special["other"].insert_one({"_id": 1}),
            lambda special: special["made"].rename("other"),
        )
        for call in calls:
            with pytest.raises(WriteConcernError) as told:
                call(special)
            said.append((told.value.code, sorted(database.list_collection_names())))
    assert said[6:] == said[:6]


def test_handles_are_not_iterated(db: WALDatabase[Any], plain_db: Any) -> None:
    said = []
    for handle in (plain_db, plain_db["users"], db, db["users"]):
        with pytest.raises(TypeError) as told:
            next(handle)
        with pytest.raises(TypeError):
            list(handle)
        said.append(str(told.value))
    assert said[2:] == said[:2]


def test_an_inherited_reference_that_names_the_project_is_followed_on_the_branch(
    project: Project, db: WALDatabase[Any]
) -> None:
    db.users.insert_one({"_id": 1, "name": "Ann"})
    db.orders.insert_one({"_id": 1, "user": DBRef("users", 1, db.name)})
    child = WALDatabase(project.create_branch("feature"))
    child.users.update_one({"_id": 1}, {"$set": {"name": "Bea"}})
    reference = child.orders.find_one({"_id": 1})["user"]
    assert child.dereference(reference) == {"_id": 1, "name": "Bea"}
    assert child.dereference(DBRef("users", 1, child.name)) == {"_id": 1, "name": "Bea"}
    assert db.dereference(reference) == {"_id": 1, "name": "Ann"}
    with pytest.raises(ValueError, match="points to another database"):
        child.dereference(DBRef("users", 1, "elsewhere"))
