"""Search by example: a marked region of one image shows what is looked for in another."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.errors import InputError
from vlm_demo.prompting.family_spec import FamilySpec
from vlm_demo.prompting.regions.region_overlays import box_around, draw_regions
from vlm_demo.values import RegionForm, Request, Task


def is_search_by_example(request: Request) -> bool:
    """Whether a region of the request shows what is to be found."""
    return request.region_form is RegionForm.EXAMPLE and bool(request.regions)


def check_example(spec: FamilySpec, request: Request) -> None:
    """Refuse a search by example that the family cannot be asked for.

    Raises:
        InputError: the message says what would do.
    """
    if request.task is not Task.GROUNDING:
        raise InputError("Only a search for objects takes a region as an example.")
    if not spec.example_instruction:
        raise InputError(
            "{title} models cannot search by example. Say in words what to find.",
            title=spec.title,
        )
    if len(request.regions) > 1:
        raise InputError("A search by example takes one region. Mark one.")


def place_example(request: Request) -> Request:
    """Return a search by example as two images: one with a red box, and the one to search."""
    image = request.images[-1]
    marked = draw_regions(image, [box_around(request.regions[0], image.size)], numbers=False)
    return replace(
        request,
        images=(marked, image),
        regions=(),
        region_form=RegionForm.AUTO,
        text="",
        history=(),
    )
