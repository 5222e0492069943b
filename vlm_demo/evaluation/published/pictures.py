"""Finds the pictures that the files of a benchmark's folder name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from vlm_demo.errors import InputError
from vlm_demo.results.pictures import ImageFile

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_SHOWN = 3
"""How many missing pictures an error names."""


class PictureFolder:
    """Finds the pictures that a benchmark's files name, and collects the names of missing ones."""

    def __init__(self, folder: Path) -> None:
        """Look for pictures anywhere below a folder."""
        self._folder = folder
        self._by_name: Mapping[str, list[Path]] | None = None
        self._missing: dict[str, None] = {}

    def find(self, name: str) -> ImageFile:
        """Return a picture by its path in the folder or by its file's name.

        One that is not there is remembered for `check`.
        """
        name = str(name)  # whatever a file says
        parts = PurePosixPath(name.replace("\\", "/"))
        direct = self._folder / parts
        if not parts.is_absolute() and ".." not in parts.parts and direct.is_file():
            return ImageFile(direct)
        if self._by_name is None:
            self._by_name = _list_pictures(self._folder)
        found = self._by_name.get(parts.name, [])
        fitting = [path for path in found if path.as_posix().endswith(f"/{parts}")]
        if len(fitting) != 1 and len(found) != 1:
            self._missing[name] = None
            return ImageFile(direct)
        return ImageFile((fitting or found)[0])

    def check(self) -> None:
        """Raise InputError if pictures are missing."""
        if not self._missing:
            return
        names = list(self._missing)
        listed = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        raise InputError(
            f"{len(names)} images are not in {self._folder}: {listed}. Put them there."
        )


def _list_pictures(folder: Path) -> Mapping[str, list[Path]]:
    """Return the pictures below a folder by the names of their files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            found.setdefault(path.name, []).append(path)
    return found
