"""Reads files of JSON within bounds: what is larger is refused before it fills the memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.units import format_bytes

MAX_JSON_BYTES = 2_000_000_000
"""Largest file that is read as one JSON value. COCO's own annotations of 2017 have 0.47 GB."""

MAX_LINE_CHARACTERS = 200_000_000
"""Longest line of a file of JSON lines; images can be in it as data addresses."""


def read_json_file(path: Path) -> Any:
    """Return the one JSON value of a file.

    Raises:
        InputError: it is too large.
        OSError: it cannot be read.
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise InputError(
            f"{path.name} has {format_bytes(size)}; the limit for one JSON value is "
            f"{format_bytes(MAX_JSON_BYTES)}. Split it, or write one JSON object a line."
        )
    return json.loads(path.read_text("utf-8-sig"))


def read_json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that are not empty, with their numbers from 1.

    Raises:
        InputError: a line is too long.
        OSError: the file cannot be read.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        number = 0
        while line := lines.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if len(line) > MAX_LINE_CHARACTERS:
                raise InputError(
                    f"Line {number} of {path.name} has more than {MAX_LINE_CHARACTERS:,} "
                    "characters. Write one JSON object a line."
                )
            if line.strip():
                yield number, line
