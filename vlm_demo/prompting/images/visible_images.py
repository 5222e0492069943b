"""Which images of a conversation a model is shown; prompts and the page both ask here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from vlm_demo.prompting.family_spec import FamilyLimits

ImageT = TypeVar("ImageT")
"""An image, or whatever stands for one."""


def visible_images(
    limits: FamilyLimits, turns: Sequence[Sequence[ImageT]], crop_counts: Sequence[int] = ()
) -> tuple[ImageT, ...]:
    """Return the images that a model is shown, oldest first.

    Args:
        limits: those of the model's family.
        turns: the images of each message; the last message is the question.
        crop_counts: how many regions of each message are cropped; (): none. A crop stands as the
            image that it is part of.
    """
    keeps_history = limits.history == "full"
    if crop_counts:
        earlier_counts = crop_counts[:-1] if keeps_history else [0] * (len(turns) - 1)
        turns = list(add_crops(turns, [*earlier_counts, crop_counts[-1]]))
    if keeps_history:
        first = first_visible_turn([len(images) for images in turns], limits.max_images)
        return tuple(image for images in turns[first:] for image in images)
    earlier = [image for images in turns[:-1] for image in images]
    return tuple(turns[-1]) or tuple(earlier[-limits.max_images :])


def first_visible_turn(image_counts: Sequence[int], max_images: int) -> int:
    """Return the index of the oldest turn that a model with a full history is shown.

    An image beyond the limit starts the conversation anew: the model would not understand turns
    about an image that it no longer sees. The question, which is the last turn, is always shown.
    """
    room, first = max_images - image_counts[-1], len(image_counts) - 1
    while first and room >= image_counts[first - 1]:
        first -= 1
        room -= image_counts[first]
    return first


def add_crops(
    turns: Sequence[Sequence[ImageT]], region_counts: Sequence[int]
) -> Iterator[tuple[ImageT, ...]]:
    """Yield the images of each turn once its regions are cropped.

    One crop takes the place of the image that it is part of; several follow behind the turn's
    images. Each stands as the image that it is part of, which is the newest one of its time.
    """
    newest: list[ImageT] = []
    for images, count in zip(turns, region_counts, strict=True):
        newest = [*newest, *images][-1:]
        own = images[:-1] if count == 1 else images
        yield (*own, *(newest * count))
