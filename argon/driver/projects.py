# Generated from argon/aio/projects.py by tools/async_to_sync.py: edit that.

"""Commands about all projects, which a database server is asked on its database ``admin``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Int64

from argon.commands.changes import is_stream_on_all, open_stream_on_all
from argon.commands.concern import check_snapshot, concerned, unsatisfied
from argon.commands.held import kill_of, more_of
from argon.commands.request import own_fields
from argon.commands.servers_own import SERVERS_OWN, check_stays, written_to
from argon.driver.session import WALSession
from argon.engine import ddl
from argon.engine.errors import command_error
from argon.engine.prepare import Target
from argon.engine.sink import write_found
from argon.errors import UnsupportedOperation
from argon.io import Operation, run
from argon.versions.layout import RAW_CODEC
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.driver.client import WALClient


def shown_database(client: WALClient[Any], name: str) -> Any:
    """Return the branch of a name, at the moment or in the commit that the client shows."""
    shown = client._shown
    return shown if shown is not None and shown.name == name else client.get_database(name)


def answer_of_cursor(
    client: WALClient[Any], database: str, command: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Answer a command about a cursor that Argon holds, whose branch may be gone by now.

    Args:
        client: Whose cursor.
        database: The database.
        command: The command.

    Returns:
        The reply; None if it is another command, or about another cursor.
    """
    engine, verb = client.argon.engine, next(iter(command))
    if verb == "getMore" and int(command[verb]) in engine.held_cursors:
        return run(more_of(engine, database, command))
    if verb == "killCursors" and any(int(number) in engine.held_cursors for number in command["cursors"]):
        return run(kill_of(engine, command))
    return None


def _write_to_branch(
    client: WALClient[Any], database: str, command: Mapping[str, Any], session: Any
) -> dict[str, Any] | None:
    """Write what a pipeline finds in a database of the server's to a branch, through the log."""
    name = written_to(command)
    if name is None or name in SERVERS_OWN:
        return None
    *before, last = command["pipeline"]
    check_stays({**command, "pipeline": before})
    branch, place = shown_database(client, name), command["aggregate"]
    theirs: Any = client._plain.get_database(database, codec_options=RAW_CODEC)
    collection = theirs[place] if isinstance(place, str) else theirs

    def found(stages: Any, given: Mapping[str, Any]) -> Operation[Any]:
        return (yield collection.aggregate(list(stages), **given))

    options = {key: value for key, value in own_fields(command).items() if key not in ("pipeline", "cursor")}
    target = Target(branch.current_space, "", RAW_CODEC, command.get("bypassDocumentValidation"))
    run(write_found(branch._bound(session), target, found, [*before, last], options))
    namespace = f"{database}.{place if isinstance(place, str) else '$cmd.aggregate'}"
    return {"cursor": {"firstBatch": [], "id": Int64(0), "ns": namespace}, "ok": 1.0}


def answer_about_all(
    client: WALClient[Any], database: str, command: Mapping[str, Any], session: Any
) -> dict[str, Any] | None:
    """Answer a command that is about projects or a branch, though sent to one of the server's own databases.

    Args:
        client: Whose projects.
        database: The server's database.
        command: The command.
        session: The session that it belongs to.

    Returns:
        The reply; None for a command that the server itself answers.
    """
    check_snapshot(command)
    reply = _answer_on_admin(client, command, session) if database == "admin" else None
    return _write_to_branch(client, database, command, session) if reply is None else reply


def _answer_on_admin(
    client: WALClient[Any], command: Mapping[str, Any], session: Any
) -> dict[str, Any] | None:
    verb = next(iter(command))
    if verb in ("abortTransaction", "commitTransaction"):
        if not isinstance(session, WALSession):
            return None
        reply = session.finish(verb)
        return reply | run(unsatisfied(client.argon.engine, command.get("writeConcern")))
    engine = client.argon.engine
    if verb == "aggregate" and is_stream_on_all(command.get("pipeline")):
        return run(open_stream_on_all(engine, DEFAULT_SPACE, command))
    if verb == "listDatabases":
        described = client._described(command)
        return {"databases": described, "totalSize": 0, "totalSizeMb": 0, "ok": 1.0}
    if verb == "renameCollection":
        return _rename(client, command, session)
    return None


def _done(work: Operation[Any]) -> Operation[dict[str, Any]]:
    yield from work
    return {"ok": 1.0}


def _rename(client: WALClient[Any], command: Mapping[str, Any], session: Any) -> dict[str, Any] | None:
    old, new = str(command["renameCollection"]), str(command.get("to"))
    if old.partition(".")[0] in SERVERS_OWN:
        return None
    projects = client._project_names()
    for place in [place for place, letter in enumerate(old) if letter == "."]:
        name = old[:place]
        # A project's name may have dots in it too; and one that is not there does not come into being.
        if name.partition("@")[0] not in projects:
            continue
        if not new.startswith(f"{name}."):
            raise UnsupportedOperation(
                "a collection is not renamed into another database: export and import it"
            )
        database = shown_database(client, name)
        handle, space = database._bound(session), database.current_space
        target = bool(command.get("dropTarget"))
        rename = ddl.rename_collection(handle, space, old[place + 1 :], new[place + 1 :], drop_target=target)
        reply: dict[str, Any] = run(concerned(client.argon.engine, command, _done(rename)))
        return reply
    text = f"Source collection {old} does not exist"
    raise command_error({"code": 26, "codeName": "NamespaceNotFound", "errmsg": text})
