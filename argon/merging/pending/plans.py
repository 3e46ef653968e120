"""Plans of merges, stored under names."""

from __future__ import annotations

from typing import Any

from bson import MaxKey
from bson.codec_options import CodecOptions
from pymongo.errors import InvalidOperation

from argon.catalog.merges import PLANS
from argon.engine.handle import Handle
from argon.errors import MergeNotFound
from argon.io import Operation
from argon.merging.pending.answers import storable
from argon.merging.plan import MergePlan
from argon.names import check_tag_name


def save_plan(handle: Handle, name: str, plan: MergePlan) -> Operation[None]:
    """Store a plan, in place of one that had the name.

    Raises:
        InvalidName: It is no name.
        InvalidOperation: Its strategy has a callable, or it is for another branch.
    """
    check_tag_name(name)
    if plan.target_id != handle.line.record.id:
        raise InvalidOperation(f"the plan is for {plan.target!r}: save it on that branch")
    if storable(plan.strategy) != plan.strategy:
        raise InvalidOperation("a strategy that is a callable cannot be stored: name ours or theirs instead")
    document = {"_id": _key(handle, name), "plan": plan.as_document()}
    yield _table(handle).replace_one({"_id": document["_id"]}, document, upsert=True)


def load_plan(handle: Handle, name: str) -> Operation[MergePlan]:
    """Return a plan.

    Raises:
        MergeNotFound: There is none of this name; the message lists what there is.
    """
    found = yield _table(handle).find_one({"_id": _key(handle, name)})
    if found is None:
        names = ", ".join((yield from plans(handle))) or "none"
        raise MergeNotFound(
            f"no merge into {handle.line.record.name!r} was planned as {name!r}; there is: {names}"
        )
    return MergePlan.from_document(found["plan"])


def delete_plan(handle: Handle, name: str) -> Operation[None]:
    """Forget a plan.

    Raises:
        MergeNotFound: There is none of this name.
    """
    yield from load_plan(handle, name)
    yield _table(handle).delete_one({"_id": _key(handle, name)})


def plans(handle: Handle) -> Operation[dict[str, MergePlan]]:
    """Return the plans of merges into a branch, by their names."""
    first = {"b": handle.line.record.id}
    query = {"_id": {"$gte": first, "$lt": {**first, "~": MaxKey()}}}
    found = yield _table(handle).find(query).sort("_id", 1).to_list(None)
    return {each["_id"]["name"]: MergePlan.from_document(each["plan"]) for each in found}


def _table(handle: Handle) -> Any:
    plain: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    return handle.line.engine.plain.get_collection(PLANS, codec_options=plain)


def _key(handle: Handle, name: str) -> dict[str, Any]:
    return {"b": handle.line.record.id, "name": name}
