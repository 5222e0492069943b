"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vlm_demo.errors import FileError


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its name when all is written, and else goes.

    A device or pipe is written as it is: its name must stay what it was.

    Raises:
        FileError: it cannot be written, such as on a full disk.
    """
    path = path.resolve()  # a link stays, and leads to the new file
    if path.exists() and not path.is_file():
        with _told(path), path.open("wb") as file:
            yield file
        return
    part = _beside(path)
    try:
        with _told(path), part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _told(path):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Make a folder beside `path` that takes its name when all is written, and else goes.

    Raises:
        FileError: it cannot be written, or there is a folder with something in it.
    """
    path = path.resolve()
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileError(f"{path} is there already. Please choose another name.")
    part = _beside(path)
    try:
        with _told(path):
            part.mkdir()
            yield part
            part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has enough; that is no fault
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error
