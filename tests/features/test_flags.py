from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argon.errors import FeatureDisabled, InvalidSettings
from argon.features import FLAGS, Flags, FlagValue, Rollout, configured_flags
from argon.features.rollout import position

names = st.from_regex(r"[a-z][a-z0-9/-]{0,20}", fullmatch=True)
percents = st.floats(0, 100)


def stored(value: FlagValue) -> Flags:
    return Flags().with_stored({"wal_enabled": value})


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_is_on_by_default(flag: str) -> None:
    assert Flags().enabled(flag, "shop", "main")
    assert Flags().source(flag) == "default"


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_decides_for_every_branch(value: bool) -> None:
    assert stored(value).enabled("wal_enabled", "shop", "main") is value
    assert stored(value).enabled("wal_enabled", "shop") is value


@pytest.mark.parametrize(
    ("rollout", "on"),
    [
        (Rollout(), True),
        (Rollout(enabled=False), False),
        (Rollout(enabled=False, projects=("shop",)), False),
        (Rollout(projects=("shop", "other")), True),
        (Rollout(projects=("other",)), False),
        (Rollout(projects=()), False),
        (Rollout(percent=0), False),
        (Rollout(projects=("shop",), percent=0), False),
        (Rollout(projects=("other",), percent=100), False),
    ],
)
def test_a_rollout_is_on_where_all_its_conditions_hold(rollout: Rollout, on: bool) -> None:
    assert stored(rollout).enabled("wal_enabled", "shop", "main") is on


@settings(deadline=None)  # the machine may be busy
@given(names, names, percents, percents)
def test_a_branch_once_on_stays_on_as_the_percentage_grows(
    project: str, branch: str, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    if stored(Rollout(percent=less)).enabled("wal_enabled", project, branch):
        assert stored(Rollout(percent=more)).enabled("wal_enabled", project, branch)


@settings(deadline=None)  # the machine may be busy
@given(names, names)
def test_nothing_and_everything_are_exact(project: str, branch: str) -> None:
    assert not Rollout(percent=0).includes(project, branch)
    assert Rollout(percent=100).includes(project, branch)


@pytest.mark.parametrize("percent", [1, 25, 50, 90])
def test_the_percentage_is_the_share_of_branches(percent: int) -> None:
    rollout = Rollout(percent=percent)
    share = sum(rollout.includes("shop", f"feature-{number}") for number in range(10_000)) / 100
    assert share == pytest.approx(percent, abs=2)


def test_the_position_of_a_branch_is_the_same_in_every_process() -> None:
    program = "from argon.features.rollout import position; print(position('shop', 'main'))"
    root = Path(__file__).parents[2]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert {float(line) for line in printed} == {position("shop", "main")}


def test_flags_at_equal_percentages_are_on_for_the_same_branches() -> None:
    flags = Flags().with_stored({flag: Rollout(percent=50) for flag in FLAGS})
    for number in range(100):
        assert len({flags.enabled(flag, "shop", f"b{number}") for flag in FLAGS}) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda f: f.enabled("wal_enable", "shop"),
        lambda f: f.source("wal_enable"),
        lambda f: f.require("wal_enable", "s"),
    ],
)
def test_a_flag_that_does_not_exist_is_an_error_and_not_off(ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        InvalidSettings, match=r"unknown feature flag 'wal_enable': did you mean 'wal_enabled'\?"
    ):
        ask(Flags())


def test_require_lets_pass_what_is_on() -> None:
    Flags().require("wal_time_travel", "shop", "main")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (
            stored(False),
            r"the feature wal_enabled is off for shop@main: database says false; "
            r"to switch it on, run 'argon features set wal_enabled true'",
        ),
        (
            stored(Rollout(projects=("other",))),
            r"database says \{'enabled': True, 'projects': \['other'\], .*; to switch it on, run",
        ),
        (
            configured_flags({"ARGON_FEATURES__WAL_ENABLED": "off"}, Path("/")),
            r"environment \(ARGON_FEATURES__WAL_ENABLED\) says false; "
            r"to switch it on, unset ARGON_FEATURES__WAL_ENABLED or set it to true",
        ),
    ],
)
def test_require_names_the_flag_the_source_and_the_mend(flags: Flags, complaint: str) -> None:
    with pytest.raises(FeatureDisabled, match=complaint):
        flags.require("wal_enabled", "shop", "main")
