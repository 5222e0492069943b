"""How many bytes visitors keep, and what goes first when they are too many."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.ui.files.folders import all_visitors_folder, batches_folder


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder of a visitor: an upload with what was made of it, or an export."""

    path: Path
    size: int  # bytes
    changed: float  # when its newest file was written, in seconds since 1970


def measure(folder: Path) -> StoredFolder:
    """Measure a folder; one that is being removed has what is left of it."""
    size, changed = 0, 0.0
    for entry in _walk(folder):
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        size += status.st_size
        changed = max(changed, status.st_mtime)
    if not changed:  # an empty folder
        try:
            changed = folder.stat().st_mtime
        except OSError:
            changed = time.time()
    return StoredFolder(folder, size, changed)


def list_stored(visitor: Path) -> list[StoredFolder]:
    """Return the folders of a visitor, those changed longest ago first."""
    folders = (measure(path) for path in _list(visitor))
    return sorted(folders, key=lambda stored: stored.changed)


def count_bytes() -> int:
    """Return the bytes of all visitors' files, batches included."""
    places = (all_visitors_folder(), batches_folder())
    return sum(measure(visitor).size for place in places for visitor in _list(place))


def make_room(visitor: Path, most: int) -> None:
    """Remove what a visitor has used longest ago until so many bytes are left, at most."""
    stored = list_stored(visitor)
    total = sum(one.size for one in stored)
    for one in stored:
        if total <= most:
            return
        shutil.rmtree(one.path, ignore_errors=True)
        total -= one.size


def remove_old(place: Path, before: float) -> None:
    """Remove the folders of visitors that have not changed since a time; then empty visitors."""
    for visitor in _list(place):
        for stored in list_stored(visitor):
            if stored.changed < before:
                shutil.rmtree(stored.path, ignore_errors=True)
        try:
            visitor.rmdir()
        except OSError:  # something is left
            continue


def make_room_for_all(most: int, most_each: int) -> None:
    """Keep each visitor's files, and those of all together, within their limits.

    Where all together are too many, the visitor who has most loses what was used longest ago.

    Args:
        most: bytes of all visitors, batches included.
        most_each: bytes of one visitor; 0: as many as fit.
    """
    stored = {visitor: list_stored(visitor) for visitor in _list(all_visitors_folder())}
    sizes = {visitor: sum(one.size for one in own) for visitor, own in stored.items()}
    # Batches are not removed before their time; half of the room is left to everything else.
    excess = min(count_bytes() - most, sum(sizes.values()) - most // 2)
    while sizes:
        largest = max(sizes, key=lambda visitor: sizes[visitor])
        is_too_large = bool(most_each) and sizes[largest] > most_each
        if not stored[largest] or not (excess > 0 or is_too_large):
            return
        oldest = stored[largest].pop(0)
        shutil.rmtree(oldest.path, ignore_errors=True)
        sizes[largest] -= oldest.size
        excess -= oldest.size


def _list(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:  # not there yet, or no longer
        return []


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(Path(entry.path))
                else:
                    yield entry
    except OSError:
        return
