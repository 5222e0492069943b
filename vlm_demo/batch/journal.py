"""The journal of a batch: a file of JSON lines, one for each picture, that survives any crash.

The first line describes the job. Each further line is on the disk before the next is begun, so a
program that is killed leaves at most one incomplete line, which is cut off when the journal is
opened again. Of several lines about one picture, the last one counts.
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

from vlm_demo.batch.job import HEADER_KEY, VERSION
from vlm_demo.batch.result import BatchResult
from vlm_demo.errors import JournalError

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Where the line of a result is, and what must be known without reading it again."""

    offset: int  # of the line, in bytes
    sha256: str
    failed: bool
    retry: bool


class BatchJournal:
    """An open journal, which nobody else can open meanwhile. Safe to use from several threads.

    Only the offsets of its lines are held in memory.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Open the journal of a job, or create it.

        Raises:
            JournalError: it cannot be read or written, is damaged, or is another job's.
        """
        self.path = path
        self._lock = Lock()  # guards the end of the file and the entries
        self._entries: dict[
            str, JournalEntry
        ] = {}  # by name of the picture, in order of completion
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            _lock_exclusively(self._file, path)
            self._end = self._begin(header)
        except BaseException:
            self._file.close()
            raise

    def append(self, result: BatchResult) -> None:
        """Write a result; when this returns it is on the disk.

        Raises:
            JournalError: it cannot be written, such as on a full disk; earlier results stay.
        """
        line = to_line(result.to_json())
        with self._lock:
            offset = self._end
            self._write(line)
            self._index(result, offset)

    def is_settled(self, name: str, sha256: str) -> bool:
        """Whether nothing is left to do about a picture of this name and content."""
        entry = self._entries.get(name)
        return entry is not None and entry.sha256 == sha256 and not entry.retry

    @property
    def entries(self) -> dict[str, JournalEntry]:
        """A copy of the entry of each picture, in order of completion."""
        with self._lock:
            return dict(self._entries)

    def results(self) -> Iterator[BatchResult]:
        """Read the result of each picture, sorted by name; one is held at a time."""
        entries = self.entries
        yield from self._read(entries[name] for name in sorted(entries))

    def newest(self, count: int, *, failed: bool = False) -> list[BatchResult]:
        """Return the last results, or only the last that failed, the newest first."""
        entries = [entry for entry in reversed(self.entries.values()) if entry.failed or not failed]
        return list(self._read(iter(entries[:count])))

    def result(self, name: str) -> BatchResult | None:
        """Return the result for a picture; None: there is none yet."""
        entry = self.entries.get(name)
        return next(self._read(iter([entry]))) if entry else None

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    # Reading

    def _read(self, entries: Iterator[JournalEntry]) -> Iterator[BatchResult]:
        try:
            with self.path.open("rb") as file:
                for entry in entries:
                    file.seek(entry.offset)
                    yield BatchResult.from_json(json.loads(file.readline()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JournalError(
                "{path} can no longer be read: {problem}.", path=self.path, problem=error
            ) from error

    def _begin(self, header: Mapping[str, Any]) -> int:
        """Read what is there, repair its end, and return where the next line goes."""
        try:
            with self.path.open("rb") as file:
                first = file.readline()
                if not first.endswith(b"\n") and _may_begin(first, header):
                    end = 0
                else:
                    _check_header(first, header, self.path)
                    end = self._index_lines(file)
            self._file.truncate(end)
        except OSError as error:
            raise self._unwritable(error) from error
        if not end:
            self._end = 0
            self._write(to_line(header))
            end = self._end
        return end

    def _index_lines(self, file: BinaryIO) -> int:
        """Index the lines after the first; return the end of the last complete one."""
        number, end = 1, file.tell()
        for line in file:
            number += 1
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("the line is incomplete")
                result = BatchResult.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                if file.read(1):
                    raise JournalError(
                        "Line {number} of {path} is damaged. Remove it, or choose another folder.",
                        number=number,
                        path=self.path,
                    ) from error
                break  # the program was killed while it wrote this
            self._index(result, end)
            end += len(line)
        return end

    def _index(self, result: BatchResult, offset: int) -> None:
        self._entries.pop(result.name, None)  # so that it comes last
        self._entries[result.name] = JournalEntry(
            offset, result.sha256, bool(result.error), result.retry
        )

    # Writing

    def _write(self, line: bytes) -> None:
        try:
            written = self._file.write(line)
            if written != len(line):  # a full disk takes only a part
                raise OSError("the disk is full")
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # what remains is cut off when the journal is opened again
                self._file.truncate(self._end)
            raise self._unwritable(error) from error
        self._end += len(line)

    def _unwritable(self, error: OSError) -> JournalError:
        return JournalError(
            "{path} cannot be written: {reason}. The results so far are kept; free some space and "
            "run the batch again to continue.",
            path=self.path,
            reason=error.strerror or error,
        )


def to_line(fields: Mapping[str, Any]) -> bytes:
    """Return a line of JSON in UTF-8; file names that are not text become escapes."""
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _may_begin(first: bytes, header: Mapping[str, Any]) -> bool:
    """Whether a file is empty, or holds the beginning of this first line."""
    return to_line(header).startswith(first)


def _check_header(first: bytes, header: Mapping[str, Any], path: Path) -> None:
    """Refuse a file that is no journal, or the journal of another job.

    Raises:
        JournalError: it is.
    """
    try:
        found = json.loads(first)
    except ValueError:
        found = None
    if not isinstance(found, dict) or HEADER_KEY not in found:
        raise JournalError(
            "{path} is not the journal of a batch. Choose another folder.", path=path
        )
    if found[HEADER_KEY] != VERSION:
        raise JournalError(
            "{path} was written by another version of this program. Choose another folder.",
            path=path,
        )
    other = [name for name in header if found.get(name) != header[name]]
    if other:
        raise JournalError(
            "{path} is the journal of another job: {differences}. Choose another folder, or "
            "run the same job.",
            path=path,
            differences="; ".join(
                f"{name}: {found.get(name)!r} there, {header[name]!r} here" for name in other
            ),
        )


def _lock_exclusively(file: BinaryIO, path: Path) -> None:
    """Keep other programs from writing; the lock of a program that is killed ends by itself."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise JournalError("{path} is in use by another run.", path=path) from error
