"""The call that outlines what an answer found, or a person marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import gradio as gr
from pydantic import Field

from vlm_demo.answering.outlining import MAX_OUTLINES
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.markup.region_json import RegionModel, region_to_json
from vlm_demo.ui.calls import explain_errors
from vlm_demo.ui.studio.answering.protocol import Name, Sent, read_sent
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner
from vlm_demo.units import format_bytes


class SentOutlining(Sent):
    """Regions on a picture."""

    image: Name
    regions: Annotated[list[RegionModel], Field(min_length=1, max_length=MAX_OUTLINES)]
    model: Name = ""  # that outlines; "": the one that can soonest


@dataclass(frozen=True)
class OutlineCalls:
    """The call as a method, whose name is that of the API."""

    backend: Backend
    images: ImageStore

    def studio_outline(self, sent: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Outline regions of a picture.

        Args:
            sent: a `SentOutlining`.
            request: who asks.

        Returns:
            `{outlines, model}`: for each region a polygon as JSON, or null where nothing was found;
            or `{needs: {name, title, size}}`, a model that has to be fetched first.
        """

        def outline() -> dict[str, Any]:
            read = read_sent(SentOutlining, sent)
            spec = self.backend.outliner.find_model(read.model)
            if not self.backend.can_answer_without_fetching(spec.name):
                return {"needs": _describe(spec)}
            owner = read_owner(request)
            image = self.images.find(read.image, owner).open()
            regions = [model.to_region() for model in read.regions]
            with self.backend.quota.admit(owner):
                outlines = self.backend.outliner.outline(image, regions, spec.name)
            return {
                "outlines": [outline and region_to_json(outline) for outline in outlines],
                "model": spec.name,
            }

        return explain_errors(outline)


def _describe(spec: ModelSpec) -> dict[str, Any]:
    size = format_bytes(round((spec.parameters or 0) * spec.number_format.bits / 8))
    return {"name": spec.name, "title": spec.title or spec.name, "size": size}
