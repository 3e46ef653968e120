"""Documents out of files: what is understood, and how mistakes are told."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from bson import encode
from hypothesis import given
from hypothesis import strategies as st

from argon_cli.files.read import read
from argon_cli.files.types import BadDocument
from argon_cli.files.write import write


class Dripping(io.RawIOBase):
    """A stream that yields a few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes, size: int) -> None:
        self._rest, self._size = content, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(self._size, len(buffer))
        piece, self._rest = self._rest[:size], self._rest[size:]
        buffer[: len(piece)] = piece
        return len(piece)


def items(content: str | bytes, file_format: str, *, typed_csv: bool = True) -> list[Any]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(read(io.BytesIO(data), file_format, typed_csv=typed_csv))


def complaint(content: str | bytes, file_format: str) -> str:
    with pytest.raises(BadDocument) as caught:
        items(content, file_format)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"b": "]"}]',
        ' [ {"a":1}\n,\n{"b":"]"} ] \n',
        '{"a": 1}{"b": "]"}',
        '{\n  "a": 1\n}\n{\n  "b": "]"\n}\n',
        '\ufeff[{"a": 1}, {"b": "]"}]',
    ],
)
def test_json_is_an_array_or_documents_one_after_the_other(text: str) -> None:
    assert items(text, "json") == [{"a": 1}, {"b": "]"}]


@pytest.mark.parametrize("text", ["", " \n", "[]", "[ \n ]"])
def test_json_without_documents(text: str) -> None:
    assert items(text, "json") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1}', "document 1, line 1: the file ends too early: ] is missing"),
        ('[{"a": 1} {"a": 2}]', "document 1, line 1: a comma or ] is missing"),
        ('[{"a": 1}]\n{"a": 2}', "document 1, line 2: nothing may follow here"),
        ('{"a": 1}]', "document 1, line 1: there is a ] too many"),
        ('[{"a": 1},\n{"a": oops}]', "document 2: line 2, character 7, at 'oops}]': expecting value"),
        ('{"a": "unfinished', "unterminated string starting"),
        ("[1, 2]", "document 1, line 1: a document is a JSON object {…}, not '1'"),
        ('[{"a": {"$oid": "x"}}]', 'document 1, line 1: {"$oid": "x"} is no value of its type'),
        ("not json", "document 1: character 1, at 'not json': expecting value"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_mistakes_in_json_are_pointed_at(text: str, expected: str) -> None:
    assert expected in complaint(text, "json")


def test_json_is_read_as_a_stream() -> None:
    # An endless file: a reader that wants all of it before the first document never comes back.
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            piece = b'{"a": 1}\n' * (len(buffer) // 9) or b" "
            buffer[: len(piece)] = piece
            return len(piece)

    stream = io.BufferedReader(Endless())
    assert list(itertools.islice(read(stream, "json", typed_csv=True), 3)) == [{"a": 1}] * 3  # type: ignore[arg-type]


def test_a_mistake_early_in_a_large_file_is_found_without_reading_it() -> None:
    served = 0

    class Large(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            nonlocal served
            piece = (b'{"a": 1,}' if served == 0 else b" " * 9).ljust(len(buffer))
            buffer[:] = piece
            served += len(piece)
            return len(piece)

    with pytest.raises(BadDocument):
        list(read(io.BufferedReader(Large()), "json", typed_csv=True))  # type: ignore[arg-type]
    assert served < 10_000_000


def test_lines_of_ndjson_fail_alone() -> None:
    first, second, third, fourth = items('{"a": 1}\n\n{"a": \n[]\n{"a": 2}\n', "ndjson")
    assert (first, fourth) == ({"a": 1}, {"a": 2})
    assert str(second) == "line 3: it ends too early: expecting value"
    assert str(third) == "line 4: a document is a JSON object {…}, not '[]'"


def test_csv_is_typed() -> None:
    text = (
        "name,n,x,flag,code,big,address.city\n"
        "Ann,-3,1.5e3,TRUE,007,99999999999999999999,Bern\n"
        '"a,\nb",,,false,,,\n'
    )
    assert items(text, "csv") == [
        {
            "name": "Ann",
            "n": -3,
            "x": 1500.0,
            "flag": True,
            "code": "007",
            "big": "99999999999999999999",
            "address": {"city": "Bern"},
        },
        {"name": "a,\nb", "flag": False},
    ]


def test_csv_as_strings_keeps_every_cell() -> None:
    assert items("a,b\n1,\n", "csv", typed_csv=False) == [{"a": "1", "b": ""}]


def test_rows_of_csv_fail_alone() -> None:
    first, second = items("a,b\n1,2,3\n1,2\n", "csv")
    assert str(first) == "line 2: 3 values, and the header names 2"
    assert second == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("a,b,a\n", "the field 'a' is there twice"),
        ("a,a.b\n", "the field 'a' is both a field and a document"),
        ("a,,b\n", "a field has no name"),
    ],
)
def test_headers_of_csv_that_cannot_be_used(text: str, expected: str) -> None:
    assert expected in complaint(text, "csv")


@pytest.mark.parametrize("file_format", ["json", "ndjson", "csv"])
def test_text_that_is_not_utf8(file_format: str) -> None:
    assert "not UTF-8" in complaint(b'a\n{"a": "\xff"}\n', file_format)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}', "document 1 is no BSON"),
        (encode({"a": 1})[:-3], "document 1 is cut off: the file ends 3 bytes too early"),
        (encode({"a": 1}) + b"\x05", "document 2 is no BSON"),
        (encode({"a": 1})[:-1] + b"\x01", "document 1 is no BSON"),
    ],
)
def test_damaged_bson(content: bytes, expected: str) -> None:
    assert expected in complaint(content, "bson")


@pytest.mark.parametrize("file_format", ["json", "ndjson", "bson"])
def test_every_type_and_the_order_of_fields_survive(file_format: str, every_type: dict[str, Any]) -> None:
    file = io.BytesIO()
    write(file, file_format, [every_type, {"b": 1, "a": 2}], relaxed=False, fields=[])
    back = items(file.getvalue(), file_format)
    # As bytes: a dict compares equal whatever its order, and 1 == 1.0 == Int64(1).
    assert [encode(document) for document in back] == [encode(every_type), encode({"b": 1, "a": 2})]


@pytest.mark.parametrize("file_format", ["json", "ndjson", "bson"])
def test_no_documents_survive(file_format: str) -> None:
    file = io.BytesIO()
    write(file, file_format, [], relaxed=False, fields=[])
    assert items(file.getvalue(), file_format) == []


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts.filter(lambda key: not key.startswith("$")), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(texts.filter(lambda key: not key.startswith("$")), values, max_size=4)


@given(st.lists(documents, max_size=5), st.sampled_from(["json", "ndjson", "bson"]), st.integers(1, 40))
def test_what_is_written_is_read_whatever_the_pieces(
    given_documents: list[dict[str, Any]], file_format: str, size: int
) -> None:
    file = io.BytesIO()
    write(file, file_format, given_documents, relaxed=False, fields=[])
    stream = io.BufferedReader(Dripping(file.getvalue(), size), 16)
    assert list(read(stream, file_format, typed_csv=True)) == given_documents  # type: ignore[arg-type]


def test_csv_writes_columns_with_gaps_and_nested_fields() -> None:
    file = io.BytesIO()
    rows = [{"_id": 1, "a": {"b": "x"}, "list": [1, 2]}, {"_id": 2, "name": 'say "hi", all'}]
    write(file, "csv", rows, relaxed=False, fields=["_id", "a.b", "name", "list"])
    assert file.getvalue().decode() == '_id,a.b,name,list\r\n1,x,,"[1, 2]"\r\n2,,"say ""hi"", all",\r\n'
