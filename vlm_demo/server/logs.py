"""The log of a running page: lines for people, or JSON for programs; on standard error."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal

LogForm = Literal["text", "json"]

EXTRA = ("route", "status", "seconds")
"""What a record may carry beside its message: numbers and names of routes, nothing of a visitor."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON.

    Of an error it has the type and the places in the program, and not its message: that may repeat
    what a visitor has written, or an address with a key in it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _without_error_texts(record),
        }
        line |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)
            line["error"] = type(error).__name__
            line["places"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        return json.dumps(line, ensure_ascii=False)


def configure_logs(form: LogForm) -> None:
    """Write the program's log to standard error: warnings for people, all of it as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("vlm_demo")
    if form == "json":
        handler.setFormatter(JsonFormatter())
        logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
        logger.setLevel(logging.INFO)
    else:
        handler.setLevel(logging.WARNING)
        logging.basicConfig(handlers=[handler], level=logging.WARNING, format="%(message)s")


def _without_error_texts(record: logging.LogRecord) -> str:
    """Return the message with only the types of the errors in it."""
    if isinstance(record.args, tuple) and any(isinstance(one, Exception) for one in record.args):
        args = (type(one).__name__ if isinstance(one, Exception) else one for one in record.args)
        return str(record.msg) % tuple(args)
    return record.getMessage()
