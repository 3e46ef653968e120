"""Import and export: formats, mistakes half way, and the way back."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bson import encode, json_util

if TYPE_CHECKING:
    from conftest import Cli

CONTENTS = {
    "json": b'[{"_id": 1, "n": 1.5}, {"_id": 2, "n": true}]',
    "ndjson": b'{"_id": 1, "n": 1.5}\n{"_id": 2, "n": true}\n',
    "csv": b"_id,n\n1,1.5\n2,true\n",
    "bson": encode({"_id": 1, "n": 1.5}) + encode({"_id": 2, "n": True}),
}
EXPECTED = [{"_id": 1, "n": 1.5}, {"_id": 2, "n": True}]


@pytest.mark.parametrize("file_format", CONTENTS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_files_of_every_format_go_in(shop: Cli, file_format: str, packed: bool) -> None:
    content = CONTENTS[file_format]
    name = f"things.{file_format}{'.gz' if packed else ''}"
    shop.file(name, gzip.compress(content) if packed else content)
    result = shop.json("import", name)
    assert result == {"collection": "things", "branch": "main", "imported": 2, "replaced": 0, "failed": 0}
    assert shop.json("find", "things") == EXPECTED


@pytest.mark.parametrize("file_format", CONTENTS)
def test_stdin_goes_in(shop: Cli, file_format: str) -> None:
    shop.ok("import", "-", "--format", file_format, "-c", "things", input=CONTENTS[file_format])
    assert shop.json("find", "things") == EXPECTED


@pytest.mark.parametrize("file_format", ["json", "ndjson", "bson"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_round_trip_keeps_types_and_order(
    shop: Cli, every_type: dict[str, Any], file_format: str, suffix: str
) -> None:
    documents = [every_type | {"_id": number} for number in (2, 1)]
    shop.file("first.bson", b"".join(map(encode, documents)))
    shop.ok("import", "first.bson")
    name = f"second.{file_format}{suffix}"
    shop.ok("export", name, "-c", "first")
    shop.ok("import", name)
    shop.ok("export", "third.bson", "-c", "second")
    assert (shop.folder / "third.bson").read_bytes() == (shop.folder / "first.bson").read_bytes()


def test_export_to_stdout_is_alone_there(shop: Cli) -> None:
    shop.file("things.json", CONTENTS["json"])
    shop.ok("import", "things.json")
    out = shop.ok("export", "--collection", "things")
    assert [json_util.loads(line) for line in out.splitlines()] == EXPECTED
    assert json.loads(out.splitlines()[0]) == {"_id": {"$numberInt": "1"}, "n": {"$numberDouble": "1.5"}}
    assert json.loads(shop.ok("export", "-c", "things", "--format", "json", "--relaxed")) == EXPECTED


def test_export_chooses_documents_fields_order_and_point(shop: Cli) -> None:
    shop.file("things.json", '[{"_id": 1, "n": 1.5}]')
    shop.ok("import", "things.json")
    shop.file("things.json", '[{"_id": 2, "n": true}]')
    shop.ok("import", "things.json")
    first = [entry["lsn"] for entry in shop.json("log") if entry["operation"] == "insert"][-1]
    csv = ("export", "-c", "things", "--format", "csv")
    assert shop.ok(*csv) == "_id,n\n1,1.5\n2,true\n"
    assert shop.ok(*csv, "--at", first) == "_id,n\n1,1.5\n"
    assert shop.ok(*csv, "--query", '{"n": true}') == "_id,n\n2,true\n"
    assert shop.ok(*csv, "--sort", "_id:-1", "--fields", "n,x") == "n,x\ntrue,\n1.5,\n"


def test_an_export_that_fails_leaves_the_old_file(shop: Cli) -> None:
    old = shop.file("things.json", "old")
    shop.error(1, "export", "things.json", "--query", '{"a": {"$nope": 1}}')
    assert old.read_text() == "old"
    assert list(shop.folder.glob(".*.part")) == []


def test_import_in_many_batches_keeps_the_order(shop: Cli) -> None:
    shop.file("many.ndjson", "\n".join(f'{{"_id": {number}}}' for number in range(2500)))
    assert shop.json("import", "many.ndjson")["imported"] == 2500
    assert [document["_id"] for document in shop.json("find", "many")] == list(range(2500))


@pytest.mark.parametrize(
    ("bad", "code", "reason"),
    [
        ('{"_id": ', 1, "line 1501: it ends too early"),
        ('{"_id": 7}', 4, "duplicate key"),
        ('{"_id": 9e9, "n": 99999999999999999999}', 1, "8-byte ints"),
        ('{"_id": [1]}', 1, "_id"),
    ],
    ids=["unreadable", "duplicate", "too large", "refused"],
)
def test_an_import_that_breaks_off_says_how_to_go_on(shop: Cli, bad: str, code: int, reason: str) -> None:
    lines = (
        [f'{{"_id": {number}}}' for number in range(1500)]
        + [bad]
        + [f'{{"_id": {n}}}' for n in range(1500, 1510)]
    )
    shop.file("many.ndjson", "\n".join(lines))
    line = shop.error(code, "import", "many.ndjson")
    assert reason in line
    assert "1,500 were imported, '--skip 1500' goes on from there" in line
    assert shop.json("count", "many") == {"count": 1500}
    lines[1500] = '{"_id": "mended"}'
    shop.file("many.ndjson", "\n".join(lines))
    assert shop.json("import", "many.ndjson", "--skip", "1500")["imported"] == 11
    assert shop.json("count", "many") == {"count": 1511}


def test_ctrl_c_says_how_to_go_on(shop: Cli) -> None:
    command = [sys.executable, "-m", "argon_cli.main", "import", "-", "--format", "ndjson", "-c", "many"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin
    # One batch and a little more, and then nothing: the process waits for input.
    process.stdin.write("".join(f'{{"_id": {number}}}\n' for number in range(1010)))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while shop.json("count", "many") != {"count": 1000} and time.monotonic() < deadline:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "1,000 were imported, '--skip 1000' goes on from there\n")


def test_documents_with_mistakes_are_left_out_on_demand(shop: Cli) -> None:
    shop.file(
        "many.ndjson", '{"_id": 1}\n{"_id": 1}\noops\n{"_id": 2, "n": 99999999999999999999}\n{"_id": 3}\n'
    )
    result = shop("import", "many.ndjson", "--on-error", "skip", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) | {"imported": 2, "failed": 3} == json.loads(result.stdout)
    assert result.stderr.count("left out: ") == 3
    assert [document["_id"] for document in shop.json("find", "many")] == [1, 3]


def test_upsert_replaces_by_id(shop: Cli) -> None:
    shop.file("things.json", '{"_id": 1, "old": 1}{"_id": 2, "old": 1}')
    shop.ok("import", "things.json")
    shop.file("things.json", '{"_id": 2, "new": 1}{"_id": 3, "new": 1}{"new": 2}')
    result = shop.json("import", "things.json", "--upsert")
    assert (result["imported"], result["replaced"]) == (3, 1)
    found = shop.json("find", "things", '{"_id": {"$type": "number"}}')
    assert found == [{"_id": 1, "old": 1}, {"_id": 2, "new": 1}, {"_id": 3, "new": 1}]


def test_drop_begins_anew_but_not_for_a_file_that_cannot_be_read(shop: Cli) -> None:
    shop.file("things.json", CONTENTS["json"])
    shop.ok("import", "things.json")
    shop.file("things.json", "oops")
    assert "nothing was imported" in shop.error(1, "import", "things.json", "--drop")
    assert shop.json("count", "things") == {"count": 2}
    shop.file("things.json", '{"_id": 9}')
    shop.ok("import", "things.json", "--drop")
    assert shop.json("find", "things") == [{"_id": 9}]
    shop.error(2, "import", "things.json", "--drop", "--skip", "1")


@pytest.mark.parametrize("name", ["no.json.gz", "cut.json.gz"])
def test_damaged_gzip(shop: Cli, name: str) -> None:
    packed = gzip.compress(b'{"_id": 1}' * 1000)
    shop.file(name, packed[: len(packed) // 2] if name.startswith("cut") else b"{}")
    assert "was imported" in shop.error(1, "import", name) or name.startswith("cut")


def test_wrong_targets(shop: Cli) -> None:
    shop.file("things.json", CONTENTS["json"])
    shop.error(3, "import", "things.json", "-p", "nope")
    shop.error(3, "import", "things.json", "-b", "nope")
    shop.error(2, "import", "things.json", "-c", "a$b")
    assert shop.json("count", "things") == {"count": 0}


@pytest.mark.parametrize("file_format", CONTENTS)
def test_a_reader_of_an_export_may_leave_early(shop: Cli, file_format: str) -> None:
    shop.file("many.ndjson", "\n".join(f'{{"a": "{"x" * 500}"}}' for _ in range(3000)))
    shop.ok("import", "many.ndjson")
    command = f"{sys.executable} -m argon_cli.main export -c many --format {file_format} | head -c 5 | wc -c"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.stderr) == ("5", "")


def test_export_of_a_folder_that_is_not_there(shop: Cli) -> None:
    assert "there is no folder no" in shop.error(1, "export", str(Path("no", "things.json")))
