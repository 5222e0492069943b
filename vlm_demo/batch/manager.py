"""The batches of the page's visitors: who may see which, how many run, and where they are stored.

A batch continues when its visitor closes the page, and can be resumed after a restart of the
program: all that it needs is in a folder of its own, below one that only its visitor leads to.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from vlm_demo.backend import Backend
from vlm_demo.batch.folders import store_batch, visitor_folder
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.visitor_batch import VisitorBatch
from vlm_demo.errors import BatchError, InputError
from vlm_demo.settings import Settings

DELETE_AFTER_S = 24 * 3600
"""Seconds after its last picture until a batch is deleted: as long as Gradio keeps uploads."""

CLOSE_AFTER_S = 600
"""Seconds without a look after which a batch that does not run is closed."""

CODE_LENGTH = 26
"""Number of letters of a batch's code: 128 random bits and more, which nobody can guess."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike
_CODE = re.compile(f"[{_LETTERS}]{{8}}|[{_LETTERS}]{{{CODE_LENGTH}}}")  # earlier versions wrote 8


class BatchManager:
    """All batches of the page. Safe to use from several threads."""

    def __init__(self, backend: Backend, settings: Settings, folder: Path) -> None:
        """Store batches in `folder`, which need not exist yet."""
        self._backend, self._settings, self._folder = backend, settings, folder
        self._open: dict[tuple[str, str], VisitorBatch] = {}  # by visitor and code
        self._lock = RLock()

    def begin(self, visitor: str, job: BatchJob, uploads: Sequence[Path]) -> VisitorBatch:
        """Store files and start a batch about them.

        Raises:
            VlmDemoError: the files or the job cannot be used, or too many batches run.
        """
        if not uploads:
            raise InputError("Add images or a ZIP of images first.")
        job.check(self._backend)
        with self._lock:
            self._require_room(visitor)
            self._clean_up()
            code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))
            folder = visitor_folder(self._folder, visitor) / code
            try:
                store_batch(folder, job, uploads)
                batch = VisitorBatch(code, folder, self._backend, self._settings)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._open[visitor, code] = batch
            batch.start()
            return batch

    def resume(self, visitor: str, code: str) -> VisitorBatch:
        """Continue a batch that is not running.

        Raises:
            VlmDemoError: there is none, or too many run.
        """
        with self._lock:
            batch = self.batch(visitor, code)
            if not batch.is_busy:
                self._require_room(visitor)
                batch.start()
            return batch

    def batch(self, visitor: str, code: str) -> VisitorBatch:
        """Return a batch of this visitor, and open it where it is not open.

        Raises:
            BatchError: there is none with this code, or it cannot be opened.
        """
        code = code.strip().lower()
        with self._lock:
            batch = self._open.get((visitor, code))
            if batch is not None:
                batch.last_look_s = time.monotonic()
                return batch
            folder = visitor_folder(self._folder, visitor) / code
            if not _CODE.fullmatch(code) or not (folder / "job.json").is_file():
                raise BatchError(
                    "You have no batch {code} here. Batches are kept for a day, and only the "
                    "browser that started one can open it.",
                    code=repr(code),
                )
            batch = VisitorBatch(code, folder, self._backend, self._settings)
            self._open[visitor, code] = batch
            return batch

    def newest(self, visitor: str) -> VisitorBatch | None:
        """Return the batch that a visitor started last; None: there is none.

        Raises:
            VlmDemoError: it cannot be opened.
        """
        own = visitor_folder(self._folder, visitor)
        with self._lock:
            folders = [path for path in own.glob("*") if (path / "job.json").is_file()]
            if not folders:
                return None
            newest = max(folders, key=lambda path: (path / "job.json").stat().st_mtime)
            return self.batch(visitor, newest.name)

    def _require_room(self, visitor: str) -> None:
        """Refuse one batch too many.

        Raises:
            BatchError: another batch may not run now.
        """
        busy = [owner for (owner, _), batch in self._open.items() if batch.is_busy]
        if visitor in busy:
            raise BatchError("A batch of yours is running. Wait for it, or stop it first.")
        if len(busy) >= self._settings.batch_jobs:
            raise BatchError(
                "The page runs at most {batch_jobs} batches at a time, and all are running "
                "now. Try again in a few minutes; nothing is lost.",
                batch_jobs=self._settings.batch_jobs,
            )

    def _clean_up(self) -> None:
        """Close idle batches, which can be opened again, and delete old ones."""
        for key, batch in list(self._open.items()):
            if not batch.is_busy and time.monotonic() - batch.last_look_s > CLOSE_AFTER_S:
                batch.close()
                del self._open[key]
        running = {batch.folder for batch in self._open.values()}
        for folder in self._folder.glob("*/*"):
            newest = max((path.stat().st_mtime for path in folder.glob("j*")), default=0.0)
            if folder not in running and time.time() - newest > DELETE_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
