"""Keeps a copy of the votes in a data set on the Hub, for Spaces whose disk is lost.

When votes are withdrawn, the parts that hold them are written anew and the history is squashed.
What remains are copies that somebody made, and what the Hub itself has not cleared away yet.
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
from types import FrameType
from typing import Any

import httpx2  # the Hub client's own: it lets these errors through
from huggingface_hub import CommitScheduler, HfApi

from vlm_demo.arena.ledger.entries import LedgerEntry, from_line, to_line
from vlm_demo.arena.ledger.hub_dataset import (
    PART_BYTES,
    HubDataset,
    Part,
    batch_parts,
    split_into_parts,
)
from vlm_demo.arena.ledger.ledger import Ledger
from vlm_demo.arena.ledger.rebuild import LedgerRebuild
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.errors import InputError, VotesError

MAX_LISTED_FAULTS = 10
"""Largest number of unusable lines that a restore describes one by one."""

_FAILURES = (httpx2.HTTPError, OSError, ValueError, VotesError)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RestoreReport:
    """What came of reading the data set."""

    restored: int = 0  # entries in their old places of the chain
    appended: int = 0  # votes that could not have their old place
    faulty: int = 0  # lines
    faults: list[str] = field(default_factory=list)  # the first few

    def note_fault(self, path: str, line: int, reason: str) -> None:
        """Note a line that cannot be used."""
        self.faulty += 1
        if len(self.faults) < MAX_LISTED_FAULTS:
            self.faults.append(f"{path}, line {line}: {reason}")


class HubCopy:
    """Sends new votes on a schedule; while the Hub cannot be reached, votes are kept here only.

    Other programs may write to the data set, such as the run of a Space that is about to end:
    what they wrote is read before anything is sent.
    """

    def __init__(
        self, votes: str, repo: str, *, minutes: float = 5, api: HfApi | None = None
    ) -> None:
        """Take the votes' URL, or SQLite file, and the data set's name; nothing is opened yet."""
        self._store, self._ledger = VoteStore(votes), Ledger(votes)
        self._minutes = minutes
        self._api = api or HfApi()
        self._dataset = HubDataset(repo, self._api)
        self._lock = threading.RLock()
        self._schedule: _PushSchedule | None = None
        self._retry: threading.Timer | None = None
        self._last_warning = ""
        self._parts: list[Part] = []
        self._obsolete: list[Part] = []  # to be removed when what replaces them is there
        self._last_sent = 0  # the last place that the data set holds
        self._open_bytes = 0  # size of the last part
        self._must_squash = False  # withdrawn votes are still in the history

    def start(self) -> None:
        """Restore lost votes, and send new ones from now on. Failures go to the log, each once."""
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGTERM)  # it is how a Space is stopped
            signal.signal(signal.SIGTERM, partial(self._handle_sigterm, before))
        self._connect()

    def restore(self) -> RestoreReport:
        """Read the data set into a database that has no votes.

        Raises:
            VotesError: there are votes, or the data set cannot be read.
        """
        with self._lock, self._translate_errors():
            if self._ledger.head().seq:
                raise VotesError("There are votes already: only an empty database is restored.")
            return self._read()

    def push(self) -> int:
        """Send what is new; return the number of votes and withdrawals that were sent.

        Raises:
            VotesError: the data set cannot be written, or everybody may read it.
        """
        with self._lock, self._translate_errors():
            self._dataset.create()
            return self._send_new()

    def close(self) -> None:
        """Send what is new for the last time."""
        if self._retry:
            self._retry.cancel()
        if self._schedule:
            self._push_or_warn()
            self._schedule.stop()
            self._schedule = None
        self._store.close()
        self._ledger.close()

    def _connect(self) -> None:
        try:
            with self._lock:
                self._dataset.create()
                self._log_restore(self._read())
                self._schedule = _PushSchedule(
                    self._push_or_warn, self._dataset.repo, self._minutes, self._api
                )
        except _FAILURES as error:
            self._warn_once(error)
            self._retry = threading.Timer(self._minutes * 60, self._connect)
            self._retry.daemon = True
            self._retry.start()

    def _handle_sigterm(self, before: Any, number: int, frame: FrameType | None) -> None:
        self.close()
        if callable(before):
            before(number, frame)
        else:
            raise SystemExit(128 + number)

    def _push_or_warn(self) -> None:
        try:
            with self._lock:
                self._send_new()
            self._last_warning = ""
        except _FAILURES as error:
            self._warn_once(error)

    def _warn_once(self, error: Exception) -> None:
        """Log what is wrong, but not again every few minutes."""
        message = _first_line(error)
        if message != self._last_warning:
            log.warning("Votes are kept here, but not in %s: %s", self._dataset.repo, message)
        self._last_warning = message

    def _log_restore(self, report: RestoreReport) -> None:
        repo = self._dataset.repo
        if report.restored or report.appended:
            log.info("Votes restored from %s: %s.", repo, report.restored + report.appended)
        for fault in report.faults:
            log.warning("Left out of the votes of %s: %s.", repo, fault)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except VotesError:
            raise
        except _FAILURES as error:
            raise VotesError(
                f"The data set {self._dataset.repo} failed: {_first_line(error)}"
            ) from error

    def _read(self) -> RestoreReport:
        """Find out what the data set holds, and take from it what is not here."""
        parts = self._dataset.list_parts()
        report = RestoreReport()
        if not (self._ledger.head().seq and self._fits(parts)):
            rebuild = LedgerRebuild(self._ledger, self._store)
            for part in parts:
                rebuild.add(self._read_entries(part, report))
            report.restored, report.appended = rebuild.restored, rebuild.appended
            self._must_squash |= rebuild.withdrawn > 0
        fits = not report.faulty and self._fits(parts)
        # What does not fit the chain here is sent anew, and then removed.
        self._parts, self._obsolete = (parts, []) if fits else ([], parts)
        self._last_sent = self._parts[-1].last if self._parts else 0
        return report

    def _fits(self, parts: Sequence[Part]) -> bool:
        """Whether the parts hold the beginning of the chain here, as far as their end shows."""
        if not parts:
            return True
        seamless = all(b.first == a.last + 1 for a, b in pairwise(parts))
        report = RestoreReport()
        tail = list(self._read_entries(parts[-1], report))
        if report.faulty or not tail or tail[-1].seq != parts[-1].last or not seamless:
            return False
        self._open_bytes = sum(len(to_line(entry)) for entry in tail)
        seq, link = tail[-1].seq, tail[-1].link
        return parts[0].first == 1 and self._ledger.links([seq]).get(seq) == link

    def _read_entries(self, part: Part, report: RestoreReport) -> Iterator[LedgerEntry]:
        """Read a part; lines that are broken are noted and left out."""
        for number, line in enumerate(self._dataset.read_lines(part), start=1):
            try:
                yield from_line(line)
            except InputError as error:
                report.note_fault(part.path, number, str(error))

    def _send_new(self) -> int:
        if self._dataset.has_changed():  # somebody else wrote
            self._read()
        before, end = self._last_sent, self._ledger.head().seq
        self._rewrite_withdrawn()
        open_part = self._parts[-1] if self._parts and self._open_bytes < PART_BYTES else None
        start = open_part.first - 1 if open_part else self._last_sent
        new = self._ledger.entries(after=start, until=end) if end > self._last_sent else ()
        for batch in batch_parts(split_into_parts(new)):
            removed = [open_part] if open_part else []
            self._dataset.commit(batch, removed)
            self._parts = [*self._parts[: -1 if removed else None], *(part for part, _ in batch)]
            self._last_sent, self._open_bytes = batch[-1][0].last, len(batch[-1][1])
            open_part = None
        if self._obsolete:
            self._dataset.commit([], self._obsolete)
            self._obsolete = []
        if self._must_squash:
            self._dataset.squash_history()
            self._must_squash = False
        return end - before

    def _rewrite_withdrawn(self) -> None:
        """Write anew the parts with votes that were withdrawn since they were sent."""
        withdrawn = self._ledger.find_withdrawn(after=self._last_sent, until=self._last_sent)
        affected = [
            part for part in self._parts if any(part.first <= seq <= part.last for seq in withdrawn)
        ]
        self._must_squash |= bool(affected)
        for part in affected:
            entries = self._ledger.entries(after=part.first - 1, until=part.last)
            self._dataset.commit([(part, b"".join(map(to_line, entries)))])


class _PushSchedule(CommitScheduler):
    """Calls `push` at once, every few minutes, and when the program ends."""

    def __init__(self, push: Callable[[], None], repo: str, minutes: float, api: HfApi) -> None:
        self._push = push
        super().__init__(
            repo_id=repo,
            repo_type="dataset",
            folder_path=tempfile.gettempdir(),  # required, but it is `push` that sends something
            every=minutes,
            private=True,
            hf_api=api,
        )

    def push_to_hub(self) -> None:
        self._push()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
