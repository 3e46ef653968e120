from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymongo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import errors as pymongo_errors
from pymongo.database import Database

from argon import names
from argon.errors import ArgonError, InvalidName

REF_CHECKS = [names.check_project_name, names.check_branch_name, names.check_tag_name]
DATABASE = pymongo.MongoClient(connect=False)["shop"]
ALL_CHECKS = [*REF_CHECKS, names.check_space_name, names.check_collection_name]


@pytest.mark.parametrize("check", REF_CHECKS)
@pytest.mark.parametrize("name", ["v", "_", "9lives", "release/1.0", "feature-x_y", "a" * 128, "A.b/c-d"])
def test_a_ref_name_is_returned_as_it_came(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


@pytest.mark.parametrize("check", REF_CHECKS)
@pytest.mark.parametrize(
    "name",
    ["", ".x", "-x", "/x", "a..b", "a@b", "a b", "a\n", "\na", "é", "a\x00", "a" * 129, "٣", "a$b", "a:b"],
)
def test_a_wrong_ref_name_is_refused_with_the_rule_and_the_value(
    check: Callable[[str], str], name: str
) -> None:
    with pytest.raises(InvalidName) as caught:
        check(name)
    assert repr(name) in str(caught.value)
    assert "1 to 128 characters" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["123", "15m", "2h", "3d", "90s", "1.5s", "1w", "2026-11-21", "2026-11-21T10"]
)
def test_a_tag_may_not_read_as_another_kind_of_point(name: str) -> None:
    with pytest.raises(InvalidName, match="would be read as"):
        names.check_tag_name(name)
    assert names.check_branch_name(name) == name


@pytest.mark.parametrize("name", ["v123", "15min", "2026-11", "2026-11-21-nightly", "2026-11-21_T", "m15"])
def test_a_tag_may_look_nearly_like_one(name: str) -> None:
    assert names.check_tag_name(name) == name


@pytest.mark.parametrize("name", ["a", "tool-results", "a_1", "z" * 64])
def test_a_space_name_is_returned_as_it_came(name: str) -> None:
    assert names.check_space_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "-a", "a.b", "a/b", "a@b", "a\n", "z" * 65, "é"])
def test_a_wrong_space_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidName, match="1 to 64 characters out of a-z"):
        names.check_space_name(name)


def test_spaces_of_argon_itself_are_refused() -> None:
    with pytest.raises(InvalidName, match="Argon's own"):
        names.check_space_name("_system_meta")


@pytest.mark.parametrize("check", ALL_CHECKS)
@pytest.mark.parametrize("name", [None, 1, b"users", ["users"], True])
def test_what_is_no_string_is_a_type_error(check: Callable[[Any], str], name: object) -> None:
    with pytest.raises(TypeError, match=r"str"):
        check(name)


def outcome(action: Callable[[], object]) -> tuple[type[Exception], str] | None:
    try:
        action()
    except pymongo_errors.InvalidName as error:
        return pymongo_errors.InvalidName, str(error)
    except TypeError as error:
        return TypeError, str(error)
    return None


@settings(deadline=None)  # the machine may be busy
@given(st.one_of(st.text(alphabet=".$a\x00 é", max_size=5), st.text(), st.none(), st.integers()))
def test_collection_names_are_judged_as_pymongo_judges_them(name: Any) -> None:
    assert outcome(lambda: names.check_collection_name(name)) == outcome(
        lambda: pymongo.collection.Collection(DATABASE, name)
    )


@pytest.mark.parametrize("name", ["$cmd", "$cmd.sys", "oplog.$main", "a$cmd", "system.views"])
def test_special_collection_names_are_judged_as_pymongo_judges_them(name: str) -> None:
    assert outcome(lambda: names.check_collection_name(name)) == outcome(lambda: DATABASE[name])


def test_a_wrong_collection_name_is_an_error_of_both_libraries() -> None:
    with pytest.raises(InvalidName) as caught:
        names.check_collection_name("")
    assert isinstance(caught.value, ArgonError)
    assert isinstance(caught.value, pymongo_errors.InvalidName)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("users", True),
        ("system", True),
        ("system.js", True),
        ("a b", True),
        ("é", True),
        ("$cmd", False),
        ("oplog.$main", False),
        ("system.foo", False),
        ("x" * 300, False),
        ("é" * 126, False),
    ],
)
def test_new_collections_are_judged_as_the_server_judges_them(
    plain_db: Database[dict[str, Any]], name: str, fits: bool
) -> None:
    def judge(action: Callable[[], object]) -> tuple[int | None, str] | None:
        try:
            action()
        except pymongo_errors.OperationFailure as error:
            assert error.details is not None
            return error.code, error.details["errmsg"]
        return None

    expected = judge(lambda: plain_db[name].insert_one({}))
    assert judge(lambda: names.check_new_collection_name(plain_db.name, name)) == expected
    assert (expected is None) is fits


@pytest.mark.parametrize("longer", [0, 1])
def test_the_longest_name_is_the_server_s(plain_db: Database[dict[str, Any]], longer: int) -> None:
    name = "x" * (255 - len(plain_db.name) - 1 + longer)
    if longer:
        with pytest.raises(pymongo_errors.OperationFailure, match="too long"):
            plain_db[name].insert_one({})
        with pytest.raises(pymongo_errors.OperationFailure, match="too long"):
            names.check_new_collection_name(plain_db.name, name)
    else:
        plain_db[name].insert_one({})
        assert names.check_new_collection_name(plain_db.name, name) == name


@pytest.mark.parametrize(
    ("text", "target"),
    [("shop", ("shop", None)), ("shop@main", ("shop", "main")), ("a/b@release/1.0", ("a/b", "release/1.0"))],
)
def test_a_target_is_taken_apart(text: str, target: tuple[str, str | None]) -> None:
    assert names.parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "part"), [("", "project"), ("@main", "project"), ("shop@", "branch"), ("shop@a@b", "branch")]
)
def test_a_wrong_target_names_the_part_at_fault(text: str, part: str) -> None:
    with pytest.raises(InvalidName, match=f"invalid {part} name"):
        names.parse_target(text)
