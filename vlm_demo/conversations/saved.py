"""What a file of a conversation holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from vlm_demo.values import Region, Reply

FORMAT, VERSION = "vlm-demo conversation", 1


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A picture as it came in."""

    name: str
    content: bytes  # of its file

    @property
    def key(self) -> str:
        """What tells its content from others: SHA-256, as hexadecimal digits."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """A question and its answer."""

    question: str
    pictures: tuple[SavedPicture, ...] = ()
    regions: tuple[Region, ...] = ()  # of the newest picture at that time
    reply: Reply | None = None  # None: it was never answered
    model: str = ""  # that answered
    note: str = ""
    seen: tuple[SavedPicture, ...] = ()  # what the model was shown, which `image_index` counts


@dataclass(frozen=True, slots=True)
class SavedConversation:
    """The turns of a conversation, and the examples that stand before every request."""

    turns: tuple[SavedTurn, ...]
    examples: tuple[SavedTurn, ...] = ()

    @property
    def pictures(self) -> Mapping[str, SavedPicture]:
        """Every picture once, by its key, in the order in which they come."""
        turns = (*self.examples, *self.turns)
        return {picture.key: picture for turn in turns for picture in (*turn.pictures, *turn.seen)}
