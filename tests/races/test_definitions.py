"""What one process defines, the others go by: writers at once, readers within a tenth of a second."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.races.conftest import Spawn

if TYPE_CHECKING:
    from argon import WALDatabase

READ_BOUND = 0.1


def test_a_unique_index_binds_the_writers_of_other_processes(db: WALDatabase[Any], spawn: Spawn) -> None:
    clients = [spawn("late_claims", name=f"p{number}", keys=20) for number in range(3)]
    for client in clients:
        client.start()
    db.collection("seats").create_index("seat", unique=True)
    db.collection("signs").insert_one({"_id": "indexed"})
    winners = Counter(event["won"] for client in clients for event in client.result())
    assert winners == Counter(range(20))
    seats = Counter(one["seat"] for one in db.collection("seats").find())
    assert set(seats.values()) == {1}


def test_writes_find_what_another_process_has_just_made(db: WALDatabase[Any], spawn: Spawn) -> None:
    client = spawn("misses")
    client.start()
    for turn in range(8):
        made = db.collection(f"made{turn}")
        made.insert_many([{"_id": 1}, {"_id": 2, "y": 1}])
        db.collection("signs").insert_one({"_id": turn})
    told = client.wait_for(8)
    client.stop()
    client.result()
    assert told == [{"turn": turn, "matched": 1, "deleted": 1} for turn in range(8)]


def test_readers_see_definitions_within_the_bound(db: WALDatabase[Any], spawn: Spawn) -> None:
    client = spawn("looks")
    client.start()
    client.wait_for(1)
    made: dict[str, float] = {}
    for turn in range(6):
        db.create_collection(f"c{turn}")
        made[f"c{turn}"] = time.monotonic()
        while client.events[-1]["begin"] < made[f"c{turn}"] + 1.5 * READ_BOUND:
            client.wait_for(len(client.events) + 1)
    client.stop()
    for event in client.result():
        due = {name for name, moment in made.items() if event["begin"] > moment + READ_BOUND}
        assert due <= set(event["names"])


def test_documents_follow_a_collection_that_is_renamed_under_its_writers(
    db: WALDatabase[Any], spawn: Spawn
) -> None:
    db.create_collection("c")
    clients = [spawn("inserts", threads=2, name=f"p{number}") for number in range(2)]
    for client in clients:
        client.start()
    for turn in range(8):
        for client in clients:
            client.wait_for(len(client.events) + 3)
        db.collection("c").rename(f"old{turn}")
    for client in clients:
        client.stop()
    acknowledged = [event["inserted"] for client in clients for event in client.result()]
    found = [one["_id"] for name in db.list_collection_names() for one in db.collection(name).find()]
    assert Counter(found) == Counter(acknowledged)
    assert {f"old{turn}" for turn in range(8)} <= set(db.list_collection_names())


def test_what_is_written_around_a_drop_is_before_it_or_after_it(db: WALDatabase[Any], spawn: Spawn) -> None:
    db.create_collection("c")
    clients = [spawn("inserts", threads=2, name=f"p{number}") for number in range(2)]
    for client in clients:
        client.start()
    dropped: set[Any] = set()
    for _ in range(6):
        for client in clients:
            client.wait_for(len(client.events) + 3)
        db.drop_collection("c")
        last = db.branch.log(limit=200, collection="c")
        drop = next(entry for entry in last if entry.operation == "drop_collection")
        before = db.at(lsn=drop.prev_lsn).collection("c")
        dropped |= {one["_id"] for one in before.find()}
    for client in clients:
        client.stop()
    acknowledged = {event["inserted"] for client in clients for event in client.result()}
    left = {one["_id"] for one in db.collection("c").find()}
    assert dropped | left == acknowledged
    assert not dropped & left
