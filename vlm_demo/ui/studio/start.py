"""What Studio's browser application is told when a page opens."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.prompting.targets import MAX_TARGETS
from vlm_demo.rendering.palette import COLOURS, DASHES
from vlm_demo.settings import Settings
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.uploaded_images import file_url, store_image
from vlm_demo.ui.i18n import LANGUAGES
from vlm_demo.ui.studio.models import list_models
from vlm_demo.ui.studio.protocol import MAX_CHOICES, MAX_IMAGES, MAX_TURNS
from vlm_demo.values import MAX_REGIONS, Task


def start_content(
    backend: Backend, settings: Settings, examples: Sequence[Example]
) -> dict[str, Any]:
    """Return everything that does not depend on who opens the page."""
    return {
        "models": list_models(backend, measure=False),
        "default": backend.menu[0].name,
        "examples": example_infos(examples),
        "tasks": [task.value for task in Task],
        "languages": ["en", *LANGUAGES],
        "public": not settings.is_private(),
        "may_add_models": settings.allow_checkpoints,
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
    with Image.open(first.image) as image:
        width, height = image.size
        url = file_url(store_image(image.convert("RGB"), first.image.stem))
    words = [{"task": one.task.value, "text": one.text} for one in group]
    return {
        "id": first.image.stem,
        "url": url,
        "width": width,
        "height": height,
        "title": {"en": first.title},
        "credit": first.licence,
        "mentions": [],
        "words": {"en": words},
    }
