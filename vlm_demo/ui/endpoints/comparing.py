"""What several models are asked at a time, for programs."""

# Gradio reads the annotations itself, so they must not be put off as text.

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vlm_demo.analysis.checking import check, grounding_models
from vlm_demo.analysis.consensus import ask_in_turn, check_models, compare, to_data
from vlm_demo.analysis.verdicts import CheckData, as_data
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, UnsupportedTaskError, VlmDemoError
from vlm_demo.rendering.export import Answer, to_answer
from vlm_demo.settings import Settings
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.endpoints.values import Upload, opened, whole_reply
from vlm_demo.ui.streaming import errors_raised
from vlm_demo.values import Request, Task

MOST_MODELS = 6


class OneOfSeveral(Answer):
    """The answer of one model, or in words why there is none."""

    model: str
    error: str


@dataclass(frozen=True, slots=True)
class Comparing:
    """The endpoints; each is a method."""

    backend: Backend
    settings: Settings

    def compare(
        self, picture: Upload, task: str, words: str = "", models: list[str] | None = None
    ) -> list[OneOfSeveral]:
        """Ask several models the same.

        Args:
            picture: The picture.
            task: chat, caption, detailed_caption, grounded_caption, vqa, grounding, detect, read.
            words: The question, what to find, or how a caption begins.
            models: Names that `models` lists; the first two that can where none are given.

        Returns:
            An answer a model, in their order; one that failed does not stop the others.
        """
        with errors_raised():
            if task not in set(Task):
                raise InputError(f"There is no task {task!r}. Known: {', '.join(Task)}.")
            names = models or self.backend.models_for(Task(task))[:2]
            if not 1 <= len(names) <= MOST_MODELS:
                raise InputError(f"Please name 1 to {MOST_MODELS} models.")
            seen = opened(picture, self.settings)
            request = Request(Task(task), words, (seen.open(),))
            with ThreadPoolExecutor(len(names)) as threads:
                return list(threads.map(partial(self._one, request, seen), names))

    def check(self, picture: Upload, text: str, model: str = "") -> CheckData:
        """Say which phrases of an answer a picture supports, and which it contradicts.

        Args:
            picture: The picture.
            text: The answer, in English, Japanese or Chinese; whoever wrote it.
            model: Who looks for the phrases; empty for the best that is here.

        Returns:
            Each phrase with its verdict, why, and its boxes in pixels of the picture.
        """
        with errors_raised():
            seen = opened(picture, self.settings)
            names = [model] if model else grounding_models(self.backend, text)[:1]
            if not names:
                raise UnsupportedTaskError("No model of the menu can say where things are.")
            *_, complete = check(self.backend, names[0], seen.open(), text)
            return as_data(complete, seen.size, names[0])

    def consensus(
        self, picture: Upload, words: str, models: list[str] | None = None
    ) -> dict[str, Any]:
        """Let several models look for the same; what not all of them see comes first.

        Args:
            picture: The picture.
            words: What to find.
            models: Two to six names that `models` lists; the first two that can where not given.

        Returns:
            Things with the boxes of each model, and how far every two models agree, 0 to 1.
        """
        with errors_raised():
            names = models or self.backend.models_for(Task.GROUNDING)[:2]
            check_models(names)
            seen = opened(picture, self.settings)
            request = Request(Task.GROUNDING, words, (seen.open(),))
            voices = list(ask_in_turn(self.backend, names, request))
            return to_data(compare(voices, request.task), seen.size, request)

    def _one(self, request: Request, seen: Picture, model: str) -> OneOfSeveral:
        try:
            # Each its own picture: not every step of Pillow's may run twice at a time on one.
            own = replace(request, images=tuple(image.copy() for image in request.images))
            told = to_answer(whole_reply(self.backend, model, own), seen.size)
            return {**told, "model": model, "error": ""}
        except VlmDemoError as error:
            return {"text": "", "items": [], "model": model, "error": str(error)}
