"""The data set on the Hub that holds a copy of the chain: its files, and how they are committed.

The data set is private and holds the chain as JSON lines, in parts that are named by the places
that they cover: votes/000000000001-000000000500-1f0c.jsonl. Parts are small enough for the Hub to
keep them in its history of text files, which can be squashed; a picture of several megabytes turns
a part into one of its large files.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from vlm_demo.arena.ledger.entries import LedgerEntry, to_line
from vlm_demo.errors import VotesError

PART_BYTES = 4_000_000
"""Size at which a part is closed."""

PARTS_PER_COMMIT = 4
"""Largest number of parts in one commit; they are held in memory."""

_NAME = re.compile(r"votes/(\d{12})-(\d{12})-[0-9a-f]+\.jsonl")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file of the data set."""

    first: int
    last: int
    path: str

    @classmethod
    def from_path(cls, path: str) -> Part | None:
        """Read what a file's name says; None for a file that holds no votes."""
        match = _NAME.fullmatch(path)
        return cls(int(match[1]), int(match[2]), path) if match else None

    @classmethod
    def create(cls, first: int, last: int) -> Part:
        """Name a new part, unlike any that another run of the program wrote."""
        return cls(first, last, f"votes/{first:012d}-{last:012d}-{secrets.token_hex(4)}.jsonl")


class HubDataset:
    """A data set, as it was when it was last read or written."""

    def __init__(self, repo: str, api: HfApi) -> None:
        """Take the data set's name; nothing is read yet."""
        self.repo = repo
        self._api = api
        self._commit = ""

    def create(self) -> None:
        """Make the data set, unless it is there."""
        self._api.create_repo(self.repo, repo_type="dataset", private=True, exist_ok=True)

    def has_changed(self) -> bool:
        """Whether somebody else has written to the data set since it was read.

        Raises:
            VotesError: everybody may read it.
        """
        return self._newest_commit() != self._commit

    def list_parts(self) -> list[Part]:
        """Look at the newest commit, and return its parts in order.

        Raises:
            VotesError: everybody may read it.
        """
        self._commit = self._newest_commit()
        names = self._api.list_repo_files(self.repo, repo_type="dataset", revision=self._commit)
        return sorted(part for part in map(Part.from_path, names) if part)

    def read_lines(self, part: Part) -> Iterator[bytes]:
        """Read the lines of a part, leaving no copy of it here, as the Hub's cache would."""
        with tempfile.TemporaryDirectory() as folder:
            path = self._api.hf_hub_download(
                self.repo,
                part.path,
                repo_type="dataset",
                revision=self._commit,
                local_dir=folder,
            )
            with Path(path).open("rb") as file:
                yield from file

    def commit(self, new: Sequence[tuple[Part, bytes]], removed: Sequence[Part] = ()) -> None:
        """Write and remove parts, unless somebody else has written since the data set was read."""
        commit = self._api.create_commit(
            self.repo,
            [
                *(CommitOperationAdd(part.path, lines) for part, lines in new),
                *(CommitOperationDelete(part.path) for part in removed),
            ],
            commit_message="Votes",
            repo_type="dataset",
            parent_commit=self._commit,
        )
        self._commit = str(commit.oid)

    def squash_history(self) -> None:
        """Remove all earlier commits, with what they held."""
        self._api.super_squash_history(self.repo, repo_type="dataset")
        self._commit = self._newest_commit()

    def _newest_commit(self) -> str:
        info = self._api.dataset_info(self.repo)
        if not info.private:  # votes show who voted alike, and hold what few may read
            raise VotesError(f"Everybody may read {self.repo}. Make it private.")
        return str(info.sha)


def split_into_parts(entries: Iterable[LedgerEntry]) -> Iterator[tuple[Part, bytes]]:
    """Write entries into new parts of about `PART_BYTES`."""
    lines: list[bytes] = []
    size = first = last = 0
    for entry in entries:
        first, last = first or entry.seq, entry.seq
        lines.append(to_line(entry))
        size += len(lines[-1])
        if size >= PART_BYTES:
            yield Part.create(first, last), b"".join(lines)
            lines, size, first = [], 0, 0
    if lines:
        yield Part.create(first, last), b"".join(lines)


def batch_parts(parts: Iterable[tuple[Part, bytes]]) -> Iterator[list[tuple[Part, bytes]]]:
    """Group parts for one commit each."""
    remaining = iter(parts)
    while batch := list(islice(remaining, PARTS_PER_COMMIT)):
        yield batch
