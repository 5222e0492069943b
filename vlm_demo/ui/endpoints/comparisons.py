"""Endpoints that ask several models the same, or check what one of them said."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from vlm_demo.analysis.checking import check_against_image, grounding_models
from vlm_demo.analysis.consensus import ask_models, check_models, compare_answers, consensus_to_data
from vlm_demo.analysis.verdicts import CheckData, check_to_data
from vlm_demo.errors import InputError, UnsupportedTaskError, VlmDemoError
from vlm_demo.rendering.export import AnswerData, reply_to_data
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.endpoints.base import Endpoints, describe_endpoint
from vlm_demo.ui.endpoints.payloads import Upload, open_upload, wait_for_reply
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Request, Task

MAX_MODELS = 6
"""Largest number of models in one call."""


class ComparisonAnswer(AnswerData):
    """The answer of one model, whose name `model` is, or why there is none."""

    error: str


class ComparisonEndpoints(Endpoints):
    """Endpoints that ask several models, or check an answer."""

    @describe_endpoint(
        task="chat, caption, detailed_caption, grounded_caption, vqa, grounding, detect, read.",
        words="The question, what to find, or how a caption begins.",
        models="Names that `models` lists; the first two that can where none are given.",
    )
    def compare(
        self,
        request: gr.Request,
        picture: Upload,
        task: str,
        words: str = "",
        models: list[str] | None = None,
    ) -> list[ComparisonAnswer]:
        """Give several models the same request.

        Returns:
            One answer per model, in their order; one that fails does not stop the others.
        """
        with self.answering(request):
            if task not in set(Task):
                raise InputError(
                    "There is no task {task}. Known: {known}.",
                    task=repr(task),
                    known=", ".join(Task),
                )
            names = models or self.backend.models_for(Task(task))[:2]
            if not 1 <= len(names) <= MAX_MODELS:
                raise InputError("Name 1 to {max_models} models.", max_models=MAX_MODELS)
            image = open_upload(picture, self.settings, request)
            asked = Request(Task(task), words, (image.open(),), visitor=read_owner(request))
            with ThreadPoolExecutor(len(names)) as threads:
                return list(threads.map(partial(self._ask, asked, image), names))

    @describe_endpoint(
        text="The answer to check, in English, Japanese or Chinese.",
        model="The model that looks for the phrases; empty for the best one here.",
    )
    def check(self, request: gr.Request, picture: Upload, text: str, model: str = "") -> CheckData:
        """Say which phrases of an answer a picture supports, and which it contradicts.

        Returns:
            Each phrase with its verdict, why, and its boxes in pixels of the picture.
        """
        with self.answering(request):
            image = open_upload(picture, self.settings, request)
            shown = image.open()
            names = [model] if model else grounding_models(self.backend, text, image=shown)[:1]
            if not names:
                raise UnsupportedTaskError("No model on the menu can locate objects.")
            *_, complete = check_against_image(
                self.backend, names[0], shown, text, visitor=read_owner(request)
            )
            return check_to_data(complete, image.size, names[0])

    @describe_endpoint(
        words="What to find.",
        models="Two to six names that `models` lists; the first two that can where none are given.",
    )
    def consensus(
        self,
        request: gr.Request,
        picture: Upload,
        words: str,
        models: list[str] | None = None,
    ) -> dict[str, Any]:
        """Let several models find the same thing; what only some of them see comes first.

        Returns:
            Things with the boxes of each model, and how far every two models agree, 0 to 1.
        """
        with self.answering(request):
            names = models or self.backend.models_for(Task.GROUNDING)[:2]
            check_models(names)
            image = open_upload(picture, self.settings, request)
            asked = Request(Task.GROUNDING, words, (image.open(),), visitor=read_owner(request))
            answers = list(ask_models(self.backend, names, asked))
            return consensus_to_data(compare_answers(answers, asked.task), image.size, asked)

    def _ask(self, asked: Request, image: UploadedImage, model: str) -> ComparisonAnswer:
        try:
            # Each model gets its own copy: Pillow is not safe on one image from several threads.
            own = replace(asked, images=tuple(shared.copy() for shared in asked.images))
            answer = reply_to_data(wait_for_reply(self.backend, model, own), image.size)
            return {**answer, "model": model, "error": ""}
        except VlmDemoError as error:
            return {"text": "", "items": [], "model": model, "error": str(error)}
