"""The example pictures that `assets/examples.toml` lists.

Each [[picture]] has `file` (in assets/examples), `objects` (what is on it: its name by language,
and `box`, fractions x1, y1, x2, y2), `requests` by language (each with `task` and `text`), which
the default model was seen to answer in languages other than English, and `kind` where it is no
drawn scene.

Each [[example]] has `picture` (a file in assets/examples), `source` and `licence` (where it comes
from and its terms), `title` (what it shows, in a few words), `task`, and where the task takes a
text, `words`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlm_demo.engines import ImageKind
from vlm_demo.errors import SettingsError
from vlm_demo.values import Box, Task

ASSETS = Path(__file__).parents[3] / "assets"


@dataclass(frozen=True, slots=True)
class ExampleObject:
    """Something on an example picture."""

    names: Mapping[str, str]  # by language; "en" is always there
    box: Box


@dataclass(frozen=True, slots=True)
class ExamplePicture:
    """What is on an example picture, and what can be asked about it in other languages."""

    objects: tuple[ExampleObject, ...] = ()
    requests: Mapping[str, tuple[tuple[Task, str], ...]] = field(default_factory=dict)
    kind: ImageKind = ImageKind.DRAWN_SCENE


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture and something to try with it."""

    image: Path
    title: str
    task: Task
    source: str
    licence: str
    text: str = ""
    picture: ExamplePicture = ExamplePicture()


def load_examples(listing: Path = ASSETS / "examples.toml") -> tuple[Example, ...]:
    """Read the list; the pictures are in the folder of the same name beside it.

    Raises:
        SettingsError: the list is damaged, or names a picture that is not there.
    """
    folder = listing.with_suffix("")
    try:
        content = tomllib.loads(listing.read_text(encoding="utf-8"))
        pictures = {entry["file"]: _read_picture(entry) for entry in content.get("picture", [])}
        examples = tuple(
            Example(
                image=folder / entry["picture"],
                title=entry["title"],
                task=Task(entry["task"]),
                source=entry["source"],
                licence=entry["licence"],
                text=entry.get("words", ""),
                picture=pictures.get(entry["picture"], ExamplePicture()),
            )
            for entry in content.get("example", [])
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            "The list of examples {listing} cannot be used: {problem}",
            listing=listing,
            problem=error,
        ) from error
    for example in examples:
        if not example.image.is_file():
            raise SettingsError(
                "{listing} names {name}; it is not in {folder}.",
                listing=listing,
                name=example.image.name,
                folder=folder,
            )
    return examples


def _read_picture(entry: Mapping[str, Any]) -> ExamplePicture:
    objects = tuple(
        ExampleObject({key: name for key, name in one.items() if key != "box"}, Box(*one["box"]))
        for one in entry.get("objects", [])
    )
    requests = {
        language: tuple((Task(one["task"]), one["text"]) for one in listed)
        for language, listed in entry.get("requests", {}).items()
    }
    kind = ImageKind(entry.get("kind", ImageKind.DRAWN_SCENE))
    return ExamplePicture(objects, requests, kind)
