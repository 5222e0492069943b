"""What a form of labelled data is: how it is recognized, and what its reader yields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.evaluation.json_files import read_json_file, read_json_lines
from vlm_demo.training.data.examples import RefusalReason, RowError, TrainingExample

_KEY = re.compile(r'"(\w+)"\s*:')
_HEAD = 65_536
"""Bytes at the beginning of a file by which its kind is recognized."""


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of a data set, or a picture: what is learned from it, or why nothing is."""

    source: str
    examples: tuple[TrainingExample, ...] = ()
    error: RowError | None = None


@dataclass(frozen=True, slots=True)
class DataForm:
    """A form of labelled data. A module of `readers` that has a `FORM` is found automatically."""

    name: str
    """What `--form` calls it."""

    title: str
    """What it is, for people."""

    recognize: Callable[[Path], bool]
    """Whether a file or folder looks like it; reads only a little, and never raises."""

    read: Callable[[Path], Iterator[ReadRow]]
    """Yields the rows of a file or folder; raises InputError where it is none of this form."""


def attempt(
    source: str, read: Callable[..., Iterator[TrainingExample]], *arguments: object
) -> ReadRow:
    """Return what reading a row yields, or the reason why it cannot be used."""
    try:
        return ReadRow(source, tuple(read(*arguments)))
    except RowError as error:
        return ReadRow(source, error=error)


def read_head(path: Path) -> str:
    """Return the beginning of a file as text; "": it cannot be read, or is a folder."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).decode("utf-8-sig", "replace").lstrip()
    except OSError:
        return ""


def find_keys(path: Path) -> frozenset[str]:
    """Return the names of keys at the beginning of a file of JSON; empty: it is none."""
    head = read_head(path)
    return frozenset(_KEY.findall(head)) if head.startswith(("{", "[")) else frozenset()


def read_records(path: Path) -> Iterator[tuple[str, dict[str, Any] | RowError]]:
    """Yield the objects of a file of JSON lines, or of one list, with where each stands.

    A line that cannot be read is yielded as the error that says so.

    Raises:
        InputError: the file cannot be read, is too large, or is a web page.
    """
    _check_no_page(path)
    try:
        if read_head(path).startswith("["):
            for number, record in enumerate(read_json_file(path), start=1):
                yield f"{path.name}, entry {number}", _as_object(record)
            return
        for number, line in read_json_lines(path):
            yield f"{path.name}, line {number}", _parse_line(line)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _parse_line(line: str) -> dict[str, Any] | RowError:
    try:
        return _as_object(json.loads(line))
    except (ValueError, RecursionError) as error:
        return RowError(RefusalReason.UNREADABLE_ROW, f"this is not JSON: {error}")


def _as_object(record: object) -> dict[str, Any] | RowError:
    if isinstance(record, dict):
        return record
    return RowError(RefusalReason.UNREADABLE_ROW, "this is not a JSON object")


def _check_no_page(path: Path) -> None:
    """Refuse a saved web page, such as that of a login, under the name of a data set.

    Raises:
        InputError: it is one.
    """
    if read_head(path)[:200].casefold().startswith(("<!doctype html", "<html")):
        raise InputError(
            f"{path.name} is a web page and no data. Download the file itself once more."
        )
