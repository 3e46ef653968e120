"""Making branches, on a small and on a large project."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from argon import Project, WALDatabase
from benchmarks.harness import Documents, Row, median_ms, seconds
from benchmarks.stage import USERS, Stage


def branches(stage: Stage) -> Iterator[Row]:
    """Create, restore, and first use of a branch."""
    few, many = stage.size.few, stage.size.many
    small, large = stage.filled("small", few), stage.filled("large", many)
    middle = {project.id: project.branch().head_lsn - few // 2 for project in (small, large)}

    def create(project: Project, number: int) -> None:
        project.create_branch(f"made-{number}")

    def restore(project: Project, number: int) -> None:
        project.branch().restore(lsn=middle[project.id], name=f"restored-{number}")

    def use(project: Project, number: int) -> None:
        users: Documents = WALDatabase(project.create_branch(f"used-{number}")).collection(USERS)
        assert users.find_one({"_id": number})
        assert users.update_one({"_id": number}, {"$inc": {"version": 1}}).modified_count == 1

    for title, work, must, aim in (
        ("create branch", create, 10, 3),
        ("restore to LSN", restore, 10, 3),
        ("new branch, first read and write", use, 40, 10),
    ):
        plain, argon = _compare(work, small, large, max(30, stage.size.samples // 5))
        yield Row(f"{title}: {many:,} documents", "ms", None, argon, must, aim, absolute=True)
        yield Row(f"   against {few:,} documents", "ms", plain, argon, 1.3)


def _compare(
    work: Callable[[Project, int], None], small: Project, large: Project, samples: int
) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(-3, samples):
        for project, kept in zip((small, large), times, strict=True):
            took = seconds(lambda project=project, number=number: work(project, number + 3))  # type: ignore[misc]
            if number >= 0:
                kept.append(took)
    return median_ms(times[0]), median_ms(times[1])
