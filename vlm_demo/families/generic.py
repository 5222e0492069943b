"""Generic: any vision-language model that no other family lists, asked in its own chat template.

Nothing is known of how it was trained, so the wordings are plain and regions are drawn in. Places
are asked for as JSON of fractions, because only fractions show what they count; models that were
taught another format write that one.

Markup that only one family writes is read as that family reads it (`markup_signature`); all else as
JSON or bare numbers. What these count is guessed from the numbers where only one space is likely,
or must be chosen (`Frame.space`). Until then no region is returned: `ReplyState.SPACE_UNKNOWN`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from vlm_demo.families import all_families
from vlm_demo.markup.any_notation import read_any_notation
from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000, UNIT
from vlm_demo.markup.json_markup import json_writer
from vlm_demo.markup.space_guess import Y_FIRST_KEY, SpaceGuess, guess_space
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.prompting.reasoning import split_reasoning
from vlm_demo.prompting.targets import TargetList
from vlm_demo.translatable_text import message
from vlm_demo.values import Frame, Prompt, Reply, ReplyState, Task

UNKNOWN = replace(N1000, name="unknown", title="not known: guessed from the numbers, or chosen")
"""Stands in for the space while it is not known; regions read in it are never returned."""

LARGEST_NORMALIZED = 1024
"""The largest number of any coordinate space over a picture that is not measured in pixels."""

_FORMAT = (
    'Answer only with JSON: [{"label": "...", "bbox": [x1, y1, x2, y2]}], where the coordinates '
    "are fractions of the image's width and height between 0 and 1."
)
_CLASSES = f"Find every object of these classes in this image: {{text}}. {_FORMAT}"
_Y_FIRST_KEY = re.compile(rf"""["']{Y_FIRST_KEY}["']\s*:""")


class Generic(Family):
    """Reads what any family writes."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        """Read raw output; see `Family.reply`."""
        frame = prompt.frame
        if frame is None:
            return super().reply(raw, prompt)
        answer = raw[split_reasoning(raw, is_open=self.starts_in_reasoning)[1] :]
        family = _find_writer(answer)
        if family:  # its processor resizes pictures as that family's does
            frame = replace(frame, seen=family.default_frame(frame.original).seen)
        read = family.reply if family else super().reply
        reply = read(raw, replace(prompt, frame=frame))
        if not reply.parsed_places:
            return reply
        if frame.space:
            return replace(reply, space=frame.space)
        guess = _guess(family, reply, answer, frame)
        if guess is None:
            return replace(reply, mentions=(), parsed_places=(), state=ReplyState.SPACE_UNKNOWN)
        if not (family and family.markup and family.markup.space is guess.space):
            guessed = replace(frame, space=guess.space.name)
            reply = read(raw, replace(prompt, frame=guessed))
        return replace(reply, space=guess.space.name, note=guess.reason)


def _find_writer(answer: str) -> Family | None:
    """Return the family whose markup comes first in an answer, if there is any."""
    found = [
        (match.start(), family)
        for family in all_families().values()
        if family.markup_signature and (match := re.search(family.markup_signature, answer))
    ]
    return min(found, key=lambda entry: entry[0])[1] if found else None


def _guess(family: Family | None, reply: Reply, answer: str, frame: Frame) -> SpaceGuess | None:
    """Return what the numbers count: as the family whose markup it is, or as they look."""
    places = [place.numbers for place in reply.parsed_places]
    largest = max(number for numbers in places for number in numbers)
    if family and family.markup and largest <= LARGEST_NORMALIZED:
        words = f"Read as {family.title} writes boxes and points."
        return SpaceGuess(family.markup.space, words)
    has_y_first_key = _Y_FIRST_KEY.search(answer) is not None
    return guess_space(places, frame.original, has_y_first_key=has_y_first_key)


FAMILY = Generic(
    name="generic",
    title="Generic",
    model_types={},
    checkpoints=(),
    instructions={
        **PLAIN_ENGLISH,
        Task.GROUNDING: f"Find {{text}} in this image. {_FORMAT}",
        Task.DETECT: _CLASSES,
        Task.READ: "Read all the text in this image.",
    },
    # One answer about all of them also has more numbers to guess the space from.
    target_lists={Task.GROUNDING: TargetList(_CLASSES), Task.DETECT: TargetList(_CLASSES)},
    markup=Markup(
        read_any_notation,
        json_writer("bbox"),
        UNKNOWN,
        reads_json=True,
        answer_writer=json_answer_writer("bbox", decimals=3, label_first=True, space=UNIT),
    ),
    unsupported_reason=message(
        "this task needs a prompt that the model was trained on, and none is known"
    ),
    end_markers=(
        *("<|im_end|>", "<|endoftext|>", "<|end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>"),
        *("<end_of_utterance>", "<|end_of_text|>", "</s>", "<eos>"),
    ),
    limits=FamilyLimits(max_images=4),
)
