"""The batches of the page's visitors: who may see which, how many run, and where they are kept.

A batch goes on when its visitor closes the page, and can be taken up again after a restart of the
program: all that it needs is in a folder of its own, below one that only its visitor leads to.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from threading import RLock

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.batch.folders import keep_batch, open_files, read_job, visitor_folder
from vlm_demo.batch.job import Job
from vlm_demo.batch.journal import Journal
from vlm_demo.batch.running import Run, Standing, State
from vlm_demo.errors import BatchError, ImageError, InputError
from vlm_demo.settings import Settings

KEPT_S = 24 * 3600
"""Time that a batch is kept after its last picture: as long as Gradio keeps uploads."""

REST_S = 600
"""Time without a look after which a batch that rests is closed."""

BUSY = (State.LOADING, State.RUNNING, State.PAUSING)

THUMBNAIL = 96  # pixels of the longer side
THUMBNAIL_S = 0.5  # between two of them

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # those that nobody mixes up
_CODE = re.compile(f"[{_LETTERS}]{{8}}")


class Batch:
    """One visitor's batch, open."""

    def __init__(self, code: str, folder: Path, backend: Backend, settings: Settings) -> None:
        """Open the batch in a folder; nothing is computed yet.

        Raises:
            VlmDemoError: it cannot be read, or its model cannot be asked any more.
        """
        self.code = code
        self.folder = folder
        try:
            kept = json.loads((folder / "job.json").read_text(encoding="utf-8"))
            self.job = read_job(kept["job"])
            self.source = open_files(folder, kept, settings)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BatchError(
                f"The batch {code} cannot be taken up any more. Please begin it again."
            ) from error
        try:
            header = self.job.header(backend, self.source.title)
            self.journal = Journal(folder / "journal.jsonl", header)
        except BaseException:
            self.source.close()
            raise
        try:
            self._run = Run(
                *(backend, self.job, self.source, self.journal),
                at_once=max(1, settings.batch // 2),  # others on the page ask the model too
                max_bytes=settings.max_upload_bytes,
                max_pixels=settings.max_pixels,
                seen=self._see,
            )
        except BaseException:
            self.close()
            raise
        self.begun: tuple[str, str] | None = None  # newest picture's name, and address of its copy
        self._seen_s = 0.0
        self.looked_s = time.monotonic()  # when somebody last wanted to know of it

    @property
    def standing(self) -> Standing:
        """How far it has come."""
        return self._run.standing

    @property
    def busy(self) -> bool:
        """Whether pictures are being answered."""
        return self.standing.state in BUSY

    def start(self) -> None:
        """Begin, or go on."""
        self._run.start()

    def pause(self) -> None:
        """Rest when the pictures that were begun are answered."""
        self._run.pause()

    def stop(self) -> None:
        """Rest at once."""
        self._run.stop()

    def extract(self, name: str) -> Path:
        """Copy one of its pictures to a file of its own, and return where that is.

        Raises:
            ImageError: it cannot be read.
        """
        if name not in self.source.names:
            raise ImageError("There is no such picture in this batch.")
        content = self.source.read(name)
        suffix = PurePosixPath(name.replace("\\", "/")).suffix
        path = self.folder / "shown" / f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return path

    def close(self) -> None:
        """Let go of its files."""
        self.journal.close()
        self.source.close()

    def _see(self, name: str, image: Image) -> None:
        """Keep a small copy of a picture now and then, for whoever looks on."""
        now = time.monotonic()
        if now - self._seen_s < THUMBNAIL_S:
            return
        self._seen_s = now
        small = image.reduce(max(1, max(image.size) // (2 * THUMBNAIL)))
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        data = io.BytesIO()
        small.save(data, "WEBP", quality=70)
        self.begun = name, f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}"


class BatchManager:
    """All batches of the page. Safe from several threads."""

    def __init__(self, backend: Backend, settings: Settings, folder: Path) -> None:
        """Keep batches in `folder`, which need not exist yet."""
        self._backend, self._settings, self._folder = backend, settings, folder
        self._open: dict[tuple[str, str], Batch] = {}  # by visitor and code
        self._lock = RLock()

    def begin(self, visitor: str, job: Job, uploads: Sequence[Path]) -> Batch:
        """Take files and start asking about them.

        Raises:
            VlmDemoError: the files or the job cannot be taken, or too many batches run.
        """
        if not uploads:
            raise InputError("Please add pictures, or a ZIP of pictures, first.")
        job.check(self._backend)
        with self._lock:
            self._require_room(visitor)
            self._sweep()
            code = "".join(secrets.choice(_LETTERS) for _ in range(8))
            folder = visitor_folder(self._folder, visitor) / code
            try:
                keep_batch(folder, job, uploads)
                batch = Batch(code, folder, self._backend, self._settings)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._open[visitor, code] = batch
            batch.start()
            return batch

    def go_on(self, visitor: str, code: str) -> Batch:
        """Start a batch that rests.

        Raises:
            VlmDemoError: there is none, or too many run.
        """
        with self._lock:
            batch = self.batch(visitor, code)
            if not batch.busy:
                self._require_room(visitor)
                batch.start()
            return batch

    def batch(self, visitor: str, code: str) -> Batch:
        """Return a batch of this visitor; one that nobody has looked at since a restart is opened.

        Raises:
            BatchError: there is none of this code, or it cannot be taken up.
        """
        code = code.strip().lower()
        with self._lock:
            there = self._open.get((visitor, code))
            if there is not None:
                there.looked_s = time.monotonic()
                return there
            folder = visitor_folder(self._folder, visitor) / code
            if not _CODE.fullmatch(code) or not (folder / "job.json").is_file():
                raise BatchError(
                    f"There is no batch {code!r} of yours here. Batches are kept for a day, and "
                    "only the browser that began one can take it up."
                )
            batch = Batch(code, folder, self._backend, self._settings)
            self._open[visitor, code] = batch
            return batch

    def newest(self, visitor: str) -> Batch | None:
        """Return the batch that a visitor began last; None: there is none that can be opened.

        Raises:
            VlmDemoError: it cannot be taken up.
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
            BatchError: it would be.
        """
        busy = [owner for (owner, _), batch in self._open.items() if batch.busy]
        if visitor in busy:
            raise BatchError("A batch of yours is running. Please wait for it, or stop it first.")
        if len(busy) >= self._settings.batch_jobs:
            raise BatchError(
                f"The page runs {self._settings.batch_jobs} batches at a time, and so many are "
                "running now. Please try again in some minutes; nothing is lost."
            )

    def _sweep(self) -> None:
        """Close what rests, for it can be opened again, and delete what is old."""
        for key, batch in list(self._open.items()):
            if not batch.busy and time.monotonic() - batch.looked_s > REST_S:
                batch.close()
                del self._open[key]
        running = {batch.folder for batch in self._open.values()}
        for folder in self._folder.glob("*/*"):
            newest = max((path.stat().st_mtime for path in folder.glob("j*")), default=0.0)
            if folder not in running and time.time() - newest > KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
