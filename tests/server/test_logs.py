"""What the log of a running page says, and what it keeps to itself."""

from __future__ import annotations

import json
import logging

from vlm_demo.server.logs import JsonFormatter


def record(message: str, *args: object, error: Exception | None = None) -> dict[str, object]:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("vlm_demo.x", logging.WARNING, "x.py", 1, message, args, info)
    line = JsonFormatter().format(made)
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_line_is_json_with_the_time_and_the_level() -> None:
    line = record("%s is loaded.", "a model")
    assert line["message"] == "a model is loaded."
    assert line["level"] == "warning"
    assert line["logger"] == "vlm_demo.x"
    assert str(line["time"]).endswith("+00:00")


def test_an_error_is_its_type_and_its_places_without_its_words() -> None:
    try:
        raise ValueError("what a visitor wrote, and sk-secret")
    except ValueError as error:
        line = record("It failed: %s", error, error=error)
    assert line["message"] == "It failed: ValueError"
    assert line["error"] == "ValueError"
    assert f"{__file__}:" in str(line["places"])
    assert "secret" not in json.dumps(line)


def test_line_breaks_of_a_visitor_begin_no_line() -> None:
    assert record("%s", "one\r\ntwo\u2028three")["message"] == "one\r\ntwo\u2028three"
