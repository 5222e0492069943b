"""Patterns and schemas that would take too much work are refused before a model is loaded."""

from __future__ import annotations

import json
import time

import pytest

from vlm_demo.errors import InputError
from vlm_demo.prompting.constraint_checks import MAX_DEPTH, check_pattern, check_schema


def nested(depth: int) -> str:
    return '{"items": ' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    "pattern", ["", r"\((a|b)\)", "(" * MAX_DEPTH + ")" * MAX_DEPTH, "(((", ")))("]
)
def test_patterns_of_people_pass(pattern: str) -> None:
    check_pattern(pattern)


def test_deep_patterns_are_refused() -> None:
    with pytest.raises(InputError, match="4000 nested parentheses"):
        check_pattern("(" * 4_000 + ")" * 4_000)


@pytest.mark.parametrize(
    "schema", ["{}", "true", nested(MAX_DEPTH), json.dumps({"enum": ["x"] * 900})]
)
def test_schemas_of_people_pass(schema: str) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (nested(MAX_DEPTH + 1), "more than 64 deep"),
        ("[" * 1_000_000, "more than 64 deep"),
        ("[" * 300 + "]" * 300, "more than 64 deep"),
        (json.dumps({"enum": list(range(5_000))}), "more than 4,000 parts"),
        ("{", "cannot be used"),
        ("", "cannot be used"),
        ("1" * 7_000, "cannot be used"),
    ],
)
def test_schemas_that_are_too_much_are_refused_at_once(schema: str, words: str) -> None:
    begin = time.process_time()
    with pytest.raises(InputError, match=words):
        check_schema(schema)
    assert time.process_time() - begin < 2
