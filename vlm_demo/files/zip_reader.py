"""Reads ZIPs from anywhere. Nothing is unpacked to a disk, and no name in one becomes a path.

What an archive claims about itself is checked while it is read.
Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (.ZIP File Format 6.3.10)
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO

from vlm_demo.errors import ImageError, SourceError
from vlm_demo.translatable_text import message

MAX_COMPRESSION = 500
"""Largest ratio of a file's size to its size in the archive; a plain BMP comes close."""

ALWAYS_ALLOWED = 1_000_000
"""Number of bytes that a file may have, whatever its compression."""

ENTRY_BYTES = 1_024
"""Largest average size of an entry in the archive's list: 46, its name, and what tools add."""

_ENCRYPTED, _UTF_8 = 1 << 0, 1 << 11  # general purpose bit flags, section 4.4.4
_END, _END_64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _LONGEST_COMMENT = 22, 20, 0xFFFF

_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # also NotImplementedError
)
"""Errors that the standard library raises for damaged or hostile archives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLimits:
    """How much of an archive is read."""

    entries: int  # in its list
    bytes_each: int  # of one file, unpacked
    bytes_all: int  # of all files that are read together, unpacked


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file of an archive."""

    name: str  # decoded; folders come before a slash or a backslash
    size: int  # unpacked, as the archive says
    problem: str  # why it is not read; "": it is
    info: zipfile.ZipInfo


class ZipReader:
    """An open archive. Safe to use from several threads."""

    def __init__(self, path: Path, limits: ZipLimits) -> None:
        """Open an archive and read its list.

        Raises:
            TooManyEntriesError: the list is longer than is allowed.
            SourceError: it is not a ZIP that can be read.
        """
        self._limits = limits
        self._unpacked = 0  # bytes
        self._lock = Lock()
        try:
            with path.open("rb") as file:
                _check_list(file, limits)
            self._archive = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise SourceError(
                "{name} is not a ZIP that can be read, or is damaged.", name=path.name
            ) from error

    def entries(self) -> Iterator[ZipEntry]:
        """Yield its files in the order of its list; those without a name are left out."""
        for info in self._archive.infolist():
            if info.filename and not info.is_dir():
                name = _decode_name(info)
                yield ZipEntry(name, info.file_size, _problem(info, name), info)

    def check_sum(self, entries: Iterator[ZipEntry]) -> None:
        """Refuse files that have too many bytes together, as the archive says.

        Raises:
            SourceError: they do.
        """
        if sum(entry.size for entry in entries) > self._limits.bytes_all:
            raise self._too_much()

    def read(self, entry: ZipEntry, max_bytes: int | None = None) -> bytes:
        """Unpack a file, and no more than is allowed, whatever size the archive claims.

        Args:
            entry: the file.
            max_bytes: its largest size; None: that of the limits.

        Raises:
            ImageError: it cannot be read, or is too large.
            SourceError: with it, more was unpacked than is allowed together.
        """
        if entry.problem:
            raise ImageError(entry.problem)
        most = max_bytes or self._limits.bytes_each
        with self._lock:
            content = self._unpack(entry.info, most)
            self._unpacked += len(content)
            if self._unpacked > self._limits.bytes_all:
                raise self._too_much()
        return content

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _unpack(self, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
        plausible = max(ALWAYS_ALLOWED, MAX_COMPRESSION * info.compress_size)
        try:
            with self._archive.open(info) as file:
                content = file.read(min(max_bytes, plausible) + 1)
        except _ZIP_ERRORS as error:
            raise ImageError("This file is damaged in the ZIP.") from error
        if len(content) > plausible:
            raise ImageError(
                "This file grows more than {max_compression}-fold when unpacked, which images "
                "do not; it is skipped.",
                max_compression=MAX_COMPRESSION,
            )
        if len(content) > max_bytes:
            raise ImageError(
                "This file has {file_size} MB; at most {max_bytes} MB are allowed.",
                file_size=f"{info.file_size / 1e6:.0f}",
                max_bytes=f"{max_bytes / 1e6:.0f}",
            )
        return content

    def _too_much(self) -> SourceError:
        return SourceError(
            "The images in this ZIP have more than {bytes_all} MB when unpacked, which is the "
            "limit. Split the ZIP.",
            bytes_all=f"{self._limits.bytes_all / 1e6:,.0f}",
        )


class TooManyEntriesError(SourceError):
    """An archive lists more files than are read."""


def _check_list(file: BinaryIO, limits: ZipLimits) -> None:
    """Refuse an archive whose list is too long to be read into memory.

    Raises:
        TooManyEntriesError: the list is too long.
        ValueError, struct.error: this is not a ZIP.
    """
    end = file.seek(0, 2)
    start = max(0, end - _END_BYTES - _LONGEST_COMMENT - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rindex(_END)
    (size,) = struct.unpack_from("<L", tail, at + 12)
    locator = at - _LOCATOR_BYTES
    if locator >= 0 and tail[locator:].startswith(_END_64_LOCATOR):
        (offset,) = struct.unpack_from("<Q", tail, locator + 8)
        file.seek(offset)
        (size,) = struct.unpack_from("<Q", file.read(56), 40)
    if size > limits.entries * ENTRY_BYTES:
        raise TooManyEntriesError(
            f"This ZIP lists more than {limits.entries:,} files, the most that is read."
        )


def _problem(info: zipfile.ZipInfo, name: str) -> str:
    """Return why a file is not read; "": it is."""
    if info.flag_bits & _ENCRYPTED:
        return message("This file is locked with a password. Unlock the ZIP first.")
    if stat.S_ISLNK(info.external_attr >> 16):
        return message("This is a link to another file; links in a ZIP are not followed.")
    path = name.replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in PurePosixPath(path).parts:
        return message("This name leads out of the ZIP; such files are not read.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others unpack without a limit, or not in every Python.
        return message("This file is compressed in an unsupported way. Use an ordinary ZIP.")
    return ""


# Names

_JAPANESE = re.compile("[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]+")
_LONE_INSIDE_LATIN = re.compile(
    "[a-z][^\x00-\x7f](?![^\x00-\x7f])|(?<![^\x00-\x7f])[^\x00-\x7f][a-z]"
)


def _decode_name(info: zipfile.ZipInfo) -> str:
    """Return an entry's name. Many tools write UTF-8 or Shift-JIS without declaring it.

    By the standard the name is in code page 437 then. The result decides between the two: a single
    Japanese character between Latin letters is an accented letter of a Western name.
    """
    name = info.orig_filename
    if info.flag_bits & _UTF_8 or name.isascii():
        return name
    raw = name.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        guess = raw.decode("cp932")
    except UnicodeDecodeError:
        return name
    foreign = _JAPANESE.sub("", guess)
    return guess if foreign.isascii() and not _LONE_INSIDE_LATIN.search(guess.lower()) else name
