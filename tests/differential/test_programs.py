"""Random programs of operations give on a branch what they give on a plain database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Programs, Sides

if TYPE_CHECKING:
    from pymongo import MongoClient

    from argon import Argon

    from .values import Document

EXAMPLES = 60
STEPS = 30
FACTOR = float(os.environ.get("ARGON_TEST_EXAMPLES", "1"))
"""Multiplies the number of programs, for soaks, which also draw new ones each time."""


@pytest.mark.soak
def test_programs(argon: Argon, client: MongoClient[Document]) -> None:
    class Run(Programs):
        sides = Sides(client, argon)

    run_state_machine_as_test(
        Run,
        settings=settings(
            max_examples=max(1, int(EXAMPLES * FACTOR)),
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=FACTOR == 1,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
