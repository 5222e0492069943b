"""The revision of a model's weights, by which votes and measurements are told apart."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import adapter_on_disk

_HASHED_END_BYTES = 1 << 20
"""Bytes that are hashed at each end of a file: retrained weights differ there, too."""


def weights_revision(spec: ModelSpec) -> str:
    """Return the revision of a model's weights; "" where a server has them.

    It is that of the menu, or of the copy in the Hub's cache. A folder has none, or only one of its
    code, and gets 16 hexadecimal digits of the SHA-256 of its files' names, sizes, and first and
    last megabytes. That of an adapter follows.
    """
    own = _own_revision(spec)
    adapter = adapter_on_disk(spec.adapter) if spec.adapter else None
    if adapter is None:
        return own
    return f"{own} + {_folder_revision(adapter)}"


def _own_revision(spec: ModelSpec) -> str:
    folder = spec.folder
    if folder is None or (spec.revision and not spec.trust_remote_code):
        return spec.revision or ""
    return _folder_revision(folder)


def _folder_revision(folder: Path) -> str:
    if folder.parent.name == "snapshots":
        return folder.name
    files = sorted(path for path in folder.iterdir() if path.is_file())
    state = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return _hash_files(state)


@lru_cache(maxsize=256)
def _hash_files(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash files, given with their size in bytes and when they were written."""
    digest = hashlib.sha256()
    for path, size, _ in files:
        digest.update(repr((path.name, size)).encode())
        with path.open("rb") as file:
            digest.update(file.read(_HASHED_END_BYTES))
            file.seek(max(size - _HASHED_END_BYTES, 0))
            digest.update(file.read(_HASHED_END_BYTES))
    return digest.hexdigest()[:16]
