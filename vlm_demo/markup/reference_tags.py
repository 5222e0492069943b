"""Phrases and boxes as DeepSeek's models tag them.

    <|ref|>a dog<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>

Sources: deepseek_vl2.py and deepseek_ocr.py in families/deepseek.
"""

from collections.abc import Sequence

from vlm_demo.markup.coordinate_spaces import UNIT, CoordinateSpace
from vlm_demo.markup.tags import UNTAGGED_DOUBLE_LISTS, PlaceTag, Tags, find_lists
from vlm_demo.values import Frame, Region, bounding_box


def choose_space(numbers: Sequence[float], frame: Frame, space: CoordinateSpace) -> CoordinateSpace:
    """Return the space of fractions for numbers up to 1 that are not whole.

    Contested: seen in issue #121 of https://github.com/deepseek-ai/DeepSeek-VL2, where nobody says
    what they count; as 999ths they would be a dot.
    """
    are_fractions = all(0 <= number <= 1 for number in numbers)
    is_whole = all(number == int(number) for number in numbers)
    return UNIT if are_fractions and not is_whole and not frame.space else space


REFERENCES = Tags(
    phrase_tags=("<|ref|>", "<|/ref|>"),
    place_tags={"<|det|>": PlaceTag("<|/det|>", 4)},
    find_places=find_lists,
    untagged=UNTAGGED_DOUBLE_LISTS,
    words_end_phrase=False,
    space_for=choose_space,
)
"""Each `<|det|>` belongs to the `<|ref|>` before it."""


def write_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    boxes = [list(map(round, space.to_numbers(bounding_box(region), frame))) for region in regions]
    return f"<|det|>{boxes}<|/det|>"
