"""The newest answer of a tab, with what it takes to write its prompt again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.errors import InputError
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.values import Reply, Request

Pictures = tuple[Picture, ...]

LONGEST_TITLE = 60
"""Characters of the words that name an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what the model has written so far. Pictures are files here, not pixels."""

    model: str
    request: Request  # without its pictures
    pictures: Pictures
    earlier: tuple[Pictures, ...]  # of each message of the history
    reply: Reply  # so far
    when: float  # seconds since some point in time

    @classmethod
    def now(
        cls,
        model: str,
        request: Request,
        reply: Reply,
        pictures: Sequence[Picture],
        earlier: Sequence[Pictures] = (),
    ) -> Asked:
        """Note an answer that is being written, to `request` about `pictures`."""
        history = tuple(replace(message, images=()) for message in request.history)
        bare = replace(request, images=(), history=history)
        return cls(model, bare, tuple(pictures), tuple(earlier), reply, time.monotonic())

    def reopened(self) -> Request:
        """Return the request as it was asked.

        Raises:
            ImageError: a picture has been cleaned away meanwhile.
        """
        history = tuple(
            replace(message, images=_opened(pictures))
            for message, pictures in zip(self.request.history, self.earlier, strict=True)
        )
        return replace(self.request, images=_opened(self.pictures), history=history)

    @property
    def raw(self) -> str:
        """The answer as the model wrote it."""
        return self.reply.raw

    @property
    def picture(self) -> Picture | None:
        """The picture that places in the answer are about."""
        seen = [picture for pictures in (*self.earlier, self.pictures) for picture in pictures]
        return seen[-1] if seen else None

    @property
    def seen(self) -> Pictures:
        """The pictures that places in the answer can be on, in the order of their numbers."""
        return self.pictures or ((self.picture,) if self.picture else ())

    @property
    def title(self) -> str:
        """What was asked and whom, in a few words."""
        words = " ".join(self.request.text.split()) or self.request.task.replace("_", " ")
        short = words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"
        return f"{short} ({self.model})"


def there(last: Asked | None) -> Asked:
    """Return the newest answer.

    Raises:
        InputError: there is none.
    """
    if last is None:
        raise InputError("There is no answer yet. Please ask something first.")
    return last


def _opened(pictures: Pictures) -> tuple[Image, ...]:
    return tuple(picture.open() for picture in pictures)
