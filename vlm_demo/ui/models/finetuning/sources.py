"""What a model can learn from on the page: files, the newest batch, the arena's votes, corrections.

Each is put into a folder of the visitor; a run takes it from there to where its result will be.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from vlm_demo.arena import write_preferences
from vlm_demo.batch.journal import to_line
from vlm_demo.batch.manager import BatchManager
from vlm_demo.batch.visitor_batch import VisitorBatch
from vlm_demo.errors import InputError
from vlm_demo.settings import Settings
from vlm_demo.training.data.reply_parts import SEARCHES
from vlm_demo.training.data.unpacking import find_place, unpack_data
from vlm_demo.ui.files.folders import find_file, make_folder, write_errors

MAX_UNPACK_RATIO = 10
"""Largest size of a ZIP's files unpacked, as a multiple of the largest upload."""


class SourceKind(StrEnum):
    """Where data comes from."""

    UPLOAD = "upload"
    BATCH = "batch"
    VOTES = "votes"
    CORRECTED = "corrected"  # a file of Studio with the answers that a person has corrected


@dataclass(frozen=True, slots=True)
class DataSource:
    """Data that a visitor has chosen."""

    kind: SourceKind
    path: Path  # a file or folder

    def move_to(self, folder: Path) -> DataSource:
        """Put it where it stays, since files of visitors are deleted in time.

        Raises:
            FileError: it cannot be put there.
        """
        own = self.path if self.path.is_dir() else self.path.parent
        with write_errors():
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(own, folder)
        return DataSource(self.kind, folder if self.path.is_dir() else folder / self.path.name)


@dataclass(frozen=True, slots=True)
class SourceTaker:
    """Takes data of visitors."""

    settings: Settings
    batches: BatchManager

    def take(self, kind: SourceKind, upload: str, owner: str) -> DataSource:
        """Return data that a visitor chooses.

        Args:
            kind: where it comes from.
            upload: path of an uploaded file, where it comes from one.
            owner: the visitor.

        Raises:
            VlmDemoError: there is none, or it cannot be used; the message says why.
        """
        match kind:
            case SourceKind.BATCH:
                return DataSource(kind, take_newest_batch(self.batches, owner))
            case SourceKind.VOTES:
                return DataSource(kind, take_votes(self.settings, owner))
        most = MAX_UNPACK_RATIO * self.settings.batch_bytes
        return DataSource(kind, take_upload(upload, owner, most))


def take_upload(path: str, owner: str, most_bytes: int) -> Path:
    """Return the file that a visitor has uploaded or, of a ZIP, the folder with its files.

    Raises:
        InputError: it did not arrive, or is empty.
        SourceError, ImageError: the ZIP cannot be used.
        FileError: there is no room for its files.
    """
    file = find_file(path, owner)
    if file is None:
        raise InputError("This file did not arrive. Add it again.")
    if file.suffix.lower() != ".zip":
        return file
    folder = make_folder(owner)
    try:
        return unpack_data(file, folder / "data", most_bytes=most_bytes)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def take_newest_batch(batches: BatchManager, owner: str) -> Path:
    """Write the results and pictures of a visitor's newest batch, and return the file.

    Raises:
        InputError: there is none, it is still running, or has no answers.
        VlmDemoError: it cannot be opened.
    """
    batch = batches.newest(owner)
    if batch is None:
        raise InputError("You have no batch here. Batches are kept for a day.")
    if batch.is_busy:
        raise InputError("Your batch is still running. Wait for it, or stop it.")
    lines = list(_list_answers(batch))
    if not lines:
        raise InputError("No image of your batch has an answer.")
    folder = make_folder(owner)
    with write_errors():
        for line in lines:
            target = find_place(folder, line["picture"])
            if target is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(batch.extract(line["picture"]), target)
        file = folder / "batch.jsonl"
        file.write_bytes(b"".join(map(to_line, lines)))
    return file


def _list_answers(batch: VisitorBatch) -> Iterator[Mapping[str, Any]]:
    """Yield lines in the form of `training.data.readers.boxes`."""
    job = batch.job
    asked = {} if job.task in SEARCHES else {"task": job.task.value, "question": job.words}
    for result in batch.journal.results():
        if not result.error:
            facts = {"picture": result.name, "size": list(result.size), "text": result.text}
            yield {**facts, **asked, "items": list(result.items)}


def take_votes(settings: Settings, owner: str) -> Path:
    """Write the pairs of answers that people have voted on, and return the folder.

    Raises:
        InputError: no vote makes a pair.
        VotesError: the votes cannot be read.
    """
    folder = make_folder(owner) / "votes"
    with write_errors():
        folder.mkdir()
        count = write_preferences(settings, folder)
    if not count:
        raise InputError("There are no votes yet from which a model could learn.")
    return folder
