"""What is exported: pictures, each with the answers about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from PIL.Image import Image

from vlm_demo.rendering.export.labels import stem, unique
from vlm_demo.values import Mention, Reply, Size


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture and the answers about it, oldest first; every mention is on this picture."""

    name: str  # of the picture's file, as people know it
    size: Size
    replies: tuple[Reply, ...]
    open: Callable[[], Image]  # upright, in full size

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """What all the answers say is on the picture."""
        return tuple(mention for reply in self.replies for mention in reply.mentions)

    @property
    def stem(self) -> str:
        """The picture's name without its ending, safe on every file system."""
        return stem(PurePosixPath(self.name.replace("\\", "/")).stem)


def named_apart(sheets: Sequence[Sheet]) -> tuple[Sheet, ...]:
    """Give each picture a file name of its own; the endings stay."""
    taken: set[str] = set()
    return tuple(
        replace(sheet, name=unique(sheet.stem, taken) + _ending(sheet.name)) for sheet in sheets
    )


def _ending(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return ending if ending.isascii() and ending[1:].isalnum() else ".png"
