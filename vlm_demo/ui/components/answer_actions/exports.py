"""Answers of the page as files to download."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from vlm_demo.errors import MissingImageError
from vlm_demo.prompting.confidence import drop_empty_mentions
from vlm_demo.rendering.export import AnnotatedImage, FileFormat, export_file
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.files.folders import make_folder
from vlm_demo.values import Mention, Reply

AnswerWithImages = tuple[Reply, Sequence[UploadedImage]]
"""An answer, and the pictures that it is about, in the order in which its model saw them."""


class AnsweredTurn(Protocol):
    """A turn of a conversation, as far as it can be exported."""

    @property
    def reply(self) -> Reply | None:
        """The answer; None: there is none yet."""

    @property
    def visible_images(self) -> tuple[UploadedImage, ...]:
        """The pictures that the model was shown, in their order."""


def group_by_image(answers: Iterable[AnswerWithImages]) -> tuple[AnnotatedImage, ...]:
    """Group the regions of answers by the picture that they are on.

    Mentions without regions are left out. An answer without any counts for its newest picture.
    """
    replies: dict[UploadedImage, list[Reply]] = {}
    for reply, images in answers:
        if not images:
            continue
        mentions: dict[UploadedImage, list[Mention]] = {}
        for mention in drop_empty_mentions(reply).mentions:
            image = images[min(mention.image_index, len(images) - 1)]
            mentions.setdefault(image, []).append(mention)
        for image, on_image in mentions.items() or [(images[-1], [])]:
            part = replace(reply, mentions=tuple(on_image))
            replies.setdefault(image, []).append(part)
    return tuple(
        AnnotatedImage(image.name, image.size, tuple(parts), image.open)
        for image, parts in replies.items()
    )


def export_answers(answers: Iterable[AnswerWithImages], form: FileFormat, owner: str) -> Path:
    """Write answers to a file that the page may serve to one visitor.

    Raises:
        MissingImageError: they are about no picture.
        ImageError: a picture is no longer there.
        FileError: the file cannot be written; nothing is left of it.
    """
    images = group_by_image(answers)
    if not images:
        raise MissingImageError("This answer is not about an image.")
    name = images[0].stem if len(images) == 1 else "conversation"
    return export_file(images, form, make_folder(owner), name)
