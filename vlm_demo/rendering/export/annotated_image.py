"""What is exported: a picture with the answers about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from PIL.Image import Image

from vlm_demo.rendering.export.file_names import make_unique, safe_stem
from vlm_demo.values import Mention, Reply, Size


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """A picture with the answers about it, oldest first; every mention is on this picture."""

    name: str  # of the picture's file, as people know it
    size: Size
    replies: tuple[Reply, ...]
    open: Callable[[], Image]  # upright, in full size

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The mentions of all answers."""
        return tuple(mention for reply in self.replies for mention in reply.mentions)

    @property
    def stem(self) -> str:
        """The name of the picture without its ending, safe on every file system."""
        return safe_stem(PurePosixPath(self.name.replace("\\", "/")).stem)


def make_names_unique(images: Sequence[AnnotatedImage]) -> tuple[AnnotatedImage, ...]:
    """Give each picture a file name of its own, with its old ending."""
    taken: set[str] = set()
    return tuple(
        replace(annotated, name=make_unique(annotated.stem, taken) + _ending(annotated.name))
        for annotated in images
    )


def _ending(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return ending if ending.isascii() and ending[1:].isalnum() else ".png"
