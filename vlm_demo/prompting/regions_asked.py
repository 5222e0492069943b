"""How a family is asked about regions: in which form, in which words, and what people are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vlm_demo.errors import InputError
from vlm_demo.prompting import regions_in
from vlm_demo.prompting.regions_in import CutOuts
from vlm_demo.values import Box, Frame, Message, RegionForm, Request, Task

if TYPE_CHECKING:  # the other way round at run time
    from vlm_demo.prompting.family import Family

CAPTIONS = frozenset({Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION})
"""Tasks whose text is the beginning of the answer, not a question."""

QUESTIONS = frozenset({Task.CHAT, Task.VQA, Task.GROUNDING, Task.DETECT})
"""Tasks that mean nothing without words."""

SENTENCES = frozenset({Task.CHAT, Task.VQA})
"""Tasks in whose words a place may be written. In the name of what is to be found no family has
been taught one, and most enclose it in tags."""

PICTURE_ALONE = CAPTIONS | {Task.READ}
"""Tasks that ask about all that is shown: with a region, about what is in it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown of a request, and how it is asked."""

    turns: Sequence[Message]  # with prepared pictures; the last one has the user's words
    asked: Request  # the regions stand in its words
    wording: str  # of the question
    frame: Frame | None
    part: Box | None  # of the user's picture, that the frame is cut out of; None: all of it
    note: str  # for people


def form_for(family: Family, request: Request) -> RegionForm:
    """Say how regions reach the model: as it was chosen, or as suits; AUTO means words here."""
    task = request.task
    if request.region_form is not RegionForm.AUTO:
        return request.region_form
    if request.regions and task in PICTURE_ALONE:
        return RegionForm.CROP
    describes = task is Task.DESCRIBE_REGION and family.writes_regions
    if describes or (task in SENTENCES and family.region_template):
        return RegionForm.AUTO
    return RegionForm.MARKS


def check(family: Family, request: Request) -> None:
    """Refuse regions that are not on the picture, or that the family cannot be asked about.

    Raises:
        InputError: the message says what would do.
    """
    for regions in (request.regions, *(turn.regions for turn in request.history)):
        regions_in.check(regions)
    count, describes = len(request.regions), request.task is Task.DESCRIBE_REGION
    if not count:
        return
    form, question = form_for(family, request), _question(family)
    if describes and form is RegionForm.MARKS and family.writes_regions and not question:
        raise InputError(
            f"{family.title} models take no questions, so they cannot be asked about a mark. "
            "Please have the region written in words, or cut out."
        )
    if count == 1:
        return
    if describes and form is RegionForm.AUTO and not family.multi_region_instruction:
        raise InputError(
            f"{family.title} models describe one region at a time, and there are {count}. "
            "Please mark one."
        )
    if form is not RegionForm.CROP:
        return
    if request.task in PICTURE_ALONE or (describes and not question):
        raise InputError(
            f"This is asked about one region at a time, and there are {count}. Please mark one."
        )
    most = family.limits.max_images
    if max(1, len(request.images)) + count > most:  # the picture may be of an earlier turn
        raise InputError(
            f"{family.title} models see at most {most} {'picture' if most == 1 else 'pictures'} "
            f"at a time, too few for {count} cut-outs beside the picture. Please mark one region, "
            "or have them drawn in as marks."
        )


def shown(
    family: Family, request: Request, turns_of: Callable[[Request], Sequence[Message]]
) -> Shown:
    """Put the regions of a request into its words or pictures.

    Args:
        family: that is asked.
        request: whose words are defused already.
        turns_of: returns the turns that the model is shown; the last one is the question.
    """
    form = form_for(family, request)
    asked = _asked(family, request, form)
    cut = regions_in.with_cut_outs(asked) if form is RegionForm.CROP else CutOuts(asked)
    turns, note = turns_of(cut.request), ""
    wording, names_all = family.region_wording, asked.task in QUESTIONS
    if form is RegionForm.MARKS:
        turns, names = regions_in.with_marks(turns, wording, names_all=names_all)
        note = _note_on_marks(names, _why_marks(family, request))
    elif form is RegionForm.CROP:
        turns = list(regions_in.with_cut_outs_named(turns, wording, names_all=names_all))
        note = _note_on_cut_outs(len(asked.regions))
    prepared = [
        replace(turn, images=tuple(map(family.prepare_image, turn.images))) for turn in turns
    ]
    frames = list(_frames(turns, prepared))
    if form is RegionForm.AUTO:
        prepared = list(regions_in.in_words(prepared, frames, family.in_question))
    several = form is RegionForm.AUTO and len(asked.regions) > 1
    describes_several = several and asked.task is Task.DESCRIBE_REGION
    return Shown(
        prepared,
        replace(asked, text=prepared[-1].text),
        family.multi_region_instruction if describes_several else family.instructions[asked.task],
        Frame(cut.whole.size, family.prepare_image(cut.whole).size) if cut.whole else frames[-1],
        cut.part,
        note,
    )


def _question(family: Family) -> Task | None:
    """Return the task that takes any question."""
    return next((task for task in (Task.CHAT, Task.VQA) if task in family.instructions), None)


def _caption(family: Family) -> Task | None:
    """Return the task that says what a cut-out shows."""
    captions = (Task.CAPTION, Task.DETAILED_CAPTION)
    return next((task for task in captions if task in family.instructions), None)


def _asked(family: Family, request: Request, form: RegionForm) -> Request:
    """Return a request with its regions clipped to the picture; DESCRIBE_REGION always has one.

    What is marked or cut out is described in answer to a question that names it, or, where that
    will do, by a caption of the cut-out.
    """
    request = regions_in.clipped_to_pictures(request)
    if family.limits.history == "none":
        history = tuple(replace(turn, regions=()) for turn in request.history)
        request = replace(request, history=history)
    if request.task is not Task.DESCRIBE_REGION:
        return request
    request = replace(request, regions=request.regions or (regions_in.WHOLE_PICTURE,))
    wording, count = family.region_wording, len(request.regions)
    names = wording.joint.join(f"[{number}]" for number in range(1, count + 1))
    if form is RegionForm.AUTO:
        return replace(request, text="")
    if form is RegionForm.MARKS and not family.writes_regions:
        return replace(request, text=names)
    caption = _caption(family)
    if form is RegionForm.CROP and count == 1 and caption:
        return replace(request, task=caption, text="")
    question = wording.cut_out if form is RegionForm.CROP else wording.marked
    task = _question(family) or request.task
    return replace(request, task=task, text=question.replace("{text}", names))


def _frames(turns: Sequence[Message], prepared: Sequence[Message]) -> Iterator[Frame | None]:
    """Yield for each turn the sizes of the newest picture at that time."""
    frame = None
    for turn, seen in zip(turns, prepared, strict=True):
        if turn.images:
            frame = Frame(turn.images[-1].size, seen.images[-1].size)
        yield frame


def _why_marks(family: Family, request: Request) -> str:
    if request.region_form is RegionForm.MARKS:
        return "Marks were asked for"
    if family.writes_regions:
        return "This model is not told places in words for this task"
    return "This model has no way to name a place in words"


def _note_on_marks(names: Sequence[str], why: str) -> str:
    """Say that regions were drawn into the picture, called so, and why."""
    match names:
        case []:
            return ""
        case [name]:
            return f"{why}, so the region was drawn into its copy of the picture as {name}."
        case _:
            return (
                f"{why}, so the regions were drawn into its copy of the picture in red, with "
                "their numbers."
            )


def _note_on_cut_outs(count: int) -> str:
    """Say what a model was shown of so many regions."""
    match count:
        case 0:
            return ""
        case 1:
            return "The model was shown the region alone, cut out with a small margin."
        case _:
            return (
                f"The model was shown the {count} regions as pictures beside the whole one; "
                "places in its answer are taken to be on the whole one."
            )
