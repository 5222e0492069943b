"""A conversation as a value that can be written to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from vlm_demo.values import Region, Reply

FORMAT = "vlm-demo conversation"
"""Name of the format, which is the first value of a file."""

VERSION = 1
"""Version of the format."""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """A picture as it was added."""

    name: str
    content: bytes  # of its file

    @property
    def key(self) -> str:
        """The SHA-256 of its content, hexadecimal."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """A question and its answer."""

    question: str
    images: tuple[SavedImage, ...] = ()
    regions: tuple[Region, ...] = ()  # of the newest picture at that time
    reply: Reply | None = None  # None: it was never answered
    model: str = ""  # the one that answered
    note: str = ""
    seen: tuple[SavedImage, ...] = ()  # what the model was shown; `image_index` is an index here


@dataclass(frozen=True, slots=True)
class SavedConversation:
    """The turns of a conversation, and the examples that come before every request."""

    turns: tuple[SavedTurn, ...]
    examples: tuple[SavedTurn, ...] = ()

    @property
    def images(self) -> Mapping[str, SavedImage]:
        """Every picture once, by its key, in order of appearance."""
        turns = (*self.examples, *self.turns)
        return {picture.key: picture for turn in turns for picture in (*turn.images, *turn.seen)}
