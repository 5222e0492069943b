"""What Studio's browser application is told when a page opens."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.markup.region_json import region_to_json
from vlm_demo.prompting.targets import MAX_TARGETS
from vlm_demo.rendering.palette import COLOURS, DASHES, colour_of, dash_of
from vlm_demo.settings import Settings
from vlm_demo.ui.components.examples import Example, ExampleObject
from vlm_demo.ui.components.uploaded_images import file_url, store_image
from vlm_demo.ui.i18n import LANGUAGES, translations
from vlm_demo.ui.studio.answering.protocol import MAX_CHOICES, MAX_IMAGES, MAX_TURNS
from vlm_demo.ui.studio.calls.models import list_usable_models
from vlm_demo.values import MAX_REGIONS, Size, Task


def start_content(
    backend: Backend, settings: Settings, examples: Sequence[Example]
) -> dict[str, Any]:
    """Return everything that does not depend on who opens the page.

    `StudioEndpoints.studio_start` adds what its visitor may do.
    """
    return {
        "models": list_usable_models(backend),
        "default": backend.menu[0].name,
        "examples": example_infos(examples),
        "tasks": [task.value for task in Task],
        "languages": ["en", *LANGUAGES],
        "outlines": bool(backend.outliner.models),
        "public": not settings.is_private(),
        "version": _version(),
        "palette": {"colours": list(COLOURS), "dashes": list(map(list, DASHES))},
        "limits": {
            "bytes": settings.max_upload_bytes,
            "pixels": settings.max_pixels,
            "characters": settings.max_characters,
            "regions": MAX_REGIONS,
            "targets": MAX_TARGETS,
            "choices": MAX_CHOICES,
            "images": MAX_IMAGES,
            "turns": MAX_TURNS,
        },
    }


def example_infos(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return each example picture once, with all that can be asked about it."""
    by_picture: dict[str, list[Example]] = {}
    for example in examples:
        by_picture.setdefault(example.image.name, []).append(example)
    return [_example_info(group) for group in by_picture.values()]


def find_example(examples: Sequence[Example], example_id: str) -> Example | None:
    """Return an example with the picture of this id."""
    return next((one for one in examples if one.image.stem == example_id), None)


def _version() -> str:
    """Return the version of the program; "" where it runs without being installed."""
    try:
        return version("vlm_demo")
    except PackageNotFoundError:
        return ""


def _example_info(group: Sequence[Example]) -> dict[str, Any]:
    first = group[0]
    copy, (width, height) = _copy_of(first.image)
    url = file_url(copy)
    return {
        "id": first.image.stem,
        "url": url,
        "width": width,
        "height": height,
        "title": {"en": first.title}
        | {
            language: translations(language).get(first.title, first.title) for language in LANGUAGES
        },
        "credit": f"{first.source} ({first.licence})",
        "kind": first.picture.kind.value,
        "mentions": _object_mentions(first.picture.objects),
        "words": _example_requests(group),
    }


def _copy_of(file: Path) -> tuple[Path, Size]:
    """Return a copy of an example that the page may serve, and its size.

    Copies are cleaned away after a day like all files that the page serves; another page of this
    program serves another folder.
    """
    copy, size = _copies.get(file, (None, (0, 0)))
    if copy is None or not copy.is_file() or not copy.is_relative_to(get_upload_folder()):
        with Image.open(file) as image:
            copy, size = store_image(image.convert("RGB"), file.stem), image.size
        _copies[file] = copy, size
    return copy, size


_copies: dict[Path, tuple[Path, Size]] = {}
"""The copies of examples that were made last."""


def _object_mentions(objects: Sequence[ExampleObject]) -> list[dict[str, Any]]:
    """Return what is on an example picture as mentions; objects of one name look the same."""
    names = list(dict.fromkeys(one.names["en"] for one in objects))
    return [
        {
            "phrase": name,
            "phrases": next(one.names for one in objects if one.names["en"] == name),
            "colour": colour_of(index),
            "dash": dash_of(index),
            "regions": [region_to_json(one.box) for one in objects if one.names["en"] == name],
        }
        for index, name in enumerate(names)
    ]


def _example_requests(group: Sequence[Example]) -> dict[str, list[dict[str, str]]]:
    """Return what can be asked about a picture by language.

    A language without requests of its own has those in English, which the model answers.
    """
    # " | " begins a list of possible answers, which Studio offers among its options.
    english = [{"task": one.task.value, "text": one.text.partition(" | ")[0]} for one in group]
    own = {
        language: [{"task": task.value, "text": text} for task, text in requests]
        for language, requests in group[0].picture.requests.items()
    }
    return {language: own.get(language, english) for language in ("en", *LANGUAGES)}
