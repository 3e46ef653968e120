"""Operations made independent of the order in which documents are found.

On a branch without a parent documents come in the order of insertion, as they
do in a plain collection. Elsewhere, and with indexes, which of several is
"the first" is up to the server: there, an operation whose outcome hangs on
that is narrowed to one document before it is compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from .operations import Op
from .outcomes import observe
from .queries import VIEW
from .values import Document


def settled_op(database: Database[Document], name: str, op: Op, *, ordered: bool, session: Any = None) -> Op:
    """Narrow an operation where MongoDB promises no order.

    Args:
        database: The plain database, as it is before the operation.
        name: The collection.
        op: The operation.
        ordered: Whether documents come in the order of insertion.
        session: The session of a transaction that the operation is part of.
    """
    if name == VIEW or op.method == "aggregate":
        return op
    plain = database[name]
    if ordered and len(list(plain.list_indexes())) < 2:
        return op
    if op.method == "bulk_write":
        return replace(op, args=([_narrowed(plain, request, always=True) for request in op.args[0]],))
    if op.method == "update_many" and session is None:
        return _narrowed(plain, op) if _fails(plain, op) else op
    return _narrowed(plain, op, session)


def _fails(plain: Any, op: Op) -> bool:
    with plain.database.client.start_session() as session, session.start_transaction():
        fails = observe(lambda: op.on(plain, session=session), {}).failed
        session.abort_transaction()
    return fails


def _narrowed(plain: Any, op: Op, session: Any = None, *, always: bool = False) -> Op:
    if op.method in ("insert_one", "delete_many") or "find" in op.method or op.filter is None:
        return op
    try:
        found = list(plain.find(op.filter, {"_id": 1}, limit=2))
        if session is not None:  # which an error would have ended
            found = list(plain.find(op.filter, {"_id": 1}, limit=2, session=session))
    except PyMongoError:
        return op
    if len(found) > 1 or always:
        return op.narrowed(found[0]["_id"] if found else 1)
    return op
