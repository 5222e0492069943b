"""A scene as a value: a picture and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass

from PIL.Image import Image

from vlm_demo.scenes.kinds import Kind
from vlm_demo.values import Box


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object in a scene; its box is tight around the visible part."""

    kind: Kind
    colour: str  # "": it is drawn in its own colours, which have no name
    box: Box

    @property
    def phrase(self) -> str:
        """Its name, a noun with the colour if there is one: "red circle", "dog"."""
        return f"{self.colour} {self.kind.name}".strip()

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box (x, y), in fractions of the picture."""
        return (self.box.x1 + self.box.x2) / 2, (self.box.y1 + self.box.y2) / 2


@dataclass(frozen=True, slots=True)
class Background:
    """What is behind the objects; `colour` is "" if no single name fits."""

    look: str  # "plain", "noisy", "striped", "gradient", "landscape"
    colour: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn picture with its ground truth; objects are sorted from left to right by centre."""

    seed: int
    image: Image
    background: Background
    objects: tuple[SceneObject, ...]

    def find(self, phrase: str) -> tuple[SceneObject, ...]:
        """Return the objects of this name, a noun with or without a colour."""
        return tuple(o for o in self.objects if phrase in (o.phrase, o.kind.name))

    def unique_objects(self) -> tuple[SceneObject, ...]:
        """Return the objects whose phrase names no other object of the scene."""
        return tuple(o for o in self.objects if len(self.find(o.phrase)) == 1)
