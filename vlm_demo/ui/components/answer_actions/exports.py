"""Answers of the page as files that people take along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from gradio.utils import get_upload_folder

from vlm_demo.errors import FileError, MissingImageError
from vlm_demo.prompting.confidence import placed
from vlm_demo.rendering.export import FileFormat, Sheet, export_file
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.values import Mention, Reply

Seen = tuple[Reply, Sequence[Picture]]
"""An answer, and the pictures that it is about, in the order in which its model saw them."""


def sheets(answers: Iterable[Seen]) -> tuple[Sheet, ...]:
    """Sort the places of answers by the picture that they are on.

    Mentions without places are left out. An answer without any is one about its newest picture.
    """
    replies: dict[Picture, list[Reply]] = {}
    for reply, pictures in answers:
        if not pictures:
            continue
        on: dict[Picture, list[Mention]] = {}
        for mention in placed(reply).mentions:
            picture = pictures[min(mention.image_index, len(pictures) - 1)]
            on.setdefault(picture, []).append(mention)
        for picture, mentions in on.items() or [(pictures[-1], [])]:
            own = replace(reply, mentions=tuple(mentions))
            replies.setdefault(picture, []).append(own)
    return tuple(
        Sheet(picture.name, picture.size, tuple(own), picture.open)
        for picture, own in replies.items()
    )


def exported(answers: Iterable[Seen], form: FileFormat) -> Path:
    """Write answers to a file that the page may serve.

    Raises:
        MissingImageError: they are about no picture.
        ImageError: a picture is no longer there.
        FileError: the file cannot be written; nothing is left of it.
    """
    pages = sheets(answers)
    if not pages:
        raise MissingImageError("There is no picture that this answer is about.")
    name = pages[0].stem if len(pages) == 1 else "conversation"
    return export_file(pages, form, own_folder(), name)


def own_folder() -> Path:
    """Make a folder that nobody can guess, from which the page may serve files.

    Raises:
        FileError: it cannot be made, such as on a full disk.
    """
    try:
        return Path(mkdtemp(dir=get_upload_folder()))
    except OSError as error:
        raise FileError(f"No file can be written here: {error.strerror or error}.") from error
