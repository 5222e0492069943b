"""Moondream 2 and 3: small models with an API of their own instead of a chat template.

API and beginnings of prompts: moondream/torch/moondream.py and config.py of
https://github.com/vikhyat/moondream (read at 44146f1, 2025-06-19): `caption`, `query`, `detect` and
`point` put plain words between fixed ones, without history. Regions are not text but come from a
head of the network, and the API returns them as dictionaries. Such a dictionary is read here,
written as JSON or as Python writes it:

    {"objects": [{"x_min": 0.1, "y_min": 0.2, "x_max": 0.3, "y_max": 0.4}]}
    {"points": [{"x": 0.25, "y": 0.5}]}
    {"caption": "..."}
    {"reasoning": {"text": "...", "grounding": [{"start_idx": 0, "end_idx": 3,
        "points": [[0.25, 0.5]]}]}, "answer": "..."}

in fractions of the image; a box may lie partly outside it. Text that is no dictionary is an answer
as it stands, which older revisions give. The points of a reasoning belong to words that are not in
the answer.

Moondream 3 has the same API. As a server (vllm/transformers_utils/processors/moondream3.py of
https://github.com/vllm-project/vllm, 0.32) it answers questions and writes captions between tokens
of its own. Places come from heads that only the API runs, so it is not asked for them here, but the
API's dictionaries are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vlm_demo.markup.base import Markup, ParsedOutput, ParsedOutputBuilder, parse_number
from vlm_demo.markup.coordinate_spaces import UNIT, CoordinateSpace
from vlm_demo.markup.json_markup import add_places
from vlm_demo.markup.json_parsing.scan import Node, Structure, read_structure
from vlm_demo.markup.json_parsing.shapes import (
    LabelledPlaces,
    find_places,
    names_places,
    says_no_places,
)
from vlm_demo.markup.written_answers import AnswerPart, split_phrases
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Frame, Prompt, Region, Reply, Task, bounding_box

_CORNERS = ("x_min", "y_min", "x_max", "y_max")


def read_dictionary(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read what the API returned; if that is cut off, the regions that are complete."""
    builder = ParsedOutputBuilder()
    answer = _answer(raw)
    if answer is None:
        builder.add_text(raw)
        return builder.build()
    values = _values(answer.root)
    builder.add_text(_text(values.get("answer")) or _text(values.get("caption")))
    builder.has_markup = names_places(answer) and not (answer.root and says_no_places(answer.root))
    for found in _find_labelled_places(answer):
        add_places(builder, found, frame, space)
    return builder.build()


def write_dictionary(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_dictionary` reads them."""
    boxes = (space.to_numbers(bounding_box(region), frame) for region in regions)
    objects = (
        ", ".join(f'"{name}": {number:.4f}' for name, number in zip(_CORNERS, box, strict=True))
        for box in boxes
    )
    return f'{{"objects": [{{{"}, {".join(objects)}}}]}}'


def write_objects(parts: Sequence[AnswerPart], frame: Frame, space: CoordinateSpace) -> str:
    """Write what the API returns: words, or the boxes of a list, which have no names."""
    words, phrases = split_phrases(parts)
    boxes = [box for one in phrases for box in one.boxes]
    return words or (write_dictionary(boxes, frame, space) if boxes else '{"objects": []}')


def _answer(raw: str) -> Structure | None:
    """Return the dictionary, which may be incomplete; None if the answer is plain text.

    A list of places is one too: `model.detect(..)["objects"]` leaves it.
    """
    start = len(raw) - len(raw.lstrip())
    if not raw.startswith(("{", "["), start):
        return None
    answer = read_structure(raw, start)
    is_list = raw.startswith("[", start)
    if answer.root and is_list and says_no_places(answer.root):
        return answer
    if is_list or answer.is_damaged:
        return answer if names_places(answer) or any(find_places(answer)) else None
    return answer if answer.root or answer.is_cut_off else None


def _values(node: Node | None) -> Mapping[str, Node]:
    return dict(node.items) if node else {}


def _text(node: Node | None) -> str:
    return node.text if node and node.kind == "text" else ""


def _find_labelled_places(answer: Structure) -> Iterator[LabelledPlaces]:
    """Yield the places; those in the reasoning are labelled with the words that they belong to."""
    reasoning = _values(_values(answer.root).get("reasoning"))
    words, grounding = _text(reasoning.get("text")), reasoning.get("grounding")
    labels: dict[int, str] = {}  # of the places that begin there
    for _, node in grounding.items if grounding else ():
        values = _values(node)
        span = [parse_number(values[key].text) for key in ("start_idx", "end_idx") if key in values]
        match span:
            case [float(start), float(end)]:
                inner = Structure(node.start, node.end, node)
                for found in find_places(inner):
                    labels[found.places[0].span[0]] = words[max(0, int(start)) : int(end)].strip()
    for found in find_places(answer):
        yield replace(found, label=labels.get(found.places[0].span[0], found.label))


class Moondream(Family):
    """Reads the reasoning from the dictionary."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        answer = _answer(raw)
        reasoning = _values(answer.root).get("reasoning") if answer else None
        text = _text(_values(reasoning).get("text"))
        return replace(reply, reasoning=text) if text else reply


FAMILY = Moondream(
    name="moondream",
    title="Moondream",
    model_types={
        "moondream1": ONE_AT_A_TIME,
        "moondream": ONE_AT_A_TIME,
    },
    checkpoints=("vikhyatk/moondream2",),
    instructions={
        Task.CHAT: "\n\nQuestion: {text}\n\nAnswer:",
        Task.CAPTION: "\n\nShort caption:",
        Task.DETAILED_CAPTION: "\n\nCaption:",
        Task.VQA: "\n\nQuestion: {text}\n\nAnswer:",
        Task.GROUNDING: "\n\nDetect: {text}\n\n",
        Task.DETECT: "\n\nDetect: {text}\n\n",
        Task.DESCRIBE_REGION: f"\n\nQuestion: {DESCRIBE_MARKED_REGION}\n\nAnswer:",
    },
    markup=Markup(
        read_dictionary,
        write_dictionary,
        UNIT,
        reads_json=True,
        answer_writer=write_objects,
    ),
    chat_template=BARE_TEXT,
    end_markers=("<|endoftext|>",),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=("<|endoftext|>", "<image>"),
)

_SERVED_TEMPLATE = (
    "<|endoftext|>{% for part in messages[-1]['content'] %}"
    "{% if part['type'] == 'image' %}<image>"
    "{% elif part['text'].startswith('caption ') %}"
    "{{ '<|md_reserved_0|>describe<|md_reserved_1|>' ~ part['text'][8:] ~ '<|md_reserved_2|>' }}"
    "{% else %}"
    "{{ '<|md_reserved_0|>query<|md_reserved_1|>' ~ part['text'] ~ '<|md_reserved_2|>' }}"
    "{% endif %}{% endfor %}"
)

RELATIVES = (
    replace(
        FAMILY,
        name="moondream3",
        title="Moondream 3",
        model_types={"moondream3": ONE_AT_A_TIME},
        checkpoints=("moondream/moondream3-preview", "moondream/moondream3.1-9B-A2B"),
        instructions={
            Task.CHAT: "{text}",
            Task.CAPTION: "caption short",
            Task.DETAILED_CAPTION: "caption normal",
            Task.VQA: "{text}",
            Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        },
        chat_template=None,
        documented_template=_SERVED_TEMPLATE,
        prefix_separator=None,
        control_tokens=(
            *FAMILY.control_tokens,
            *("<|md_reserved_0|>", "<|md_reserved_1|>", "<|md_reserved_2|>"),
        ),
    ),
)
