"""Keeps a copy of the votes in a data set of the Hub, for Spaces whose disk is lost.

The data set is private and holds the chain as JSON lines, in parts that are named by the places
that they cover: votes/000000000001-000000000500-1f0c.jsonl. Parts are small enough for the Hub to
keep them in its history of text files, which can be squashed; a picture of several megabytes makes
a part one of its large files. When votes are withdrawn, the parts that hold them are written anew
and the history is squashed. What remains are copies that somebody made, and what the Hub itself
has not cleared away yet.
"""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2  # the Hub client's own: it lets these errors through
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, CommitScheduler, HfApi

from vlm_demo.arena.ledger.entries import Entry, from_line, to_line
from vlm_demo.arena.ledger.hub_parts import PART_BYTES, Part, cut, grouped
from vlm_demo.arena.ledger.journal import Journal
from vlm_demo.arena.ledger.rebuilding import Rebuilding
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.errors import InputError, VotesError

SHOWN_FAULTS = 10

_TROUBLE = (httpx2.HTTPError, OSError, ValueError, VotesError)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Restored:
    """What came of reading the data set."""

    kept: int = 0  # places of the chain, as they were
    added: int = 0  # votes that could not have their old place
    faulty: int = 0  # lines
    faults: list[str] = field(default_factory=list)  # the first few

    def note(self, path: str, line: int, why: str) -> None:
        """Note a line that cannot be used."""
        self.faulty += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(f"{path}, line {line}: {why}")


class HubCopy:
    """Sends new votes on a schedule; where the Hub cannot be reached, votes are kept here only.

    Other programs may write to the data set, such as the run of a Space that is about to end:
    what they wrote is read before anything is sent.
    """

    def __init__(
        self, votes: str, repo: str, *, minutes: float = 5, api: HfApi | None = None
    ) -> None:
        """Take the votes' URL, or SQLite file, and the data set's name; nothing is opened yet."""
        self._store, self._journal = VoteStore(votes), Journal(votes)
        self._repo, self._minutes = repo, minutes
        self._api = api or HfApi()
        self._lock = threading.RLock()
        self._schedule: _Schedule | None = None
        self._retry: threading.Timer | None = None
        self._said = ""  # the trouble that was told last
        self._commit = ""  # of the data set, as it was read or written last
        self._parts: list[Part] = []
        self._replaced: list[Part] = []  # to be taken away when the others are there
        self._sent = 0  # the last place that the data set holds
        self._tail = 0  # bytes of the last part
        self._squash = False  # withdrawn votes are still in the history

    def start(self) -> None:
        """Restore lost votes, and send new ones from now on. Trouble is told in the log, once."""
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGTERM)  # a Space is stopped by it
            signal.signal(signal.SIGTERM, partial(self._ended, before))
        self._connect()

    def restore(self) -> Restored:
        """Read the data set into a database that has no votes.

        Raises:
            VotesError: there are votes, or the data set cannot be read.
        """
        with self._lock, self._translated():
            if self._journal.head().seq:
                raise VotesError("There are votes already: only an empty database is restored.")
            return self._read()

    def push(self) -> int:
        """Send what is new; return how many places of the chain that were.

        Raises:
            VotesError: the data set cannot be written, or everybody may read it.
        """
        with self._lock, self._translated():
            self._create()
            return self._send_new()

    def close(self) -> None:
        """Send what is new for the last time."""
        if self._retry:
            self._retry.cancel()
        if self._schedule:
            self._push_or_tell()
            self._schedule.stop()
            self._schedule = None
        self._store.close()
        self._journal.close()

    def _connect(self) -> None:
        try:
            with self._lock:
                self._create()
                self._tell_restored(self._read())
                self._schedule = _Schedule(self._push_or_tell, self._repo, self._minutes, self._api)
        except _TROUBLE as error:
            self._tell(error)
            self._retry = threading.Timer(self._minutes * 60, self._connect)
            self._retry.daemon = True
            self._retry.start()

    def _ended(self, before: Any, number: int, frame: FrameType | None) -> None:
        self.close()
        if callable(before):
            before(number, frame)
        else:
            raise SystemExit(128 + number)

    def _push_or_tell(self) -> None:
        try:
            with self._lock:
                self._send_new()
            self._said = ""
        except _TROUBLE as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Say in the log what is wrong, once, not every few minutes."""
        message = _words(error)
        if message != self._said:
            log.warning("Votes are kept here, but not in %s: %s", self._repo, message)
        self._said = message

    def _tell_restored(self, restored: Restored) -> None:
        if restored.kept or restored.added:
            log.info("Votes restored from %s: %s.", self._repo, restored.kept + restored.added)
        for fault in restored.faults:
            log.warning("Left out of the votes of %s: %s.", self._repo, fault)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except VotesError:
            raise
        except _TROUBLE as error:
            raise VotesError(f"The data set {self._repo} failed: {_words(error)}") from error

    def _create(self) -> None:
        self._api.create_repo(self._repo, repo_type="dataset", private=True, exist_ok=True)

    def _newest_commit(self) -> str:
        info = self._api.dataset_info(self._repo)
        if not info.private:  # votes tell who voted alike, and hold what few may read
            raise VotesError(f"Everybody may read {self._repo}. Please make it private.")
        return str(info.sha)

    def _read(self) -> Restored:
        """Find out what the data set holds, and take from it what is not here."""
        self._commit = self._newest_commit()
        names = self._api.list_repo_files(self._repo, repo_type="dataset", revision=self._commit)
        parts = sorted(part for part in map(Part.named, names) if part)
        restored = Restored()
        if not (self._journal.head().seq and self._fits(parts)):
            rebuilding = Rebuilding(self._journal, self._store)
            for part in parts:
                rebuilding.take(self._entries(part, restored))
            restored.kept, restored.added = rebuilding.kept, rebuilding.added
            self._squash |= rebuilding.withdrawn > 0
        fits = not restored.faulty and self._fits(parts)
        # What does not fit the chain here is sent anew, and then taken away.
        self._parts, self._replaced = (parts, []) if fits else ([], parts)
        self._sent = self._parts[-1].last if self._parts else 0
        return restored

    def _fits(self, parts: Sequence[Part]) -> bool:
        """Whether the parts hold the beginning of the chain here, as far as their end shows."""
        if not parts:
            return True
        seamless = all(b.first == a.last + 1 for a, b in pairwise(parts))
        end = Restored()
        last = list(self._entries(parts[-1], end))
        if end.faulty or not last or last[-1].seq != parts[-1].last or not seamless:
            return False
        self._tail = sum(len(to_line(entry)) for entry in last)
        seq, link = last[-1].seq, last[-1].link
        return parts[0].first == 1 and self._journal.links([seq]).get(seq) == link

    def _entries(self, part: Part, restored: Restored) -> Iterator[Entry]:
        """Read a part; lines that are broken are noted and left out."""
        with tempfile.TemporaryDirectory() as folder:  # no copy stays, as in the Hub's cache
            path = self._api.hf_hub_download(
                self._repo,
                part.path,
                repo_type="dataset",
                revision=self._commit,
                local_dir=folder,
            )
            with Path(path).open("rb") as file:
                for number, line in enumerate(file, start=1):
                    try:
                        yield from_line(line)
                    except InputError as error:
                        restored.note(part.path, number, str(error))

    def _send_new(self) -> int:
        if self._newest_commit() != self._commit:  # somebody else wrote
            self._read()
        before, end = self._sent, self._journal.head().seq
        self._send_withdrawals()
        open_part = self._parts[-1] if self._parts and self._tail < PART_BYTES else None
        start = open_part.first - 1 if open_part else self._sent
        news = cut(self._journal.entries(after=start, until=end)) if end > self._sent else ()
        for group in grouped(news):
            gone = [open_part] if open_part else []
            self._send([_add(part, lines) for part, lines in group], gone)
            self._parts = [*self._parts[: -1 if gone else None], *(part for part, _ in group)]
            self._sent, self._tail, open_part = group[-1][0].last, len(group[-1][1]), None
        if self._replaced:
            self._send([], self._replaced)
            self._replaced = []
        if self._squash:
            self._api.super_squash_history(self._repo, repo_type="dataset")
            self._squash = False
            self._commit = self._newest_commit()
        return end - before

    def _send_withdrawals(self) -> None:
        """Write anew the parts with votes that were withdrawn since they were sent."""
        withdrawn = self._journal.withdrawn(after=self._sent, until=self._sent)
        holding = [
            part for part in self._parts if any(part.first <= seq <= part.last for seq in withdrawn)
        ]
        self._squash |= bool(holding)
        for part in holding:
            entries = self._journal.entries(after=part.first - 1, until=part.last)
            self._send([_add(part, b"".join(map(to_line, entries)))], [])

    def _send(self, added: Sequence[CommitOperationAdd], gone: Sequence[Part]) -> None:
        """Commit, unless somebody else did since the data set was read."""
        commit = self._api.create_commit(
            self._repo,
            [*added, *(CommitOperationDelete(part.path) for part in gone)],
            commit_message="Votes",
            repo_type="dataset",
            parent_commit=self._commit,
        )
        self._commit = str(commit.oid)


class _Schedule(CommitScheduler):
    """Calls `push` at once, every few minutes, and when the program ends."""

    def __init__(self, push: Callable[[], None], repo: str, minutes: float, api: HfApi) -> None:
        self._push = push
        super().__init__(
            repo_id=repo,
            repo_type="dataset",
            folder_path=tempfile.gettempdir(),  # it wants one, but sends what `push` sends
            every=minutes,
            private=True,
            hf_api=api,
        )

    def push_to_hub(self) -> None:
        self._push()


def _add(part: Part, lines: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(part.path, lines)


def _words(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
