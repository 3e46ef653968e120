"""Finding a mongod, and what is said where there is none that runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argon.errors import EmbeddedServerError
from argon.server import EmbeddedServer
from argon.server.directory import DataDirectory
from argon.server.launch import Launched, launch_error
from argon.server.locate import find_mongod, probe_version


def program(path: Path, script: str = "exit 0", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mongod named, none on PATH."""
    monkeypatch.delenv("ARGON_MONGOD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed wheel whose program lost its run bit."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    return program(tmp_path / "site/fiftyone/db/bin/mongod", mode=0o644)


def test_one_that_is_named_comes_before_path_and_path_before_the_wheel(
    tmp_path: Path, directory: DataDirectory, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_mongod(directory) == wheel
    on_path = program(tmp_path / "bin/mongod")
    assert find_mongod(directory) == on_path
    named = program(tmp_path / "elsewhere/mongod-8")
    monkeypatch.setenv("ARGON_MONGOD", str(named))
    assert find_mongod(directory) == named


def test_the_wheel_is_found_without_running_its_code(
    tmp_path: Path, directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    found = program(site / "fiftyone/db/bin/mongod")
    for package in ("fiftyone", "fiftyone/db"):
        (site / package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(site)
    assert find_mongod(directory) == found


def test_a_wheel_without_run_bit_gets_it(directory: DataDirectory, wheel: Path) -> None:
    assert os.access(find_mongod(directory), os.X_OK)
    assert os.access(wheel, os.X_OK)


def test_a_wheel_that_cannot_be_changed_is_copied_once(
    directory: DataDirectory, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chmod = Path.chmod

    def refuse(path: Path, mode: int, **options: bool) -> None:
        if path == wheel:
            raise PermissionError(1, "Operation not permitted")
        chmod(path, mode, **options)

    monkeypatch.setattr(Path, "chmod", refuse)
    copy = find_mongod(directory)
    assert copy == directory.program
    assert copy.read_bytes() == wheel.read_bytes()
    assert os.access(copy, os.X_OK)
    inode = copy.stat().st_ino
    assert find_mongod(directory) == copy
    assert copy.stat().st_ino == inode
    wheel.write_text("#!/bin/sh\necho a newer one\n")
    assert find_mongod(directory).read_bytes() == wheel.read_bytes()


def test_none_at_all_is_an_error_that_names_every_way_out(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.server.locate.find_spec", lambda name: None)
    with pytest.raises(EmbeddedServerError) as raised:
        EmbeddedServer(directory.root).start()
    for way in (
        "ARGON_MONGODB_URI",
        "PATH",
        "ARGON_MONGOD=",
        "docker compose",
        "pip install 'argon[embedded]'",
    ):
        assert way in str(raised.value)


def test_another_platform_is_told_that_the_wheel_is_not_for_it(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.server.locate.find_spec", lambda name: None)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(EmbeddedServerError, match=r"x86-64, and this is .* on aarch64"):
        find_mongod(directory)


def test_a_wrong_name_is_shown(directory: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGON_MONGOD", "/nowhere/mongod")
    with pytest.raises(EmbeddedServerError, match="ARGON_MONGOD is '/nowhere/mongod'"):
        find_mongod(directory)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'mongod: error while loading shared libraries: libcurl.so.4: "
            "cannot open shared object file: "
            "No such file or directory' >&2; exit 127",
            r"libcurl\.so\.4 is missing \(apt install libcurl4\)",
        ),
        (
            'echo "mongod: /lib/libc.so.6: version \\`GLIBC_2.35\' not found" >&2; exit 1',
            r"it needs GLIBC 2\.35",
        ),
        ("kill -ILL $$", "AVX"),
        ("echo 'db version v4.4.29'", r"is v4\.4\.29; Argon needs MongoDB 6\.0"),
        ("echo hello", "is no MongoDB server"),
    ],
)
def test_a_program_that_cannot_serve_says_why_before_it_touches_any_data(
    tmp_path: Path, directory: DataDirectory, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setenv("ARGON_MONGOD", str(program(tmp_path / "mongod", script)))
    with pytest.raises(EmbeddedServerError, match=said) as raised:
        EmbeddedServer(directory.root).start()
    assert "ARGON_MONGODB_URI" in str(raised.value)
    assert list(directory.database.iterdir()) == []


def test_a_program_for_another_system_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "mongod"
    broken.write_bytes(b"\x7fELF no more than the first bytes")
    broken.chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="cannot be run"):
        probe_version(broken)


@pytest.mark.parametrize(
    ("launched", "remedy"),
    [
        (Launched(14, "WiredTiger error: No space left on device"), "is full: free some space"),
        (Launched(62, "Wrong mongod version"), "written by another version of MongoDB: set ARGON_MONGOD"),
        (Launched(100, "Permission denied"), "belong to another user"),
    ],
)
def test_known_causes_have_their_remedy(directory: DataDirectory, launched: Launched, remedy: str) -> None:
    message = str(launch_error(directory, launched))
    assert remedy in message
    assert launched.said in message
