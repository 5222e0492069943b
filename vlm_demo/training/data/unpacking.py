"""Unpacks a ZIP of pictures and labels."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path, PurePosixPath

from vlm_demo.analysis.ground_truth.archive import LISTING
from vlm_demo.errors import FileError, ImageError, InputError
from vlm_demo.files.zip_reader import ZipEntry, ZipLimits, ZipReader
from vlm_demo.training.data.labelled_pictures import IMAGE_ENDINGS
from vlm_demo.units import format_bytes

MAX_FILES = 50_000
"""Largest number of files in a ZIP of data."""

_MAC_FOLDER = "__MACOSX"
"""Folder with what the Finder adds to a ZIP."""


def unpack_data(archive: Path, folder: Path, *, most_bytes: int) -> Path:
    """Unpack a ZIP, and return what has the data: a folder, or the only file in it.

    The ZIP of a benchmark of one's own is returned as it is: its reader opens it. Files whose names
    would lead out of the folder, and what the Finder adds, are left out.

    Args:
        archive: the ZIP.
        folder: where its files go; it need not exist.
        most_bytes: of all files together, unpacked.

    Raises:
        InputError: there is nothing in it.
        SourceError: it is damaged, or too large.
        ImageError: a file in it is damaged, encrypted, or too large.
        FileError: its files cannot be written.
    """
    limits = ZipLimits(entries=MAX_FILES, bytes_each=most_bytes, bytes_all=most_bytes)
    with closing(ZipReader(archive, limits)) as reader:
        entries = list(reader.entries())
        if any(entry.name == LISTING for entry in entries):
            return archive
        reader.check_sum(iter(entries))
        for entry in entries:
            target = find_place(folder, entry.name)
            if target is not None and (content := _read(reader, entry)) is not None:
                _write(target, content)
    if not folder.is_dir():
        raise InputError("There are no files in {name}.", name=archive.name)
    return _skip_outer_folders(folder)


def _read(reader: ZipReader, entry: ZipEntry) -> bytes | None:
    """Return the content of a file; None: a picture that is damaged, and is missing then."""
    try:
        return reader.read(entry)
    except ImageError:
        if not entry.problem and Path(entry.name).suffix.lower() in IMAGE_ENDINGS:
            return None
        raise


def find_place(folder: Path, name: str) -> Path | None:
    """Return where a file goes that has a name of somebody else's; None: nowhere."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    is_plain = all(part not in ("..", "/", _MAC_FOLDER) and ":" not in part for part in parts)
    return folder.joinpath(*parts) if parts and is_plain else None


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        raise FileError(
            "There is not enough room for the data: {name} ({size}) cannot be written: {reason}.",
            name=target.name,
            size=format_bytes(len(content)),
            reason=error.strerror or error,
        ) from error


def _skip_outer_folders(folder: Path) -> Path:
    """Return the folder or file that has the data, where it stands alone in its folder."""
    while True:
        inner = list(folder.iterdir())
        if len(inner) != 1 or inner[0].name in ("images", "labels"):
            return folder
        if inner[0].is_file():
            return inner[0]
        folder = inner[0]
