"""What clients do in processes of their own: each task yields what it has seen, one JSON line each."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import bson
from pymongo import ReturnDocument
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure, PyMongoError

from argon import Argon, Branch, WALDatabase
from argon.errors import BranchExists, BranchNotFound, ProjectExists

Event = dict[str, Any]
NAMESPACE_EXISTS = 48
TRANSIENT = "TransientTransactionError"


@dataclass
class Context:
    """What a task works with."""

    argon: Argon
    stopped: threading.Event

    def branch(self, name: str = "main") -> Branch:
        return self.argon.project("shop").branch(name)

    def db(self, name: str = "main") -> WALDatabase[Any]:
        return WALDatabase(self.branch(name))


def counters(context: Context, times: int, doc: Any = "n", branch: str = "main") -> Iterator[Event]:
    """Increment one counter, by both of the ways in which that can be told."""
    numbers = context.db(branch).collection("counters")
    for turn in range(times):
        if turn % 3 == 2:
            done = numbers.update_one({"_id": doc}, {"$inc": {"value": 1}})
            yield {"modified": done.modified_count, "at": time.monotonic()}
        else:
            seen = numbers.find_one_and_update(
                {"_id": doc}, {"$inc": {"value": 1}}, return_document=ReturnDocument.AFTER
            )
            yield {"value": seen["value"], "at": time.monotonic()}


def claims(context: Context, keys: int, field: str, branch: str = "main") -> Iterator[Event]:
    """Claim each key; a unique index on ``field`` lets one client have it."""
    seats = context.db(branch).collection("seats")
    for key in random.sample(range(keys), keys):
        try:
            seats.insert_one({field: key})
        except DuplicateKeyError as error:
            assert (error.details or {})["keyValue"] == {field: key}
        else:
            yield {"won": key}


def histories(context: Context, name: str, times: int, lists: int, branch: str = "main") -> Iterator[Event]:
    """Append unique values to lists, and read them, and tell when."""
    collection = context.db(branch).collection("lists")
    name = f"{name}-{threading.get_ident()}"
    for turn in range(times):
        doc = random.randrange(lists)
        value = f"{name}:{turn}"
        event: Event = {"client": name, "doc": doc, "begin": time.monotonic()}
        kind = random.choice(["push", "push and see", "read", "read many"])
        if kind == "push":
            collection.update_one({"_id": doc}, {"$push": {"items": value}})
            event |= {"append": value}
        elif kind == "push and see":
            seen = collection.find_one_and_update(
                {"_id": doc}, {"$push": {"items": value}}, return_document=ReturnDocument.AFTER
            )
            event |= {"append": value, "seen": seen["items"]}
        elif kind == "read":
            event["seen"] = (collection.find_one({"_id": doc}) or {})["items"]
        else:
            [found] = collection.aggregate([{"$match": {"_id": doc}}])
            event["seen"] = found["items"]
        yield {**event, "end": time.monotonic()}


def transfers(context: Context, times: int, accounts: int) -> Iterator[Event]:
    """Move money between accounts, all or nothing, again where somebody else came first."""
    db = context.db()
    for _ in range(times):
        giver, taker = random.sample(range(accounts), 2)
        while True:
            try:
                with db.commit(message="transfer") as txn:
                    rich = txn.collection("accounts").find_one({"_id": giver})
                    amount = random.randint(1, max(1, rich["balance"] // 2))
                    for account, change in ((giver, -amount), (taker, amount)):
                        txn.collection("accounts").update_one(
                            {"_id": account}, {"$inc": {"balance": change, "moves": 1}}
                        )
            except PyMongoError as error:
                if not error.has_error_label(TRANSIENT):
                    raise
            else:
                break
        yield {"giver": giver, "taker": taker, "amount": amount}


def audits(context: Context) -> Iterator[Event]:
    """Add up all accounts at whatever is the head, in the past and on a branch of it."""
    branch, turn = context.branch(), 0
    while not context.stopped.is_set():
        turn += 1
        lsn = branch.head_lsn
        past = WALDatabase(branch).at(lsn=lsn).collection("accounts")
        yield {"lsn": lsn, "total": sum(one["balance"] for one in past.find())}
        if turn % 5 == 0:
            fork = branch.restore(lsn, name=f"audit-{lsn}-{random.getrandbits(32)}")
            found = WALDatabase(fork).collection("accounts").find()
            yield {"lsn": lsn, "total": sum(one["balance"] for one in found)}


def creations(context: Context, name: str, rounds: int) -> Iterator[Event]:
    """Make things of which there can be one only."""
    project = context.argon.project("shop")
    db = context.db()
    attempts: list[tuple[str, Callable[[str], Any], Any]] = [
        ("project", context.argon.create_project, ProjectExists),
        ("branch", project.create_branch, BranchExists),
        # PyMongo looks first; who comes after that look is told by the server.
        ("collection", db.create_collection, (CollectionInvalid, OperationFailure)),
    ]
    for turn in range(rounds):
        for kind, create, refusal in attempts:
            try:
                create(f"{kind}{turn}")
            except refusal as error:
                assert getattr(error, "code", None) in (None, NAMESPACE_EXISTS)
                continue
            yield {"made": f"{kind}{turn}"}
        db.collection(f"implicit{turn}").insert_one({"_id": f"{name}-{threading.get_ident()}"})
        yield {"inserted": f"{name}-{threading.get_ident()}", "into": f"implicit{turn}"}


def tallies(context: Context, branch: str, docs: int, times: int) -> Iterator[Event]:
    """Count up a field of the branch's own in documents that other branches share."""
    collection = context.db(branch).collection("shared")
    for _ in range(times):
        doc = random.randrange(docs)
        done = collection.update_one({"_id": doc}, {"$inc": {branch: 1}})
        yield {"doc": doc, "matched": done.matched_count}


def deletions(context: Context, branch: str, docs: list[int]) -> Iterator[Event]:
    """Delete documents that other branches share."""
    collection = context.db(branch).collection("shared")
    for doc in docs:
        yield {"doc": doc, "deleted": collection.delete_one({"_id": doc}).deleted_count}


def watches(context: Context, branch: str) -> Iterator[Event]:
    """Read all documents of a branch again and again, and tell what is there of its own field."""
    collection = context.db(branch).collection("shared")
    while not context.stopped.is_set():
        yield {"seen": {str(one["_id"]): one.get(branch, 0) for one in collection.find()}}


def scans(context: Context, branch: str) -> Iterator[Event]:
    """Read a branch by every kind of scan, in small batches, and tell the ids."""
    collection = context.db(branch).collection("shared")
    while not context.stopped.is_set():
        yield {"how": "find", "ids": [one["_id"] for one in collection.find(batch_size=40)]}
        found = collection.find({"place": {"$gte": 0}}, batch_size=40)
        yield {"how": "index", "ids": [one["_id"] for one in found]}
        groups = collection.aggregate([{"$group": {"_id": None, "ids": {"$push": "$_id"}}}])
        yield {"how": "group", "ids": groups.next()["ids"]}
        yield {"how": "count", "count": collection.count_documents({})}


def branchings(context: Context, name: str, times: int) -> Iterator[Event]:
    """Make branches, write to each at once, and see nobody else's writes."""
    project = context.argon.project("shop")
    for turn in range(times):
        branch = f"{name}-{turn}"
        db = WALDatabase(project.create_branch(branch))
        db.collection("shared").update_one({"_id": 0}, {"$set": {"owner": branch}})
        db.collection("own").insert_one({"_id": branch})
        seen = db.collection("shared").find_one({"_id": 0})
        yield {
            "branch": branch,
            "owner": seen["owner"],
            "own": [one["_id"] for one in db.collection("own").find()],
        }


def inserts(context: Context, name: str, branch: str = "main", collection: str = "c") -> Iterator[Event]:
    """Insert until told to stop, or until the branch is gone."""
    target = context.db(branch).collection(collection)
    turn = 0
    while not context.stopped.is_set():
        identity = f"{name}-{threading.get_ident()}-{turn}"
        try:
            target.insert_one({"_id": identity})
        except BranchNotFound:
            yield {"gone": True}
            return
        yield {"inserted": identity}
        turn += 1


def late_claims(context: Context, name: str, keys: int) -> Iterator[Event]:
    """Insert what is not unique until a sign says that there is a unique index; then claim keys."""
    db = context.db()
    collection, signs = db.collection("seats"), db.collection("signs")
    turn = 0
    while signs.find_one({"_id": "indexed"}) is None:
        collection.insert_one({"seat": f"{name}-{turn}"})
        turn += 1
    for key in range(keys):
        try:
            collection.insert_one({"seat": key})
        except DuplicateKeyError:
            continue
        yield {"won": key}


def looks(context: Context) -> Iterator[Event]:
    """Tell which collections there are, and when that was asked."""
    db = context.db()
    while not context.stopped.is_set():
        begin = time.monotonic()
        yield {"begin": begin, "names": db.list_collection_names()}


def misses(context: Context) -> Iterator[Event]:
    """Write to whatever another process says that it has made: every write must find it."""
    db = context.db()
    turn = 0
    while not context.stopped.is_set():
        signs = {sign["_id"] for sign in db.collection("signs").find()}
        while turn in signs:
            begin = db.collection(f"made{turn}")
            matched = begin.update_one({"_id": 1}, {"$set": {"x": 1}}).matched_count
            yield {"turn": turn, "matched": matched, "deleted": begin.delete_many({"y": 1}).deleted_count}
            turn += 1


def digests(context: Context, branch: str = "main") -> Iterator[Event]:
    """Read the past, the newest of it too, and some of it again."""
    here = context.branch(branch)
    known: list[int] = []
    while not context.stopped.is_set():
        lsn = here.head_lsn if not known or random.random() < 0.5 else random.choice(known)
        known.append(lsn)
        yield {"lsn": lsn, "digest": digest(WALDatabase(here).at(lsn=lsn))}


def digest(db: WALDatabase[Any]) -> str:
    """Return a short form of everything in a database, exact to the order of fields."""
    state = hashlib.sha256()
    for name in sorted(db.list_collection_names()):
        state.update(name.encode())
        for document in db.collection(name).find().sort("_id", 1):
            state.update(bson.encode(document))
    return state.hexdigest()


def changes(context: Context, name: str, branch: str = "main") -> Iterator[Event]:
    """Insert, update and delete at random in a few collections, until told to stop."""
    db = context.db(branch)
    while not context.stopped.is_set():
        collection, doc = db.collection(f"c{random.randrange(3)}"), random.randrange(40)
        kind = random.choice(["upsert", "update", "delete", "many"])
        if kind == "upsert":
            collection.replace_one({"_id": doc}, {"by": name, "n": random.random()}, upsert=True)
        elif kind == "update":
            collection.update_one({"_id": doc}, {"$inc": {"n": 1}})
        elif kind == "delete":
            collection.delete_one({"_id": doc})
        else:
            collection.update_many({"_id": {"$lt": doc}}, {"$set": {"many": name}, "$inc": {"k": 1}})
        yield {"did": kind}


TASKS: dict[str, Callable[..., Iterator[Event]]] = {
    task.__name__: task
    for task in (
        audits,
        branchings,
        changes,
        claims,
        counters,
        creations,
        deletions,
        digests,
        histories,
        inserts,
        late_claims,
        looks,
        misses,
        scans,
        tallies,
        transfers,
        watches,
    )
}


def main() -> None:
    """Run the task that the argument describes."""
    job = json.loads(sys.argv[1])
    speaking = threading.Lock()
    failures: list[BaseException] = []
    context = Context(Argon(job["uri"], database=job["database"]), threading.Event())

    def say(event: Any) -> None:
        with speaking:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def work() -> None:
        try:
            for event in TASKS[job["task"]](context, **job["arguments"]):
                say(event)
        except BaseException as error:
            failures.append(error)

    def listen() -> None:
        sys.stdin.readline()
        context.stopped.set()

    say("ready")
    sys.stdin.readline()
    threading.Thread(target=listen, daemon=True).start()
    threads = [threading.Thread(target=work) for _ in range(job["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


if __name__ == "__main__":
    main()
