"""Detector with fixed wording: no language model, but rules over what two small nets see.

The engine `vlm_demo/engines/detector` reads these instructions and writes the markup, so both are
ours:

    <ref>two dogs</ref><box>[[x1, y1, x2, y2], [x1, y1, x2, y2]]</box>

with whole numbers from 0 to 1000 over the user's image. A line of text that is read has a
quadrangle, `<ref>STOP</ref><quad>[[x1, y1, x2, y2, x3, y3, x4, y4]]</quad>`.
"""

from collections.abc import Sequence

from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.tags import PlaceTag, Tags, find_lists
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.translatable_text import message
from vlm_demo.values import Frame, Region, Task, bounding_box

TAGS = Tags(
    phrase_tags=("<ref>", "</ref>"),
    place_tags={"<box>": PlaceTag("</box>", 4), "<quad>": PlaceTag("</quad>", 8)},
    find_places=find_lists,
)


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write regions as boxes."""
    boxes = [list(map(round, space.to_numbers(bounding_box(region), frame))) for region in regions]
    return f"<box>{boxes}</box>"


FAMILY = Family(
    name="detector",
    title=message("Detector with fixed phrases"),
    model_types={},
    checkpoints=(),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe the photograph.",
        Task.DETAILED_CAPTION: "Describe the photograph in detail.",
        Task.GROUNDED_CAPTION: "Describe the photograph with boxes.",
        Task.VQA: "{text}",
        Task.GROUNDING: "Find: {text}",
        Task.DETECT: "Find: {text}",
        Task.DESCRIBE_REGION: "Describe {region}",
        Task.READ: "Read all the text in the image.",
    },
    markup=TAGS.make_markup(write_boxes, N1000),
    region_template="{region}",
    documented_template="{{ messages[-1]['content'][-1]['text'] }}",
    prefix_separator=None,
    markup_tokens=("<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"),
    limits=FamilyLimits(history="none"),
)
