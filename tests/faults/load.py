"""Load of which every acknowledged part can be recognised afterwards: each thread has its own counters.

It goes on through whatever happens to the server: a write that failed without
a clear answer is looked up before the next one.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

from pymongo.errors import PyMongoError

from argon import Argon, WALDatabase


def load(argon: Argon, branch: str, name: str, stopped: threading.Event) -> Iterator[dict[str, Any]]:
    """Count up, by single writes and by groups, and tell what was acknowledged."""
    name = f"{name}-{threading.get_ident()}"
    db = WALDatabase(argon.project("shop").branch(branch))
    values: dict[str, int] = {}
    while not stopped.is_set():
        doc = f"{name}-{random.randrange(3)}"
        wanted = values.get(doc, 0) + 1
        try:
            with db.commit() as txn:
                txn.collection("load").update_one(
                    {"_id": doc}, {"$set": {"value": wanted, "double": 2 * wanted}}, upsert=True
                )
                txn.collection("beside").insert_one({"_id": f"{doc}-{wanted}", "doc": doc})
        except PyMongoError:
            found = _look(db, doc, stopped)
            values[doc] = 0 if found is None else found["value"]
            continue
        values[doc] = wanted
        yield {"doc": doc, "value": wanted}


def _look(db: WALDatabase[Any], doc: str, stopped: threading.Event) -> Any:
    while not stopped.is_set():
        try:
            return db.collection("load").find_one({"_id": doc})
        except PyMongoError:
            continue
    return None


def main() -> None:
    """Run the load in the threads that the job asks for, until told to stop."""
    job = json.loads(sys.argv[1])
    argon = Argon(job["uri"], database=job["database"])
    stopped = threading.Event()
    speaking = threading.Lock()

    def work() -> None:
        for event in load(argon, **job["arguments"], stopped=stopped):
            with speaking:
                sys.stdout.write(json.dumps(event) + "\n")
                sys.stdout.flush()

    sys.stdout.write('"ready"\n')
    sys.stdout.flush()
    sys.stdin.readline()
    threads = [threading.Thread(target=work) for _ in range(job["threads"])]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    stopped.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
