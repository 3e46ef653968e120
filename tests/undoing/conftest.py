"""What these tests ask of a branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argon import Project


@pytest.fixture
def state() -> Callable[[Any], dict[str, Any]]:
    """All that users can see of a branch: kinds, options, indexes, documents."""

    def read(database: Any) -> dict[str, Any]:
        return {
            each["name"]: (
                each["type"],
                each["options"],
                database[each["name"]].index_information() if each["type"] == "collection" else {},
                {document["_id"]: document for document in database[each["name"]].find()},
            )
            for each in database.list_collections()
            if not each["name"].startswith("system.")
        }

    return read


@pytest.fixture
def sound(project: Project) -> Callable[..., bool]:
    """Whether log and rows agree; with ``rebuilt`` also after the rows were built anew from the log."""

    def check(*, rebuilt: bool = False) -> bool:
        before = project.verify()
        if rebuilt:
            project.rebuild()
        return before.ok and (not rebuilt or project.verify().ok)

    return check
