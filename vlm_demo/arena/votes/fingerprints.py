"""What words, pictures and weights are recognised by, without keeping them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL.Image import Image

from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.values import Request

_ENDS = 1 << 20
"""Bytes that are read of each end of a file: what was trained anew differs there, too."""


def of_words(requests: Iterable[Request]) -> str:
    """SHA-256, hexadecimal, of what was asked: the task, the words and the region of each turn.

    Case and white space do not count, so that nobody asks the same in ever new dress.
    """
    digest = hashlib.sha256()
    for request in requests:
        words = " ".join(request.text.split()).casefold()
        digest.update(repr((request.task.value, words, request.regions)).encode())
    return digest.hexdigest()


def of_pictures(pictures: Iterable[Image]) -> str:
    """SHA-256, hexadecimal, of the pixels of pictures; "" where there are none."""
    digest, some = hashlib.sha256(), False
    for picture in pictures:
        some = True
        digest.update(repr((picture.mode, picture.size)).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest() if some else ""


def of_weights(spec: ModelSpec) -> str:
    """The revision of a model's checkpoint; "" where a server has it.

    That of the menu, or of the copy that the Hub's cache holds. A folder has none: it is known by
    16 hexadecimal digits of SHA-256 over its files' names, sizes and first and last megabytes.
    """
    folder = spec.folder
    if spec.revision or folder is None:
        return spec.revision or ""
    if folder.parent.name == "snapshots":
        return folder.name
    files = sorted(path for path in folder.iterdir() if path.is_file())
    state = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return _of_files(state)


@lru_cache(maxsize=256)
def _of_files(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Digest files, given with their size in bytes and when they were written."""
    digest = hashlib.sha256()
    for path, size, _ in files:
        digest.update(repr((path.name, size)).encode())
        with path.open("rb") as file:
            digest.update(file.read(_ENDS))
            file.seek(max(size - _ENDS, 0))
            digest.update(file.read(_ENDS))
    return digest.hexdigest()[:16]
