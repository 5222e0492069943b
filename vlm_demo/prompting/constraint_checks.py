"""Checks of what an answer is kept to, a pattern or a JSON Schema, before any model is loaded.

What passes is compiled within limits on work of the library that does it: see
https://github.com/guidance-ai/llguidance (`LLParserLimits`).
"""

from __future__ import annotations

import json
from typing import Any

from vlm_demo.errors import InputError

MAX_DEPTH = 64
"""How deeply a schema may be nested, and the parentheses of a pattern."""

MAX_PARTS = 4_000
"""Largest number of objects, lists and values in a schema."""


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that is nested too deeply.

    Raises:
        InputError: it is.
    """
    depth = deepest = 0
    is_escaped = False
    for sign in pattern:
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        else:
            depth += (sign == "(") - (sign == ")")
            deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise InputError(
            "This pattern has {depth} nested parentheses; the limit is {most}.",
            depth=deepest,
            most=MAX_DEPTH,
        )


def check_schema(schema: str) -> None:
    """Refuse a schema that is no JSON, too large, or nested too deeply.

    Raises:
        InputError: it is.
    """
    try:
        content: Any = json.loads(schema)
    except ValueError as error:
        raise InputError("This schema cannot be used: {reason}.", reason=error) from error
    except RecursionError as error:
        raise _too_deep() from error
    level, depth, parts = [content], 0, 0
    while level:
        parts += len(level)
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        if parts > MAX_PARTS:
            raise InputError(
                "This schema has more than {most} parts. Use a smaller one.",
                most=f"{MAX_PARTS:,}",
            )
        level = [part for one in level for part in _parts(one)]


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> InputError:
    return InputError("This schema is nested more than {most} deep.", most=MAX_DEPTH)
