"""Batches: many pictures through one task, with a journal that survives a crash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlm_demo.batch.framed_source import FramedSource
from vlm_demo.batch.sources import (
    FileSource,
    FilesSource,
    FolderSource,
    SourceLimits,
    holds_images,
)
from vlm_demo.batch.zip_source import ZipSource
from vlm_demo.errors import SourceError
from vlm_demo.images.opening import MAX_PIXELS
from vlm_demo.media.framed_files import FrameChoice


def open_source(path: Path, limits: SourceLimits, besides: Sequence[Path] = ()) -> FileSource:
    """Open a folder, a ZIP or a file; folders in it that are `besides` are left out.

    Raises:
        SourceError: it is none, cannot be read, or holds no picture or too much.
    """
    if path.is_dir():
        source: FileSource = FolderSource(path, limits, besides)
    elif path.is_file() and holds_images(path.name):
        source = FilesSource(path.name, {path.name: path}, limits)
    elif path.is_file():
        source = ZipSource(path, limits)
    else:
        raise SourceError("There is no folder or ZIP {path}.", path=path)
    if not source.names:
        source.close()
        raise SourceError("There are no images in {path}.", path=path)
    return source


def open_framed_source(
    path: Path,
    limits: SourceLimits,
    choice: FrameChoice,
    *,
    max_pixels: int = MAX_PIXELS,
    besides: Sequence[Path] = (),
) -> FramedSource:
    """Open the same, with the frames of films and the pages of documents as pictures.

    Raises:
        SourceError: it is none, cannot be read, or holds no picture or too much.
    """
    return FramedSource(open_source(path, limits, besides), choice, limits, max_pixels=max_pixels)
