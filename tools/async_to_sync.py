"""Generates the synchronous face (``argon/driver``) from the asynchronous one (``argon/aio``).

The two differ in words only: ``await`` and ``async`` go, and names lose their
``Async``. What differs in more than words is in modules written for each
world, which are left alone. Edits are made token by token on the source as it
stands, so that comments and layout survive; ruff then puts the lines and the
imports in order.

    python tools/async_to_sync.py            write what has changed
    python tools/async_to_sync.py --check    only say what has, and fail if anything has
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE, TARGET = ROOT / "argon" / "aio", ROOT / "argon" / "driver"
BY_HAND = {"__init__.py", "_embedded.py", "_latent.py", "_motor.py", "_world.py", "expiry.py", "motor.py"}

NAMES = {
    "aio": "driver",
    "asynchronous": "synchronous",
    "asynccontextmanager": "contextmanager",
    "run_async": "run",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
}
_PREFIX = re.compile(r"^(_?)Async(?=[A-Z])")

_PROSE = (
    (re.compile(r"\b([Aa])n Async(?=[B-DF-HJ-NP-TV-Z])"), r"\1 "),
    (re.compile(r"\bAsync(?=[A-Z])"), ""),
    (re.compile(r"\bargon\.aio\.(?=[A-Z])"), "argon."),
    (re.compile(r"\bargon\.aio\b"), "argon.driver"),
    (re.compile(r"\bpymongo\.asynchronous\."), "pymongo."),
)
"""What is replaced in strings, where the articles and the public names of modules count."""

_TEXT = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}

Place = tuple[int, int]
Edit = tuple[Place, Place, str]


def convert(source: str) -> str:
    """Return the synchronous form of a module, in need of formatting."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = source.splitlines(keepends=True)
    # From the end, so that the places of what is still to come stay true.
    for start, end, text in sorted(_edits(tokens), reverse=True):
        (row, first), (last_row, last) = start, end
        head, tail = lines[row - 1][:first], lines[last_row - 1][last:]
        lines[row - 1 : last_row] = [head + text + tail]
    return "".join(lines)


def _edits(tokens: list[tokenize.TokenInfo]) -> Iterator[Edit]:
    for number, token in enumerate(tokens):
        if token.type == tokenize.NAME and token.string in ("async", "await"):
            following = tokens[number + 1]
            yield token.start, following.start, ""
            closing = _parenthesis(tokens, number)
            if closing is not None:
                opening = tokens[number - 1]
                yield opening.start, opening.end, ""
                yield tokens[closing].start, tokens[closing].end, ""
        elif token.type == tokenize.NAME:
            text = NAMES.get(token.string) or _PREFIX.sub(r"\1", token.string)
            if text != token.string:
                yield token.start, token.end, text
        elif token.type in _TEXT:
            text = token.string
            for pattern, replacement in _PROSE:
                text = pattern.sub(replacement, text)
            if text != token.string:
                yield token.start, token.end, text


def _parenthesis(tokens: list[tokenize.TokenInfo], number: int) -> int | None:
    """Return where the parenthesis around an ``await`` closes, if it is there for the ``await`` alone."""
    before = tokens[number - 2]
    is_call = before.type == tokenize.NAME and before.string not in ("await", "return", "in", "not", "or")
    if tokens[number - 1].string != "(" or is_call or before.string in (")", "]"):
        return None
    depth = 0
    for place in range(number + 1, len(tokens)):
        token = tokens[place]
        if token.string in ("(", "[", "{"):
            depth += 1
        elif token.string in (")", "]", "}"):
            if depth == 0:
                return place
            depth -= 1
        elif depth == 0 and token.string != "." and token.type != tokenize.NAME:
            return None
    return None


def generate(path: Path) -> str:
    """Return the text of the module that is generated from another one."""
    origin = path.relative_to(ROOT).as_posix()
    tool = Path(__file__).relative_to(ROOT).as_posix()
    text = f"# Generated from {origin} by {tool}: edit that.\n\n{convert(path.read_text())}"
    name = str(TARGET / path.name)
    text = _ruff(text, "check", "--quiet", "--select", "I", "--fix-only", "--stdin-filename", name, "-")
    return _ruff(text, "format", "--quiet", "--stdin-filename", name, "-")


def _ruff(text: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def main() -> int:
    """Write or check the generated modules.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a module is out of date")
    check = parser.parse_args().check
    sources = sorted(path for path in SOURCE.glob("*.py") if path.name not in BY_HAND)
    stale = []
    for path in sources:
        target, text = TARGET / path.name, generate(path)
        if not target.exists() or target.read_text() != text:
            stale.append(target)
            if not check:
                target.write_text(text)
    known = {path.name for path in sources} | BY_HAND
    for path in sorted(path for path in TARGET.glob("*.py") if path.name not in known):
        stale.append(path)
        if not check:
            path.unlink()
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}\n")
    if check and stale:
        sys.stderr.write("run 'make format', or python tools/async_to_sync.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
