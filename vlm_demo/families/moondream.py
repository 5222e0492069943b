"""Moondream 2 and 3: small models with an API of their own instead of a chat template.

API and beginnings of prompts: moondream/torch/moondream.py and config.py of
https://github.com/vikhyat/moondream (read at 44146f1, 2025-06-19): `caption`, `query`, `detect` and
`point` put plain words between fixed ones, without history. Places do not come as text but from a
head of the network, and the API returns them as dictionaries. What is read here is such a
dictionary, written as JSON or as Python writes it:

    {"objects": [{"x_min": 0.1, "y_min": 0.2, "x_max": 0.3, "y_max": 0.4}]}
    {"points": [{"x": 0.25, "y": 0.5}]}
    {"caption": "..."}
    {"reasoning": {"text": "...", "grounding": [{"start_idx": 0, "end_idx": 3,
        "points": [[0.25, 0.5]]}]}, "answer": "..."}

in fractions of the picture; a box may lie partly beyond it. Text that is no dictionary is an answer
as it stands, as older revisions give it. The points of a reasoning belong to words that are not in
the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vlm_demo.markup.base import Markup, Reading, ReadingBuilder, number
from vlm_demo.markup.coordinate_spaces import UNIT, CoordinateSpace
from vlm_demo.markup.json_places import add_found
from vlm_demo.markup.json_scan import Node, Structure, structure_at
from vlm_demo.markup.json_shapes import Found, found_in, names_places
from vlm_demo.prompting.family import Family, Limits
from vlm_demo.prompting.region_wording import MARKED_REGION
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Frame, Prompt, Region, Reply, Task, bounding_box

_CORNERS = ("x_min", "y_min", "x_max", "y_max")


def read_dictionary(raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
    """Read what the API returned; of what is cut off, the places that are complete."""
    builder = ReadingBuilder()
    answer = _answer(raw)
    if answer is None:
        builder.add_text(raw)
        return builder.reading()
    values = _values(answer.root)
    builder.add_text(_text(values.get("answer")) or _text(values.get("caption")))
    builder.has_markup = names_places(answer)
    for found in _found(answer):
        add_found(builder, found, frame, space)
    return builder.reading()


def write_dictionary(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write boxes as `read_dictionary` reads them."""
    boxes = (space.numbers(bounding_box(region), frame) for region in regions)
    objects = (
        ", ".join(f'"{name}": {number:.4f}' for name, number in zip(_CORNERS, box, strict=True))
        for box in boxes
    )
    return f'{{"objects": [{{{"}, {".join(objects)}}}]}}'


def _answer(raw: str) -> Structure | None:
    """Return the dictionary, perhaps not finished yet; None if the answer is plain text."""
    start = len(raw) - len(raw.lstrip())
    if not raw.startswith("{", start):
        return None
    answer = structure_at(raw, start)
    if answer.root or answer.is_cut_off or names_places(answer):
        return answer
    return None


def _values(node: Node | None) -> Mapping[str, Node]:
    return dict(node.items) if node else {}


def _text(node: Node | None) -> str:
    return node.text if node and node.kind == "text" else ""


def _found(answer: Structure) -> Iterator[Found]:
    """Yield the places, those of a reasoning with the words of it that they belong to."""
    reasoning = _values(_values(answer.root).get("reasoning"))
    words, grounding = _text(reasoning.get("text")), reasoning.get("grounding")
    labels: dict[int, str] = {}  # of the places that begin there
    for _, node in grounding.items if grounding else ():
        values = _values(node)
        span = [number(values[key].text) for key in ("start_idx", "end_idx") if key in values]
        match span:
            case [float(start), float(end)]:
                inner = Structure(node.start, node.end, node)
                for found in found_in(inner):
                    labels[found.places[0].span[0]] = words[max(0, int(start)) : int(end)].strip()
    for found in found_in(answer):
        yield replace(found, label=labels.get(found.places[0].span[0], found.label))


class Moondream(Family):
    """Its reasoning is a draft before the answer."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        answer = _answer(raw)
        reasoning = _values(answer.root).get("reasoning") if answer else None
        thought = _text(_values(reasoning).get("text"))
        return replace(reply, reasoning=thought) if thought else reply


FAMILY = Moondream(
    name="moondream",
    title="Moondream",
    model_types=("moondream1", "moondream", "moondream3"),
    checkpoints=("vikhyatk/moondream2", "moondream/moondream3-preview"),
    instructions={
        Task.CHAT: "\n\nQuestion: {text}\n\nAnswer:",
        Task.CAPTION: "\n\nShort caption:",
        Task.DETAILED_CAPTION: "\n\nCaption:",
        Task.VQA: "\n\nQuestion: {text}\n\nAnswer:",
        Task.GROUNDING: "\n\nDetect: {text}\n\n",
        Task.DETECT: "\n\nDetect: {text}\n\n",
        Task.DESCRIBE_REGION: f"\n\nQuestion: {MARKED_REGION}\n\nAnswer:",
    },
    markup=Markup(read_dictionary, write_dictionary, UNIT),
    chat_template=BARE_TEXT,
    end_markers=("<|endoftext|>",),
    limits=Limits(history="none", chats_without_picture=False),
    control_tokens=("<|endoftext|>", "<image>"),
)
