"""Many writers at once: each acknowledged change is told once, in the order of the log."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import pairwise
from typing import Any

import pytest

from argon import Argon, WALDatabase
from argon.streams.token import decode_token

_WRITER = """
import sys
from argon import Argon, WALDatabase
uri, database, name, count = sys.argv[1:]
with Argon(uri, database=database) as argon:
    users = WALDatabase(argon.project("shop").branch()).users
    for number in range(int(count)):
        if number % 3 == 2:
            users.insert_many([{"_id": f"{name}-{number}-{part}"} for part in range(3)])
        else:
            users.insert_one({"_id": f"{name}-{number}"})
        users.update_one({"_id": "shared"}, {"$inc": {"n": 1}})
"""
_WRITES = 24


def _ids(name: str) -> set[str]:
    whole = {f"{name}-{number}" for number in range(_WRITES) if number % 3 != 2}
    return whole | {f"{name}-{number}-{part}" for number in range(2, _WRITES, 3) for part in range(3)}


def _write(db: WALDatabase[Any], name: str) -> None:
    for number in range(_WRITES):
        if number % 3 == 2:
            db.users.insert_many([{"_id": f"{name}-{number}-{part}"} for part in range(3)])
        else:
            db.users.insert_one({"_id": f"{name}-{number}"})
        db.users.update_one({"_id": "shared"}, {"$inc": {"n": 1}})


@pytest.mark.parametrize("restarts", [False, True], ids=["one stream", "a new stream for each event"])
def test_what_threads_and_processes_write_is_told_once_and_in_order(
    mongod_uri: str, argon: Argon, db: WALDatabase[Any], restarts: bool
) -> None:
    db.users.insert_one({"_id": "shared", "n": 0})
    names = ["t0", "t1", "t2", "p0", "p1"]
    inserted = set().union(*map(_ids, names))
    updates = _WRITES * len(names)
    events: list[dict[str, Any]] = []
    stream = db.users.watch(full_document="whenAvailable")
    arguments = [mongod_uri, argon.database]
    processes = [
        subprocess.Popen([sys.executable, "-c", _WRITER, *arguments, name, str(_WRITES)])
        for name in names[3:]
    ]
    threads = [threading.Thread(target=_write, args=(db, name)) for name in names[:3]]
    for thread in threads:
        thread.start()
    while len(events) < len(inserted) + updates:
        events.append(stream.next())
        if restarts:
            stream.close()
            stream = db.users.watch(resume_after=events[-1]["_id"], full_document="whenAvailable")
    for writer in threads:
        writer.join()
    assert [process.wait() for process in processes] == [0, 0]
    with stream:
        db.users.delete_one({"_id": "shared"})
        assert stream.next()["operationType"] == "delete"
    told = [event["documentKey"]["_id"] for event in events if event["operationType"] == "insert"]
    assert len(told) == len(set(told))
    assert set(told) == inserted
    counted = [event["fullDocument"]["n"] for event in events if event["operationType"] == "update"]
    assert counted == list(range(1, updates + 1))
    lsns = [decode_token(event["_id"], "resumeAfter").places[0].lsn for event in events]
    assert all(one < two for one, two in pairwise(lsns))
