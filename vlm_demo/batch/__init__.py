"""Batches: many pictures through one task, with a journal that survives a crash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlm_demo.batch.sources import FolderSource, ImageSource, SourceLimits
from vlm_demo.batch.zip_source import ZipSource
from vlm_demo.errors import SourceError


def open_source(path: Path, limits: SourceLimits, besides: Sequence[Path] = ()) -> ImageSource:
    """Open a folder or a ZIP of pictures; folders in it that are `besides` are left out.

    Raises:
        SourceError: it is neither, cannot be read, or holds no picture or too much.
    """
    if path.is_dir():
        source: ImageSource = FolderSource(path, limits, besides)
    elif path.is_file():
        source = ZipSource(path, limits)
    else:
        raise SourceError("There is no folder or ZIP {path}.", path=path)
    if not source.names:
        source.close()
        raise SourceError("There are no pictures in {path}.", path=path)
    return source
