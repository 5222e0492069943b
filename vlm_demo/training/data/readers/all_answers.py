"""Conversations that Studio saves, of which every finished answer is learned: only on request.

So a larger model teaches a smaller one; its faults are learned, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vlm_demo.training.data.forms import DataForm, ReadRow
from vlm_demo.training.data.readers.conversation import read_conversations


def recognize(_: Path) -> bool:
    """Never: the same files are `conversation`, unless somebody asks for all answers."""
    return False


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the conversations of a file, or of all files of a folder.

    Raises:
        InputError: there is none, or one is of an older version.
    """
    return read_conversations(path, all_answers=True)


FORM = DataForm(
    "all-answers",
    "the same, all finished answers; only with --form",
    recognize,
    read,
)
