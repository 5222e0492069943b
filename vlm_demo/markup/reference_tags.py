"""Phrases and boxes as DeepSeek's models tag them.

    <|ref|>a dog<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>

Sources: deepseek_vl2.py and deepseek_ocr.py in families/deepseek.
"""

from collections.abc import Sequence

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.tags import PlaceTag, Tags, find_lists
from vlm_demo.values import Frame, Region, bounding_box

REFERENCES = Tags(
    phrase_tags=("<|ref|>", "<|/ref|>"),
    place_tags={"<|det|>": PlaceTag("<|/det|>", 4)},
    find_places=find_lists,
    words_end_phrase=False,
)
"""Each `<|det|>` belongs to the `<|ref|>` before it."""


def write_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    boxes = [list(map(round, space.to_numbers(bounding_box(region), frame))) for region in regions]
    return f"<|det|>{boxes}<|/det|>"
