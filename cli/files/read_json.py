"""Reading JSON as a stream: an array of documents, or documents one after the other.

The standard library's decoder does the work on a window of the text; the
window moves on document by document and grows only while a document is
longer than it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

from argon_cli.extjson import BadExtendedJSON, decoder, describe
from argon_cli.files.types import BadDocument, Document, Item, as_document

_CHUNK = 1 << 16
_LONGEST = 1 << 26
"""Characters that can be one document: what 16 MB of BSON take in canonical form."""
_TOKEN = 16
"""A break this near to the window's end may be a token that goes on behind it."""
_BLANK = re.compile(r"\s*")


def read_json(text: io.TextIOBase) -> Iterator[Item]:
    """Read the documents of a JSON text.

    Raises:
        BadDocument: The text is no JSON from some place on.
    """
    window = _Window(text)
    in_array = window.peek() == "["
    if in_array:
        window.skip()
    number = 0
    while (mark := window.peek()) not in ("", "]"):
        if number and in_array:
            if mark != ",":
                raise window.error(number, "a comma or ] is missing")
            window.skip()
            window.peek()
        number += 1
        yield window.document(number)
    if in_array:
        if mark == "":
            raise window.error(number, "the file ends too early: ] is missing")
        window.skip()
    if window.peek():
        raise window.error(number, "nothing may follow here" if in_array else "there is a ] too many")


class _Window:
    """The part of the text in memory, and a place in it."""

    def __init__(self, source: io.TextIOBase) -> None:
        self._source = source
        self._text = ""
        self._at = 0
        self._line = 1
        self._whole = False
        self._decode = decoder().raw_decode

    def peek(self) -> str:
        """Move to the next character that is not blank and return it; "" at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or self._whole:
                return self._text[self._at : self._at + 1]
            self._grow()

    def skip(self) -> None:
        """Step over one character."""
        self._at += 1

    def document(self, number: int) -> Document:
        """Read the document that begins here and step over it."""
        while True:
            try:
                value, self._at = self._decode(self._text, self._at)
                return as_document(value)
            except json.JSONDecodeError as error:
                if self._goes_on(error):
                    self._grow()
                    continue
                here = json.JSONDecodeError(error.msg, error.doc, error.pos)
                here.lineno += self._line - 1
                raise BadDocument(f"document {number}: {describe(here)}") from error
            except (BadExtendedJSON, BadDocument) as error:
                raise self.error(number, str(error)) from error
            except RecursionError as error:
                raise self.error(number, "it is nested too deeply") from error

    def error(self, number: int, reason: str) -> BadDocument:
        """Make the error for what is wrong at this place."""
        line = self._line + self._text.count("\n", 0, self._at)
        return BadDocument(f"document {number}, line {line}: {reason}")

    def _goes_on(self, error: json.JSONDecodeError) -> bool:
        if self._whole or len(self._text) > _LONGEST:
            return False
        return error.pos >= len(self._text) - _TOKEN or error.msg.startswith("Unterminated string")

    def _grow(self) -> None:
        self._line += self._text.count("\n", 0, self._at)
        rest = self._text[self._at :]
        # As much again as is there: a long document is decoded a few times, not once for each chunk.
        more = self._source.read(max(_CHUNK, len(rest)))
        self._whole = not more
        self._text, self._at = rest + more, 0
