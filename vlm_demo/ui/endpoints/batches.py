"""The endpoint that takes many pictures at a time."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from vlm_demo.batch.framed_source import FramedSource
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.run import BatchRun
from vlm_demo.batch.sources import SourceLimits
from vlm_demo.batch.zip_source import ZipSource
from vlm_demo.errors import InputError, SourceError
from vlm_demo.media.framed_files import FrameChoice
from vlm_demo.ui.endpoints.base import Endpoints, describe_endpoint
from vlm_demo.ui.endpoints.payloads import Upload
from vlm_demo.ui.files.folders import find_file
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Task


class BatchEndpoints(Endpoints):
    """The endpoint that takes many pictures."""

    @describe_endpoint(
        pictures="The ZIP.",
        task="caption, detailed_caption, grounded_caption, vqa, grounding, describe_region.",
        words="The question, what to find, or how a caption begins.",
    )
    def batch(
        self,
        request: gr.Request,
        pictures: Upload,
        task: str,
        words: str = "",
        model: str = "",
    ) -> list[dict[str, Any]]:
        """Run a task on every picture of a ZIP; a broken picture does not stop the others.

        Returns:
            One entry per picture, by name: its text and items in pixels, or the error in words.
        """
        with self.answering(request):
            if task not in set(Task):
                raise InputError(
                    "There is no task {task}. Known: {known}.",
                    task=repr(task),
                    known=", ".join(Task),
                )
            settings = self.settings
            limits = SourceLimits(
                images=settings.batch_pictures,
                bytes_each=settings.max_upload_bytes,
                bytes_all=settings.batch_bytes,
            )
            file = find_file(
                pictures.get("path") if isinstance(pictures, dict) else None,
                read_owner(request),
            )
            if file is None:
                raise SourceError("The ZIP did not arrive. Send it again.")
            job = BatchJob(Task(task), words, model or self.backend.menu[0].name)
            with TemporaryDirectory() as folder, closing(self._open(file, limits)) as source:
                header = job.to_header(self.backend, source.title)
                with closing(BatchJournal(Path(folder) / "journal.jsonl", header)) as journal:
                    run = BatchRun(
                        self.backend,
                        job,
                        source,
                        journal,
                        at_once=max(1, settings.batch // 2),  # chats go on meanwhile
                        max_pixels=settings.max_pixels,
                    )
                    run.start()
                    run.wait()
                    return [result.to_json() for result in journal.results()]

    def _open(self, file: Path, limits: SourceLimits) -> FramedSource:
        pixels = self.settings.max_pixels
        return FramedSource(ZipSource(file, limits), FrameChoice(), limits, max_pixels=pixels)
