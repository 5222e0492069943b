"""Figures that others have published, which are shown beside one's own.

`published.csv` has those that ship with the program, each with the address that it is from. A
folder of results may hold more: every `published*.csv` and `published*.json` directly in it, with
the columns `benchmark`, `model`, `score`, `source`, and perhaps `full`, `title`, `measure`, `rule`.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vlm_demo.errors import describe_validation_error

OWN_FILE = Path(__file__).with_name("published.csv")
"""The figures that ship with the program."""

MAX_FIGURES = 5_000
"""Largest number of figures that are read from one file."""

log = logging.getLogger(__name__)


class PublishedFigure(BaseModel):
    """What somebody has published of a model."""

    model_config = ConfigDict(allow_inf_nan=False, str_strip_whitespace=True)

    benchmark: str = Field(min_length=1, max_length=100)  # its name in this program, or another
    model: str = Field(min_length=1, max_length=200)
    score: float
    full: float = Field(100, gt=0)  # what it is where all answers are right
    source: str = Field(min_length=1, max_length=500)  # the address
    title: str = Field("", max_length=100)  # of the benchmark; "": its name
    measure: str = Field("", max_length=100)
    rule: str = Field("", max_length=500)


def read_published(folder: Path) -> tuple[list[PublishedFigure], list[str]]:
    """Return all figures, and what is wrong with the user's files, a sentence for each."""
    figures, problems = list(_read(OWN_FILE)), []
    for path in _list_files(folder):
        try:
            figures += _read(path)
        except ValidationError as error:
            problems.append(f"{path.name}: {describe_validation_error(error)}")
        except (OSError, ValueError, RecursionError, csv.Error) as error:
            problems.append(f"{path.name}: {error}")
    for problem in problems:
        log.warning("Published figures cannot be used: %s", problem)
    return figures, problems


def _list_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.glob("published*") if path.suffix.lower() in (".csv", ".json")
    )


def _read(path: Path) -> Iterator[PublishedFigure]:
    for number, record in enumerate(_records(path)):
        if number == MAX_FIGURES:
            raise ValueError(f"it has more than {MAX_FIGURES} figures")
        yield PublishedFigure.model_validate(record)


def _records(path: Path) -> Iterator[Any]:
    if path.suffix.lower() == ".json":
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, list):
            raise ValueError("it is no list")
        yield from content
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
