"""Regions cropped out of an image, so that the model is shown them alone or beside the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.prompting.images.visible_images import add_crops
from vlm_demo.prompting.regions.region_overlays import box_around
from vlm_demo.prompting.regions.region_references import replace_references
from vlm_demo.prompting.regions.region_wording import RegionWording, wording_for
from vlm_demo.values import Box, Message, Point, Polygon, Region, Reply, Request

MARGIN = 0.1
"""Margin around a crop, as a share of the region's longer side: context helps to recognize it."""

MIN_MARGIN = 16
"""Smallest margin around a crop, in pixels."""


@dataclass(frozen=True, slots=True)
class CroppedRequest:
    """A request whose regions became images; they still stand in it, for their names."""

    request: Request
    crop: Box | None = None
    """The part of the user's image that the newest one shows; None: all of it."""

    whole: Image | None = None
    """The user's image, where the newest ones are crops that stand beside it."""


def crop_region(image: Image, region: Region) -> tuple[Image, Box]:
    """Return a region with a margin around it as an image, and which part of the whole that is."""
    x1, y1, x2, y2 = box_around(region, image.size).to_pixels(image.size)
    margin = max(MIN_MARGIN, MARGIN * max(x2 - x1, y2 - y1))
    width, height = image.size
    part = (
        max(0, math.floor(x1 - margin)),
        max(0, math.floor(y1 - margin)),
        min(width, math.ceil(x2 + margin)),
        min(height, math.ceil(y2 + margin)),
    )
    return image.crop(part), Box.normalize(*part, by=image.size)


def crop_request(request: Request) -> CroppedRequest:
    """Show one region of a turn instead of its image, and several beside it."""
    image, crop, whole = None, None, None
    turns: list[Message] = []
    past = (*request.history, Message("user", "", request.images, request.regions))
    counts = [len(turn.regions) for turn in past]
    for turn, slots in zip(past, add_crops([turn.images for turn in past], counts), strict=True):
        if turn.images:
            image, crop, whole = turn.images[-1], None, None
        if image is not None and turn.regions:
            crops = [crop_region(image, region) for region in turn.regions]
            crop, whole = (crops[0][1], None) if len(crops) == 1 else (None, image)
            slots = (*slots[: -len(crops)], *(cropped for cropped, _ in crops))
        turns.append(replace(turn, images=slots))
    cropped = replace(request, images=turns[-1].images, history=tuple(turns[:-1]))
    return CroppedRequest(cropped, crop, whole)


def name_crops(
    turns: Sequence[Message], wording: RegionWording, *, names_all: bool
) -> Iterator[Message]:
    """Name the crops of each turn by their places among the images that the model is shown.

    The arguments are those of `region_overlays.draw_marks`.
    """
    count = 0
    for turn in turns:
        count += len(turn.images)
        language = wording_for(turn.text, wording)
        names = language.name_crops(len(turn.regions), count)
        appends = len(names) > 1 and (names_all or turn is not turns[-1])
        append = language.append_names if appends else None
        yield replace(turn, text=replace_references(turn.text, names, append), regions=())


def move_to_whole(reply: Reply, crop: Box) -> Reply:
    """Move the regions of a reply from a crop to where they are on the whole image."""
    mentions = tuple(
        replace(mention, regions=tuple(_move(region, crop) for region in mention.regions))
        for mention in reply.mentions
    )
    places = tuple(
        replace(place, region=_move(place.region, crop)) for place in reply.parsed_places
    )
    return replace(reply, mentions=mentions, parsed_places=places)


def _move(region: Region, crop: Box) -> Region:
    def move(x: float, y: float) -> tuple[float, float]:
        return crop.x1 + x * (crop.x2 - crop.x1), crop.y1 + y * (crop.y2 - crop.y1)

    match region:
        case Box(x1, y1, x2, y2):
            return Box(*move(x1, y1), *move(x2, y2))
        case Point(x, y):
            return Point(*move(x, y))
        case Polygon():
            return region.move_points(lambda point: Point(*move(point.x, point.y)))
