"""Groups of writes land whole: money is neither made nor lost, at any moment, anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import OperationFailure

from argon import WALDatabase
from tests.races.conftest import Spawn

if TYPE_CHECKING:
    from argon import Branch

ACCOUNTS = 8
TOTAL = ACCOUNTS * 1000


def test_transfers_conserve_the_total_at_every_commit(
    db: WALDatabase[Any], main: Branch, spawn: Spawn
) -> None:
    accounts = db.collection("accounts")
    accounts.insert_many([{"_id": number, "balance": 1000, "moves": 0} for number in range(ACCOUNTS)])
    opened = main.head_lsn
    clients = [spawn("transfers", threads=2, times=12, accounts=ACCOUNTS) for _ in range(3)]
    auditor = spawn("audits")
    for client in (auditor, *clients):
        client.start()
    moved = [event for client in clients for event in client.result()]
    auditor.stop()
    audits = auditor.result()

    assert len(moved) == 72
    assert audits
    assert {audit["total"] for audit in audits} == {TOTAL}
    balances = dict.fromkeys(range(ACCOUNTS), 1000)
    moves = dict.fromkeys(range(ACCOUNTS), 0)
    for event in moved:
        balances[event["giver"]] -= event["amount"]
        balances[event["taker"]] += event["amount"]
        for side in ("giver", "taker"):
            moves[event[side]] += 1
    assert {one["_id"]: (one["balance"], one["moves"]) for one in accounts.find()} == {
        number: (balances[number], moves[number]) for number in range(ACCOUNTS)
    }

    ends = {entry.commit or entry.lsn for entry in main.log(after=opened)}
    assert len(ends) == 72
    for lsn in ends:
        past = WALDatabase(main).at(lsn=lsn).collection("accounts")
        assert sum(one["balance"] for one in past.find()) == TOTAL


def test_a_lost_race_between_groups_can_be_told_and_retried(db: WALDatabase[Any]) -> None:
    accounts = db.collection("accounts")
    accounts.insert_one({"_id": 1, "balance": 1})
    with pytest.raises(OperationFailure) as lost, db.commit() as txn:
        txn.collection("accounts").find_one({"_id": 1})
        accounts.update_one({"_id": 1}, {"$set": {"by": "another"}})
        txn.collection("accounts").update_one({"_id": 1}, {"$set": {"by": "the group"}})
    assert lost.value.code == 112
    assert lost.value.has_error_label("TransientTransactionError")
    assert accounts.find_one({"_id": 1}) == {"_id": 1, "balance": 1, "by": "another"}
