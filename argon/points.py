"""Points in time: an LSN, a time, an age or a tag.

A point is one of four small frozen values, none of which knows a branch:

==============  ============================  ==============================
:class:`Lsn`    ``123``                       the state that this LSN made
:class:`Time`   ``2026-11-21T10:00:00Z``      the last commit at or before it
:class:`Ago`    ``90s 15m 2h 3d 1w``          a time, counted back from now
:class:`Tag`    any other name                the LSN that the tag stands for
==============  ============================  ==============================

``str(point)`` is text that :func:`parse_point` reads as the same point.
Times are kept in UTC and in microseconds; finer digits are cut off, never
rounded up, so that a point never shows what happened after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon.errors import InvalidName, InvalidPoint
from argon.names import AGO_TEXT, LSN_TEXT, TIME_TEXT, check_branch_name, check_tag_name

MAX_LSN = 2**63 - 1
"""The largest LSN that the log can hold, an int64."""

_FORMS = "an LSN (123), a time (2026-11-21T10:00:00Z), an age (90s, 15m, 2h, 3d, 1w) or a tag"
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d(?:[.,](?P<fraction>\d{1,9}))?)?)"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS = {"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lsn:
    """The state after the log entry with this LSN."""

    lsn: int

    def __str__(self) -> str:
        return str(self.lsn)


@dataclass(frozen=True, slots=True)
class Time:
    """The state at a moment, kept in UTC."""

    time: datetime

    def __str__(self) -> str:
        return self.time.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Ago:
    """The state as it was this long before now, whenever now is asked."""

    ago: timedelta

    def before(self, now: datetime) -> datetime:
        """Count back from a moment.

        Args:
            now: An aware datetime, from the clock that stamps the log.

        Returns:
            The moment meant, no earlier than the first that a datetime can hold.
        """
        try:
            return now - self.ago
        except OverflowError:
            return _EARLIEST

    def __str__(self) -> str:
        if self.ago.microseconds:
            seconds = self.ago.days * _UNITS["d"] + self.ago.seconds
            return f"{seconds}.{self.ago.microseconds:06d}s"
        seconds = self.ago // timedelta(seconds=1)
        unit = next((unit for unit, length in _UNITS.items() if seconds % length == 0 and seconds), "s")
        return f"{seconds // _UNITS[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Tag:
    """The LSN that a tag of the project stands for."""

    name: str

    def __str__(self) -> str:
        return self.name


Point = Lsn | Time | Ago | Tag


def parse_point(text: str) -> Point:
    """Read a point as written on the command line.

    Args:
        text: An LSN, a time with a zone, an age, or the name of a tag.

    Returns:
        The point.

    Raises:
        InvalidPoint: The text is none of these; the message gives the forms.
    """
    if LSN_TEXT.fullmatch(text):
        return _lsn_of_text(text)
    if age := AGO_TEXT.fullmatch(text):
        return _ago_of_text(text, age)
    if TIME_TEXT.fullmatch(text):
        return Time(parse_time(text))
    try:
        return Tag(check_tag_name(text))
    except InvalidName:
        raise InvalidPoint(f"{text!r} is no point in time: write {_FORMS}") from None


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time with a zone, with up to nine fractional digits.

    Args:
        text: ``2026-11-21T10:00:00.123456789+01:00`` and shorter forms.

    Returns:
        The moment in UTC, with the digits beyond microseconds cut off.

    Raises:
        InvalidPoint: The text is no time, no such moment exists, or the zone
            is missing.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise InvalidPoint(
            f"{text!r} cannot be read as a time: write YYYY-MM-DDTHH:MM:SS with Z or an offset, "
            "as in 2026-11-21T10:00:00Z or 2026-11-21T10:00:00.5+01:00"
        )
    date, clock, fraction, zone = match.group("date", "clock", "fraction", "zone")
    clock = (clock or "00:00:00").replace(",", ".")
    if not zone:
        raise InvalidPoint(
            f"the time {text!r} has no time zone: end it in Z for UTC or in an offset, "
            f"as in {date}T{clock}Z or {date}T{clock}+01:00"
        )
    if fraction:
        clock = clock.removesuffix(fraction) + fraction[:6]
    try:
        return datetime.fromisoformat(f"{date}T{clock}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidPoint(f"{text!r} is no moment in time: {error}") from None


def parse_branch_point(text: str) -> tuple[str, Point]:
    """Read ``branch@POINT``, split on the last ``@``.

    Args:
        text: What the user wrote.

    Returns:
        The branch name and the point.

    Raises:
        InvalidPoint: There is no ``@``, or what follows the last one is no point.
        InvalidName: What precedes it is no branch name.
    """
    branch, at, point = text.rpartition("@")
    if not at:
        raise InvalidPoint(f"{text!r} names no point: write BRANCH@POINT, as in main@42 or main@15m")
    return check_branch_name(branch), parse_point(point)


def as_point(
    *,
    lsn: int | None = None,
    time: datetime | None = None,
    ago: timedelta | None = None,
    tag: str | None = None,
    at: Point | int | datetime | timedelta | str | None = None,
) -> Point:
    """Make a point of keyword arguments, of which exactly one is given.

    Args:
        lsn: An LSN, zero or more.
        time: An aware datetime.
        ago: A timedelta, zero or more, counted back from now.
        tag: The name of a tag.
        at: Any of these, a point, or text as on the command line.

    Returns:
        The point.

    Raises:
        InvalidPoint: None or several were given, or the value is no such thing.
        InvalidName: ``tag`` is no name for a tag.
    """
    given = {"lsn": lsn, "time": time, "ago": ago, "tag": tag, "at": at}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        names = ", ".join(f"{name}=" for name in given) or "nothing"
        raise InvalidPoint(f"a point is exactly one of lsn=, time=, ago=, tag= or at=, not {names}")
    if lsn is not None:
        return _lsn(lsn)
    if time is not None:
        return _time(time)
    if ago is not None:
        return _ago(ago)
    if tag is not None:
        return Tag(check_tag_name(tag))
    return _any(at)


def as_expiry(ttl: timedelta | str | None = None, at: datetime | None = None) -> datetime | timedelta | None:
    """Make the time at which something expires of keyword arguments, of which one is given at most.

    Args:
        ttl: How long from now: a timedelta, or text such as ``2h``.
        at: An aware datetime.

    Raises:
        InvalidPoint: Both were given, or the value is no such thing.
    """
    if ttl is not None and at is not None:
        raise InvalidPoint("give either how long something lasts, or when it expires, not both")
    if at is not None:
        return _time(at).time
    if isinstance(ttl, str):
        age = AGO_TEXT.fullmatch(ttl)
        if age is None:
            raise InvalidPoint(f"{ttl!r} is no duration: write 90s, 15m, 2h, 3d or 1w")
        return _ago_of_text(ttl, age).ago
    if ttl is not None and not isinstance(ttl, timedelta):
        raise InvalidPoint(
            f"{ttl!r} ({type(ttl).__name__}) is no duration: give a timedelta, or text such as '2h'"
        )
    return ttl


def _any(value: object) -> Point:
    match value:
        case Lsn() | Time() | Ago() | Tag():
            return value
        case str():
            return parse_point(value)
        case datetime():
            return _time(value)
        case timedelta():
            return _ago(value)
        case _:
            return _lsn(value)


def _lsn(value: object) -> Lsn:
    # True == 1 in Python; as an LSN it is a slip.
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidPoint(f"{value!r} ({type(value).__name__}) is no point in time: give {_FORMS}")
    if not 0 <= value <= MAX_LSN:
        raise InvalidPoint(f"{value} is no LSN: LSNs run from 0 to {MAX_LSN}")
    return Lsn(int(value))


def _time(value: object) -> Time:
    if not isinstance(value, datetime):
        raise InvalidPoint(f"{value!r} ({type(value).__name__}) is no time: give an aware datetime")
    if value.utcoffset() is None:
        raise InvalidPoint(
            f"the datetime {value.isoformat()} is naive, so it names no moment: make it aware with "
            ".replace(tzinfo=timezone.utc) if it is UTC, as MongoDB's are, or .astimezone() if it is local"
        )
    try:
        return Time(value.astimezone(UTC))
    except OverflowError:
        raise InvalidPoint(f"the datetime {value.isoformat()} does not exist in UTC") from None


def _ago(value: object) -> Ago:
    if not isinstance(value, timedelta):
        raise InvalidPoint(f"{value!r} ({type(value).__name__}) is no age: give a timedelta")
    if value < timedelta(0):
        raise InvalidPoint(f"the age {value!r} is negative: a point in time is never in the future")
    return Ago(value)


def _lsn_of_text(text: str) -> Lsn:
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(MAX_LSN)):  # int() itself refuses text that is long enough
        raise InvalidPoint(f"{text!r} is no LSN: LSNs run from 0 to {MAX_LSN}")
    return _lsn(int(digits))


def _ago_of_text(text: str, match: re.Match[str]) -> Ago:
    seconds, count, unit = match.groups()
    whole, _, fraction = (seconds or "0").partition(".")
    try:
        age = timedelta(seconds=int(whole), microseconds=int(fraction.ljust(6, "0")))
        return Ago(age + int(count or 0) * timedelta(seconds=_UNITS[unit or "s"]))
    except (OverflowError, ValueError):
        raise InvalidPoint(f"the age {text!r} is longer than time can be counted") from None
