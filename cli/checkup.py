"""The checks of ``argon doctor``; each looks at one thing and changes nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from pymongo import DESCENDING
from pymongo.errors import PyMongoError

from argon.catalog.tables import BRANCHES, PROJECTS
from argon.errors import ArgonError
from argon.server import EmbeddedServer, check_server, redact_uri
from argon.wal.log import LOG, indexes
from argon_cli.context import Context
from argon_cli.failures import explain
from argon_cli.flags import flags_in_force

OK, WARN, FAIL = "ok", "warn", "fail"
GIGABYTE = 1 << 30
LITTLE_SPACE, NO_SPACE = 5 * GIGABYTE, GIGABYTE // 2
CLOCK_TOLERANCE = 1.0
CHAIN_LENGTH = 1000
"""Entries looked at on each branch: a quick check; ``argon verify`` reads them all."""


class Check(NamedTuple):
    """What a check found."""

    check: str
    state: str
    found: str
    mend: str | None = None


def checkup(context: Context) -> list[Check]:
    """Run the checks in order; what needs a server is left out where there is none.

    Args:
        context: What the command line works on.
    """
    found = []
    for name, look in CHECKS:
        try:
            check = look(context)
        except (ArgonError, PyMongoError, OSError) as error:
            check = (FAIL, explain(error)[0], _steps(error))
        found.append(Check(name, *check))
        if name in _FOUNDATIONS and check[0] == FAIL:
            break
    return found


Finding = tuple[str, str, str | None]


def _settings(context: Context) -> Finding:
    named = context.settings.mongodb_uri
    return (
        OK,
        f"MongoDB {redact_uri(named)}" if named else "no server is named: the embedded one is used",
        None,
    )


def _server(context: Context) -> Finding:
    version = context.client.server_info()["version"]
    return OK, f"MongoDB {version} answers", None


def _replica_set(context: Context) -> Finding:
    hello = context.client.admin.command("hello")
    check_server(hello, context.uri)
    return OK, f"replica set {hello.get('setName') or '(sharded cluster)'}", None


def _disk(context: Context) -> Finding:
    if context.settings.mongodb_uri:
        place = "the server's disk"
        sizes = context.client["admin"].command("dbStats")
        if "fsTotalSize" not in sizes:
            return OK, "the servers' disks cannot be seen from here", None
        free = sizes["fsTotalSize"] - sizes["fsUsedSize"]
    else:
        folder = EmbeddedServer(context.settings.data_dir).data_dir
        place = f"the disk of {folder}"
        free = shutil.disk_usage(folder).free
    state = FAIL if free < NO_SPACE else WARN if free < LITTLE_SPACE else OK
    mend = None if state == OK else f"make room on {place}: MongoDB stops where none is left"
    return state, f"{free / GIGABYTE:.1f} GB free on {place}", mend


def _clock(context: Context) -> Finding:
    before = time.time()
    server = context.client.admin.command("hello")["localTime"].timestamp()
    after = time.time()
    offset = server - (before + after) / 2
    if abs(offset) <= CLOCK_TOLERANCE:
        return OK, f"the server's clock agrees within {CLOCK_TOLERANCE:.0f} s", None
    side = "ahead of" if offset > 0 else "behind"
    return (
        WARN,
        f"the server's clock is {abs(offset):.1f} s {side} this machine's",
        "times in the log are the server's; set both by NTP, or restore by LSN",
    )


def _flags(context: Context) -> Finding:
    off = [flag for flag, setting in _flag_settings(context) if setting is not True]
    return (
        (WARN, f"not plainly on: {', '.join(off)}", "'argon features list' says why")
        if off
        else (OK, "all on", None)
    )


def _flag_settings(context: Context) -> Iterator[tuple[str, Any]]:
    from argon.features import FLAGS

    flags = flags_in_force(context)
    for flag in FLAGS:
        yield flag, flags.setting(flag).value


def _log_indexes(context: Context) -> Finding:
    database = context.client[context.settings.database]
    if LOG not in database.list_collection_names():
        return OK, "nothing is stored yet", None
    present = {
        (tuple(index["key"].items()), bool(index.get("unique"))) for index in database[LOG].list_indexes()
    }
    missing = [
        ", ".join(field for field, _ in keys)
        for keys, options in indexes()
        if (tuple(keys), bool(options.get("unique"))) not in present
    ]
    if not missing:
        return OK, f"{LOG} has its indexes", None
    return (
        FAIL,
        f"{LOG} lacks its unique index on {'; '.join(missing)}: writes are not safe",
        "stop all writers, run 'argon verify', then create the index again",
    )


def _chain(context: Context) -> Finding:
    database = context.client[context.settings.database]
    looked_at = 0
    for branch in database[BRANCHES].find({"status": "active"}):
        newest = database[LOG].find(
            {"branch_id": branch.get("line") or branch["_id"], "prev_lsn": {"$type": "number"}},
            {"lsn": 1, "prev_lsn": 1},
            sort=[("prev_lsn", DESCENDING)],
            limit=CHAIN_LENGTH + 1,
        )
        entries = list(newest)
        looked_at += len(entries)
        for later, earlier in pairwise(entries):
            if later["prev_lsn"] != earlier["lsn"]:
                return _broken(database, branch, later)
        # A branch that a large commit has moved begins anew where its earlier line ends.
        base = branch["lineage"][0]["fork"] if branch.get("line") else branch["base_lsn"]
        if entries and len(entries) <= CHAIN_LENGTH and entries[-1]["prev_lsn"] != base:
            return _broken(database, branch, entries[-1])
    return OK, f"the newest {looked_at:,} entries follow one another", None


def _broken(database: Any, branch: dict[str, Any], entry: dict[str, Any]) -> Finding:
    owner = database[PROJECTS].find_one({"_id": branch["project_id"]}) or {"name": branch["project_id"]}
    return (
        FAIL,
        f"branch {owner['name']}@{branch['name']}: before LSN {entry['lsn']} stood LSN {entry['prev_lsn']}, "
        "and that entry is missing",
        f"'argon verify {owner['name']}' shows the extent; restore wal_log from a backup",
    )


def _context_names(context: Context) -> Finding:
    chosen, branch = context.project_setting, context.branch_setting
    if not chosen.value:
        return OK, "no project is chosen", None
    names = [each.name for each in context.argon.projects()]
    if chosen.value not in names:
        return (
            WARN,
            f"project {chosen.value!r} (from {chosen.source}) does not exist",
            f"'argon use PROJECT' chooses another: {', '.join(names) or 'there is none yet'}",
        )
    branches = [each.name for each in context.project.branches()]
    name = context.branch_name
    if name not in branches:
        return (
            WARN,
            f"project {chosen.value} has no branch {name!r} (from {branch.source})",
            f"'argon use {chosen.value}@BRANCH' chooses another: {', '.join(branches)}",
        )
    return OK, f"{chosen.value}@{name} exists", None


def _steps(error: BaseException) -> str | None:
    """Return the remedy that a server's error spells out below its first line."""
    rest = str(error).partition("\n")[2]
    return rest or None


CHECKS: list[tuple[str, Callable[[Context], Finding]]] = [
    ("settings", _settings),
    ("server", _server),
    ("replica set", _replica_set),
    ("disk", _disk),
    ("clock", _clock),
    ("feature flags", _flags),
    ("log indexes", _log_indexes),
    ("log chain", _chain),
    ("context", _context_names),
]
_FOUNDATIONS = {"settings", "server", "replica set"}
