from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from argon.errors import FeatureDisabled, InvalidSettings
from argon.features import FLAGS, FlagValue, Rollout, configured_flags, parse_flag_value

VARIABLE = "ARGON_FEATURES__WAL_ENABLED"


def write(directory: Path, content: str) -> Path:
    path = directory / "config" / "features.yaml"
    path.parent.mkdir()
    path.write_text(content)
    return path


def test_the_file_of_the_repository_states_the_defaults() -> None:
    flags = configured_flags({}, Path(__file__).parents[2])
    assert set(flags.file) == set(FLAGS)
    assert all(flags.setting(flag).value is True for flag in FLAGS)


def test_each_source_goes_before_the_ones_below_it(tmp_path: Path) -> None:
    path = write(tmp_path, "features: {wal_enabled: false, wal_time_travel: false, wal_create_branch: false}")
    flags = configured_flags({VARIABLE: "false"}, tmp_path).with_stored(
        {"wal_enabled": True, "wal_time_travel": True}
    )
    assert {flag: (flags.setting(flag).value, flags.source(flag)) for flag in FLAGS} == {
        "wal_enabled": (False, f"environment ({VARIABLE})"),
        "wal_time_travel": (True, "database"),
        "wal_create_branch": (False, str(path)),
        "wal_data_operations": (True, "default"),
    }


def test_the_file_is_found_from_below(tmp_path: Path) -> None:
    path = write(tmp_path, "features: {wal_enabled: false}")
    below = tmp_path / "src" / "app"
    below.mkdir(parents=True)
    assert configured_flags({}, below).source("wal_enabled") == str(path)


def test_require_names_the_file_and_the_line_to_write(tmp_path: Path) -> None:
    path = write(tmp_path, "features: {wal_enabled: false}")
    with pytest.raises(FeatureDisabled) as caught:
        configured_flags({}, tmp_path).require("wal_enabled", "shop")
    assert f"off for shop: {path} says false; to switch it on, write 'wal_enabled: true' in {path}" in str(
        caught.value
    )


@pytest.mark.parametrize("content", ["", "features:", "features: 5", "features: {dark_mode: true}", "a: 1"])
def test_a_file_of_another_program_is_left_alone(tmp_path: Path, content: str) -> None:
    write(tmp_path, content)
    assert not configured_flags({}, tmp_path).file


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            "features: {wall_enabled: true}",
            r"unknown feature flag 'wall_enabled' in .*features\.yaml: did you",
        ),
        (
            "features: {wal_enabled: true, dark: true}",
            r"'dark' in .*features\.yaml: the flags are wal_enabled",
        ),
        ("features: {wal_enabled: maybe}", r"wrong value 'maybe' for .* wal_enabled in .*features\.yaml"),
        ("features: {wal_enabled: }", r"wrong value None for .* wal_enabled in .*features\.yaml"),
        ("features: {wal_enabled: 1}", r"wrong value 1 for .* wal_enabled in .*features\.yaml"),
        ("features: [wal_enabled]", r"features\.yaml: .* are written 'wal_enabled: true'"),
        ("features: {wal_enabled: {percent: 101}}", r"wal_enabled in .*features\.yaml: percent: .*100"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    write(tmp_path, content)
    with pytest.raises(InvalidSettings, match=complaint):
        configured_flags({}, tmp_path)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "no")
    assert configured_flags().setting("wal_enabled").value is False


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert not configured_flags({VARIABLE: ""}, tmp_path).environment


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        (VARIABLE, "maybe", r"wrong value 'maybe' .* in the environment \(ARGON_FEATURES__WAL_ENABLED\)"),
        (VARIABLE, "{", r"wrong value '\{' .* in the environment"),
        (
            "ARGON_FEATURES__WAL",
            "true",
            r"unknown feature flag 'wal' in the environment \(ARGON_FEATURES__WAL\)",
        ),
        (f"{VARIABLE}__PERCENT", "5", "unknown feature flag 'wal_enabled__percent' in the environment"),
    ],
)
def test_a_mistake_in_the_environment_is_named(
    tmp_path: Path, variable: str, text: str, complaint: str
) -> None:
    with pytest.raises(InvalidSettings, match=complaint):
        configured_flags({variable: text}, tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("off", False),
        ("0", False),
        ("1", True),
        (" False ", False),
        ('{"percent": 25}', Rollout(percent=25)),
        ('{"enabled": true, "projects": ["shop"], "percent": 2.5}', Rollout(projects=("shop",), percent=2.5)),
        ("{enabled: false}", Rollout(enabled=False)),
    ],
)
def test_values_are_read_from_text(text: str, value: FlagValue) -> None:
    assert parse_flag_value("wal_enabled", text) == value


@pytest.mark.parametrize(
    ("rollout", "part"),
    [
        ("{percent: -1}", "percent"),
        ("{percent: .nan}", "percent"),
        ("{percent: true}", "percent"),
        ("{percent: '25'}", "percent"),
        ("{enabled: 1}", "enabled"),
        ("{projects: shop}", "projects"),
        ("{projects: [5]}", "projects"),
        ("{projects: ['a b']}", "projects"),
        ("{percentage: 25}", "percentage"),
    ],
)
def test_a_wrong_rollout_names_the_part_at_fault(rollout: str, part: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"wrong rollout .* wal_enabled in the arguments: {part}"):
        parse_flag_value("wal_enabled", rollout)


@pytest.mark.parametrize("value", [{"enabled": True, "percent": 25.0}, {"projects": ["a", "b"]}, {}])
def test_a_rollout_is_written_as_it_is_read(value: dict[str, Any]) -> None:
    rollout = Rollout.model_validate(value)
    assert Rollout.model_validate(rollout.as_document()) == rollout
