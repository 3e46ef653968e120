"""Cursors of commands are a server's: any of its clients reads them on, and closes them."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import CursorNotFound, OperationFailure, WriteConcernError
from pymongo.write_concern import WriteConcern

from argon import Argon, WALClient
from argon.engine.held import held_cursors


@pytest.fixture
def clients(argon: Argon, mongod_uri: str) -> Any:
    """Two clients of the same projects, and a cursor that the first has begun."""
    mine, other = argon.client(), WALClient[Any](mongod_uri, argon_database=argon.database)
    mine["shop"]["users"].insert_many([{"_id": n} for n in range(6)])
    begun = mine["shop"].command("find", "users", batchSize=2)["cursor"]
    with other:
        yield mine["shop"], other["shop"], begun["id"]


def test_another_client_reads_on(clients: Any) -> None:
    mine, other, number = clients
    assert other.command("getMore", number, collection="users", batchSize=2)["cursor"]["nextBatch"] == [
        {"_id": 2},
        {"_id": 3},
    ]
    last = mine.command("getMore", number, collection="users")["cursor"]
    assert last["nextBatch"] == [{"_id": 4}, {"_id": 5}]
    assert not last["id"]


def test_another_client_closes_it(clients: Any) -> None:
    mine, other, number = clients
    assert other.command("killCursors", "users", cursors=[number])["cursorsKilled"] == [number]
    with pytest.raises(CursorNotFound):
        mine.command("getMore", number, collection="users")


def test_a_change_stream_goes_on_when_another_client_closes_its_cursor(argon: Argon, mongod_uri: str) -> None:
    users = argon.client()["shop"]["users"]
    users.insert_one({"_id": 0})
    with (
        WALClient[Any](mongod_uri, argon_database=argon.database) as other,
        users.watch(max_await_time_ms=50) as stream,
    ):
        users.insert_one({"_id": 1})
        assert stream.next()["documentKey"] == {"_id": 1}
        cursor: Any = stream._cursor
        other["shop"].command("killCursors", "users", cursors=[cursor.cursor_id])
        users.insert_one({"_id": 2})
        assert stream.next()["documentKey"] == {"_id": 2}


def test_a_command_takes_what_pymongos_does(argon: Argon, plain_db: Any) -> None:
    """PyMongo keeps two arguments for itself, which are no fields of the command."""
    said = []
    for db in (plain_db, argon.client()["shop"]):
        for concern, error in (
            ({"w": 50, "wtimeout": 1}, WriteConcernError),
            ({"w": "none"}, OperationFailure),
        ):
            with pytest.raises(error) as told:
                db.command(
                    "insert",
                    "users",
                    documents=[{"x": 1}],
                    write_concern=WriteConcern(**concern),
                    parse_write_concern_error=True,
                )
            said.append(told.value.code)
    assert said[2:] == said[:2]


def test_a_client_that_knows_the_server_by_itself_reads_on(argon: Argon) -> None:
    users = argon.client()["shop"]["users"]
    users.insert_many([{"_id": n} for n in range(4)])
    begun = argon.client()["shop"].command("find", "users", batchSize=3)["cursor"]
    address = argon.mongo.address
    assert address is not None
    with WALClient[Any](*address, directConnection=True, argon_database=argon.database) as other:
        rest = other["shop"].command("getMore", begun["id"], collection="users")
    assert rest["cursor"]["nextBatch"] == [{"_id": 3}]


def test_cursors_are_those_of_a_server_and_not_of_a_name(argon: Argon, mongod_uri: str) -> None:
    mine = argon.engine
    port = str(argon.mongo.nodes and next(iter(argon.mongo.nodes))[1])
    assert port in mine.place
    with Argon(mongod_uri, database=argon.database) as again:
        assert again.engine.held_cursors is mine.held_cursors
    assert held_cursors(mine.place.replace(port, "1"), mine.world) is not mine.held_cursors
