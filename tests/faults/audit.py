"""An audit that trusts nothing but the log's written rules and the public reading interface.

It walks each branch's chain of entries, replays them, and holds the result
against what readers get, now and at the ends of commits. Then it lets Argon's
own verification look at the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bson

from argon import WALDatabase

if TYPE_CHECKING:
    from bson import ObjectId

    from argon import Argon

Entry = dict[str, Any]
State = dict[str, dict[bytes, bytes]]
_MOST_COMMITS = 12


def audit(argon: Argon, project: str = "shop") -> None:
    """Check that log and documents agree everywhere, and that the log is whole.

    Args:
        argon: Where the project is; nobody may be writing to it.
        project: Its name.
    """
    shop = argon.project(project)
    log = argon.mongo[argon.database]["wal_log"]
    entries = list(log.find({"project_id": shop.id}).sort("lsn", 1))
    assert len({entry["lsn"] for entry in entries}) == len(entries)
    lines: dict[ObjectId, list[Entry]] = {}
    for entry in entries:
        lines.setdefault(entry["branch_id"], []).append(entry)
    branches = {branch.id: branch for branch in shop.branches()}
    for branch in branches.values():
        _check_chain(lines[branch.id], branch.base_lsn)
    for branch in branches.values():
        own = [entry for entry in lines[branch.id] if entry["prev_lsn"] is not None]
        ends = sorted({entry.get("commit", entry["lsn"]) for entry in own})
        step = max(1, len(ends) // _MOST_COMMITS)
        for lsn in ends[::step]:
            _compare(_replay(branch, branches, lines, lsn), WALDatabase(branch).at(lsn=lsn), lsn)
        head = ends[-1] if ends else branch.base_lsn
        _compare(_replay(branch, branches, lines, head), WALDatabase(branch), head)
    report = shop.verify()
    assert not report.problems, report.problems[:3]


def _check_chain(line: list[Entry], base: int) -> None:
    """Check that every entry names the one before it, and that commits are whole and in order."""
    births = [entry for entry in line if entry["prev_lsn"] is None]
    assert [entry["operation"] for entry in births] == ["create_branch"]
    previous, time = base, births[0]["timestamp"]
    for entry in line[1:]:
        assert entry["prev_lsn"] == previous, "the chain is broken"
        assert entry["lsn"] > previous
        assert entry["timestamp"] >= time, "time runs backwards"
        previous, time = entry["lsn"], entry["timestamp"]
    commits: dict[int, list[int]] = {}
    for place, entry in enumerate(line[1:]):
        if "commit" in entry:
            commits.setdefault(entry["commit"], []).append(place)
    for end, places in commits.items():
        assert line[1:][places[-1]]["lsn"] == end, "a commit has lost its end"
        assert places == list(range(places[0], places[-1] + 1)), "a commit is interspersed"


def _replay(branch: Any, branches: Mapping[Any, Any], lines: Mapping[Any, list[Entry]], lsn: int) -> State:
    parent = branches.get(branch.parent_id)
    state: State = {} if parent is None else _replay(parent, branches, lines, min(lsn, branch.base_lsn))
    for entry in lines[branch.id]:
        if entry["prev_lsn"] is None or entry["lsn"] > lsn:
            continue
        operation, name = entry["operation"], entry.get("collection", "")
        if operation == "create_collection":
            assert name not in state, "a collection was created twice"
            state[name] = {}
        elif operation == "drop_collection":
            del state[name]
        elif operation == "rename_collection":
            state[entry["document"]["name"]] = state.pop(name)
        elif operation in ("insert", "update", "delete"):
            _apply(state[name], operation, entry)
    return state


def _apply(documents: dict[bytes, bytes], operation: str, entry: Entry) -> None:
    key = bson.encode({"": entry["document_id"]})
    if operation == "insert":
        assert key not in documents, "a document was inserted twice"
    else:
        assert documents.pop(key) == bson.encode(_before(entry)), "a change was lost between two others"
    if operation != "delete":
        documents[key] = bson.encode(entry["document"])


def _before(entry: Entry) -> dict[str, Any]:
    """Return the pre-image: as it is, or as the fields in which it differs from the post-image."""
    if "old_document" in entry:
        return dict(entry["old_document"])
    return {field: entry["old_fields"].get(field, value) for field, value in entry["document"].items()}


def _compare(expected: State, db: WALDatabase[Any], lsn: int) -> None:
    assert sorted(db.list_collection_names()) == sorted(expected), lsn
    for name, documents in expected.items():
        found = {bson.encode({"": one["_id"]}): bson.encode(one) for one in db.collection(name).find()}
        assert found == documents, (name, lsn)
