"""``db.command()``: replies in the server's shape, on a plain database and on branches."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, CodecOptions

from argon.errors import ReadOnlyView, UnsupportedOperation
from tests.driver.conftest import Make
from tests.driver.parity import Faces
from tests.surface.cases import commands

_DEPLOYMENT = ("$clusterTime", "commitQuorum", "electionId", "operationTime", "opTime")


def send(db: Any, command: Any) -> Any:
    """Send a command and leave out of its reply what says where it was answered."""
    named = {
        key: value.replace("DB.", f"{db.name}.") if isinstance(value, str) else value
        for key, value in command.items()
    }
    reply = {key: value for key, value in db.command(named).items() if key not in _DEPLOYMENT}
    if isinstance(reply.get("cursor"), dict):
        cursor = {**reply["cursor"], "id": bool(reply["cursor"]["id"])}
        cursor["ns"] = cursor["ns"].partition(".")[2]
        reply["cursor"] = dict(sorted(cursor.items()))
    for field in ("ns", "dropped", "millis"):
        reply.pop(field, None)
    if isinstance(reply.get("values"), list):
        reply["values"] = sorted(reply["values"], key=repr)
    for error in reply.get("writeErrors", ()):
        error["errmsg"] = error["errmsg"].replace(db.name.partition("@")[0], "DB")
    return reply


@pytest.mark.parametrize("place", range(len(commands.READING)))
def test_commands_that_read(things: Faces, place: int) -> None:
    things.same(lambda db: send(db, commands.READING[place]), errors="code")


@pytest.mark.parametrize("place", range(len(commands.IN_PART)))
def test_commands_that_tell_of_the_deployment_too(things: Faces, place: int) -> None:
    command, fields = commands.IN_PART[place]
    things.same(lambda db: {field: send(db, command).get(field) for field in fields}, errors="code")


def test_commands_that_write(make_faces: Make) -> None:
    faces = make_faces(things=[{"_id": n} for n in range(4)])
    different = []
    for command in commands.WRITING:
        try:
            faces.same(lambda db, command=command: send(db, command), errors="code")
        except AssertionError as error:
            different.append(f"{command}\n{error}")
    assert not different, "\n".join(different)


def test_a_cursor_of_commands_is_read_to_its_end(things: Faces) -> None:
    def read(db: Any) -> Any:
        cursor = db.command("find", "things", sort={"_id": 1}, batchSize=5)["cursor"]
        sizes, seen = [len(cursor["firstBatch"])], list(cursor["firstBatch"])
        while cursor["id"]:
            cursor = db.command("getMore", cursor["id"], collection="things", batchSize=4)["cursor"]
            sizes.append(len(cursor["nextBatch"]))
            seen += cursor["nextBatch"]
        return [sizes, seen]

    things.same(read)


def test_a_killed_cursor_is_not_found(things: Faces) -> None:
    def kill(db: Any) -> Any:
        number = db.command("find", "things", batchSize=2)["cursor"]["id"]
        killed = db.command("killCursors", "things", cursors=[number])
        assert killed["cursorsKilled"] == [number]
        return db.command("getMore", number, collection="things")

    things.same(kill, errors="code")


def test_a_command_is_read_and_answered_with_the_options_given(things: Faces) -> None:
    options = CodecOptions(document_class=SON, tz_aware=True)

    def read(db: Any) -> Any:
        reply = db.command("find", "things", filter={"_id": 3}, codec_options=options)
        [found] = reply["cursor"]["firstBatch"]
        return [type(reply).__name__, type(found["o"]).__name__, found["t"].tzinfo is not None]

    things.same(read)
    things.same(lambda db: db.command("distinct", "things", key="n", query={"_id": 1})["values"])
    things.same(lambda db: db.command("count", "things", check=False, nothing=1)["ok"])
    things.same(lambda db: db.command({"count": "things", "query": {"n": 1}}, {"ignored": 1})["n"])


def test_a_cursor_of_a_command_gives_documents(things: Faces) -> None:
    def read(db: Any) -> Any:
        found = db.cursor_command("find", "things", sort={"_id": 1}, batchSize=3)
        return [document["n"] for document in found]

    things.same(read)
    things.same(lambda db: list(db.cursor_command("listIndexes", "places")))
    things.same(lambda db: db.cursor_command("ping"), errors="class")


def test_a_collection_is_validated(things: Faces) -> None:
    for field in ("valid", "nrecords"):
        things.same(lambda db, field=field: db.validate_collection("things")[field])
        things.same(lambda db, field=field: db.validate_collection(db.things, full=True)[field])
    things.same(lambda db: db.validate_collection("nothing"), errors="code")
    things.same(lambda db: db.validate_collection(5), errors="class")


@pytest.mark.parametrize("verb", commands.REFUSED)
def test_what_cannot_be_on_a_branch_names_what_to_use(things: Faces, verb: str) -> None:
    for view in things.views.values():
        with pytest.raises(UnsupportedOperation, match="use "):
            view.command(verb, "things")


def test_a_write_to_the_past_is_refused(things: Faces) -> None:
    for name, view in things.views.items():
        if name.startswith("past"):
            with pytest.raises(ReadOnlyView):
                view.command("insert", "things", documents=[{"a": 1}])


def test_images_for_change_streams_may_be_asked_for(make_faces: Make) -> None:
    faces = make_faces()
    images = {"enabled": True}
    faces.same(lambda db: db.create_collection("kept", changeStreamPreAndPostImages=images).options())
    faces.same(lambda db: db.command("create", "plain")["ok"])
    faces.same(lambda db: db.command("collMod", "plain", changeStreamPreAndPostImages=images)["ok"])
    faces.same(lambda db: db.plain.options())


def test_plans_are_where_they_are_looked_for(things: Faces) -> None:
    for view in things.views.values():
        for plan in (view.things.find({"n": 1}).explain(), view.command("explain", {"find": "things"})):
            assert plan["queryPlanner"]["winningPlan"]
            assert "nReturned" in plan["executionStats"]
