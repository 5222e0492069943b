"""Regions as what SAM is asked with: a box, a point, or both.

Source: https://arxiv.org/abs/2304.02643, section 2 (promptable segmentation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vlm_demo.masks import find_inner_point
from vlm_demo.prompting.regions.request_regions import clip_region
from vlm_demo.values import Box, Point, Polygon, Region, bounding_box


class PromptKind(StrEnum):
    """What a prompt consists of; only prompts of one kind are computed together."""

    BOX = "box"
    POINT = "point"
    BOX_AND_POINT = "box and point"


@dataclass(frozen=True, slots=True)
class MaskPrompt:
    """What one mask is asked with, as fractions of the picture."""

    kind: PromptKind
    box: Box | None = None
    point: Point | None = None


def build_prompt(region: Region) -> MaskPrompt | None:
    """Return the prompt for what a region marks; None: the region has no area on the picture.

    A scribble goes around a thing or over it: it is asked with its box and its innermost point.
    """
    on_image = clip_region(region)
    match on_image:
        case Point():
            return MaskPrompt(PromptKind.POINT, point=on_image)
        case Box():
            return MaskPrompt(PromptKind.BOX, on_image) if on_image.area > 0 else None
        case Polygon():
            box = bounding_box(on_image)
            if len(on_image.points) < 3 or not box.area:
                return None
            inner = find_inner_point(on_image)
            return MaskPrompt(PromptKind.BOX_AND_POINT, box, inner)


def group_by_kind(
    prompts: Sequence[MaskPrompt | None],
) -> dict[PromptKind, list[tuple[int, MaskPrompt]]]:
    """Return the prompts of each kind with their places in the sequence."""
    groups: dict[PromptKind, list[tuple[int, MaskPrompt]]] = {}
    for index, prompt in enumerate(prompts):
        if prompt:
            groups.setdefault(prompt.kind, []).append((index, prompt))
    return groups
