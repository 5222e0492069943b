"""The newest answer of a tab, with what it takes to write its prompt again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.errors import InputError
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.values import Reply, Request

UploadedImages = tuple[UploadedImage, ...]

MAX_TITLE_LENGTH = 60
"""Largest number of characters of the request in the title of an answer."""


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request and what the model has written so far. Its images are files, not pixels."""

    model: str
    request: Request  # without its images
    images: UploadedImages
    earlier_images: tuple[UploadedImages, ...]  # of each message of the history
    reply: Reply  # so far
    recorded_s: float  # on a monotonic clock, in seconds
    space: str | None = None  # that was chosen for the reply; None: the model's own choice

    @classmethod
    def record(
        cls,
        model: str,
        request: Request,
        reply: Reply,
        images: Sequence[UploadedImage],
        earlier_images: Sequence[UploadedImages] = (),
    ) -> AnsweredRequest:
        """Record an answer, which may still be growing, to a request about some images."""
        history = tuple(replace(message, images=()) for message in request.history)
        bare = replace(request, images=(), history=history)
        return cls(model, bare, tuple(images), tuple(earlier_images), reply, time.monotonic())

    def reopen_request(self) -> Request:
        """Return the request as it was asked.

        Raises:
            ImageError: a picture has been cleaned away meanwhile.
        """
        history = tuple(
            replace(message, images=_open_all(images))
            for message, images in zip(self.request.history, self.earlier_images, strict=True)
        )
        return replace(self.request, images=_open_all(self.images), history=history)

    @property
    def raw(self) -> str:
        """The answer as the model wrote it."""
        return self.reply.raw

    @property
    def image(self) -> UploadedImage | None:
        """The picture that regions in the answer are on."""
        every = [image for images in (*self.earlier_images, self.images) for image in images]
        return every[-1] if every else None

    @property
    def visible_images(self) -> UploadedImages:
        """The pictures that regions in the answer can be on, in the order of their numbers."""
        return self.images or ((self.image,) if self.image else ())

    @property
    def title(self) -> str:
        """What was asked and of which model, in a few words."""
        text = " ".join(self.request.text.split()) or self.request.task.replace("_", " ")
        is_short = len(text) <= MAX_TITLE_LENGTH
        return f"{text if is_short else f'{text[: MAX_TITLE_LENGTH - 1]}…'} ({self.model})"


def require_answer(newest: AnsweredRequest | None) -> AnsweredRequest:
    """Return the newest answer, or say that there is none.

    Raises:
        InputError: there is none.
    """
    if newest is None:
        raise InputError("There is no answer yet. Please ask something first.")
    return newest


def _open_all(images: UploadedImages) -> tuple[Image, ...]:
    return tuple(image.open() for image in images)
