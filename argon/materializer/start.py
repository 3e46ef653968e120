"""Where a verification begins: the heads of all branches at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bson import MaxKey, MinKey, ObjectId

from argon.catalog.tables import BRANCHES, PROJECTS, TAGS
from argon.errors import ProjectNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord, TagRecord
from argon.retention.held import NEVER, holds_of, read_merges, read_names
from argon.retention.marker import collections_done
from argon.wal.log import LOG
from argon.wal.transactions import patiently

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass(frozen=True)
class Start:
    """A project at one moment.

    Attributes:
        project: Its record.
        branches: Its branches' records, deleted ones too.
        gone: Branches of which garbage collection leaves nothing; what there still is of them does not count.
        heads: The last LSN of each line, the project's own included; a line's creation counts.
        last: The greatest LSN.
        tags: All its tags, by name.
        collected: Changes when garbage collection does something.
        swept: By line, the horizon up to which garbage collection has been through it.
    """

    project: ProjectRecord
    branches: dict[ObjectId, BranchRecord]
    heads: dict[ObjectId, int]
    last: int
    tags: dict[str, TagRecord] = field(default_factory=dict)
    gone: dict[ObjectId, BranchRecord] = field(default_factory=dict)
    collected: int = 0
    swept: dict[ObjectId, int] = field(default_factory=dict)

    def horizon(self, branch_id: ObjectId) -> int:
        """Return the LSN up to which a branch's line may have been compacted."""
        record = self.branches.get(branch_id)
        if record is None:
            return 0
        return NEVER if record.status == "purged" else record.horizon_lsn


def read_start(engine: Engine, project_id: ObjectId) -> Operation[Start]:
    """Read the records and the heads of a project, all as of one moment.

    Args:
        engine: The engine.
        project_id: The project.

    Raises:
        ProjectNotFound: Its record is gone.
    """

    def read() -> Operation[Start]:
        session = yield engine.client.start_session(snapshot=True)
        try:
            found = yield engine.plain[PROJECTS].find_one({"_id": project_id}, session=session)
            if found is None:
                raise ProjectNotFound(f"the record of the project {project_id} is gone")
            records = (
                yield engine.plain[BRANCHES].find({"project_id": project_id}, session=session).to_list(None)
            )
            branches = {record["_id"]: BranchRecord.model_validate(record) for record in records}
            tagged = yield engine.plain[TAGS].find({"project_id": project_id}, session=session).to_list(None)
            tags = {record["name"]: TagRecord.model_validate(record) for record in tagged}
            # What is left of a branch of which nothing is held is of no concern to anybody.
            names = yield from read_names(engine, branches, session)
            holds = holds_of(branches, names, (yield from read_merges(engine, branches, session)))
            gone = holds.gone
            branches = {key: branch for key, branch in branches.items() if key not in gone}
            collected = yield from collections_done(engine, project_id, session)
            heads: dict[ObjectId, int] = {}
            for line_id in (project_id, *branches):
                last = yield engine.plain[LOG].find_one(
                    {"branch_id": line_id},
                    projection={"lsn": 1, "prev_lsn": 1},
                    sort=[("prev_lsn", -1)],
                    session=session,
                )
                branch = branches.get(line_id)
                born = 0 if branch is None else max(branch.base_lsn, branch.created_lsn)
                # Where a link is damaged, the greater end hides no entry from the look that follows.
                known = (0, 0) if last is None else (int(last["lsn"]), int(last["prev_lsn"] or 0))
                heads[line_id] = max(*known, born)
            # Beyond every head there may be entries of a branch that has lost its record.
            keys = {"$gte": {"p": project_id, "l": MinKey()}, "$lte": {"p": project_id, "l": MaxKey()}}
            end = yield engine.plain[LOG].find_one(
                {"_id": keys}, projection={"_id": 1}, sort=[("_id", -1)], session=session
            )
            greatest = max(*heads.values(), 0 if end is None else int(end["_id"]["l"]))
            swept = {each["_id"]: int(each.get("swept", {}).get("horizon", 0)) for each in records}
            project = ProjectRecord.model_validate(found)
            return Start(project, branches, heads, greatest, tags, gone, collected, swept)
        finally:
            yield session.end_session()

    return (yield from patiently(engine.world, read))
