"""One set of documents, plain and on branches, that the tables of cases are asked of."""

from __future__ import annotations

import pytest

from tests.applications.conftest import store
from tests.driver.conftest import Make, make_faces, shared_argon
from tests.driver.parity import Faces, with_past
from tests.surface.cases import documents

__all__ = ["Make", "make_faces", "shared_argon", "store"]


@pytest.fixture(scope="session")
def things(make_faces: Make) -> Faces:
    """Documents that nobody changes, on main, on a child, and in the past of both."""
    return with_past(make_faces(documents.INDEXES, **documents.READ))
