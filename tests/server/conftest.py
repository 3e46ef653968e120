from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from argon.server import EmbeddedServer


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory for a server of the test's own, which is ended after it."""
    # With a blank in it: on some systems the user's data directory has one.
    directory = tmp_path / "data dir"
    yield directory
    pid = EmbeddedServer(directory).status().pid
    if pid:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def server(data_dir: Path) -> EmbeddedServer:
    """A server that was never started."""
    return EmbeddedServer(data_dir)
