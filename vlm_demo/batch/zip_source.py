"""The pictures in a ZIP. Nothing is unpacked to a disk, and no name in it becomes a path.

What an archive claims about itself is checked while it is read.
Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (.ZIP File Format 6.3.10)
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO

from vlm_demo.batch.sources import SourceLimits, check_count, is_hidden, is_image, too_large
from vlm_demo.errors import ImageError, SourceError

MAX_COMPRESSION = 500
"""Largest ratio of a picture's size to its size in the archive; a plain BMP comes close."""

ALWAYS_ALLOWED = 1_000_000
"""Number of bytes that a picture may have, whatever its compression."""

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


class ZipSource:
    """The pictures of one archive; those stored in a way that is not allowed fail when read."""

    def __init__(self, path: Path, limits: SourceLimits, *, title: str = "") -> None:
        """Open the archive and read its list; without a `title`, it is called by its file name.

        Raises:
            SourceError: it cannot be read, or its list says that it holds too much.
        """
        self.title = title or path.name
        self.other_file_count = 0
        self._limits = limits
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._problems: dict[str, str] = {}  # by name, why a picture cannot be read
        self._unpacked = 0  # bytes
        self._lock = Lock()
        try:
            with path.open("rb") as file:
                _check_list(file, limits)
            self._archive = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise SourceError(
                f"{self.title} is not a ZIP that can be read, or is damaged."
            ) from error
        try:
            self._list()
        except SourceError:
            self._archive.close()
            raise
        self.names = sorted({*self._entries, *self._problems})

    def read(self, name: str) -> bytes:
        """Return the content of a picture's file; see `Source.read`."""
        problem = self._problems.get(name)
        if problem:
            raise ImageError(problem)
        with self._lock:
            content = self._unpack(self._entries[name])
            self._unpacked += len(content)
            if self._unpacked > self._limits.bytes_all:
                raise _too_much(self._limits)
        return content

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _list(self) -> None:
        for entry in self._archive.infolist():
            name = _decode_name(entry)
            if entry.is_dir():
                continue
            path = name.replace("\\", "/")
            if not is_image(path):
                self.other_file_count += not is_hidden(path)
                continue
            problem = _problem(entry, name)
            if name in self._entries or name in self._problems:
                number = 2
                while f"{name} ({number})" in self._problems:
                    number += 1
                problem = "The ZIP holds two files of this name; only the first is read."
                name = f"{name} ({number})"
            if problem:
                self._problems[name] = problem
            else:
                self._entries[name] = entry
            check_count(len(self._entries) + len(self._problems), self._limits)
        if sum(entry.file_size for entry in self._entries.values()) > self._limits.bytes_all:
            raise _too_much(self._limits)

    def _unpack(self, entry: zipfile.ZipInfo) -> bytes:
        """Unpack no more than is allowed, whatever size the archive claims."""
        max_bytes = self._limits.bytes_each
        plausible = max(ALWAYS_ALLOWED, MAX_COMPRESSION * entry.compress_size)
        try:
            with self._archive.open(entry) as file:
                content = file.read(min(max_bytes, plausible) + 1)
        except _ZIP_ERRORS as error:
            raise ImageError("This file is damaged in the ZIP.") from error
        if len(content) > plausible:
            raise ImageError(
                f"This file grows more than {MAX_COMPRESSION}-fold when it is unpacked, which "
                "pictures do not; it is skipped."
            )
        if len(content) > max_bytes:
            raise too_large(entry.file_size, self._limits)
        return content


def _check_list(file: BinaryIO, limits: SourceLimits) -> None:
    """Refuse an archive whose list is too long to be read into memory.

    Raises:
        SourceError: the list is too long.
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
    if size > limits.images * ENTRY_BYTES:
        check_count(limits.images + 1, limits)


def _problem(entry: zipfile.ZipInfo, name: str) -> str:
    """Return why a picture is not read; "": it is."""
    if entry.flag_bits & _ENCRYPTED:
        return "This file is locked with a password. Please unlock the ZIP first."
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "This is a link to another file; links in a ZIP are not followed."
    path = name.replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in PurePosixPath(path).parts:
        return "This name leads out of the ZIP; such files are not read."
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others unpack without a limit, or not in every Python.
        return "This file is packed in a way that is not read. Please use an ordinary ZIP."
    return ""


# Names

_JAPANESE = re.compile("[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]+")
_LONE_INSIDE_LATIN = re.compile(
    "[a-z][^\x00-\x7f](?![^\x00-\x7f])|(?<![^\x00-\x7f])[^\x00-\x7f][a-z]"
)


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name. Many tools write UTF-8 or Shift-JIS without declaring it.

    By the standard the name is in code page 437 then. The result decides between the two: a single
    Japanese character between Latin letters is an accented letter of a Western name.
    """
    name = entry.orig_filename
    if entry.flag_bits & _UTF_8 or name.isascii():
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


def _too_much(limits: SourceLimits) -> SourceError:
    return SourceError(
        f"The pictures in this ZIP have more than {limits.bytes_all / 1e6:,.0f} MB when unpacked, "
        "the most that one batch can have. Please split it."
    )
