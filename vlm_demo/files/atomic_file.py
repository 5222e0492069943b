"""Writes files and folders that appear whole or not at all."""

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
    """Open a temporary file that is renamed to `path` when complete, and deleted on an error.

    A device or pipe is written to directly.

    Raises:
        FileError: it cannot be written, such as on a full disk.
    """
    path = path.resolve()  # a link stays, and points to the new file
    if path.exists() and not path.is_file():
        with _file_errors(path), path.open("wb") as file:
            yield file
        return
    temporary = _temporary_path(path)
    try:
        with _file_errors(path), temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _file_errors(path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder that is renamed to `path` when complete, and deleted on an error.

    Raises:
        FileError: it cannot be written, or `path` is a folder that is not empty.
    """
    path = path.resolve()
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileError("{path} already exists. Choose another name.", path=path)
    temporary = _temporary_path(path)
    try:
        with _file_errors(path):
            temporary.mkdir()
            yield temporary
            temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of the pipe has gone, which is not an error of ours
    except OSError as error:
        raise FileError(
            "{path} cannot be written: {reason}.", path=path, reason=error.strerror or error
        ) from error
