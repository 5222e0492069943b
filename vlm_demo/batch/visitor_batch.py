"""An open batch of a visitor of the page, with its files and its run."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.batch.folders import open_files, read_batch
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.run import BatchProgress, BatchRun, BatchState
from vlm_demo.errors import BatchError, ImageError
from vlm_demo.settings import Settings

THUMBNAIL_SIDE = 96
"""Largest side of a thumbnail, in pixels."""

_BUSY_STATES = (BatchState.LOADING, BatchState.RUNNING, BatchState.PAUSING)


class VisitorBatch:
    """An open batch of one visitor."""

    def __init__(self, code: str, folder: Path, backend: Backend, settings: Settings) -> None:
        """Open the batch in a folder; nothing runs yet.

        Raises:
            VlmDemoError: it cannot be read, or its model cannot be asked any more.
        """
        self.code = code
        self.folder = folder
        try:
            stored = read_batch(folder)
            self.job = stored.job
            self.source = open_files(folder, stored, settings)
        except (OSError, ValueError) as error:
            raise BatchError(
                "The batch {code} can no longer be opened. Start it again.", code=code
            ) from error
        try:
            header = self.job.to_header(backend, self.source.title)
            self.journal = BatchJournal(folder / "journal.jsonl", header)
        except BaseException:
            self.source.close()
            raise
        try:
            self._run = BatchRun(
                *(backend, self.job, self.source, self.journal),
                at_once=max(1, settings.batch // 2),  # others on the page ask the model too
                max_pixels=settings.max_pixels,
                on_image=self._keep_thumbnail,
            )
        except BaseException:
            self.close()
            raise
        self.newest_image: str | None = None  # its name
        self.last_look_s = time.monotonic()  # when somebody last looked at the batch

    @property
    def progress(self) -> BatchProgress:
        """How far the batch has come."""
        return self._run.progress

    @property
    def is_busy(self) -> bool:
        """Whether pictures are being answered."""
        return self.progress.state in _BUSY_STATES

    def start(self) -> None:
        """Start, or continue."""
        self._run.start()

    def pause(self) -> None:
        """Finish the pictures in progress, then stop."""
        self._run.pause()

    def stop(self) -> None:
        """Stop at once."""
        self._run.stop()

    def extract(self, name: str) -> Path:
        """Copy one of its pictures to a file, and return the path.

        Raises:
            ImageError: it cannot be read.
        """
        if name not in self.source.names:
            raise ImageError("There is no such image in this batch.")
        return self.source.find(name).save(self.folder / "shown")

    def close(self) -> None:
        """Close its files."""
        self.journal.close()
        self.source.close()

    def thumbnail(self, name: str) -> Path:
        """Return the file of a picture's thumbnail, which exists once its turn has come."""
        return self.folder / "thumbnails" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.webp"

    def _keep_thumbnail(self, name: str, image: Image) -> None:
        """Keep a small copy of a picture for the table of results."""
        path = self.thumbnail(name)
        small = image.reduce(max(1, max(image.size) // (2 * THUMBNAIL_SIDE)))
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        with suppress(OSError):  # without room for it, the table lacks it
            path.parent.mkdir(exist_ok=True)
            small.save(path, "WEBP", quality=70)
        self.newest_image = name
