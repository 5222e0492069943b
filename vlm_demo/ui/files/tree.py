"""The life of visitors' files: cleaned when the program starts, while it runs, and when it ends."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO

from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings
from vlm_demo.ui.files.folders import all_visitors_folder, batches_folder, root
from vlm_demo.ui.files.usage import make_room_for_all, remove_old

if sys.platform != "win32":
    import fcntl

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
"""Environment variable of the folder, which Gradio reads too."""

LOCK_NAME = "lock"
"""File that each running program holds; what a killed one held is free."""

HOUR_S = 3600
"""Seconds between two removals of old files."""

TRIM_S = 60
"""Seconds between two looks at how much is stored."""

FOLDER_NAME = "vlm_demo"
"""Name of the folder in the one that is given: all that is in it may be removed."""


class FileTree:
    """All files that visits leave, in one folder of this user."""

    def __init__(self, settings: Settings, lock: IO[str] | None) -> None:
        """Take the limits; `lock` is held shared as long as the program runs."""
        self._life_s = settings.files_hours * HOUR_S
        self._most = settings.files_bytes
        self._most_each = settings.quotas.bytes_kept
        self._lock = lock
        self._static: frozenset[Path] = frozenset()
        self._end = Event()
        self._thread = Thread(target=self._run, name="vlm_demo files", daemon=True)

    def serve(self) -> None:
        """Begin to clean from time to time; what is there now belongs to the page and stays."""
        self._static = frozenset(_list(root()))
        self._thread.start()

    def clean(self) -> None:
        """Remove what is older than its life."""
        before = time.time() - self._life_s
        for place in (all_visitors_folder(), batches_folder()):
            remove_old(place, before)
        for path in _list(root()):
            if path not in self._static and not _is_ours(path) and _newest_change(path) < before:
                _remove(path)

    def close(self) -> None:
        """Remove all files of visits but batches, unless another program uses them too."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        _remove_all(self._lock)
        if self._lock:
            self._lock.close()

    def _run(self) -> None:
        cleaned = time.monotonic()
        while not self._end.wait(min(TRIM_S, self._life_s / 4)):
            make_room_for_all(self._most, self._most_each)
            if time.monotonic() - cleaned >= min(HOUR_S, self._life_s / 4):
                self.clean()
                cleaned = time.monotonic()


@contextmanager
def open_file_tree(settings: Settings) -> Iterator[FileTree]:
    """Choose the folder of all files and remove what earlier runs left, killed ones too.

    It is in the folder that GRADIO_TEMP_DIR names, or in one of this user among the temporary ones.

    Raises:
        SettingsError: nothing can be written there.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    user = os.getuid() if sys.platform != "win32" else os.getlogin()
    place = Path(given) if given else Path(tempfile.gettempdir()) / f"vlm_demo-{user}"
    os.environ[FOLDER_VARIABLE] = str(place / FOLDER_NAME)
    try:
        with _open_tree(settings) as tree:
            yield tree
    finally:
        if given is None:
            del os.environ[FOLDER_VARIABLE]
        else:
            os.environ[FOLDER_VARIABLE] = given


@contextmanager
def _open_tree(settings: Settings) -> Iterator[FileTree]:
    try:
        root().mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (root() / LOCK_NAME).open("a") if sys.platform != "win32" else None
    except OSError as error:
        raise SettingsError(
            "Files of visitors cannot be stored in {value}: {reason}. Set "
            "{folder_variable} to a folder that this program may write to.",
            value=root(),
            reason=error.strerror or error,
            folder_variable=FOLDER_VARIABLE,
        ) from error
    _remove_all(lock)
    tree = FileTree(settings, lock)
    tree.clean()
    try:
        yield tree
    finally:
        tree.close()


def _remove_all(lock: IO[str] | None) -> None:
    """Remove all but batches, if no other program uses the folder; then hold the lock shared."""
    if lock is None or sys.platform == "win32":
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fcntl.flock(lock, fcntl.LOCK_SH)  # the other one has it shared too, or will soon
        return
    for path in _list(root()):
        if path != batches_folder() and path.name != LOCK_NAME:
            _remove(path)
    fcntl.flock(lock, fcntl.LOCK_SH)


def _is_ours(path: Path) -> bool:
    return path in (all_visitors_folder(), batches_folder()) or path.name == LOCK_NAME


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _newest_change(path: Path) -> float:
    try:
        newest = path.stat().st_mtime
        return max([newest, *(one.stat().st_mtime for one in _list(path))])
    except OSError:  # it is being removed
        return time.time()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
