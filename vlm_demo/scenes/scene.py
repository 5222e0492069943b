"""A scene as a value: a picture and the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL.Image import Image

from vlm_demo.scenes.kinds import KINDS, Kind
from vlm_demo.values import Box


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One thing in a scene; its box is tight around what is visible of it."""

    kind: Kind
    colour: str  # "": drawn in its own colours, which are not named
    box: Box

    @property
    def phrase(self) -> str:
        """Colour and noun, as one would name it: "red circle", "dog"."""
        return f"{self.colour} {self.kind.name}".strip()

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box, fractions of the picture."""
        return (self.box.x1 + self.box.x2) / 2, (self.box.y1 + self.box.y2) / 2


@dataclass(frozen=True, slots=True)
class Background:
    """What is behind the objects; `colour` is "" where no single name fits."""

    look: str  # "plain", "noisy", "striped", "gradient", "landscape"
    colour: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn picture with its truth; objects from left to right by their centres."""

    seed: int
    picture: Image
    background: Background
    objects: tuple[SceneObject, ...]

    def named(self, phrase: str) -> tuple[SceneObject, ...]:
        """Objects called `phrase`, which is a noun with or without its colour."""
        return tuple(o for o in self.objects if phrase in (o.phrase, o.kind.name))

    def unique(self) -> tuple[SceneObject, ...]:
        """Objects whose phrase names no other object of the scene."""
        return tuple(o for o in self.objects if len(self.named(o.phrase)) == 1)


def kind_names() -> Sequence[str]:
    """Names of all kinds, in their fixed order (the index is a class id in training)."""
    return tuple(KINDS)
