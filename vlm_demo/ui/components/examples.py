"""The example pictures that `assets/examples.toml` lists.

Each [[example]] has `picture` (a file in assets/examples), `source` and `licence` (where it comes
from and its terms), `title` (what it shows, in a few words), `task`, and where the task takes a
text, `words`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.errors import SettingsError
from vlm_demo.values import Task

ASSETS = Path(__file__).parents[3] / "assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture and something to try with it."""

    image: Path
    title: str
    task: Task
    source: str
    licence: str
    text: str = ""


def load_examples(listing: Path = ASSETS / "examples.toml") -> tuple[Example, ...]:
    """Read the list; the pictures are in the folder of the same name beside it.

    Raises:
        SettingsError: the list is damaged, or names a picture that is not there.
    """
    folder = listing.with_suffix("")
    try:
        entries = tomllib.loads(listing.read_text(encoding="utf-8")).get("example", [])
        examples = tuple(
            Example(
                image=folder / entry["picture"],
                title=entry["title"],
                task=Task(entry["task"]),
                source=entry["source"],
                licence=entry["licence"],
                text=entry.get("words", ""),
            )
            for entry in entries
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"The list of examples {listing} cannot be used: {error}") from error
    for example in examples:
        if not example.image.is_file():
            raise SettingsError(f"{listing} names {example.image.name}; it is not in {folder}.")
    return examples
