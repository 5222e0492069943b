"""GLM-4.1V, GLM-4.5V and GLM-4.6V, which reason before they answer, and the older glm-4v-9b.

    <think> ... </think><answer>It is here: <|begin_of_box|>[[x1,y1,x2,y2]]<|end_of_box|></answer>

Wording and format: README of https://github.com/zai-org/GLM-V: thousandths of the image, in
brackets that vary (`[]`, `[[]]`, `()`, `<>`). The same tokens enclose answers that are no boxes
(find_boxed_content of glmv_reward/src/glmv_reward/utils/text.py there, which treats LaTeX's "boxed"
in the same way), so only four numbers in brackets are a box. The newer ones are also asked for JSON
with `bbox_2d` (skills/glmv-grounding there). `</|end_of_box|>` and `<|start_of_box|>` are
upstream's slips.

Template: chat_template.jinja of zai-org/GLM-4.5V and zai-org/GLM-4.1V-9B-Thinking on
https://huggingface.co; the latter ends with `<think>`. For glm-4v-9b: the example of vLLM
(examples/offline_inference/vision_language.py); it has no documented format for boxes (issue #497
of https://github.com/zai-org/GLM-4). The wordings for captions, short answers and regions are ours.
Sampling: the card of zai-org/GLM-4.6V. From GLM-4.5V on, reasoning can be turned off
(`enable_thinking`: https://recipes.vllm.ai/zai-org).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder, parse_number
from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.json_markup import read_json_into, read_with_json, write_box_lists
from vlm_demo.markup.json_parsing.selection import JsonDialect
from vlm_demo.markup.multi_format_reader import MultiFormatReader
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Frame, Message, Sampling, Task

DIALECT = JsonDialect(in_prose="nested")
_PLAIN = MultiFormatReader()

_TAGS = (
    *("<|begin_of_box|>", "<|start_of_box|>", "<|end_of_box|>", "</|end_of_box|>"),
    *("<answer>", "</answer>"),
)
_TAG = re.compile("|".join(map(re.escape, _TAGS)))
_TAG_OR_BOXED = re.compile(rf"{_TAG.pattern}|\\boxed\{{(?P<boxed>[^{{}}]*+)(?:\}}|\Z)")
_NUMBERS = re.compile(r"[\[(<{]([\s0-9.,;+-]++)[\])>}]")
_UNFINISHED = re.compile(r"\s*[\[(<{][\[(<{\s0-9.,;+-]*")
_SEPARATOR = re.compile(r"[\s,;]+")


def read_boxes(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read boxes between the tokens, and JSON and `[[..]]` elsewhere; other tags are left out."""
    builder = ParsedOutputBuilder()
    for start, end, is_boxed in _parts(raw):
        if is_boxed:
            _add_box_content(builder, raw, start, end, frame, space)
        else:
            words = raw[start:end]
            output = read_with_json(_PLAIN, words, frame, space, space)
            builder.add_output(output, start, around=words)
    return builder.build()


def _parts(raw: str) -> Iterator[tuple[int, int, bool]]:
    """Yield the parts between tags: start, end, and whether box tokens enclose them."""
    body = _strip_partial_tag(raw)
    at, is_boxed = 0, False
    for tag in _TAG_OR_BOXED.finditer(body):
        yield at, tag.start(), is_boxed
        at = tag.end()
        if tag["boxed"] is not None:
            yield *tag.span("boxed"), True
        elif "answer" not in tag[0]:
            is_boxed = "end" not in tag[0]
    yield at, len(body), is_boxed


def _strip_partial_tag(raw: str) -> str:
    at = raw.rfind("<")
    return raw[:at] if at >= 0 and any(tag.startswith(raw[at:]) for tag in _TAGS) else raw


def _add_box_content(
    builder: ParsedOutputBuilder,
    raw: str,
    start: int,
    end: int,
    frame: Frame,
    space: CoordinateSpace,
) -> None:
    """Add what box tokens enclose: boxes, or an answer in words or JSON."""
    content = raw[start:end]
    regions = []
    corner: tuple[re.Match[str], tuple[float, ...]] | None = None  # [x, y], the first of two
    at, pieces = start, []
    for bracket in _NUMBERS.finditer(raw, start, end) if '":' not in content else ():
        items = [item for item in _SEPARATOR.split(bracket[1]) if item]
        numbers = tuple(value for item in items if (value := parse_number(item)) is not None)
        is_pair = len(items) == len(numbers) == 2
        if is_pair and corner and not raw[corner[0].end() : bracket.start()].strip(", \n"):
            first, one = corner
            corner = None
            region = space.to_box((*one, *numbers), frame)
            span = first.start(), bracket.end()
            regions.append(builder.add_parsed_place(span, (*one, *numbers), region))
            pieces.append(raw[at : first.start()])
            at = bracket.end()
        elif is_pair:
            corner = bracket, numbers
        if len(items) == len(numbers) == 4:
            region = space.to_box(numbers, frame)
            regions.append(builder.add_parsed_place(bracket.span(1), numbers, region))
            pieces.append(raw[at : bracket.start()])
            at = bracket.end()
    if regions:
        for piece in (*pieces, raw[at:end]):
            builder.add_text(piece.strip("[],") if re.search(r"[^\W\d_]", piece) else "")
        builder.add_mention(regions)
    elif content.lstrip().startswith("[["):
        builder.has_markup = True
    elif not _UNFINISHED.fullmatch(content):
        read_json_into(builder, content, frame, space, DIALECT, offset=start)


class Glm4v(Family):
    """Sends earlier answers back without the box tokens."""

    def _strip_past_answer(self, turn: Message) -> Message:
        turn = super()._strip_past_answer(turn)
        if turn.role != "assistant":
            return turn
        return replace(turn, text=_TAG.sub("", turn.text).strip())


def _template(picture: str, answer: str) -> str:
    return (
        "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>{{ '\n' }}"
        "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
        f"'<|begin_of_image|>{picture}<|end_of_image|>' }}}}{{% endfor %}}{{% endfor %}}"
        f"{{{{ '<|assistant|>{answer}' }}}}"
    )


FAMILY = Glm4v(
    name="glm4v",
    title="GLM-4.5V and GLM-4.6V",
    model_types={
        "glm4v": Architecture(position_ids="mrope", cuda_graphs=True, film_input="timed"),
        "glm4v_moe": Architecture(position_ids="mrope", film_input="timed"),
        "glm46v": Architecture(position_ids="mrope", cuda_graphs=True, film_input="timed"),
    },
    checkpoints=(
        "zai-org/GLM-4.5V",
        "zai-org/GLM-4.6V",
        "zai-org/GLM-4.6V-Flash",
        "zai-org/GLM-4.1V-9B-Base",
    ),
    instructions={
        **PLAIN_ENGLISH,
        Task.GROUNDING: "Help me to locate {text} in the image and give me its bounding boxes.",
        Task.DESCRIBE_REGION: "Describe in a few words what is inside the bounding box {region} "
        "of the image.",
    },
    markup_signature=r"<\|begin_of_box\|>",
    markup=Markup(read_boxes, write_box_lists, N1000, reads_json=True),
    region_template="{region}",
    multi_region_instruction="Describe in a few words what is inside each of the bounding "
    "boxes {region} of the image.",
    documented_template=_template("<|image|>", "\n"),
    has_thinking_switch=True,
    keep_special_tokens=True,
    end_markers=("<|user|>", "<|endoftext|>", "<|observation|>"),
    prefix_separator="",
    sampling=Sampling(
        max_new_tokens=4096, temperature=0.8, top_p=0.6, top_k=2, repetition_penalty=1.1
    ),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
        *("<|endoftext|>", "<|begin_of_image|>", "<|image|>", "<|end_of_image|>"),
        *("<|begin_of_video|>", "<|video|>", "<|end_of_video|>", "<|begin_of_box|>"),
        *("<|end_of_box|>", "<think>", "</think>", "<tool_call>", "</tool_call>"),
        *("<tool_response>", "</tool_response>", "<eop>", "<|begin_of_audio|>", "[MASK]"),
        *("<|end_of_audio|>", "<|audio|>", "<|begin_of_transcription|>", "[sMASK]"),
        *("<|end_of_transcription|>",),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="glm41v_thinking",
        title="GLM-4.1V Thinking",
        checkpoints=("zai-org/GLM-4.1V-9B-Thinking",),
        documented_template=_template("<|image|>", "\n<think>"),
        has_thinking_switch=False,
        starts_in_reasoning=True,
        prefix_separator=None,
    ),
    replace(
        FAMILY,
        name="glm_4v_9b",
        title="GLM-4V-9B",
        model_types={},
        checkpoints=("zai-org/glm-4v-9b",),
        instructions=PLAIN_ENGLISH,
        markup=None,
        region_template="",
        multi_region_instruction="",
        documented_template=_template("<|endoftext|>", ""),
        has_thinking_switch=False,
        keep_special_tokens=False,
        sampling=Sampling(),
        limits=FamilyLimits(),
    ),
)
