"""Regions that people mark on a picture, on their way into a prompt.

The words of a turn name them [1], [2] and so on; those that they do not name follow behind the
words. A region belongs to the newest picture of its time, and an earlier turn is always written as
it was when it was the newest, so that a model goes on from what it has read. How a region reaches
the model is `RegionForm`; which form fits a family and a task is the family's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from vlm_demo.errors import InputError
from vlm_demo.markup.base import Markup
from vlm_demo.prompting.region_overlays import box_around, burnt_in, cut_out
from vlm_demo.prompting.region_wording import ENGLISH, RegionWording, in_language_of
from vlm_demo.values import (
    Box,
    Frame,
    Message,
    Point,
    Polygon,
    Region,
    Reply,
    Request,
    bounding_box,
)

MAX_REGIONS = 32
"""Of one message."""

WHOLE_PICTURE = Box(0.0, 0.0, 1.0, 1.0)

_NAME = re.compile("[\\[\uff3b]([0-9\uff10-\uff19]{1,3})[\\]\uff3d]")
"""[1], also in the wide characters of Japanese and Chinese keyboards."""

Behind = Callable[[str, Sequence[str]], str]
"""Puts names behind words that do not hold them."""


def check(regions: Sequence[Region]) -> None:
    """Refuse regions that no model can be asked about.

    Raises:
        InputError: one is outside the picture or has no area, or there are too many.
    """
    if len(regions) > MAX_REGIONS:
        raise InputError(
            f"There are {len(regions)} regions; at most {MAX_REGIONS} are taken at a time. "
            "Please remove some."
        )
    for number, region in enumerate(regions, 1):
        if not _is_there(region):
            raise InputError(
                f"Region {number} is outside the picture or has no area: please draw it again."
            )


def _is_there(region: Region) -> bool:
    if isinstance(region, Point):
        return 0 <= region.x <= 1 and 0 <= region.y <= 1
    if isinstance(region, Polygon) and len(region.points) < 3:
        return False
    return bounding_box(clipped(region)).area > 0


def clipped(region: Region) -> Region:
    """Return what of a region lies in the picture."""
    match region:
        case Box(x1, y1, x2, y2):
            return Box.normalize(x1, y1, x2, y2, by=(1, 1))
        case Point(x, y):
            return Point.normalize(x, y, by=(1, 1))
        case Polygon(points):
            return Polygon(tuple(Point.normalize(p.x, p.y, by=(1, 1)) for p in points))


def clipped_to_pictures(request: Request) -> Request:
    """Clip the regions of a request and of its history."""

    def past(turn: Message) -> Message:
        return replace(turn, regions=tuple(map(clipped, turn.regions)))

    regions = tuple(map(clipped, request.regions))
    return replace(request, regions=regions, history=tuple(map(past, request.history)))


def names_regions(text: str) -> bool:
    """Whether words name a region, as in "What is [1]?"."""
    return _NAME.search(text) is not None


def named(text: str, names: Sequence[str], behind: Behind | None) -> str:
    """Put the names of regions in place of [1], [2] ...; a number without a region stays.

    The rest goes behind the words, unless `behind` is None.
    """
    left = dict(enumerate(names, 1))

    def name(match: re.Match[str]) -> str:
        number = int(match[1])
        if not 1 <= number <= len(names):
            return match[0]
        left.pop(number, None)
        return names[number - 1]

    written = _NAME.sub(name, text)
    return behind(written, list(left.values())) if left and behind else written


# In words


def written(region: Region, markup: Markup, frame: Frame) -> str:
    """Write one region: a point as one where the family can, or else as a small box."""
    if isinstance(region, Point) and markup.write_point:
        return markup.write_point(region, frame, markup.space_in(frame))
    return markup.write_regions([box_around(region, frame.original)], frame)


def all_written(regions: Sequence[Region], markup: Markup, frame: Frame) -> str:
    """Write regions as the places of one phrase."""
    if len(regions) == 1:
        return written(regions[0], markup, frame)
    return markup.write_regions([box_around(region, frame.original) for region in regions], frame)


def in_words(
    turns: Sequence[Message], frames: Sequence[Frame | None], name: Callable[[Region, Frame], str]
) -> Iterator[Message]:
    """Write the regions of each turn into its words, by the frame of its picture."""
    for turn, frame in zip(turns, frames, strict=True):
        names = [name(region, frame) for region in turn.regions] if frame else []
        yield replace(turn, text=named(turn.text, names, _with_blanks), regions=())


def _with_blanks(text: str, names: Sequence[str]) -> str:
    return " ".join((text, *names))


# As marks


def with_marks(
    turns: Sequence[Message], wording: RegionWording, *, names_all: bool
) -> tuple[list[Message], list[str]]:
    """Draw the regions of all turns into the pictures that they are on, and name them so.

    Numbers go on from turn to turn, and a region that is marked again keeps its number.
    `names_all`: whether regions that the newest words do not name follow behind them.
    Returns the turns, and what the newest regions are called in English.
    """
    shown: list[Message] = []
    marks: dict[int, list[Region]] = {}  # by the turn that has the picture
    at, numbers = -1, list[int]()
    for turn in turns:
        at = len(shown) if turn.images else at
        drawn = marks.setdefault(at, [])
        drawn += [region for region in dict.fromkeys(turn.regions) if region not in drawn]
        numbers = [drawn.index(region) + 1 for region in turn.regions]
        language = in_language_of(turn.text, wording)
        names = list(map(language.mark, turn.regions, numbers))
        behind = language.together if names_all or turn is not turns[-1] else None
        shown.append(replace(turn, text=named(turn.text, names, behind), regions=()))
    for at, drawn in marks.items():
        if at >= 0 and drawn:
            *others, newest = shown[at].images
            shown[at] = replace(shown[at], images=(*others, burnt_in(newest, drawn)))
    return shown, list(map(ENGLISH.mark, turns[-1].regions, numbers))


# As cut-outs


@dataclass(frozen=True, slots=True)
class CutOuts:
    """A request whose regions became pictures; they still stand in it, for their names."""

    request: Request
    part: Box | None = None  # of the user's picture that the newest one shows; None: all of it
    whole: Image | None = None  # the user's picture, where the newest ones are cut out of it


def with_cut_outs(request: Request) -> CutOuts:
    """Show one region of a turn instead of its picture, and several behind it."""
    picture, part, whole = None, None, None
    turns: list[Message] = []
    for turn in (*request.history, Message("user", "", request.images, request.regions)):
        if turn.images:
            picture, part, whole = turn.images[-1], None, None
        if picture is not None and turn.regions:
            pieces = [cut_out(picture, region) for region in turn.regions]
            images = tuple(image for image, _ in pieces)
            if len(pieces) == 1:
                part, whole = pieces[0][1], None
                turn = replace(turn, images=(*turn.images[:-1], *images))
            else:
                part, whole = None, picture
                turn = replace(turn, images=(*turn.images, *images))
        turns.append(turn)
    shown = replace(request, images=turns[-1].images, history=tuple(turns[:-1]))
    return CutOuts(shown, part, whole)


def with_cut_outs_named(
    turns: Sequence[Message], wording: RegionWording, *, names_all: bool
) -> Iterator[Message]:
    """Name the cut-outs of each turn by their places among the pictures shown."""
    count = 0
    for turn in turns:
        count += len(turn.images)
        language = in_language_of(turn.text, wording)
        names = language.cut_outs(len(turn.regions), count)
        is_behind = len(names) > 1 and (names_all or turn is not turns[-1])
        behind = language.together if is_behind else None
        yield replace(turn, text=named(turn.text, names, behind), regions=())


def on_whole(reply: Reply, part: Box) -> Reply:
    """Move the places of a reply from a cut-out to where they are on the whole picture."""
    mentions = tuple(
        replace(mention, regions=tuple(_moved(region, part) for region in mention.regions))
        for mention in reply.mentions
    )
    marks = tuple(replace(mark, region=_moved(mark.region, part)) for mark in reply.parsed_places)
    return replace(reply, mentions=mentions, marks=marks)


def _moved(region: Region, part: Box) -> Region:
    def moved(x: float, y: float) -> tuple[float, float]:
        return part.x1 + x * (part.x2 - part.x1), part.y1 + y * (part.y2 - part.y1)

    match region:
        case Box(x1, y1, x2, y2):
            return Box(*moved(x1, y1), *moved(x2, y2))
        case Point(x, y):
            return Point(*moved(x, y))
        case Polygon(points):
            return Polygon(tuple(Point(*moved(p.x, p.y)) for p in points))
