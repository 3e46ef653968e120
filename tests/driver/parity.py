"""The same call on a plain collection and on branches: what they answer has to be the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

from bson import json_util
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.operations import IndexModel
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
    """

    plain: Database[Document]
    views: dict[str, Any]
    project: Project
    outcomes: dict[str, Any] = field(default_factory=dict)

    def same(self, action: Action, *, ordered: bool = True, among: Iterable[str] | None = None) -> Any:
        """Run an action on every database and check that all answer alike.

        Args:
            action: Takes a database.
            ordered: Whether the order of the documents in an answer is defined.
            among: The views to compare; by default all of them.

        Returns:
            What the plain database answered.
        """
        expected = self._lines(outcome(action, self.plain), ordered)
        for name in among or self.views:
            found = self._lines(outcome(action, self.views[name]), ordered)
            if found != expected:
                difference = unified_diff(expected, found, "plain", name, n=0, lineterm="")
                raise AssertionError("\n".join([f"{name} differs from plain MongoDB", *difference]))
        return [json_util.loads(line) for line in expected]

    def same_documents(self, *names: str) -> None:
        """Check that collections hold the same documents everywhere."""
        for name in names:
            self.same(lambda db, name=name: list(db[name].find()), ordered=False)

    def _lines(self, value: Any, ordered: bool) -> list[str]:
        """Write an outcome down, types and the order of fields included, a line for each item."""
        items = value if isinstance(value, list) else list(value.items()) if isinstance(value, dict) else [value]
        options = json_util.CANONICAL_JSON_OPTIONS
        lines = []
        for item in items:
            text = json_util.dumps(item, json_options=options).replace(self.plain.name, self.project.name)
            lines.append(re.sub(r"\bWAL(?=Collection|Database|Cursor)", "", text))
        return lines if ordered else sorted(lines)


def outcome(action: Action, database: Any) -> Any:
    """Run an action and describe its result or its error in plain values."""
    try:
        return describe(action(database))
    except AssertionError:
        raise
    except Exception as error:
        return describe_error(error)


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
    # The planner's preamble names the physical query.
    message = str(error).partition(", full error")[0].rpartition(" :: caused by :: ")[2]
    shown: Document = {"error": type(error).__name__, "message": message}
    if isinstance(error, BulkWriteError):
        details = {**error.details, "writeErrors": [_plain(one) for one in error.details["writeErrors"]]}
        return {**shown, "message": "", "code": error.code, "details": details}
    if isinstance(error, OperationFailure):
        details = dict(error.details or {})
        shown["code"] = error.code
        shown["details"] = {key: details[key] for key in _DETAILS if key in details}
    return shown


def _plain(write_error: Mapping[str, Any]) -> Document:
    return {key: write_error[key] for key in ("index", "code", "errmsg", "keyPattern", "keyValue", "errInfo", "op")
            if key in write_error}


def seed(
    project: Project,
    plain: Database[Document],
    collections: Mapping[str, Sequence[Document]],
    indexes: Indexes,
) -> Faces:
    """Bring a plain database, main, a child of it and views of their past to the same documents.

    The child inherits half of the documents; some of those it has changed for
    itself, one it has deleted. Main has changed the same ones after the child
    had left it. All rows have a history.
    """
    main = WALDatabase(project.branch("main"))
    rest: dict[str, list[Document]] = {}
    early: dict[str, list[Document]] = {}
    for name, documents in collections.items():
        first = list(documents[::2])
        early[name], rest[name] = first[1::2], list(documents[1::2])
        if documents:
            plain[name].insert_many([*first, *rest[name]])
            was = [{"_id": item["_id"], "was": 1} if item in early[name] else item for item in first]
            main[name].insert_many([*was, {"_id": "gone", "was": 1}])
    for name, models in indexes.items():
        for database in (plain, main):
            database[name].create_indexes(list(models))
    child = WALDatabase(project.create_branch("child"))
    lsns: dict[str, int] = {}
    for view, label in ((child, "child"), (main, "main")):
        for name in early:
            for document in early[name]:
                view[name].replace_one({"_id": document["_id"]}, document)
            view[name].delete_one({"_id": "gone"})
            if rest[name]:
                view[name].insert_many(rest[name])
        lsns[label] = view.branch.head_lsn
        for name in early:
            view[name].insert_one({"_id": "later", "was": 2})
            view[name].update_many({}, {"$set": {"later": 1}})
            view[name].update_many({}, {"$unset": {"later": 1}})
            view[name].delete_one({"_id": "later"})
    views = {
        "main": main,
        "child": child,
        "past": main.at(lsn=lsns["main"]),
        "past of child": child.at(lsn=lsns["child"]),
    }
    return Faces(plain, views, project)
