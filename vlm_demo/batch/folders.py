"""Where the page keeps a batch: its job and its files, in a folder of their own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlm_demo.atomic_file import atomic_write
from vlm_demo.batch.job import Job
from vlm_demo.batch.sources import FilesSource, Limits, Source
from vlm_demo.batch.zips import ZipSource
from vlm_demo.errors import BatchError, SourceError
from vlm_demo.settings import Settings
from vlm_demo.values import Box, Sampling, Task

UNPACKED = 10
"""Times its own size that a ZIP may have unpacked."""


def visitor_folder(batches: Path, visitor: str) -> Path:
    """Return the folder of a visitor's batches; its name does not reveal who the visitor is."""
    return batches / hashlib.sha256(visitor.encode()).hexdigest()[:32]


def keep_batch(folder: Path, job: Job, uploads: Sequence[Path]) -> None:
    """Write down a batch, and give its files a second name that lasts as long as the batch.

    Raises:
        SourceError: the files do not go together.
        FileError, BatchError: they cannot be kept.
    """
    archives = [path for path in uploads if path.suffix.lower() == ".zip"]
    if archives and len(uploads) > 1:
        raise SourceError("Please add pictures, or one ZIP: not both, and not several.")
    names: dict[str, str] = {}
    try:
        (folder / "files").mkdir(parents=True)
        for number, upload in enumerate(uploads):
            stored = f"{number}{upload.suffix.lower()}"
            _link(upload, folder / "files" / stored)
            names[_unused(upload.name, names)] = stored
    except OSError as error:
        raise BatchError(
            f"The pictures cannot be kept: {error.strerror or error}. Please try again later."
        ) from error
    kept = {"job": asdict(job), "files": names}
    with atomic_write(folder / "job.json") as file:
        file.write(json.dumps(kept).encode())


def _link(upload: Path, path: Path) -> None:
    try:
        os.link(upload, path)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(upload, path)


def _unused(name: str, taken: Mapping[str, str]) -> str:
    path, number = Path(name), 1
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    return name


def open_files(folder: Path, kept: Mapping[str, Any], settings: Settings) -> Source:
    """Open the files of a batch; `kept` is what `keep_batch` has written down.

    Raises:
        SourceError: they cannot be read, or are no pictures, or too many.
    """
    limits = Limits(
        pictures=settings.batch_pictures,
        bytes_each=settings.max_upload_bytes,
        bytes_all=UNPACKED * settings.batch_bytes,
    )
    files = {name: folder / "files" / stored for name, stored in kept["files"].items()}
    (first, path), *more = files.items()
    if not more and path.suffix == ".zip":
        source: Source = ZipSource(path, limits, title=first)
    else:
        source = FilesSource(first if not more else f"{first} …", files, limits)
    if not source.names:
        source.close()
        raise SourceError(f"There are no pictures in {first}.")
    return source


def read_job(fields: Mapping[str, Any]) -> Job:
    """Read the job of a batch, as it was written down.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    region, sampling = fields["region"], fields["sampling"]
    return Job(
        Task(fields["task"]),
        fields["words"],
        fields["model"],
        Sampling(**sampling) if sampling else None,
        Box(**region) if region else None,
    )
