"""What is done of a batch: a file of JSON lines, one a picture, that outlives any crash.

The first line describes the job. Each further line is on the disk before the next is begun, so a
program that is killed leaves at most one half line, which is cut off when it is opened again. Of
several lines about one picture the last counts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from vlm_demo.batch.job import MARK, VERSION, Result
from vlm_demo.errors import JournalError

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a result stands, and what must be known without reading it again."""

    offset: int  # of its line, in bytes
    sha256: str
    failed: bool
    again: bool


class Journal:
    """An open journal; while it is, nobody else can open it. Safe from several threads.

    Only the places of its lines are held in memory.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Open the journal of a job, or begin it.

        Raises:
            JournalError: it cannot be read or written, is damaged, or is another job's.
        """
        self.path = path
        self._lock = Lock()  # guards the file's end and the marks
        self._marks: dict[str, Mark] = {}  # by name of the picture, in order of completion
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            _lock_alone(self._file, path)
            self._end = self._begin(header)
        except BaseException:
            self._file.close()
            raise

    def append(self, result: Result) -> None:
        """Keep a result; when this returns it is on the disk.

        Raises:
            JournalError: it cannot be kept, such as on a full disk; what was kept before stays.
        """
        line = to_line(result.fields)
        with self._lock:
            mark = Mark(self._end, result.sha256, bool(result.error), result.again)
            self._write(line)
            self._marks.pop(result.name, None)  # so that it comes last
            self._marks[result.name] = mark

    def settles(self, name: str, sha256: str) -> bool:
        """Whether nothing more is to be done about a picture of this name and content."""
        mark = self._marks.get(name)
        return mark is not None and mark.sha256 == sha256 and not mark.again

    @property
    def marks(self) -> dict[str, Mark]:
        """What is known of each picture, in order of completion: a copy."""
        with self._lock:
            return dict(self._marks)

    def results(self) -> Iterator[Result]:
        """Read the result of each picture, sorted by name; one is held at a time."""
        marks = self.marks
        yield from self._read(marks[name] for name in sorted(marks))

    def newest(self, count: int, *, failed: bool = False) -> list[Result]:
        """Return the last results, or the last of those that failed, the newest first."""
        marks = [mark for mark in reversed(self.marks.values()) if mark.failed or not failed]
        return list(self._read(iter(marks[:count])))

    def result(self, name: str) -> Result | None:
        """Return what became of a picture; None: nothing yet."""
        mark = self.marks.get(name)
        return next(self._read(iter([mark]))) if mark else None

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    # Reading

    def _read(self, marks: Iterator[Mark]) -> Iterator[Result]:
        try:
            with self.path.open("rb") as file:
                for mark in marks:
                    file.seek(mark.offset)
                    yield Result.read(json.loads(file.readline()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JournalError(f"{self.path} cannot be read any more: {error}.") from error

    def _begin(self, header: Mapping[str, Any]) -> int:
        """Read what is there, mend its end, and return where the next line goes."""
        try:
            with self.path.open("rb") as file:
                first = file.readline()
                if not first.endswith(b"\n") and _may_begin(first, header):
                    end = 0
                else:
                    _check_header(first, header, self.path)
                    end = self._take_in(file)
            self._file.truncate(end)
        except OSError as error:
            raise self._unwritable(error) from error
        if not end:
            self._end = 0
            self._write(to_line(header))
            end = self._end
        return end

    def _take_in(self, file: BinaryIO) -> int:
        """Note the lines behind the first; return the end of the last whole one."""
        number, end = 1, file.tell()
        for line in file:
            number += 1
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("the line is not whole")
                result = Result.read(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                if file.read(1):
                    raise JournalError(
                        f"Line {number} of {self.path} is damaged. Please take it out, or choose "
                        "another folder."
                    ) from error
                break  # the program ended while it wrote this
            self._marks.pop(result.name, None)
            self._marks[result.name] = Mark(end, result.sha256, bool(result.error), result.again)
            end += len(line)
        return end

    # Writing

    def _write(self, line: bytes) -> None:
        try:
            written = self._file.write(line)
            if written != len(line):  # a full disk takes a part first
                raise OSError("the disk is full")
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # what cannot be cut off now is cut off when it is opened again
                self._file.truncate(self._end)
            raise self._unwritable(error) from error
        self._end += len(line)

    def _unwritable(self, error: OSError) -> JournalError:
        return JournalError(
            f"{self.path} cannot be written: {error.strerror or error}. What is done so far is "
            "kept; make room and run the same again to go on."
        )


def to_line(fields: Mapping[str, Any]) -> bytes:
    """Write a line of JSON in UTF-8; names of files that are not text become escapes."""
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def read_header(path: Path) -> dict[str, Any] | None:
    """Return the job that a journal describes; None where there is no journal.

    Raises:
        JournalError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise JournalError(f"{path} cannot be read: {error}.") from error
    return header if isinstance(header, dict) else None


def _may_begin(first: bytes, header: Mapping[str, Any]) -> bool:
    """Whether a file holds nothing, or the beginning of this first line."""
    return to_line(header).startswith(first)


def _check_header(first: bytes, header: Mapping[str, Any], path: Path) -> None:
    """Refuse what is no journal, or that of another job.

    Raises:
        JournalError: it is.
    """
    try:
        there = json.loads(first)
    except ValueError:
        there = None
    if not isinstance(there, dict) or MARK not in there:
        raise JournalError(f"{path} is no journal of a batch. Please choose another folder.")
    if there[MARK] != VERSION:
        raise JournalError(
            f"{path} was written by another version of this program. Please choose another folder."
        )
    other = [name for name in header if there.get(name) != header[name]]
    if other:
        raise JournalError(
            f"{path} is the journal of another job: "
            + "; ".join(
                f"{name}: {there.get(name)!r} there, {header[name]!r} here" for name in other
            )
            + ". Please choose another folder, or ask the same."
        )


def _lock_alone(file: BinaryIO, path: Path) -> None:
    """Keep other programs from writing; a program that is killed lets go by itself."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise JournalError(f"{path} is being written by another run at this moment.") from error
