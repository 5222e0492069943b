"""The diagnosis of one output with the family that it is read by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vlm_demo.analysis.diagnosis.conversion import ConversionTrace, trace_conversion
from vlm_demo.analysis.diagnosis.reading_warnings import (
    ReadingWarning,
    find_contradictions,
    find_unread_numbers,
)
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.prompting.family import Family
from vlm_demo.values import Frame, Message, Prompt, Reply


@dataclass(frozen=True, slots=True)
class OutputDiagnosis:
    """A reading with all its steps. `space` is None where the family writes no regions."""

    reply: Reply
    space: CoordinateSpace | None
    traces: tuple[ConversionTrace, ...]
    warnings: tuple[ReadingWarning, ...]


def placeholder_prompt(token: str = "") -> Prompt:
    """Return a prompt for an output whose question is not known, except for a task token."""
    return Prompt((Message("user", token),))


def diagnose(
    raw: str, family: Family, frame: Frame, prompt: Prompt | None = None
) -> OutputDiagnosis:
    """Read raw output, and show how it was read.

    Args:
        raw: what a model wrote; where `prompt` has an `answer_prefix`, with it.
        family: whose markup is read.
        frame: sizes of the picture, and a space where not the family's own applies.
        prompt: what the output answers, where that is known.
    """
    prompt = replace(prompt or placeholder_prompt(), frame=frame)
    reply = family.reply(raw, prompt)
    if family.markup is None:
        return OutputDiagnosis(reply, None, (), ())
    if reply.space:  # guessed, or that of the family whose markup it is
        frame = replace(frame, space=reply.space)
    space = family.markup.space_for(frame)
    # Where the model saw a crop, its numbers are of that, and the reply is on the whole picture.
    seen = family.reply(raw, replace(prompt, crop=None)) if prompt.crop else reply
    traces = tuple(
        trace_conversion(seen_place, place, reply, space, frame, prompt.crop)
        for seen_place, place in zip(seen.parsed_places, reply.parsed_places, strict=True)
    )
    contradictions = find_contradictions(seen.parsed_places, space, frame)
    return OutputDiagnosis(reply, space, traces, (*contradictions, *find_unread_numbers(reply)))
