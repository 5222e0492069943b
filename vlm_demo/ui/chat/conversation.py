"""A conversation: its turns, and the requests that they are for a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlm_demo.prompting.family import FamilyLimits
from vlm_demo.prompting.visible_images import visible_images
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import DisplayText
from vlm_demo.values import Message, Region, RegionForm, Reply, Request, Sampling, Task


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A question and its answer, which may still be growing."""

    question: str
    images: tuple[UploadedImage, ...] = ()
    reply: Reply | None = None
    regions: tuple[Region, ...] = ()  # on the newest picture so far
    model: str = ""  # which answers
    notes: tuple[DisplayText, ...] = ()  # above the answer
    visible_images: tuple[UploadedImage, ...] = ()  # that the model is shown, in their order
    waiting: Waiting | None = None  # what it waits for before the first word

    def image_at(self, index: int) -> UploadedImage | None:
        """Return the picture that a mention of the answer is on, from its `image_index`."""
        return (
            self.visible_images[min(index, len(self.visible_images) - 1)]
            if self.visible_images
            else None
        )

    @property
    def newest_image(self) -> UploadedImage | None:
        """The picture that the regions of the question are on."""
        return self.visible_images[-1] if self.visible_images else None


Conversation = tuple[ChatTurn, ...]


def build_request(
    before: Conversation,
    turn: ChatTurn,
    sampling: Sampling | None,
    region_form: RegionForm = RegionForm.AUTO,
) -> Request:
    """Build the request for a turn; the history is the raw text of the turns before it."""
    history: list[Message] = []
    for past in before:
        if past.reply is None:
            continue  # stopped before the first word
        images = tuple(image.open() for image in past.images)
        history += [
            Message("user", past.question, images, past.regions),
            Message("assistant", past.reply.raw),
        ]
    return Request(
        Task.CHAT,
        turn.question,
        tuple(image.open() for image in turn.images),
        turn.regions,
        region_form,
        history=tuple(history),
        sampling=sampling,
    )


def history_images(before: Conversation) -> tuple[tuple[UploadedImage, ...], ...]:
    """Return the images of each message of the history that `build_request` builds."""
    answered = [past.images for past in before if past.reply is not None]
    return tuple(images for asked in answered for images in (asked, ()))


def select_images(
    limits: FamilyLimits,
    before: Conversation,
    turn: ChatTurn,
    region_form: RegionForm = RegionForm.AUTO,
) -> tuple[UploadedImage, ...]:
    """Return the images that a model with these limits is shown of what `build_request` asks."""
    turns = [*(past for past in before if past.reply is not None), turn]
    crops = [len(past.regions) for past in turns] if region_form is RegionForm.CROP else []
    return visible_images(limits, [past.images for past in turns], crops)


def all_images(conversation: Sequence[ChatTurn]) -> tuple[UploadedImage, ...]:
    """Return every picture of a conversation once, in the order in which they came."""
    images = {
        image.display_copy: image for turn in reversed(conversation) for image in turn.images[::-1]
    }
    return tuple(reversed(images.values()))
