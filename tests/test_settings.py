from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import ConfigurationError

from argon.config_files import find_upwards
from argon.errors import ArgonError, InvalidSettings
from argon.names import check_database_name
from argon.settings import Settings, load_settings, settings_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory that is also the working directory, with no setting anywhere."""
    for variable in os.environ:
        if variable.upper().startswith("ARGON_"):
            monkeypatch.delenv(variable)
    directory = (tmp_path / "home").resolve()
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.chdir(directory)
    return directory


def test_without_any_source_the_defaults_hold(home: Path) -> None:
    settings = load_settings()
    assert settings.database == "argon"
    assert settings.mongodb_uri is settings.project is settings.branch is settings.author is None


def test_arguments_go_before_the_environment_before_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "argon.yaml").write_text("{database: f, project: f, author: f}")
    monkeypatch.setenv("ARGON_DATABASE", "e")
    monkeypatch.setenv("ARGON_PROJECT", "e")
    settings = load_settings(database="a", project=None)
    assert (settings.database, settings.project, settings.author) == ("a", "e", "f")


def test_an_empty_variable_counts_as_unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "argon.yaml").write_text("author: ann")
    monkeypatch.setenv("ARGON_AUTHOR", "")
    monkeypatch.setenv("ARGON_CONFIG", "")
    assert load_settings().author == "ann"


def test_the_nearest_file_above_is_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = home / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert settings_file() is None
    (home / "argon.yaml").write_text("author: home")
    assert settings_file() == home / "argon.yaml"
    (home / "a" / "argon.yaml").write_text("author: nearer")
    assert load_settings().author == "nearer"


def test_the_search_ends_at_home(home: Path) -> None:
    (home.parent / "argon.yaml").write_text("author: stranger")
    assert settings_file() is None


def test_outside_home_the_search_ends_below_a_directory_that_all_may_write(
    home: Path, tmp_path: Path
) -> None:
    project = tmp_path / "shared" / "project"
    (project / "src").mkdir(parents=True)
    planted = tmp_path / "shared" / "argon.yaml"
    planted.write_text("mongod: ./evil")
    assert find_upwards("argon.yaml", project / "src") == planted
    planted.parent.chmod(0o1777)
    assert find_upwards("argon.yaml", project / "src") is None
    (project / "argon.yaml").touch()
    assert find_upwards("argon.yaml", project / "src") == project / "argon.yaml"


def test_argon_config_names_another_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "argon.yaml").write_text("author: ann")
    (home / "other.yaml").write_text("author: bob")
    monkeypatch.setenv("ARGON_CONFIG", "~/other.yaml")
    assert load_settings().author == "bob"
    monkeypatch.setenv("ARGON_CONFIG", "missing.yaml")
    with pytest.raises(InvalidSettings, match=r"ARGON_CONFIG names 'missing.yaml', which is no file"):
        load_settings()


def test_paths_in_the_file_are_relative_to_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "sub").mkdir()
    (home / "argon.yaml").write_text("{data_dir: data, mongod: ~/bin/mongod}")
    monkeypatch.chdir(home / "sub")
    settings = load_settings()
    assert settings.data_dir == home / "data"
    assert settings.mongod == home / "bin" / "mongod"


def test_a_project_may_bring_its_branch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "argon.yaml").write_text("{project: old, branch: older}")
    monkeypatch.setenv("ARGON_PROJECT", "shop@feature")
    assert (load_settings().project, load_settings().branch) == ("shop", "feature")
    assert load_settings(branch="main").branch == "main"


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "author:\n"])
def test_an_empty_file_or_value_sets_nothing(home: Path, content: str) -> None:
    (home / "argon.yaml").write_text(content)
    assert load_settings().author is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("databse: shop", r"unknown setting 'databse' in .*argon\.yaml: did you mean 'database'\?"),
        ("colour: red", r"unknown setting 'colour' in .*argon\.yaml: the settings are mongodb_uri, database"),
        ("project: 2026", r"wrong setting 'project' in .*argon\.yaml: it must be text: put it in quotes"),
        ("data_dir: 5", r"wrong setting 'data_dir' in .*argon\.yaml: it must be a path"),
        ("project: a b", r"wrong setting 'project' in .*argon\.yaml: invalid project name 'a b'"),
        ("branch: a..b", r"wrong setting 'branch' in .*argon\.yaml: invalid branch name"),
        ("database: admin", r"wrong setting 'database' in .*argon\.yaml: .*MongoDB's own"),
        ("- a\n- b", r"argon\.yaml must hold lines of the form 'name: value'"),
        ("just text", r"argon\.yaml must hold lines of the form 'name: value'"),
        ("1: 2", r"argon\.yaml must hold lines of the form 'name: value'"),
        ("a: 1\nb: [", r"argon\.yaml is not YAML: .* in line 2"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_file_and_the_mend(
    home: Path, content: str, complaint: str
) -> None:
    (home / "argon.yaml").write_text(content)
    with pytest.raises(InvalidSettings, match=complaint):
        load_settings()


def test_a_file_that_is_no_text_is_refused(home: Path) -> None:
    (home / "argon.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match=r"argon\.yaml cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("ARGON_MONGODB_URI", "h1:27017", r"in the environment \(ARGON_MONGODB_URI\): .* mongodb://"),
        ("ARGON_BRANCH", "a b", r"in the environment \(ARGON_BRANCH\): invalid branch name 'a b'"),
        (
            "ARGON_MONGO_URI",
            "mongodb://h",
            r"ARGON_MONGO_URI is no setting: did you mean ARGON_MONGODB_URI\?",
        ),
        ("ARGON_URI", "mongodb://h", r"ARGON_URI is no setting: did you mean ARGON_MONGODB_URI\?"),
        ("ARGON_DATADIR", "/d", r"ARGON_DATADIR is no setting: did you mean ARGON_DATA_DIR\?"),
    ],
)
def test_a_mistake_in_the_environment_is_named_with_the_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=complaint):
        load_settings()


def test_variables_of_others_are_let_be(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ARGON_SERVICE_HOST", "ARGON_PORT", "ARGON_PORT_80_TCP", "ARGON_FEATURES__WAL_ENABLED"):
        monkeypatch.setenv(variable, "x")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"uri": "mongodb://h"}, r"unknown setting 'uri' in the arguments: did you mean 'mongodb_uri'\?"),
        ({"author": 5}, r"wrong setting 'author' in the arguments: it must be text"),
        ({"database": "a.b"}, r"wrong setting 'database' in the arguments: .*1 to 63 bytes"),
    ],
)
def test_a_mistake_in_the_arguments_is_named(home: Path, arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidSettings, match=complaint):
        load_settings(**arguments)


def test_all_mistakes_are_told_at_once(home: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"'author'.*; .*'nonsense'"):
        load_settings(author=5, nonsense=1)


def test_a_wrong_setting_is_an_error_of_both_libraries(home: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(author=5)
    assert isinstance(caught.value, ArgonError)
    assert isinstance(caught.value, ConfigurationError)


def test_a_password_is_never_shown(home: Path) -> None:
    settings = load_settings(mongodb_uri="mongodb://ann:hunter2@h1/?replicaSet=rs0")
    assert settings.mongodb_uri == "mongodb://ann:hunter2@h1/?replicaSet=rs0"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)
    assert "h1/?replicaSet=rs0" in repr(settings)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(mongodb_uri="ann:hunter2@h1", author=5)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["argon", "a-b_c", "é", "x" * 63])
def test_database_names_that_mongodb_takes(name: str) -> None:
    assert check_database_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a.b", "a$b", "a/b", "a\\b", 'a"b', "a\x00", "a:b", "x" * 64, "é" * 32, "local"]
)
def test_database_names_that_mongodb_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="invalid database name"):
        check_database_name(name)
