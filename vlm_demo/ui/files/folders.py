"""Where the files of visitors are: each visitor has a folder, and in it each file one of its own.

    visitors/<visitor>/<128 random bits>/<file>    uploads, copies to show, exports, imports
    batches/<visitor>/<code>/                      batches, which outlive the program

Both are below the folder that Gradio keeps its own files in. Nobody but their visitor reaches them,
not even with the whole path: see `may_read` and `find_file`.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio.utils import get_upload_folder

from vlm_demo.batch.folders import visitor_folder
from vlm_demo.errors import FileError
from vlm_demo.units import format_bytes

NAME_BYTES = 16
"""Length of the random name of a folder."""

MIN_FREE_BYTES = 200_000_000
"""Number of free bytes on the disk below which nothing more is stored for visitors."""


def root() -> Path:
    """Return the folder of all files."""
    return Path(get_upload_folder()).resolve()


def batches_folder() -> Path:
    """Return the folder of batches."""
    return root() / "batches"


def all_visitors_folder() -> Path:
    """Return the folder that has a folder for each visitor."""
    return root() / "visitors"


def own_folder(owner: str) -> Path:
    """Return the folder of a visitor, which need not exist; its name does not reveal who it is."""
    return visitor_folder(all_visitors_folder(), owner)


def make_folder(owner: str) -> Path:
    """Make a folder of a visitor under a name that nobody can guess.

    Raises:
        FileError: it cannot be made, or the disk is nearly full.
    """
    folder = own_folder(owner) / secrets.token_hex(NAME_BYTES)
    with write_errors():
        folder.mkdir(parents=True, mode=0o700)
        free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        folder.rmdir()
        raise FileError(
            "The disk is nearly full: {free} are free. Try again later.",
            free=format_bytes(free),
        )
    return folder


@contextmanager
def write_errors() -> Iterator[None]:
    """Say in words that a disk takes nothing more.

    Raises:
        FileError: something in the `with` statement could not be written.
    """
    try:
        yield
    except OSError as error:
        raise FileError(
            "No file can be written here: {reason}.", reason=error.strerror or error
        ) from error


def find_file(path: object, owner: str) -> Path | None:
    """Return a file of a visitor; None where it is none of theirs, or does not exist.

    Args:
        path: what a browser sent, which may be anything.
        owner: the visitor.
    """
    if not isinstance(path, str):
        return None
    try:
        file = Path(path).resolve()
        if not file.is_file():
            return None
    except (OSError, ValueError):  # too long, or with NUL
        return None
    return file if file.is_relative_to(own_folder(owner)) else None


def may_read(path: str, owner: str) -> bool:
    """Whether a visitor may be sent a file, as far as it is one of another visitor."""
    try:
        file = Path(path).resolve()
    except (OSError, ValueError):
        return False
    for folder in (all_visitors_folder(), batches_folder()):
        if file.is_relative_to(folder):
            return file.is_relative_to(visitor_folder(folder, owner))
    return True
