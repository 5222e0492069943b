"""Shows how a model's raw output became places, step by step, and what speaks against it.

Nothing is loaded: everything follows from the text, the sizes of the picture, and a family.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlm_demo.families import all_families
from vlm_demo.markup.coordinate_spaces import (
    N100,
    N1000,
    PIXELS,
    SEEN_PIXELS,
    SPACES,
    UNIT,
    CoordinateSpace,
    square_around,
    with_y_first,
)
from vlm_demo.prompting.family import Family
from vlm_demo.values import (
    Box,
    Frame,
    Message,
    ParsedPlace,
    Point,
    Polygon,
    Prompt,
    Region,
    Reply,
    ReplyState,
    Size,
)

Numbers = tuple[float, ...]
Places = list[Numbers]

TOLERANCE = 0.02
"""How far beyond the picture, in fractions, rounding alone may put a place."""

ALIKE = 0.004
"""Largest difference, in fractions, of two readings of the same places."""

CORNER, CORNER_OF_ONE = 0.34, 0.12
"""Fractions of the picture that are its upper left corner, for several places and for one."""

MOST_DOUBTED = 3
"""Groups of unread numbers that are quoted."""

_LIKELY = (UNIT, N100, N1000, PIXELS, SEEN_PIXELS)
"""Spaces that numbers are commonly mistaken for, the smallest first."""

# The lengths are bounded, so that ten thousand digits in a row cost no more than other text.
_NUMBER = r"(?<![\w.])-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+"
_FOUR_NUMBERS = re.compile(rf"{_NUMBER}(?:[\s,;()\[\]]{{1,8}}+{_NUMBER}){{3}}")


@dataclass(frozen=True, slots=True)
class Step:
    """One station of a place on its way to the picture, and its numbers there, x before y."""

    title: str
    detail: str  # what was done to get here
    numbers: Numbers = ()


@dataclass(frozen=True, slots=True)
class Strip:
    """The way of one place from the output to pixels of the user's picture."""

    phrase: str
    mention: int | None  # its index in the reply
    mark: ParsedPlace
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that speaks against the reading; `spaces` name those that would fit better."""

    words: str
    spaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherReading:
    """What other families, or the same one in another space, find in the output."""

    names: tuple[str, ...]  # of the families, or of the one space
    titles: tuple[str, ...]  # the same, for people
    space: str  # title of the space, for people
    places: int
    same: bool  # as in the reading that is looked at


@dataclass(frozen=True, slots=True)
class OutputDiagnosis:
    """A reading, laid open. `space` is None where the family writes no places."""

    reply: Reply
    space: CoordinateSpace | None
    strips: tuple[Strip, ...]
    doubts: tuple[Doubt, ...]


def asked_with(token: str = "") -> Prompt:
    """Stand in for the prompt of an output whose question is not known, but for a task token."""
    return Prompt((Message("user", token),))


def depends_on_seen(space: CoordinateSpace) -> bool:
    """Whether the numbers count pixels of the picture as it was resized for the model."""
    one, other = Frame((1, 1), (2, 2)), Frame((1, 1), (3, 3))
    return space.extent(one) != space.extent(other)


def diagnose(
    raw: str, family: Family, frame: Frame, prompt: Prompt | None = None
) -> OutputDiagnosis:
    """Read raw output and lay open how.

    Args:
        raw: what a model wrote; where `prompt` has an `answer_prefix`, with it.
        family: whose markup is read.
        frame: sizes of the picture, and a space where not the family's own applies.
        prompt: what the output answers, where that is known.
    """
    prompt = replace(prompt or asked_with(), frame=frame)
    reply = family.reply(raw, prompt)
    if family.markup is None:
        return OutputDiagnosis(reply, None, (), ())
    space = family.markup.space_in(frame)
    # Where the model saw a cut-out, its numbers count that, and the reply is on the whole picture.
    seen = family.reply(raw, replace(prompt, part=None)) if prompt.crop else reply
    strips = tuple(
        Strip(
            *_named(mark, reply),
            mark,
            (*_steps(own, space, frame, raw), *_onto_whole(mark, frame, prompt.crop)),
        )
        for own, mark in zip(seen.parsed_places, reply.parsed_places, strict=True)
    )
    doubts = (*_contradictions(seen.parsed_places, space, frame), *_unread(reply))
    return OutputDiagnosis(reply, space, strips, doubts)


def other_readings(
    raw: str, family: Family, frame: Frame, prompt: Prompt | None = None
) -> tuple[OtherReading, ...]:
    """Find who else would read places in the output.

    First the same family in other spaces that the numbers would fit, then the other families,
    those that find the same places together.
    """
    if not any(character.isdigit() for character in raw):
        return ()
    prompt = replace(prompt or asked_with(), frame=frame)
    own = family.reply(raw, prompt)
    others = [family_ for family_ in all_families().values() if family_.name != family.name]
    return (*_in_other_spaces(own, family, prompt, frame), *_by_others(own, others, prompt))


def _in_other_spaces(
    own: Reply, family: Family, prompt: Prompt, frame: Frame
) -> Iterator[OtherReading]:
    if family.markup is None:
        return
    space = family.markup.space_in(frame)
    placed = _in_space(own.parsed_places, space, frame)
    for name, other in SPACES.items():
        is_other = name != space.name and other.y_first == space.y_first
        if not placed or not is_other or not _fits(other, placed, frame):
            continue
        reply = family.reply(own.raw, replace(prompt, frame=replace(frame, space=name)))
        found = _places(reply)
        if not _alike(found, _places(own)):
            yield OtherReading((name,), (family.title,), other.title, len(found), same=False)


def _by_others(own: Reply, others: Sequence[Family], prompt: Prompt) -> Iterator[OtherReading]:
    groups: list[tuple[Places, list[Family]]] = []
    # A person's choice of space, and a known beginning of the answer, are about the one family.
    frame = replace(prompt.frame, space="") if prompt.frame else None
    prompt = replace(prompt, frame=frame, answer_prefix="")
    for family in others:
        if family.markup is None or not (found := _places(family.reply(own.raw, prompt))):
            continue
        for places, families in groups:
            if _alike(places, found):
                families.append(family)
                break
        else:
            groups.append((found, [family]))
    for places, families in sorted(groups, key=lambda group: len(group[1]), reverse=True):
        spaces = dict.fromkeys(f.markup.space.title for f in families if f.markup)
        yield OtherReading(
            tuple(family.name for family in families),
            tuple(family.title for family in families),
            next(iter(spaces)) if len(spaces) == 1 else "",
            len(places),
            same=_alike(places, _places(own)),
        )


def _places(reply: Reply) -> Places:
    """The coordinates of each place of a reply, in order."""
    return [_flat(region, (1, 1)) for mention in reply.mentions for region in mention.regions]


def _alike(one: Places, other: Places) -> bool:
    """Whether places are the same to the eye: 0 to 999 or 0 to 1000 makes no difference."""
    return len(one) == len(other) and all(
        len(a) == len(b) and all(abs(x - y) <= ALIKE for x, y in zip(a, b, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def _named(mark: ParsedPlace, reply: Reply) -> tuple[str, int | None]:
    """Return the phrase that a place belongs to, and the index of the mention."""
    for index, mention in enumerate(reply.mentions):
        if mark.region in mention.regions:
            return mention.phrase, index
    return "", None


# The strip


def _steps(mark: ParsedPlace, space: CoordinateSpace, frame: Frame, raw: str) -> tuple[Step, ...]:
    start, end = mark.span
    numbers = mark.numbers
    if not _is_written_in(space, mark, frame):
        # Indices of cells, say: what they count is told from the place that they were read as.
        numbers = space.numbers(mark.region, frame)
    counted = _counted(numbers, space, frame)
    unclipped = space.fractions(numbers, frame)
    steps = [
        Step("Raw", raw[start:end].strip()),
        Step("Numbers", "as written", mark.numbers),
        Step("Declared space", _described(space, frame), counted),
    ]
    if depends_on_seen(space) and frame.seen != frame.original:
        seen, original = _sides(frame.seen), _sides(frame.original)
        undone = f"the model saw {seen}, the picture has {original}"
        steps.append(Step("Resize undone", undone, _times(unclipped, frame.original)))
    if space.padded and frame.original[0] != frame.original[1]:
        side, (left, top) = square_around(frame)
        where = f"{left} left and right" if left else f"{top} above and below"
        undone = f"of a square of {_sides((side, side))} pixels, {where} were padding"
        steps.append(Step("Padding undone", undone, _times(unclipped, frame.original)))
    pixels = _flat(mark.region, frame.original)
    return (*steps, Step("Pixels", _in_picture(unclipped, mark.region, frame.original), pixels))


def _onto_whole(mark: ParsedPlace, frame: Frame, part: Box | None) -> Iterator[Step]:
    """Say where a place is on the picture of which the model saw a part; `frame` is of the part."""
    if part is None:
        return
    width, height = frame.original
    whole = round(width / (part.x2 - part.x1)), round(height / (part.y2 - part.y1))
    undone = f"the model saw a part of {_sides(frame.original)} pixels"
    yield Step("Cut-out undone", undone, _flat(mark.region, whole))


def _described(space: CoordinateSpace, frame: Frame) -> str:
    width, height = space.extent(frame)
    if width == height == 1:
        return space.title
    until = f"{width:g}" if width == height else f"{width:g} and {height:g}"
    shifted = f"+ {space.shift:g}, " if space.shift else ""
    return f"{space.title}: {shifted}÷ {until}"


def _counted(numbers: Sequence[float], space: CoordinateSpace, frame: Frame) -> Numbers:
    """Fractions of what the space counts, x first: the picture, or the square around it."""
    plain = replace(space, padded=False)
    return plain.fractions(numbers, frame)


def _times(fractions: Sequence[float], size: Size) -> Numbers:
    return tuple(value * size[index % 2] for index, value in enumerate(fractions))


def _flat(region: Region, size: Size) -> Numbers:
    match region:
        case Box() | Point():
            return region.to_pixels(size)
        case Polygon():
            return tuple(value for corner in region.to_pixels(size) for value in corner)


def _sides(size: Size) -> str:
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


def _in_picture(unclipped: Sequence[float], region: Region, size: Size) -> str:
    """Say of what a place is, and what was done to make the numbers one."""
    swapped = False
    if isinstance(region, Box) and len(unclipped) == 4:
        x1, y1, x2, y2 = unclipped
        swapped = x1 > x2 or y1 > y2
    match swapped, any(not -1e-9 <= value <= 1 + 1e-9 for value in unclipped):
        case True, True:
            return f"of the picture, {_sides(size)}; corners put in order; cut off at its edge"
        case True, False:
            return f"of the picture, {_sides(size)}; corners put in order"
        case False, True:
            return f"of the picture, {_sides(size)}; cut off at its edge"
    return f"of the picture, {_sides(size)}"


def _is_written_in(space: CoordinateSpace, mark: ParsedPlace, frame: Frame) -> bool:
    """Whether the numbers of a mark are coordinates in the space, and led to its place."""
    match mark.region:
        case Box() if len(mark.numbers) == 4:
            read: Region = space.box(mark.numbers, frame)
        case Point() if len(mark.numbers) == 2:
            read = space.point(mark.numbers, frame)
        case Polygon() if len(mark.numbers) >= 6:
            read = space.polygon(mark.numbers, frame)
        case _:
            return False
    return _alike([_flat(read, (1, 1))], [_flat(mark.region, (1, 1))])


# What speaks against the reading


def _in_space(marks: Sequence[ParsedPlace], space: CoordinateSpace, frame: Frame) -> list[Numbers]:
    """The numbers of those marks whose numbers are coordinates in the space."""
    return [mark.numbers for mark in marks if _is_written_in(space, mark, frame)]


def _contradictions(
    marks: Sequence[ParsedPlace], space: CoordinateSpace, frame: Frame
) -> Iterator[Doubt]:
    """At most one: what is wrong with the numbers, were they in this space."""
    placed = _in_space(marks, space, frame)
    if not placed:
        return
    largest = max(number for numbers in placed for number in numbers)
    extent = space.extent(frame)
    if not _inside(space, placed, frame):
        swapped = _with_other_order(space)
        # In a padded square the order is a poor guess: most numbers fit both ways.
        if not space.padded and _inside(swapped, placed, frame):
            first = "x" if space.y_first else "y"
            words = f"Read like this, places lie beyond the picture; with {first} first, none does."
            yield Doubt(words, (swapped.name,) if swapped.name in SPACES else ())
        elif largest > max(extent) * (1 + TOLERANCE):
            words = f"The numbers go up to {largest:,g}, but this space ends at {max(extent):,g}."
            yield Doubt(words, _likelier(placed, space, frame))
        else:
            where = "in the padding, outside the picture" if space.padded else "beyond the picture"
            yield Doubt(f"Some of the places lie {where}.", _likelier(placed, space, frame))
    elif min(extent) >= 10 and 0 < largest <= 1:
        words = f"No number is above 1, although this space goes to {max(extent):,g}."
        yield Doubt(words, _likelier(placed, space, frame))
    elif _is_squeezed(space, placed, frame) and (better := _likelier(placed, space, frame)):
        whose = "The place is" if len(placed) == 1 else "All places are"
        yield Doubt(f"{whose} squeezed into the upper left corner.", better)


def _unread(reply: Reply) -> Iterator[Doubt]:
    """Point at numbers that look like a place and were not read as one."""
    if reply.state is ReplyState.FOUND:
        return
    found = [match[0] for match in _FOUR_NUMBERS.finditer(reply.raw)]
    if found:
        some = ", ".join(f"“{' '.join(numbers.split())}”" for numbers in found[:MOST_DOUBTED])
        more = " and more" if len(found) > MOST_DOUBTED else ""
        yield Doubt(f"These numbers were not read as a place: {some}{more}.")


def _likelier(placed: Sequence[Numbers], space: CoordinateSpace, frame: Frame) -> tuple[str, ...]:
    """The one or two spaces that the numbers would fit best, by name."""
    others = [with_y_first(other) if space.y_first else other for other in _LIKELY]
    if frame.seen == frame.original:
        others.pop()  # the same as pixels of the picture
    fitting = (o.name for o in others if o.name != space.name and _fits(o, placed, frame))
    return tuple(fitting)[:2]


def _fits(space: CoordinateSpace, placed: Sequence[Numbers], frame: Frame) -> bool:
    """Whether the places lie in the picture, and not all in one corner."""
    return _inside(space, placed, frame) and not _is_squeezed(space, placed, frame)


def _inside(space: CoordinateSpace, placed: Sequence[Numbers], frame: Frame) -> bool:
    return all(
        -TOLERANCE <= value <= 1 + TOLERANCE
        for numbers in placed
        for value in space.fractions(numbers, frame)
    )


def _is_squeezed(space: CoordinateSpace, placed: Sequence[Numbers], frame: Frame) -> bool:
    corner = CORNER_OF_ONE if len(placed) == 1 else CORNER
    return all(value <= corner for numbers in placed for value in space.fractions(numbers, frame))


def _with_other_order(space: CoordinateSpace) -> CoordinateSpace:
    """The same space with the other of the two orders of x and y."""
    if space.y_first:
        return replace(space, name=space.name.replace("yxyx", "xyxy"), y_first=False)
    return with_y_first(space)
