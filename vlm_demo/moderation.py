"""Checks words and pictures before a model is asked, and its answer before it is shown.

Off by default. A check is a command of the operator's, or a model of the menu. While an answer is
checked it is not shown as it grows, but whole.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.errors import ModerationError, SettingsError
from vlm_demo.images.opening import shrink_image
from vlm_demo.settings import Settings
from vlm_demo.values import Reply, Request, Sampling, Task

Stage = Literal["question", "answer"]

COMMAND_TIMEOUT_S = 60.0
"""Longest time for one run of the command, in seconds."""

IMAGE_SIDE = 768
"""Longest side, in pixels, of the pictures that are checked."""

REFUSED = 1
"""Exit status by which the command refuses; 0 allows, and any other is a failure."""

QUESTION = (
    "You moderate a public web page. Is the text below, or the picture, sexual, hateful, violent "
    "or about self-harm? Answer with one word, yes or no.\n\nText: {text}"
)
"""What a model is asked."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Material:
    """What is checked."""

    stage: Stage
    text: str
    images: tuple[Image, ...] = ()


Check = Callable[[Material], bool]
"""Returns whether something is allowed; raises ModerationError where that cannot be said."""


class ModeratedBackend(Backend):
    """A backend whose requests and answers pass some checks first."""

    _checks: tuple[Check, ...] = ()

    def moderate(self, settings: Settings) -> None:
        """Take the checks that settings name.

        Raises:
            SettingsError: the command is not one.
            UnknownModelError: the model is not on the menu.
        """
        checks: list[Check] = []
        if settings.moderation_command:
            checks.append(partial(run_command, _split(settings.moderation_command)))
        if settings.moderation_model:
            name = self.spec(settings.moderation_model).name
            checks.append(partial(ask_model, partial(super().answer, name)))
        self._checks = tuple(checks)
        self.refusals: Counter[Stage] = Counter()

    def answer(self, model: str, request: Request) -> Generator[Reply, None, None]:
        """Yield the reply; where it is checked, only what it waits for, and then all of it.

        Raises:
            ModerationError: the request or the answer is refused, or cannot be checked.
            VlmDemoError: as `Backend.answer` does.
        """
        replies = super().answer(model, request)
        if not self._checks:
            yield from replies
            return
        self._require(_material_of(request))
        newest = Reply("", "")
        with closing(replies):
            for reply in replies:
                newest = reply
                if reply.is_waiting:
                    yield reply
        self._require(Material("answer", f"{newest.reasoning}\n{newest.raw}".strip()))
        yield newest

    def score(self, model: str, request: Request) -> list[float]:
        """Score choices as `Backend.score` does, once the request is allowed.

        Raises:
            ModerationError: it is refused, or cannot be checked.
            VlmDemoError: as `Backend.score` does.
        """
        if self._checks:
            self._require(_material_of(request))
        return super().score(model, request)

    def _require(self, material: Material) -> None:
        for check in self._checks:
            if not check(material):
                self.refusals[material.stage] += 1
                log.warning("Moderation refused: %s.", material.stage)
                raise ModerationError(
                    "This page does not answer that. Ask something else."
                    if material.stage == "question"
                    else "The answer is not shown on this page. Ask something else."
                )


def run_command(command: Sequence[str], material: Material) -> bool:
    """Ask a command: it reads JSON with `stage`, `text` and `images` (PNG in base64).

    Raises:
        ModerationError: it cannot be run, takes too long, or fails.
    """
    images = [_encode(image) for image in material.images]
    sent = json.dumps({"stage": material.stage, "text": material.text, "images": images})
    try:
        done = subprocess.run(
            list(command),
            input=sent.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _moderation_failure(type(error).__name__) from error
    if done.returncode not in (0, REFUSED):
        raise _moderation_failure(f"exit status {done.returncode}")
    return done.returncode == 0


def ask_model(
    answer: Callable[[Request], Generator[Reply, None, None]], material: Material
) -> bool:
    """Ask a model, with the last picture; what is neither yes nor no is a failure.

    Raises:
        ModerationError: it says neither.
    """
    question = QUESTION.replace("{text}", material.text)
    shown = tuple(shrink_image(image, IMAGE_SIDE) for image in material.images[-1:])
    request = Request(Task.CHAT, question, shown, sampling=Sampling(max_new_tokens=16))
    *_, reply = answer(request)
    word = reply.text.strip().casefold()
    if not word.startswith(("yes", "no")):
        raise _moderation_failure("the model said neither yes nor no")
    return word.startswith("no")


def _material_of(request: Request) -> Material:
    messages = [message.text for message in request.history if message.role != "assistant"]
    parts: Iterable[str] = (request.system, *messages, request.text, *request.choices)
    images = [image for message in request.history for image in message.images]
    return Material("question", "\n".join(filter(None, parts)), (*images, *request.images))


def _encode(image: Image) -> str:
    buffer = io.BytesIO()
    shrink_image(image, IMAGE_SIDE).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _split(command: str) -> tuple[str, ...]:
    try:
        parts = tuple(shlex.split(command))
    except ValueError as error:
        raise SettingsError(
            "The moderation command cannot be read: {problem}.", problem=error
        ) from error
    if not parts:
        raise SettingsError("The moderation command is empty.")
    return parts


def _moderation_failure(reason: str) -> ModerationError:
    log.error("Moderation failed: %s.", reason)
    return ModerationError("This cannot be checked at the moment. Try again later.")
