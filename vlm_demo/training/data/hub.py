"""Rows of a data set on the Hugging Face Hub, streamed: only as many as are wanted are fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.training.data.forms import ReadRow, attempt
from vlm_demo.training.data.readers.messages import read_row

DEFAULT_ROWS = 2_000
"""Rows that are fetched where nobody says how many: whole sets have many gigabytes."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z")


def is_hub_id(text: str) -> bool:
    """Whether a text looks like the id of a data set on the Hub."""
    return _ID.match(text) is not None


def read_hub_rows(name: str, count: int) -> Iterator[ReadRow]:
    """Yield the first rows of a data set's training part.

    Raises:
        InputError: it cannot be fetched, has no conversations, or `datasets` is not installed.
    """
    try:
        for number, record in enumerate(islice(_stream(name), count), start=1):
            source = f"{name}, row {number}"
            yield attempt(source, read_row, record, source)
    except InputError:
        raise
    except Exception as error:  # whatever the Hub and its client make of a name
        raise InputError(
            f"The data set {name} cannot be downloaded from the Hub: {_first_line(error)} "
            "Check the name and the network, or give a file or folder of this computer."
        ) from error


def _stream(name: str) -> Iterator[dict[str, Any]]:
    """Yield rows with the content of their pictures, which are not decoded yet."""
    try:
        from datasets import (  # type: ignore[import-untyped]  # it has no types
            Image,
            List,
            load_dataset,
        )
    except ImportError as error:
        raise InputError(
            "To download data sets from the Hub, run: pip install 'vlm_demo[finetune]'"
        ) from error
    rows = load_dataset(name, split="train", streaming=True)
    if rows.features and "images" in rows.features:
        rows = rows.cast_column("images", List(Image(decode=False)))
    yield from rows


def _first_line(error: Exception) -> str:
    words = str(error).strip().split("\n", 1)[0].rstrip(".")
    return f"{words or type(error).__name__}."
