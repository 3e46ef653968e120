"""Random programs of operations give on a branch what they give on a plain database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Programs, Sides

if TYPE_CHECKING:
    from pymongo import MongoClient

    from argon import Argon

    from .values import Document

PROGRAMS = 12
SOAKED = 500
STEPS = 30


def test_programs(argon: Argon, client: MongoClient[Document]) -> None:
    _run(argon, client, settings(max_examples=PROGRAMS))


@pytest.mark.soak
def test_many_new_programs(argon: Argon, client: MongoClient[Document]) -> None:
    _run(argon, client, settings(max_examples=SOAKED, derandomize=False))


def _run(argon: Argon, client: MongoClient[Document], how: settings) -> None:
    class Run(Programs):
        sides = Sides(client, argon)

    run_state_machine_as_test(
        Run,
        settings=settings(
            how,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
