from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from argon.errors import FeatureDisabled
from argon.features import FlagsInForce, Rollout, in_force
from argon.io import run

WRITES = ("wal_data_operations", "shop", "main")


class Clock:
    """A clock that stands still until it is set."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(in_force, "time", clock)
    return clock


@pytest.fixture
def here(plain_db: Database[dict[str, Any]], clock: Clock) -> FlagsInForce:
    """The flags of this process."""
    return FlagsInForce(plain_db["features"])


@pytest.fixture
def elsewhere(plain_db: Database[dict[str, Any]], clock: Clock) -> FlagsInForce:
    """Those of another one, by the same clock."""
    return FlagsInForce(plain_db["features"])


def is_required(flags: FlagsInForce) -> bool:
    try:
        run(flags.require(*WRITES))
    except FeatureDisabled:
        return False
    return True


def test_who_sets_a_flag_sees_it_at_once(here: FlagsInForce) -> None:
    assert is_required(here)
    run(here.store("wal_data_operations", False))
    assert not is_required(here)
    assert not run(here.enabled(*WRITES))
    assert run(here.unset("wal_data_operations"))
    assert is_required(here)
    assert not run(here.unset("wal_data_operations"))


def test_another_process_sees_it_within_two_seconds(
    here: FlagsInForce, elsewhere: FlagsInForce, clock: Clock
) -> None:
    assert is_required(elsewhere)
    run(here.store("wal_enabled", False))
    assert is_required(elsewhere), "flags were read again although they had just been read"
    clock.now += 2.1
    assert not is_required(elsewhere)
    run(here.unset("wal_enabled"))
    clock.now += 2.1
    assert is_required(elsewhere)


def test_flags_are_read_now_where_that_is_asked_for(here: FlagsInForce, elsewhere: FlagsInForce) -> None:
    assert run(elsewhere.current()).enabled(*WRITES)
    run(here.store("wal_data_operations", False))
    assert not run(elsewhere.current(fresh=True)).enabled(*WRITES)
    assert not is_required(elsewhere)


def test_one_branch_does_not_answer_for_another(here: FlagsInForce) -> None:
    run(here.store("wal_data_operations", Rollout(projects=("shop",))))
    assert is_required(here)
    with pytest.raises(FeatureDisabled, match="wal_data_operations is off for stock@main"):
        run(here.require("wal_data_operations", "stock", "main"))
