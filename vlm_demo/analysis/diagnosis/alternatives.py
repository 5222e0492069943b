"""Other readings of an output: the same family in other spaces, and other families."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlm_demo.analysis.diagnosis.coordinates import (
    Numbers,
    coordinates_of,
    look_alike,
    numbers_in_space,
)
from vlm_demo.analysis.diagnosis.output_diagnosis import placeholder_prompt
from vlm_demo.analysis.diagnosis.reading_warnings import is_plausible
from vlm_demo.families import all_families
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import DisplayText
from vlm_demo.values import Frame, Prompt, Reply


@dataclass(frozen=True, slots=True)
class AlternativeReading:
    """What other families, or the same one in another space, find in the output."""

    names: tuple[str, ...]  # of the families, or of the one space
    titles: tuple[str, ...]  # the same, for people
    space: DisplayText  # title of the space, for people
    places: int
    is_same: bool  # as the reading that is looked at


def find_alternative_readings(
    raw: str, family: Family, frame: Frame, prompt: Prompt | None = None
) -> tuple[AlternativeReading, ...]:
    """Find other ways to read regions in the output.

    First come other spaces of the same family that the numbers would fit, then other families;
    those that find the same regions come together.
    """
    if not any(character.isdigit() for character in raw):
        return ()
    prompt = replace(prompt or placeholder_prompt(), frame=frame)
    own = family.reply(raw, prompt)
    others = [other for other in all_families().values() if other.name != family.name]
    return (
        *_read_in_other_spaces(own, family, prompt, frame),
        *_read_by_others(own, others, prompt),
    )


def _read_in_other_spaces(
    own: Reply, family: Family, prompt: Prompt, frame: Frame
) -> Iterator[AlternativeReading]:
    if family.markup is None:
        return
    space = family.markup.space_for(frame)
    numbers = numbers_in_space(own.parsed_places, space, frame)
    for name, other in SPACES.items():
        is_other = name != space.name and other.y_first == space.y_first
        if not numbers or not is_other or not is_plausible(other, numbers, frame):
            continue
        reply = family.reply(own.raw, replace(prompt, frame=replace(frame, space=name)))
        found = coordinates_of(reply)
        if not look_alike(found, coordinates_of(own)):
            yield AlternativeReading(
                (name,), (family.title,), other.title, len(found), is_same=False
            )


def _read_by_others(
    own: Reply, others: Sequence[Family], prompt: Prompt
) -> Iterator[AlternativeReading]:
    groups: list[tuple[list[Numbers], list[Family]]] = []
    # A person's choice of space, and a known beginning of the answer, are about the one family.
    frame = replace(prompt.frame, space="") if prompt.frame else None
    prompt = replace(prompt, frame=frame, answer_prefix="")
    for family in others:
        if family.markup is None or not (found := coordinates_of(family.reply(own.raw, prompt))):
            continue
        for coordinates, families in groups:
            if look_alike(coordinates, found):
                families.append(family)
                break
        else:
            groups.append((found, [family]))
    for coordinates, families in sorted(groups, key=lambda group: len(group[1]), reverse=True):
        spaces = dict.fromkeys(f.markup.space.title for f in families if f.markup)
        yield AlternativeReading(
            tuple(family.name for family in families),
            tuple(family.title for family in families),
            next(iter(spaces)) if len(spaces) == 1 else "",
            len(coordinates),
            is_same=look_alike(coordinates, coordinates_of(own)),
        )
