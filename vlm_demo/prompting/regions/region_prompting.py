"""How a family is asked about regions: in its own markup, as drawn marks, or as crops.

The words of a turn refer to its regions as [1], [2] and so on; those that they do not refer to
follow behind the words. A region belongs to the newest image of its time, and an earlier turn is
always written as it was when it was the newest, so that a model goes on from what it has read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlm_demo.errors import InputError
from vlm_demo.prompting.family_spec import FamilySpec
from vlm_demo.prompting.regions.region_crops import CroppedRequest, crop_request, name_crops
from vlm_demo.prompting.regions.region_example import check_example, is_search_by_example
from vlm_demo.prompting.regions.region_overlays import draw_marks
from vlm_demo.prompting.regions.region_syntax import write_regions_into_turns
from vlm_demo.prompting.regions.request_regions import WHOLE_IMAGE, check_regions, clip_regions
from vlm_demo.prompting.tasks import FREE_TEXT_TASKS, TEXT_TASKS, WHOLE_IMAGE_TASKS
from vlm_demo.translatable_text import DisplayText, TranslatableText, message
from vlm_demo.values import Box, Frame, Message, RegionForm, Request, Task


@dataclass(frozen=True, slots=True)
class RegionPrompt:
    """The turns that a model is shown, with their regions, and how it is asked."""

    turns: Sequence[Message]
    """The visible conversation with prepared images; the last turn has the user's words."""

    request: Request
    """The request, with its regions in its words."""

    instruction: str
    """The wording of the question, with "{text}" and perhaps "{region}"."""

    frame: Frame | None
    """The sizes of the image that regions in the answer are on; None: there is no image."""

    crop: Box | None
    """The part of the user's image that the frame is of; None: all of it."""

    note: DisplayText
    """What people should know about how the regions were given."""


def choose_form(spec: FamilySpec, request: Request) -> RegionForm:
    """Return how regions reach the model: as chosen, or as suits; AUTO means as text here."""
    task = request.task
    if request.region_form is not RegionForm.AUTO:
        return request.region_form
    if request.regions and task in WHOLE_IMAGE_TASKS:
        return RegionForm.CROP
    describes = task is Task.DESCRIBE_REGION and spec.writes_regions
    if describes or (task in FREE_TEXT_TASKS and spec.region_template):
        return RegionForm.AUTO
    return RegionForm.MARKS


def check_request_regions(spec: FamilySpec, request: Request) -> None:
    """Refuse regions that are not on the image, or that the family cannot be asked about.

    Raises:
        InputError: the message says what would do.
    """
    for regions in (request.regions, *(turn.regions for turn in request.history)):
        check_regions(regions)
    count, describes = len(request.regions), request.task is Task.DESCRIBE_REGION
    if not count:
        return
    if is_search_by_example(request):
        check_example(spec, request)
        return
    form, question = choose_form(spec, request), _question_task(spec)
    if describes and form is RegionForm.MARKS and spec.writes_regions and not question:
        raise InputError(
            "{title} models take no questions, so they cannot be asked about a mark. Give the "
            "region as coordinates or as a crop.",
            title=spec.title,
        )
    if count == 1:
        return
    if describes and form is RegionForm.AUTO and not spec.multi_region_instruction:
        raise InputError(
            "{title} models describe one region at a time, and there are {count}. Mark one.",
            title=spec.title,
            count=count,
        )
    if form is not RegionForm.CROP:
        return
    if request.task in WHOLE_IMAGE_TASKS or (describes and not question):
        raise InputError(
            "This task takes one region at a time, and there are {count}. Mark one.",
            count=count,
        )
    most = spec.limits.max_images
    if max(1, len(request.images)) + count > most:  # the image may be of an earlier turn
        raise InputError(
            "{title} models see too few images at a time (at most {most}) for {count} crops "
            "beside the image. Mark one region, or use numbered marks.",
            title=spec.title,
            most=most,
            count=count,
        )


def adapt_request(spec: FamilySpec, request: Request, form: RegionForm) -> CroppedRequest:
    """Return a request as it is asked in this form, with crops where they were chosen.

    Regions are clipped to their images, and DESCRIBE_REGION always has one. What is marked or
    cropped is described in answer to a question that refers to it, or, where that will do, by a
    caption of the crop.
    """
    request = clip_regions(request)
    if not spec.keeps_history:
        history = tuple(replace(turn, regions=()) for turn in request.history)
        request = replace(request, history=history)
    if request.task is Task.DESCRIBE_REGION:
        request = _adapt_description(spec, request, form)
    return crop_request(request) if form is RegionForm.CROP else CroppedRequest(request)


def _adapt_description(spec: FamilySpec, request: Request, form: RegionForm) -> Request:
    request = replace(request, regions=request.regions or (WHOLE_IMAGE,))
    wording, count = spec.region_wording, len(request.regions)
    references = wording.separator.join(f"[{number}]" for number in range(1, count + 1))
    if form is RegionForm.AUTO:
        return replace(request, text="")
    if form is RegionForm.MARKS and not spec.writes_regions:
        return replace(request, text=references)
    caption = _caption_task(spec)
    if form is RegionForm.CROP and count == 1 and caption:
        return replace(request, task=caption, text="")
    question = wording.describe_crop if form is RegionForm.CROP else wording.describe_mark
    task = _question_task(spec) or request.task
    return replace(request, task=task, text=question.replace("{text}", references))


def _question_task(spec: FamilySpec) -> Task | None:
    """Return the task that takes any question."""
    return next((task for task in (Task.CHAT, Task.VQA) if task in spec.instructions), None)


def _caption_task(spec: FamilySpec) -> Task | None:
    """Return the task that says what a crop shows."""
    captions = (Task.CAPTION, Task.DETAILED_CAPTION)
    return next((task for task in captions if task in spec.instructions), None)


def insert_regions(
    spec: FamilySpec, adapted: CroppedRequest, form: RegionForm, turns: Sequence[Message]
) -> RegionPrompt:
    """Put regions into the words or the images of the turns that the model is shown.

    Args:
        spec: the family that is asked.
        adapted: what `adapt_request` returned for this form.
        form: how the regions reach the model.
        turns: the visible turns of `adapted`; the last one is the question.
    """
    request, wording = adapted.request, spec.region_wording
    note: DisplayText = ""
    names_all = request.task in TEXT_TASKS
    if form is RegionForm.MARKS:
        turns, names = draw_marks(turns, wording, names_all=names_all)
        note = _describe_marks(names, _why_marks(spec, request))
    elif form is RegionForm.CROP:
        turns = list(name_crops(turns, wording, names_all=names_all))
        note = _describe_crops(len(request.regions))
    prepared = [replace(turn, images=tuple(map(spec.prepare_image, turn.images))) for turn in turns]
    frames = list(_frames(turns, prepared))
    if form is RegionForm.AUTO:
        prepared = list(write_regions_into_turns(spec, prepared, frames))
    several = form is RegionForm.AUTO and len(request.regions) > 1
    describes_several = several and request.task is Task.DESCRIBE_REGION
    whole = adapted.whole
    return RegionPrompt(
        prepared,
        replace(request, text=prepared[-1].text),
        spec.multi_region_instruction if describes_several else spec.instructions[request.task],
        Frame(whole.size, spec.prepare_image(whole).size) if whole else frames[-1],
        adapted.crop,
        note,
    )


def _frames(turns: Sequence[Message], prepared: Sequence[Message]) -> Iterator[Frame | None]:
    """Yield for each turn the sizes of the newest image at that time."""
    frame = None
    for turn, seen in zip(turns, prepared, strict=True):
        if turn.images:
            frame = Frame(turn.images[-1].size, seen.images[-1].size)
        yield frame


def _why_marks(spec: FamilySpec, request: Request) -> TranslatableText:
    if request.region_form is RegionForm.MARKS:
        return TranslatableText("Marks were chosen")
    if spec.writes_regions:
        return TranslatableText("This model does not read regions as coordinates for this task")
    return TranslatableText("This model has no way to write a region as coordinates")


def _describe_marks(names: Sequence[str], why: TranslatableText) -> DisplayText:
    """Say that regions were drawn into the image, what they are called, and why."""
    match names:
        case []:
            return ""
        case [name]:
            return TranslatableText(
                "{why}, so the region was drawn onto its copy of the image as {name}.",
                {"why": why, "name": name},
            )
        case _:
            return TranslatableText(
                "{why}, so the regions were drawn onto its copy of the image in red, with "
                "their numbers.",
                {"why": why},
            )


def _describe_crops(count: int) -> DisplayText:
    """Say what a model was shown of so many regions."""
    match count:
        case 0:
            return ""
        case 1:
            return message("The model was shown only the region, cropped with a small margin.")
        case _:
            return TranslatableText(
                "The model was shown crops of the {count} regions beside the whole image; "
                "coordinates in its answer are read as being on the whole image.",
                {"count": count},
            )
