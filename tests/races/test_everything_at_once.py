"""Writers, merges, resets, undos and garbage collection at the same time, on one branch.

Whoever comes, money is only moved: at every moment that anybody can see, there is as much as ever.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from pymongo.errors import OperationFailure

from argon import Argon, Project, WALDatabase
from argon.errors import Conflict, HistoryExpired, PointNotFound, UnsupportedOperation
from argon.gc.collect import Terms

ACCOUNTS, EACH, ROUNDS = 12, 100, 3
TERMS = Terms(retention=0.2, grace=1.5, batch=20)
Task = Callable[[Project, random.Random], None]


def accounts(database: WALDatabase[Any], session: Any = None) -> list[int]:
    return [account["n"] for account in database["accounts"].find(session=session)]


def transfer(database: WALDatabase[Any], luck: random.Random) -> None:
    giver, taker = luck.sample(range(ACCOUNTS), 2)
    # Large amounts, of which no two are alike: two sides that set a field to the same value agree in a merge.
    amount = luck.randrange(1 << 40)
    try:
        with database.commit() as group:
            group["accounts"].update_one({"_id": giver}, {"$inc": {"n": -amount}})
            group["accounts"].update_one({"_id": taker}, {"$inc": {"n": amount}})
    except OperationFailure as error:
        assert error.has_error_label("TransientTransactionError"), error  # somebody came first


def test_the_sum_is_the_same_at_every_moment(mongod_uri: str, argon: Argon, project: Project) -> None:
    main = WALDatabase(project.branch("main"))
    main["accounts"].insert_many([{"_id": number, "n": EACH} for number in range(ACCOUNTS)])
    first = main.branch.head_lsn
    main["others"].insert_one({})  # so that an undo does not reach the accounts themselves
    done, errors, ended = Counter[str](), list[BaseException](), threading.Event()

    def write(shop: Project, luck: random.Random) -> None:
        transfer(WALDatabase(shop.branch("main")), luck)

    def merge(shop: Project, luck: random.Random) -> None:
        feature = shop.create_branch(f"feature-{luck.random()}", parent="main")
        transfer(WALDatabase(feature), luck)
        try:
            shop.branch("main").merge(feature)
        finally:
            shop.delete_branch(feature.name)

    def undo(shop: Project, luck: random.Random) -> None:
        shop.branch("main").undo()

    def reset(shop: Project, luck: random.Random) -> None:
        branch = shop.branch("main")
        branch.reset(max(first, branch.head_lsn - luck.randrange(30)))

    def look(shop: Project, luck: random.Random) -> None:
        database = WALDatabase(shop.branch("main"))
        lsn = max(first, database.branch.head_lsn - luck.randrange(30))
        with database.client.start_session(snapshot=True) as session:
            latest = accounts(database, session)
        for which, seen in (("head", latest), (lsn, accounts(database.at(lsn=lsn)))):
            assert (len(seen), sum(seen)) == (ACCOUNTS, ACCOUNTS * EACH), (which, database.branch.head_lsn)
        # As MongoDB's own, a find of the present may see one half of a commit, but every document, and once.
        assert len(accounts(database)) == ACCOUNTS

    def collect(shop: Project, luck: random.Random) -> None:
        shop.gc()
        if done["collect"] >= ROUNDS:
            ended.set()

    def thread(number: int, task: Task) -> threading.Thread:
        def run() -> None:
            luck = random.Random(number)
            try:
                with Argon(mongod_uri, database=argon.database) as own:
                    own.terms = TERMS
                    shop = own.project(project.name)
                    while not ended.is_set():
                        try:
                            task(shop, luck)
                        except (Conflict, HistoryExpired, PointNotFound, UnsupportedOperation):
                            continue  # somebody came first, or the past that was asked for has gone
                        done[task.__name__] += 1
            except BaseException as error:
                errors.append(error)
                ended.set()

        return threading.Thread(target=run)

    threads = [thread(*numbered) for numbered in enumerate((write, write, merge, undo, reset, look, collect))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert {"write", "look", "collect"} <= done.keys()  # the others may have come too late every time
    assert sum(accounts(main)) == ACCOUNTS * EACH
    assert project.verify().problems == []
