"""Checks of a request, before any model is loaded for it."""

from __future__ import annotations

import re

from vlm_demo.errors import (
    InputError,
    MissingImageError,
    MissingTextError,
    TooLongError,
    UnsupportedTaskError,
)
from vlm_demo.prompting.constraint_checks import check_pattern, check_schema
from vlm_demo.prompting.family_spec import FamilySpec
from vlm_demo.prompting.regions.region_example import is_search_by_example
from vlm_demo.prompting.regions.region_prompting import check_request_regions
from vlm_demo.prompting.targets import TARGET_TASKS, read_targets
from vlm_demo.prompting.tasks import CAPTION_TASKS, TEXT_TASKS
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.values import Request, Task

MAX_CHARACTERS = 8_000
"""Length of the longest text that is taken from a person."""

MAX_CHOICES = 200
"""Largest number of answers that a model chooses among: each is computed on its own."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, as undecodable bytes on a command line leave it: no model can read it."""


def check_text(text: str, max_characters: int = MAX_CHARACTERS) -> None:
    """Refuse a text that no model can be given.

    Raises:
        InputError: the text is not valid Unicode.
        TooLongError: it is longer than `max_characters`.
    """
    if _LONE_SURROGATE.search(text):
        raise InputError("This text has broken characters. Type it again.")
    if len(text) > max_characters:
        raise TooLongError(
            "This text has {count} characters, {excess} over the limit of {most}. Shorten it.",
            count=f"{len(text):,}",
            excess=f"{len(text) - max_characters:,}",
            most=f"{max_characters:,}",
        )


def check_request(spec: FamilySpec, request: Request, max_characters: int = MAX_CHARACTERS) -> None:
    """Refuse a request that cannot become a prompt of a family; see `Family.check`."""
    _check_task(spec, request.task)
    _check_images(spec, request)
    check_request_regions(spec, request)
    is_named = read_targets(request.text) if request.task in TARGET_TASKS else request.text.strip()
    if request.task in TEXT_TASKS and not is_named and not is_search_by_example(request):
        raise MissingTextError("Write something first: this task needs text.")
    if sum(map(bool, (request.choices, request.pattern, request.schema))) > 1:
        raise InputError("Give only one of these: possible answers, a pattern or a schema.")
    if len(request.choices) > MAX_CHOICES:
        raise InputError(
            "There are {count} possible answers; the limit is {max_choices}. Remove some.",
            count=f"{len(request.choices):,}",
            max_choices=MAX_CHOICES,
        )
    texts = request.text, request.system, *request.choices, request.pattern, request.schema
    for text in texts:
        check_text(text, max_characters)
    if request.pattern:
        check_pattern(request.pattern)
    if request.schema:
        check_schema(request.schema)
    if (
        request.task in CAPTION_TASKS
        and request.text.strip()
        and not spec.accepts_prefix(request.task)
    ):
        raise InputError(
            "{title} models cannot continue a given beginning. Leave it out.",
            title=spec.title,
        )


def _check_task(spec: FamilySpec, task: Task) -> None:
    if spec.unavailable_reason:
        raise UnsupportedTaskError(
            "{title} cannot be prompted: {reason}.",
            title=spec.title,
            reason=TranslatableText(spec.unavailable_reason),
        )
    if task not in spec.instructions:
        raise UnsupportedTaskError(describe_unsupported_task(spec, task))


def describe_unsupported_task(spec: FamilySpec, task: Task) -> TranslatableText:
    """Say that a family cannot do a task, why, and what to do."""
    name = task.replace("_", " ")
    if spec.unsupported_reason:
        return TranslatableText(
            "{title} models cannot do this task ({task}): {reason}. Choose another model.",
            {
                "title": spec.title,
                "task": name,
                "reason": TranslatableText(spec.unsupported_reason),
            },
        )
    return TranslatableText(
        "{title} models cannot do this task ({task}). Choose another model.",
        {"title": spec.title, "task": name},
    )


_ONE_IMAGE_ONLY = message(
    "{title} models take one image at a time, and there are {count}. Remove some."
)

_TOO_MANY_IMAGES = message(
    "{title} models take at most {most} images at a time, and there are {count}. Remove some."
)


_NO_FILMS = message(
    "{title} models take one image at a time, so they cannot be asked about a whole video. Ask "
    "about one frame, or choose another model."
)

_TOO_MANY_FRAMES = message(
    "{title} models take at most {most} frames of a video, and there are {count}. Choose fewer."
)


def _check_images(spec: FamilySpec, request: Request) -> None:
    most, count = spec.limits.max_images, len(request.images)
    if count > most and request.film_times:
        raise InputError(
            _NO_FILMS if most == 1 else _TOO_MANY_FRAMES,
            title=spec.title,
            most=most,
            count=count,
        )
    if count > most:
        raise InputError(
            _ONE_IMAGE_ONLY if most == 1 else _TOO_MANY_IMAGES,
            title=spec.title,
            most=most,
            count=count,
        )
    if count or any(turn.images for turn in request.history):
        return
    if request.task is not Task.CHAT or not spec.limits.chats_without_image:
        raise MissingImageError("Add an image: this task needs one.")
    if request.regions:
        raise MissingImageError("Add an image: the regions need one.")
