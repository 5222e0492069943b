"""The form that begins a batch: pictures, task and text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.batch.job import BatchJob, parse_region
from vlm_demo.batch.sources import source_suffixes
from vlm_demo.errors import InputError
from vlm_demo.media.documents import check_pages
from vlm_demo.media.film import MAX_FRAMES
from vlm_demo.media.framed_files import FrameChoice
from vlm_demo.settings import Settings
from vlm_demo.translatable_text import message
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.model_notice import build_model_notice
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.task_form import TEXT_FIELDS
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.units import format_bytes
from vlm_demo.values import Task

TASKS = {
    message("Caption"): Task.CAPTION,
    message("Detailed caption"): Task.DETAILED_CAPTION,
    message("Grounded caption"): Task.GROUNDED_CAPTION,
    message("Ask"): Task.VQA,
    message("Find objects"): Task.GROUNDING,
    message("Describe a region"): Task.DESCRIBE_REGION,
}
"""Tasks of a batch, by their name on the page."""

BATCH_TEXT_FIELDS = {
    Task.VQA: TEXT_FIELDS[Task.VQA],
    Task.GROUNDING: TEXT_FIELDS[Task.GROUNDING],
    Task.DESCRIBE_REGION: (
        message("Region, as fractions of each image"),
        message("0, 0, 0.5, 1: its left half"),
    ),
}
"""Label and placeholder of the text field, for each task that needs a text."""

BEGINNING = (message("Beginning"), message("There is a"))
"""Label and placeholder of the text field for captions, which may be given their beginning."""

SAMPLING_OPTIONS = ("temperature", "top_p", "max_new_tokens", "repetition_penalty", "seed")
"""Options of a turn that are settings of a batch too, as the browser calls them."""

_LIMITS_SCRIPT = browser_files.read("batch/limits.js")

_TURN_SCRIPT = browser_files.read("batch/from_turn.js")


@dataclass(frozen=True, slots=True)
class BatchForm:
    """The components that begin a batch, or open an earlier one."""

    files: gr.File
    task: gr.Radio
    text: gr.Textbox
    outlines: gr.Checkbox
    frames: gr.Number  # that are taken of each film
    pages: gr.Textbox  # that are taken of each document
    begin: gr.Button
    code: gr.Textbox  # of an earlier batch
    open: gr.Button
    turn: gr.HTML  # hears of a turn of Studio that is to be run on many images

    @property
    def inputs(self) -> list[Any]:
        """The components whose values describe a batch, besides settings."""
        return [self.files, self.task, self.text, self.outlines, self.frames, self.pages]

    @property
    def from_turn(self) -> list[Any]:
        """The components that `read_turn` gives values for, besides settings."""
        return [self.task, self.text]


def build_batch_form(page: PageContext) -> BatchForm:
    """Lay out the form."""
    turn = build_html_component("", "<span></span>", _TURN_SCRIPT, "batch-turn")
    files = gr.File(
        label=say("Images, videos, documents, or a ZIP of them"),
        file_count="multiple",
        file_types=[*sorted(source_suffixes()), ".zip"],
        height=150,
        elem_id="batch-files",
    )
    _build_limits(page.settings)
    task = gr.Radio(
        [(say(name), name) for name in TASKS],
        value="Find objects",
        label=say("Task"),
        elem_id="batch-task",
    )
    label, hint = BATCH_TEXT_FIELDS[Task.GROUNDING]
    text = gr.Textbox(label=say(label), placeholder=say(hint), max_lines=3, elem_id="batch-words")
    task.change(_update_text_field, task, text, **QUICK)
    outlines = gr.Checkbox(
        label=say("Outline what is found"),
        info=say("With SAM: slower, and polygons instead of boxes in all downloads"),
        visible=bool(page.backend.outliner.models),
        elem_id="batch-outlines",
    )
    with gr.Accordion(say("Videos and documents"), open=False, elem_id="batch-framing"):
        frames = gr.Number(
            FrameChoice().frames,
            label=say("Frames of each video"),
            info=say("Evenly spaced"),
            minimum=1,
            maximum=MAX_FRAMES,
            precision=0,
            elem_id="batch-frames",
        )
        pages = gr.Textbox(
            label=say("Pages of each document"),
            placeholder=say("1-3, 7; empty: all"),
            max_lines=1,
            elem_id="batch-pages",
        )
    begin = gr.Button(say("Run the batch"), variant="primary", elem_id="batch-begin")
    build_model_notice(
        page.backend, page.controls.model, [Task.GROUNDING], [begin], style=task, styles=TASKS
    )
    with gr.Accordion(say("Resume an earlier batch"), open=False, elem_id="batch-earlier"):
        code = gr.Textbox(
            label=say("Batch code"),
            info=say("Shown beside every batch; works only in your browser"),
            max_lines=1,
            elem_id="batch-code",
        )
        open_button = gr.Button(say("Resume"), size="sm", elem_id="batch-show")
    return BatchForm(files, task, text, outlines, frames, pages, begin, code, open_button, turn)


def _build_limits(settings: Settings) -> None:
    """Say how many pictures there may be, and how large."""
    gr.HTML(
        f'<p class="hint" data-pictures="{settings.batch_pictures}"'
        f' data-each="{format_bytes(settings.max_upload_bytes)}"'
        f' data-films="{format_bytes(settings.film_bytes)}"'
        f' data-all="{format_bytes(settings.batch_bytes)}"></p>',
        js_on_load=_LIMITS_SCRIPT,
        elem_id="batch-limits",
        apply_default_css=False,
    )


def _update_text_field(name: str) -> gr.Textbox:
    label, hint = BATCH_TEXT_FIELDS.get(TASKS.get(name, Task.CAPTION), BEGINNING)
    return gr.Textbox(label=say(label), placeholder=say(hint))


def read_turn(sent: str) -> dict[str, Any]:
    """Return the task, the text and the settings of a turn of Studio, by their names in the form.

    What a batch cannot do becomes a caption; what a browser sends that means nothing is left out.

    Args:
        sent: JSON with `task`, `text`, `model` and `options`.
    """
    try:
        turn = json.loads(sent)
        task, text = str(turn["task"]), str(turn.get("text", ""))
        options = dict(turn.get("options") or {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    names: dict[str, str] = {value: name for name, value in TASKS.items()}
    name = names.get("vqa" if task == "chat" else task, "Caption")
    known = {str(key): value for key, value in options.items() if key in SAMPLING_OPTIONS}
    return {"task": name, "text": text, "options": known}


def read_batch_job(
    page: PageContext,
    name: str,
    text: str,
    settings: Sequence[Any],
    *,
    outlines: bool = False,
    frames: float | None = None,
    pages: str = "",
) -> BatchJob:
    """Return the job that the values of the form and of the page's settings describe.

    Raises:
        InputError: there is no such task, or the text is not a region where it should be one.
    """
    if name not in TASKS:
        raise InputError("Choose a task.")
    task, choice = TASKS[name], RequestSettings.read(page.backend, *settings)
    is_region = task is Task.DESCRIBE_REGION
    return BatchJob(
        task,
        "" if is_region else text,
        choice.model,
        choice.sampling,
        parse_region(text) if is_region else None,
        outlines and not is_region,
        read_frame_choice(frames, pages),
    )


def read_frame_choice(frames: float | None, pages: str) -> FrameChoice:
    """Return what is taken of films and documents; an empty number stands for the usual one.

    Raises:
        InputError: these are no pages, or no number of frames.
    """
    check_pages(pages)
    if frames is None:
        return FrameChoice(pages=pages)
    if not 1 <= frames <= MAX_FRAMES:
        raise InputError("Of a video, 1 to {most} frames can be taken.", most=MAX_FRAMES)
    return FrameChoice(int(frames), pages=pages)
