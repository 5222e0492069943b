"""MiniCPM-V 4.5, 4.6 and 4.7: small chat models for several pictures and for text in them.

    <ref>book</ref><box>100 200 300 400</box>

Upper left and lower right corner, with blanks between, in thousandths of the picture (a maintainer
in issue 982 of https://github.com/OpenBMB/MiniCPM-V, 2025-08-29, who also gives the question, of
MiniCPM-V 4.5). Unverified for 4.6 and 4.7, whose README says nothing of places; the demos there
leave these tags out of the text (web_demos/web_demo_2.6.py). Other wordings are ours.

Template: ChatML, the picture on a line of its own before the words (swift/template/templates/
minicpm.py of https://github.com/modelscope/ms-swift for 4.6). The thinking checkpoint of 4.6 begins
with `<think>` in its template. MiniCPM-V 4.5 runs on code of its own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vlm_demo.markup.base import WrittenPlace, parse_numbers
from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.tags import PlaceTag, Tags
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Frame, Region, Sampling, Task, bounding_box

_SEPARATOR = re.compile(r"[\s,()\[\]]+")


def find_numbers(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find the one place written `x1 y1 x2 y2`; commas and brackets do no harm."""
    items = [item for item in _SEPARATOR.split(body[start:end]) if item]
    if values := parse_numbers(items):
        yield (start, end), values


TAGS = Tags(
    phrase_tags=("<ref>", "</ref>"),
    place_tags={"<box>": PlaceTag("</box>", 4)},
    find_places=find_numbers,
)


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    return "".join(_box(space.to_numbers(bounding_box(region), frame)) for region in regions)


def _box(numbers: Sequence[float]) -> str:
    return f"<box>{' '.join(str(round(number)) for number in numbers)}</box>"


TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|image_pad|>\n' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="minicpmv",
    title="MiniCPM-V",
    model_types={"minicpmv4_6": ONE_AT_A_TIME, "minicpmv4_7": ONE_AT_A_TIME},
    checkpoints=(
        "openbmb/MiniCPM-V-4.6",
        "openbmb/MiniCPM-V-4.7-1B",
        "openbmb/MiniCPM-V-4_5",
    ),
    instructions={
        **PLAIN_ENGLISH,
        Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
        "describes: <ref>{text}</ref>",
    },
    markup=TAGS.make_markup(write_boxes, N1000),
    markup_signature=r"<box>\s*[0-9]",
    documented_template=TEMPLATE,
    keep_special_tokens=True,
    markup_tokens=("<ref>", "</ref>", "<box>", "</box>"),
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=1024),
    limits=FamilyLimits(max_images=4),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|image_pad|>", "<|video_pad|>"),
        *("<image>", "</image>", "<slice>", "</slice>", "<image_id>", "</image_id>", "<unk>"),
        *("<think>", "</think>", "<tool_call>", "</tool_call>", "<quad>", "</quad>"),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="minicpmv_thinking",
        title="MiniCPM-V Thinking",
        checkpoints=("openbmb/MiniCPM-V-4.6-Thinking",),
        documented_template=f"{TEMPLATE}{{{{ '<think>\n' }}}}",
        starts_in_reasoning=True,
        prefix_separator=None,
        sampling=Sampling(max_new_tokens=4096),
    ),
)
