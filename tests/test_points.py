from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from bson.int64 import Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from argon import names
from argon.errors import InvalidName, InvalidPoint
from argon.points import (
    MAX_LSN,
    Ago,
    Lsn,
    Point,
    Tag,
    Time,
    as_point,
    parse_branch_point,
    parse_point,
    parse_time,
)

refs = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}", fullmatch=True).filter(
    lambda name: ".." not in name
)


def is_tag(name: str) -> bool:
    try:
        return bool(names.check_tag_name(name))
    except InvalidName:
        return False


lsns = st.integers(0, MAX_LSN).map(Lsn)
zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)
times = moments.map(lambda moment: Time(moment.astimezone(UTC)))
ages = st.timedeltas(min_value=timedelta(0)).map(Ago)
tags = refs.filter(is_tag).map(Tag)
points = st.one_of(lsns, times, ages, tags)


@settings(deadline=None)  # the machine may be busy
@given(points)
def test_the_text_of_a_point_is_read_as_that_point(point: Point) -> None:
    assert parse_point(str(point)) == point
    assert as_point(at=str(point)) == point


@settings(deadline=None)  # the machine may be busy
@given(refs, points)
def test_a_branch_and_a_point_survive_being_joined(branch: str, point: Point) -> None:
    assert parse_branch_point(f"{branch}@{point}") == (branch, point)


@settings(deadline=None)  # the machine may be busy
@given(moments)
def test_a_time_means_the_same_moment_in_every_zone(moment: datetime) -> None:
    assert parse_time(moment.isoformat()) == moment
    assert as_point(time=moment) == as_point(at=moment) == Time(moment)


@settings(deadline=None)  # the machine may be busy
@given(moments, st.text("0123456789", min_size=1, max_size=9))
def test_fractions_of_any_length_are_cut_and_never_rounded_up(moment: datetime, digits: str) -> None:
    moment = moment.replace(microsecond=0)
    text = moment.isoformat()
    read = parse_time(f"{text[:19]}.{digits}{text[19:]}")
    exact = int(digits) * 10 ** (9 - len(digits))
    assert (read - moment) // timedelta(microseconds=1) == exact // 1000


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("123", Lsn(123)),
        ("0", Lsn(0)),
        ("007", Lsn(7)),
        (str(MAX_LSN), Lsn(MAX_LSN)),
        ("90s", Ago(timedelta(seconds=90))),
        ("15m", Ago(timedelta(minutes=15))),
        ("2h", Ago(timedelta(hours=2))),
        ("3d", Ago(timedelta(days=3))),
        ("1w", Ago(timedelta(weeks=1))),
        ("0.25s", Ago(timedelta(milliseconds=250))),
        ("v1", Tag("v1")),
        ("release/2026-11-21", Tag("release/2026-11-21")),
        ("2026-11-21-nightly", Tag("2026-11-21-nightly")),
        ("2026-11-21T10:00:00Z", Time(datetime(2026, 11, 21, 10, tzinfo=UTC))),
        ("2026-11-21t10:00z", Time(datetime(2026, 11, 21, 10, tzinfo=UTC))),
        ("2026-11-21 10:00:00+01:00", Time(datetime(2026, 11, 21, 9, tzinfo=UTC))),
        ("2026-11-21T10:00:00-0530", Time(datetime(2026, 11, 21, 15, 30, tzinfo=UTC))),
        ("2026-11-21T10:00:00,5+01", Time(datetime(2026, 11, 21, 9, 0, 0, 500000, tzinfo=UTC))),
        ("2026-11-21T23:59:59.999999999Z", Time(datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC))),
        ("1969-12-31T23:59:59.9999999Z", Time(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))),
    ],
)
def test_the_forms_of_a_point(text: str, point: Point) -> None:
    assert parse_point(text) == point


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no point in time"),
        (" ", "no point in time"),
        ("-5", "no point in time"),
        ("+5", "no point in time"),
        ("15 m", "no point in time"),
        ("15m ago", "no point in time"),
        ("٣", "no point in time"),
        ("123\n", "no point in time"),
        ("a@b", "no point in time"),
        (str(MAX_LSN + 1), "LSNs run from 0"),
        ("9" * 5000, "LSNs run from 0"),
        ("99999999999w", "longer than time can be counted"),
        ("9" * 5000 + "s", "longer than time can be counted"),
        ("2026-11-21", "no time zone.*2026-11-21T00:00:00Z"),
        ("2026-11-21T10:00:00", "no time zone.*2026-11-21T10:00:00Z"),
        ("2026-11-21T10:00:00.5", r"no time zone.*2026-11-21T10:00:00\.5Z"),
        ("2026-02-30T10:00:00Z", "no moment in time"),
        ("2026-11-21T25:00:00Z", "no moment in time"),
        ("2026-11-21T10:00:61Z", "no moment in time"),
        ("2026-11-21T10:00:00+99:00", "no moment in time"),
        ("0001-01-01T00:00:00+01:00", "no moment in time"),
        ("9999-12-31T23:00:00-05:00", "no moment in time"),
        ("2026-11-21T10", "cannot be read as a time"),
        ("2026-11-21T10:00:00.Z", "cannot be read as a time"),
        ("2026-11-21T10:00:00.1234567890Z", "cannot be read as a time"),
        ("2026-11-21T10:00.5Z", "cannot be read as a time"),
    ],
)
def test_what_is_no_point_gets_an_error_that_tells_what_to_write(text: str, complaint: str) -> None:
    with pytest.raises(InvalidPoint, match=complaint):
        parse_point(text)


@pytest.mark.parametrize("text", ["main", "main@", "main@a b", "@"])
def test_a_branch_point_without_a_point_is_refused(text: str) -> None:
    with pytest.raises((InvalidPoint, InvalidName)):
        parse_branch_point(text)


@pytest.mark.parametrize("text", ["@42", "shop@feature@42", "a..b@42"])
def test_a_branch_point_without_a_good_branch_is_refused(text: str) -> None:
    with pytest.raises(InvalidName, match="branch name"):
        parse_branch_point(text)


@pytest.mark.parametrize(
    ("given", "point"),
    [
        ({"lsn": 0}, Lsn(0)),
        ({"lsn": Int64(7)}, Lsn(7)),
        ({"at": 7}, Lsn(7)),
        ({"ago": timedelta(0)}, Ago(timedelta(0))),
        ({"at": timedelta(hours=1)}, Ago(timedelta(hours=1))),
        ({"tag": "v1"}, Tag("v1")),
        ({"at": "v1"}, Tag("v1")),
        ({"at": Tag("v1")}, Tag("v1")),
        ({"at": "15m"}, Ago(timedelta(minutes=15))),
    ],
)
def test_keyword_arguments_make_points(given: dict[str, Any], point: Point) -> None:
    assert as_point(**given) == point


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "exactly one of .* not nothing"),
        ({"lsn": 0, "tag": "v1"}, "exactly one of .* not lsn=, tag="),
        ({"lsn": True}, r"True \(bool\)"),
        ({"at": False}, r"False \(bool\)"),
        ({"lsn": -1}, "-1 is no LSN"),
        ({"at": -1}, "-1 is no LSN"),
        ({"lsn": 2**63}, "LSNs run from 0"),
        ({"lsn": 1.0}, r"1.0 \(float\)"),
        ({"lsn": "1"}, r"'1' \(str\)"),
        ({"at": 1.5}, r"1.5 \(float\)"),
        ({"at": date(2026, 11, 21)}, r"\(date\)"),
        ({"time": "2026-11-21T10:00:00Z"}, "give an aware datetime"),
        ({"time": date(2026, 11, 21)}, "give an aware datetime"),
        ({"time": datetime(2026, 11, 21)}, r"naive.*\.replace\(tzinfo=timezone\.utc\).*\.astimezone\(\)"),
        ({"at": datetime(2026, 11, 21)}, "naive"),
        ({"time": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "does not exist in UTC"),
        ({"ago": 15}, "give a timedelta"),
        ({"ago": timedelta(seconds=-1)}, "negative"),
    ],
)
def test_wrong_keyword_arguments_are_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidPoint, match=complaint):
        as_point(**given)


def test_a_tag_is_checked_by_the_rule_for_tags() -> None:
    with pytest.raises(InvalidName, match="would be read as an LSN"):
        as_point(tag="123")


def test_an_int64_of_bson_becomes_a_plain_int() -> None:
    point = as_point(lsn=Int64(7))
    assert isinstance(point, Lsn)
    assert type(point.lsn) is int


@settings(deadline=None)  # the machine may be busy
@given(moments, ages)
def test_an_age_counts_back_and_stops_at_the_beginning_of_time(now: datetime, age: Ago) -> None:
    beginning = datetime.min.replace(tzinfo=UTC)
    assert age.before(now) == (now - age.ago if age.ago < now - beginning else beginning)
