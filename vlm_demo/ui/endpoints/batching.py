"""Many pictures at a time, for programs."""

# Gradio reads the annotations itself, so they must not be put off as text.

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.batch.job import Job
from vlm_demo.batch.journal import Journal
from vlm_demo.batch.running import Run
from vlm_demo.batch.sources import Limits
from vlm_demo.batch.zips import ZipSource
from vlm_demo.errors import InputError, SourceError
from vlm_demo.settings import Settings
from vlm_demo.ui.components.picture_input.pictures import uploaded
from vlm_demo.ui.endpoints.values import Upload
from vlm_demo.ui.streaming import errors_raised
from vlm_demo.values import Task


@dataclass(frozen=True, slots=True)
class Batching:
    """The endpoint; it is a method."""

    backend: Backend
    settings: Settings

    def batch(
        self, pictures: Upload, task: str, words: str = "", model: str = ""
    ) -> list[dict[str, Any]]:
        """Take a ZIP of pictures through a task; broken pictures stop nobody.

        Args:
            pictures: The ZIP.
            task: caption, detailed_caption, grounded_caption, vqa, grounding, describe_region.
            words: The question, what to find, or how a caption begins.
            model: A name that `models` lists; empty for the default.

        Returns:
            A line a picture, by name: its text and items in pixels, or the error in words.
        """
        with errors_raised():
            if task not in set(Task):
                raise InputError(f"There is no task {task!r}. Known: {', '.join(Task)}.")
            settings = self.settings
            limits = Limits(
                pictures=settings.batch_pictures,
                bytes_each=settings.max_upload_bytes,
                bytes_all=settings.batch_bytes,
            )
            file = uploaded(pictures.get("path") if isinstance(pictures, dict) else None)
            if file is None:
                raise SourceError("The ZIP did not arrive. Please send it again.")
            job = Job(Task(task), words, model or self.backend.menu[0].name)
            with TemporaryDirectory() as folder, closing(ZipSource(file, limits)) as source:
                header = job.header(self.backend, source.title)
                with closing(Journal(Path(folder) / "journal.jsonl", header)) as journal:
                    run = Run(
                        self.backend,
                        job,
                        source,
                        journal,
                        at_once=max(1, settings.batch // 2),  # chats go on meanwhile
                        max_bytes=settings.max_upload_bytes,
                        max_pixels=settings.max_pixels,
                    )
                    run.start()
                    run.wait()
                    return [result.fields for result in journal.results()]
