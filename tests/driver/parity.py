"""The same call on a plain collection and on branches: what they answer has to be the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from bson import ObjectId, decode, encode, json_util
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.operations import IndexModel, ReplaceOne
from pymongo.results import BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

from argon import Project, WALDatabase

Document = dict[str, Any]
Indexes = Mapping[str, Sequence[IndexModel]]
Action = Callable[[Any], Any]

# What a reply says about the deployment and not about the operation.
_REPLY = ("n", "nModified", "upserted", "updatedExisting", "ok")
_DETAILS = ("code", "codeName", "keyPattern", "keyValue", "errInfo", "index")


@dataclass
class Faces:
    """One set of documents, seen in several ways.

    Attributes:
        plain: An ordinary database: the oracle.
        views: Databases on branches, by what they are.
        project: The project of the branches; its name stands for the database's in messages.
        fork: Where children leave main.
        early: Per collection, documents that main had in another form at the fork.
        late: Per collection, documents that main had not got at the fork.
        indexes: Per collection, its indexes.
    """

    plain: Database[Document]
    views: dict[str, Any]
    project: Project
    fork: int
    early: dict[str, list[Document]]
    late: dict[str, list[Document]]
    indexes: Indexes

    def same(
        self,
        action: Action,
        *,
        ordered: bool = True,
        among: Iterable[str] | None = None,
        errors: str = "message",
    ) -> Any:
        """Run an action on every database and check that all answer alike.

        Args:
            action: Takes a database.
            ordered: Whether the order of the documents in an answer is defined.
            among: The views to compare; by default all of them.
            errors: What of an error is compared: "class", "code" (with it), or "message" (and all details).

        Returns:
            What the plain database answered.
        """
        expected = self._lines(outcome(action, self.plain, errors), ordered)
        for name in among or self.views:
            found = self._lines(outcome(action, self.views[name], errors), ordered)
            if found != expected:
                difference = unified_diff(expected, found, "plain", name, n=0, lineterm="")
                raise AssertionError("\n".join([f"{name} differs from plain MongoDB", *difference]))
        return [json_util.loads(line) for line in expected]

    def same_documents(self, *names: str) -> None:
        """Check that collections hold the same documents everywhere."""
        for name in names:
            self.same(lambda db, name=name: list(db[name].find()), ordered=False)

    def bring_up(self, view: Any) -> None:
        """Lead a branch from what main had at the fork to the documents that all shall have."""
        for name, documents in self.early.items():
            view[name].bulk_write([ReplaceOne({"_id": item["_id"]}, item) for item in documents])
            view[name].delete_one({"_id": "gone"})
            view[name].insert_many(self.late[name])

    def new_child(self) -> Any:
        """Make another child."""
        child = WALDatabase(self.project.create_branch(f"child-{ObjectId()}", at=self.fork))
        self.bring_up(child)
        return child

    def restore(self, name: str, documents: Sequence[Document]) -> None:
        """Undo what a test did to one collection, which is far cheaper than to make everything anew."""
        wanted = {encode(document) for document in documents}
        models = self.indexes.get(name, ())
        names = {"_id_", *(model.document["name"] for model in models)}
        for database in (self.plain, self.views["main"]):
            for other in set(database.list_collection_names()) - {name}:
                database.drop_collection(other)
            there = set(database[name].index_information())
            for index in there - names:
                database[name].drop_index(index)
            if names - there - {"_id_"}:
                database[name].create_indexes(list(models))
            kept = set()
            for document in database[name].find():
                if encode(document) in wanted:
                    kept.add(encode(document))
                else:
                    database[name].delete_one({"_id": {"$eq": document["_id"]}})
            if wanted - kept:
                database[name].insert_many([decode(document) for document in sorted(wanted - kept)])
        self.views["child"] = self.new_child()

    def _lines(self, value: Any, ordered: bool) -> list[str]:
        """Write an outcome down, types and the order of fields included, a line for each item."""
        items = (
            value if isinstance(value, list) else list(value.items()) if isinstance(value, dict) else [value]
        )
        options = json_util.CANONICAL_JSON_OPTIONS
        lines = []
        for item in items:
            text = json_util.dumps(item, json_options=options).replace(self.plain.name, self.project.name)
            lines.append(re.sub(r"\bWAL(?=Collection|Database|Cursor)", "", text))
        return lines if ordered else sorted(lines)


def outcome(action: Action, database: Any, errors: str = "message") -> Any:
    """Run an action and describe its result or its error in plain values."""
    try:
        return describe(action(database))
    except AssertionError:
        raise
    except Exception as error:
        kept = {"class": ["error"], "code": ["error", "code"]}.get(errors)
        described = describe_error(error)
        return described if kept is None else {key: described.get(key) for key in kept}


def describe(value: Any) -> Any:
    """Turn what PyMongo returns into plain values."""
    if isinstance(value, Cursor | CommandCursor):
        return [describe(item) for item in value]
    if isinstance(value, InsertOneResult):
        return {"inserted_id": value.inserted_id, "acknowledged": value.acknowledged}
    if isinstance(value, InsertManyResult):
        return {"inserted_ids": value.inserted_ids, "acknowledged": value.acknowledged}
    if isinstance(value, UpdateResult | DeleteResult):
        raw = value.raw_result or {}
        return {"acknowledged": value.acknowledged, **{key: raw[key] for key in _REPLY if key in raw}}
    if isinstance(value, BulkWriteResult):
        return {"acknowledged": value.acknowledged, **value.bulk_api_result}
    if isinstance(value, Collection):
        return {"collection": value.name}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {key: describe(item) for key, item in value.items()}
    return value


def describe_error(error: Exception) -> Document:
    """Describe an error by class, code, message and what PyMongo's users look at in its details."""
    shown: Document = {"error": type(error).__name__, "message": _message(str(error))}
    if isinstance(error, BulkWriteError):
        details = {**error.details, "writeErrors": [_plain(one) for one in error.details["writeErrors"]]}
        return {**shown, "message": "", "code": error.code, "details": details}
    if isinstance(error, OperationFailure):
        details = dict(error.details or {})
        shown["code"] = error.code
        shown["details"] = {key: details[key] for key in _DETAILS if key in details}
    return shown


def _message(text: str) -> str:
    # The planner's preamble names the physical query; which of several documents fails first is not defined.
    text = text.partition(", full error")[0].rpartition(" :: caused by :: ")[2]
    return re.sub(r" in document \{_id: .*?\}", "", text)


def _plain(write_error: Mapping[str, Any]) -> Document:
    kept = ("index", "code", "keyPattern", "keyValue", "errInfo", "op")
    described = {key: write_error[key] for key in kept if key in write_error}
    return {**described, "errmsg": _message(write_error["errmsg"])}


def _earlier(document: Document) -> Document:
    """Give a document as it was before: other names and numbers, no two documents alike."""
    other = f"was {document['_id']}"
    return {
        key: other if isinstance(value, str | int) and key != "_id" else value
        for key, value in document.items()
    }


def seed(
    project: Project,
    plain: Database[Document],
    collections: Mapping[str, Sequence[Document]],
    indexes: Indexes,
) -> Faces:
    """Bring a plain database, main and a child of it to the same documents.

    The child inherits half of the documents; some of those it has changed for
    itself, one it has deleted. Main has changed the same ones after the child
    had left it.
    """
    main = WALDatabase(project.branch("main"))
    for name, models in indexes.items():  # building one over documents takes the server long
        for database in (plain, main):
            database[name].create_indexes(list(models))
    early, late = {}, {}
    for name, documents in collections.items():
        first, late[name] = list(documents[::2]), list(documents[1::2])
        early[name] = first[1::2]
        plain[name].insert_many([*first, *late[name]])
        was = [_earlier(item) if item in early[name] else item for item in first]
        main[name].insert_many([*was, {"_id": "gone", "was": 1}])
    faces = Faces(plain, {"main": main}, project, main.branch.head_lsn, early, late, indexes)
    faces.bring_up(main)
    faces.views["child"] = faces.new_child()
    return faces


def with_past(faces: Faces) -> Faces:
    """Give every document a history, and add views of what was before."""
    for name, view in list(faces.views.items()):
        lsn = view.branch.head_lsn
        for collection in faces.early:
            view[collection].insert_one({"_id": "later", "was": 2})
            view[collection].update_many({}, {"$set": {"later": 1}})
            view[collection].update_many({}, {"$unset": {"later": 1}})
            view[collection].delete_one({"_id": "later"})
        faces.views["past" if name == "main" else f"past of {name}"] = view.at(lsn=lsn)
    return faces
