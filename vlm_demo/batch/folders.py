"""The folder in which the page stores a batch: its job and its files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel

from vlm_demo.batch.framed_source import FramedSource
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.sources import FileSource, FilesSource, ImageSource, SourceLimits
from vlm_demo.batch.zip_source import ZipSource
from vlm_demo.errors import BatchError, SourceError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.settings import Settings

MAX_UNPACK_RATIO = 10
"""Largest size of a ZIP's pictures unpacked, as a multiple of the largest upload."""


class StoredBatch(BaseModel):
    """The file `job.json` of a batch."""

    job: BatchJob
    files: dict[str, str]  # names in the folder `files`, by the names that people know


def read_batch(folder: Path) -> StoredBatch:
    """Read a batch as `store_batch` has stored it.

    Raises:
        OSError, ValueError: it cannot be read, or is damaged.
    """
    return StoredBatch.model_validate_json((folder / "job.json").read_bytes())


def visitor_folder(batches: Path, visitor: str) -> Path:
    """Return the folder of a visitor's batches; its name does not reveal the visitor."""
    return batches / hashlib.sha256(visitor.encode()).hexdigest()[:32]


def store_batch(folder: Path, job: BatchJob, uploads: Sequence[Path]) -> None:
    """Store a batch in a folder, with links to its files that last as long as the batch.

    Raises:
        SourceError: the files do not go together.
        FileError, BatchError: they cannot be stored.
    """
    archives = [path for path in uploads if path.suffix.lower() == ".zip"]
    if archives and len(uploads) > 1:
        raise SourceError("Add either images or a single ZIP.")
    names: dict[str, str] = {}
    try:
        (folder / "files").mkdir(parents=True)
        for number, upload in enumerate(uploads):
            stored = f"{number}{upload.suffix.lower()}"
            _link(upload, folder / "files" / stored)
            names[_unique_name(upload.name, names)] = stored
    except OSError as error:
        raise BatchError(
            "The images cannot be stored: {reason}. Try again later.",
            reason=error.strerror or error,
        ) from error
    stored_batch = {"job": asdict(job), "files": names}
    with atomic_write(folder / "job.json") as file:
        file.write(json.dumps(stored_batch).encode())


def _link(upload: Path, path: Path) -> None:
    try:
        os.link(upload, path)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(upload, path)


def _unique_name(name: str, taken: Mapping[str, str]) -> str:
    path, number = Path(name), 1
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    return name


def open_files(folder: Path, stored: StoredBatch, settings: Settings) -> ImageSource:
    """Open the files of a batch that is stored in a folder.

    Raises:
        SourceError: they cannot be read, or are no pictures, or too many.
    """
    limits = SourceLimits(
        images=settings.batch_pictures,
        bytes_each=settings.max_upload_bytes,
        bytes_film=settings.film_bytes,
        bytes_all=MAX_UNPACK_RATIO * settings.batch_bytes,
    )
    paths = {name: folder / "files" / file for name, file in stored.files.items()}
    (first, path), *more = paths.items()
    if not more and path.suffix == ".zip":
        source: FileSource = ZipSource(path, limits, title=first)
    else:
        source = FilesSource(first if not more else f"{first} …", paths, limits)
    if not source.names:
        source.close()
        raise SourceError("There are no images in {first}.", first=first)
    return FramedSource(source, stored.job.framing, limits, max_pixels=settings.max_pixels)
