"""Regions in a prompt as text, in the markup of the family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vlm_demo.markup.base import Markup
from vlm_demo.prompting.family_spec import FamilySpec
from vlm_demo.prompting.regions.region_overlays import box_around
from vlm_demo.prompting.regions.region_references import replace_references
from vlm_demo.values import Frame, Message, Point, Region


def write_region(region: Region, markup: Markup, frame: Frame) -> str:
    """Write one region: a point as such where the family can, otherwise as a small box."""
    if isinstance(region, Point) and markup.write_point:
        return markup.write_point(region, frame, markup.space_for(frame))
    return markup.write_regions([box_around(region, frame.original)], frame)


def write_regions(regions: Sequence[Region], markup: Markup, frame: Frame) -> str:
    """Write regions as those of one phrase."""
    if len(regions) == 1:
        return write_region(regions[0], markup, frame)
    return markup.write_regions([box_around(region, frame.original) for region in regions], frame)


def write_regions_into_turns(
    spec: FamilySpec, turns: Sequence[Message], frames: Sequence[Frame | None]
) -> Iterator[Message]:
    """Write the regions of each turn into its words, by the frame of its image."""
    for turn, frame in zip(turns, frames, strict=True):
        names = [_write_in_question(spec, region, frame) for region in turn.regions if frame]
        yield replace(turn, text=replace_references(turn.text, names, _append), regions=())


def _write_in_question(spec: FamilySpec, region: Region, frame: Frame) -> str:
    """Write a region as it stands in a question; see `FamilySpec.region_template`."""
    if not spec.markup:
        return ""
    return spec.region_template.replace("{region}", write_region(region, spec.markup, frame))


def _append(text: str, names: Sequence[str]) -> str:
    return " ".join((text, *names))
