"""Outlines of what an answer found, or a person marked, by a model that does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from PIL.Image import Image

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Engine, Segmenter
from vlm_demo.errors import InputError, NotRunnableError, UnsupportedTaskError
from vlm_demo.translatable_text import TranslatableText, join_texts
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Reply

MAX_OUTLINES = 1_000
"""Largest number of regions that are outlined at a time."""


class Outliner:
    """Outlines regions with the models of a menu that can."""

    def __init__(
        self,
        menu: Callable[[], Sequence[ModelSpec]],
        is_loaded: Callable[[str], bool],
        using: Callable[[ModelSpec], AbstractContextManager[Engine]],
    ) -> None:
        """Prepare to outline.

        Args:
            menu: returns the models that there are.
            is_loaded: whether a model is in memory.
            using: holds a model while it works, and loads it first if need be.
        """
        self._menu, self._is_loaded, self._using = menu, is_loaded, using

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The models of the menu that outline: those in memory, then on this computer, first."""
        able = [spec for spec in self._menu() if spec.engine == "segmenter" and spec.runs_here]
        return tuple(
            sorted(able, key=lambda spec: (not self._is_loaded(spec.name), not spec.is_here))
        )

    def find_model(self, name: str = "") -> ModelSpec:
        """Return the model of a name, or the one that can outline soonest.

        Raises:
            UnsupportedTaskError: the named model does not outline.
            NotRunnableError: no model of the menu does.
        """
        models = self.models
        if not models:
            raise NotRunnableError(
                "This menu has no segmentation model. Use the program's own menu, or add SAM "
                "to yours."
            )
        found = next((spec for spec in models if not name or spec.name == name), None)
        if found is None:
            raise UnsupportedTaskError(
                "{name} does not outline. Choose {known}.",
                name=name,
                known=", ".join(spec.name for spec in models),
            )
        return found

    def outline(
        self, image: Image, regions: Sequence[Region], model: str = ""
    ) -> tuple[Polygon | None, ...]:
        """Return the outline of what each region marks; None: nothing was found there.

        Args:
            image: the picture.
            regions: boxes, points and scribbles on it.
            model: its name on the menu; "": the one that can outline soonest.

        Raises:
            InputError: there are no regions, or too many.
            VlmDemoError: as `find_model` does, or the model cannot be loaded, or failed.
        """
        if not regions:
            raise InputError("There is nothing to outline. Find or mark something first.")
        if len(regions) > MAX_OUTLINES:
            raise InputError(
                "There are {count} regions, and at most {most} are outlined at a time.",
                count=len(regions),
                most=MAX_OUTLINES,
            )
        with self._using(self.find_model(model)) as engine:
            if not isinstance(engine, Segmenter):
                raise TypeError("The engine of a model that outlines is a segmenter.")
            return engine.outline(image, regions)

    def outline_reply(self, reply: Reply, images: Sequence[Image], model: str = "") -> Reply:
        """Return a reply with outlines in place of its boxes and points.

        Where nothing was found, the box or point stays, and the note of the reply says so. Polygons
        are outlines already.

        Args:
            reply: the reply; without boxes and points, it stays as it is.
            images: the pictures that its mentions count.
            model: as `outline` takes it.

        Raises:
            VlmDemoError: as `outline` does.
        """
        outlines: dict[tuple[int, Region], Polygon | None] = {}
        for index, image in enumerate(images):
            regions = list(dict.fromkeys(_find_regions(reply, index, len(images))))
            if regions:
                found = self.outline(image, regions, model)
                outlines |= {
                    (index, region): one for region, one in zip(regions, found, strict=True)
                }
        missed = sum(outline is None for outline in outlines.values())
        note = TranslatableText(
            "{missed} of {count} could not be outlined: what was found there stays as it was.",
            {"missed": missed, "count": len(outlines)},
        )
        replaced = {region: outline for (_, region), outline in outlines.items() if outline}
        last = len(images) - 1
        return replace(
            reply,
            mentions=tuple(_with_outlines(one, outlines, last) for one in reply.mentions),
            parsed_places=tuple(
                replace(place, region=replaced.get(place.region, place.region))
                for place in reply.parsed_places
            ),
            note=join_texts(reply.note, note if missed else ""),
        )


def _find_regions(reply: Reply, index: int, count: int) -> list[Region]:
    """Return the boxes and points on the picture with an index of `count`."""
    return [
        region
        for mention in reply.mentions
        if min(mention.image_index, count - 1) == index
        for region in mention.regions
        if isinstance(region, Box | Point)
    ]


def _with_outlines(
    mention: Mention, outlines: dict[tuple[int, Region], Polygon | None], last: int
) -> Mention:
    index = min(mention.image_index, last)
    regions = (outlines.get((index, region)) or region for region in mention.regions)
    return replace(mention, regions=tuple(regions))
