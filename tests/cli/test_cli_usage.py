"""Mistakes in typing: one line that says what is wrong and what to type, before any server is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click import Context, Group

from argon_cli.main import ALIASES, COMMANDS, cli

if TYPE_CHECKING:
    from conftest import Cli

NESTED = "[" * 100_000

MISTAKES = [
    (["brnch"], "no command 'brnch' here; did you mean 'branch'"),
    (["branch", "creat"], "did you mean 'create'?"),
    (["zzz"], "there are demo, use, project"),
    (["--vresion"], "no such option '--vresion'"),
    (["find"], "missing argument 'COLLECTION'"),
    (["find", "users", "{a: 1}"], "character 2, at 'a: 1}'"),
    (["find", "users", '{"a": '], "it ends too early"),
    (["find", "users", "[]"], "'[]' is no filter"),
    (["find", "users", "7"], "'7' is no filter"),
    (["find", "users", '{"a": {"$oid": "x"}}'], '{"$oid": "x"} is no value of its type'),
    (["find", "users", '{"a": {"$date": "yesterday"}}'], "is no value of its type"),
    (["find", "users", '{"a": {"$numberDecimal": "x"}}'], "is no value of its type"),
    (["find", "users", '{"a": ' + NESTED], "nested too deeply"),
    (["find", "users", "--sort", "age:down"], "'age:down' is no sort key"),
    (["find", "users", "--sort", "age,,name"], "'' is no sort key"),
    (["find", "users", "--fields", "a,,b"], "names an empty field"),
    (["find", "users", "--limit", "-1"], "--limit"),
    (["find", "users", "--limit", "many"], "--limit"),
    (["find", "users", "--at", "2026-11-21T10:00:00"], "no time zone"),
    (["find", "users", "--at", "2026-13-21T10:00:00Z"], "is no moment"),
    (["find", "users", "--at", "main@"], "no point in time"),
    (["find", "users", "--at", "-5"], "no point in time"),
    (["find", "users", "--at", "99999999999999999999"], "is no LSN"),
    (["find", "users", "-p", ""], "may not be empty"),
    (["find", "users"], "no project is chosen"),
    (["-o", "xml", "project", "list"], "'xml' is not one of"),
    (["branch", "restore"], "either --lsn N or --time T"),
    (["branch", "restore", "--lsn", "1", "--time", "1h"], "either --lsn N or --time T"),
    (["branch", "restore", "--lsn", "0"], "--lsn"),
    (["branch", "restore", "main", "--time", "other@5"], "--time names branch other"),
    (["branch", "create", "x", "--parent", "a", "--at", "b@5"], "--at names branch b"),
    (["import", "nothing.json"], "'nothing.json' does not exist"),
    (["import", "-"], "say --collection NAME"),
    (["import", "."], "is a directory"),
    (["export"], "say --collection NAME"),
    (["features", "set", "wal_time_travel", "perhaps"], "wrong value 'perhaps'"),
    (["features", "set", "wal_time_travle", "true"], "did you mean 'wal_time_travel'?"),
    (["features", "set", "wal_enabled", '{"percent": 101}'], "percent"),
    (["completion", "tcsh"], "'tcsh' is not one of"),
    (["project", "list", "--uri", "localhost"], "begins with mongodb://"),
    (["project", "list", "--database", "a b"], "database"),
]


@pytest.mark.parametrize(
    ("arguments", "expected"), MISTAKES, ids=[" ".join(words)[:40] for words, _ in MISTAKES]
)
def test_a_mistake_gets_one_line(offline: Cli, arguments: list[str], expected: str) -> None:
    assert expected in offline.error(2, *arguments)


def test_a_file_whose_name_tells_no_format(offline: Cli) -> None:
    offline.file("data.txt", "")
    assert "say --format json|ndjson|csv|bson" in offline.error(2, "import", "data.txt")


def test_a_broken_context_file(offline: Cli) -> None:
    offline.file(".argon", "one two\n")
    assert "is no context file" in offline.error(2, "log")


def test_a_misspelt_setting(offline: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGON_DATABSE", "x")
    assert "ARGON_DATABASE" in offline.error(2, "project", "list")


def test_no_server(offline: Cli) -> None:
    line = offline.error(1, "features", "list")
    assert "no MongoDB server answers: 127.0.0.1:1" in line
    assert "--uri" in line


def test_passwords_are_not_shown(offline: Cli) -> None:
    result = offline("doctor", "--uri", "mongodb://ann:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=50")
    assert result.exit_code == 1
    assert "s3cret" not in result.output
    assert "ann" in result.output


def test_a_standalone_is_refused_in_one_line_and_the_doctor_tells_the_steps(offline: Cli) -> None:
    from argon.errors import StandaloneServer
    from argon_cli.failures import explain

    error = StandaloneServer("it is a standalone, and the data stays:\n  mongosh …\n  mongod …")
    message, code = explain(error)
    assert message == "it is a standalone, and the data stays; 'argon doctor' shows what to do, step by step"
    assert code == 1


def test_an_unexpected_error_gets_one_line_and_a_traceback_only_on_demand(
    offline: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody\nthought of it")

    monkeypatch.setattr("argon_cli.output.Output.record", broken)
    assert "unexpected ZeroDivisionError: nobody thought of it" in offline.error(1, "use")
    monkeypatch.setenv("ARGON_DEBUG", "1")
    assert "Traceback" in offline("use").stderr


def test_ctrl_c_is_quiet(offline: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("argon_cli.output.Output.record", interrupted)
    result = offline("use")
    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["branch"], ["branch", "create", "-h"]])
def test_help_is_shown(offline: Cli, arguments: list[str]) -> None:
    assert offline.ok(*arguments).startswith("Usage: argon")


def test_the_table_of_commands_tells_the_truth() -> None:
    context = Context(cli)
    for name, entry in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert entry.help.endswith(".")
    for alias, name in ALIASES.items():
        assert cli.get_command(context, alias) is cli.get_command(context, name)


def test_every_command_explains_itself_and_takes_the_global_options() -> None:
    context = Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        leaves = command.commands.values() if isinstance(command, Group) else [command]
        for leaf in leaves:
            assert leaf is not None
            assert leaf.help, name
            options = {option for parameter in leaf.params for option in parameter.opts}
            assert name == "completion" or {"--uri", "-p", "-b", "-o", "--yes", "--author"} <= options, (
                leaf.name
            )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(offline: Cli, shell: str) -> None:
    script = offline.ok("completion", shell)
    assert "_ARGON_COMPLETE" in script
    assert f"{shell}_complete" in script


def argon(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "argon_cli.main", *arguments],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_help_loads_neither_driver_nor_renderer() -> None:
    probe = (
        "import sys; sys.argv = ['argon', '--help']\n"
        "import argon_cli.main\n"
        "try: argon_cli.main.main()\n"
        "finally: print(sorted({'pymongo', 'bson', 'rich', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_commands_are_completed() -> None:
    done = argon(COMP_WORDS="argon bra", COMP_CWORD="1", _ARGON_COMPLETE="bash_complete")
    assert done.stdout == "plain,branch\n"


def complete(words: str) -> list[str]:
    done = argon(
        COMP_WORDS=f"argon {words}", COMP_CWORD=str(len(words.split(" "))), _ARGON_COMPLETE="bash_complete"
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_names_are_completed(shop: Cli) -> None:
    shop.ok("branch", "create", "feature")
    shop.ok("branch", "create", "idea")
    shop.ok("project", "create", "other")
    assert complete("use ") == ["other", "shop"]
    assert complete("use shop@f") == ["shop@feature"]
    assert complete("log ") == ["feature", "idea", "main"]
    assert complete("log -p other ") == ["main"]
    assert complete("find users -b i") == ["idea"]
    assert complete("project delete o") == ["other"]
    shop.ok("import", shop.file("a.json", "{}"), "--space", "tools", "-b", "idea")
    assert complete("find users --space t") == []
    assert complete("find users -b idea --space t") == ["tools"]
    assert complete("space show -b idea ") == ["default", "tools"]
    shop.ok("merge", "feature", "--preview", "--save", "friday")
    assert complete("plan show ") == complete("merge --plan f") == ["friday"]


def test_completion_is_silent_where_no_server_answers(offline: Cli) -> None:
    assert complete("log -p shop ") == []


def test_a_process_leaves_with_the_code_and_one_line() -> None:
    done = argon("brnch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
