"""``$where`` on rows: run the user's JavaScript with ``this`` and ``obj`` set to the document."""

from __future__ import annotations

import json
import re

from bson.code import Code

from argon.rewrite.paths import DOCUMENT, CannotRewrite

_FUNCTION = re.compile(r"function\b.*\}", re.DOTALL)
_RETURN = re.compile(r"return\b")
# What makes more than one expression, or something else than an expression, of a text.
_STATEMENTS = re.compile(
    r"[;\n\r\u2028\u2029]|//|/\*|\breturn\b|^(?:\{|(?:var|let|const|if|for|while|do|switch|try|throw|class)\b)"
)


def prefix_where(code: object) -> Code:
    """Wrap JavaScript so that it sees the document and not the row around it.

    MongoDB takes an expression, statements of which the last one is the value,
    statements with ``return``, or a function. The two plain cases are wrapped
    as they are; the others are told apart by JavaScript's own parser, as the
    server does it (``return`` outside a function is a syntax error in a script).

    Args:
        code: The operand of ``$where``.

    Returns:
        JavaScript with the same answer on the row.

    Raises:
        CannotRewrite: If the operand is no JavaScript, or brings a scope, which
            the server refuses in its own words.
    """
    if not isinstance(code, str) or (isinstance(code, Code) and code.scope is not None):
        raise CannotRewrite
    source = re.sub(r"[\s;]+\Z", "", str(code)).lstrip()
    if not source:
        raise CannotRewrite
    if _FUNCTION.fullmatch(source):
        body = f"return ({source}\n).call(obj);"
    elif _RETURN.match(source):
        body = f"return (function() {{ {source}\n}}).call(obj);"
    elif not _STATEMENTS.search(source):
        body = f"return (function() {{ return ({source}\n); }}).call(obj);"
    else:
        text = json.dumps(source)
        body = (
            f"return (function() {{ try {{ return eval({text}); }} catch (error) {{"
            f" if (!(error instanceof SyntaxError)) throw error;"
            f' return new Function("obj", {text}).call(obj, obj); }} }}).call(obj);'
        )
    return Code(f"function() {{ var obj = this.{DOCUMENT}; {body} }}")
