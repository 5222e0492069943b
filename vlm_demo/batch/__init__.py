"""Many pictures through one task: sources of pictures, a journal of what is done, and the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlm_demo.batch.sources import FolderSource, Limits, Source
from vlm_demo.batch.zips import ZipSource
from vlm_demo.errors import SourceError


def open_source(path: Path, limits: Limits, besides: Sequence[Path] = ()) -> Source:
    """Open a folder or a ZIP of pictures; `besides` are folders in it that are none of the source.

    Raises:
        SourceError: it is neither, cannot be read, or holds no picture or too much.
    """
    if path.is_dir():
        source: Source = FolderSource(path, limits, besides)
    elif path.is_file():
        source = ZipSource(path, limits)
    else:
        raise SourceError(f"There is no folder or ZIP {path}.")
    if not source.names:
        source.close()
        raise SourceError(f"There are no pictures in {path}.")
    return source
