"""Consensus: the same request to several models, overlaid, with the disagreements first."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from operator import is_
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from vlm_demo.analysis.consensus import (
    MAX_MODELS,
    MIN_MODELS,
    Consensus,
    ModelAnswer,
    check_models,
    compare_answers,
    consensus_to_data,
)
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.rendering.export import to_json_line
from vlm_demo.ui.check.consensus_view import (
    NO_CONSENSUS,
    ModelProgress,
    consensus_value,
    consensus_view,
)
from vlm_demo.ui.components.answer.answer_stream import stream_answer
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.image_input import (
    build_image_input,
    require_image,
    wire_image_input,
)
from vlm_demo.ui.components.model_choice import runnable_models
from vlm_demo.ui.components.run_buttons import build_run_buttons
from vlm_demo.ui.components.side_by_side import AnswerProgress, stream_side_by_side
from vlm_demo.ui.components.task_form import (
    TASK_LABELS,
    TASKS_WITHOUT_TEXT,
    build_text_field,
    check_text,
    update_text_field,
)
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import error_message, show_errors
from vlm_demo.values import Reply, Request, Task

_TASKS = (Task.GROUNDING, Task.GROUNDED_CAPTION, Task.CHAT)
"""Tasks that several models can be given here; a chat answer counts where it contains regions."""

_Progress = AnswerProgress[Reply | Waiting]
_Source = Callable[[], Generator[Reply | Waiting | None, None, None]]
_Updates = Generator[tuple[_Progress, ...], None, None]


@dataclass(frozen=True, slots=True)
class CompletedConsensus:
    """The newest comparison, for the download."""

    image: UploadedImage
    request: Request  # without its picture
    consensus: Consensus


def build_consensus(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the view and wire it to the backend."""
    backend = page.backend
    newest = gr.State(None)  # CompletedConsensus | None
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            own = build_image_input("consensus-picture", page.newest_image, page.settings)
        with gr.Column(scale=6, min_width=300):
            models = gr.Dropdown(
                runnable_models(backend),
                value=_default_models(backend),
                multiselect=True,
                max_choices=MAX_MODELS,
                label=say("Models"),
                info=say("Two to six; all get the same request, each with its own settings"),
                elem_id="consensus-models",
            )
            kind = gr.Radio(
                [(say(TASK_LABELS[task]), task.value) for task in _TASKS],
                value=Task.GROUNDING.value,
                label=say("Task"),
                elem_id="consensus-task",
            )
            words = build_text_field(Task.GROUNDING, "consensus-words")
            buttons = build_run_buttons("Compare what they see", "consensus")
    result = consensus_view("consensus-result")
    with gr.Row(visible=False, elem_id="consensus-files") as files:
        data = gr.DownloadButton(
            say("Download as JSON"),  # type: ignore[arg-type]  # it takes words to be translated
            size="sm",
            variant="secondary",
            elem_id="consensus-json",
        )

    def run(
        image: UploadedImage | None, chosen: Sequence[str], task_name: str, text: str
    ) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            image = require_image(image)
            check_models(chosen)
            request = _make_request(Task(task_name), text, image)
            yield {result: NO_CONSENSUS, newest: None, files: gr.Row(visible=False)}
            sources: Sequence[_Source] = [
                partial(stream_answer, backend, model, request) for model in chosen
            ]
            last: tuple[_Progress, ...] = ()
            updates: _Updates = stream_side_by_side(sources)
            with closing(updates):
                for progress in updates:
                    if last and all(map(is_, progress, last)):
                        yield {result: gr.skip()}
                        continue
                    last = progress
                    answers, states = _collect_answers(chosen, progress)
                    so_far = compare_answers(answers, request.task)
                    busy = not all(one.done for one in progress)
                    yield {result: consensus_value(image, text, states, so_far, busy=busy)}
            complete = CompletedConsensus(image, Request(request.task, request.text), so_far)
            path = _write_json(complete)
            yield {newest: complete, files: gr.Row(visible=True), data: str(path)}

    cleared: dict[Component, Any] = {
        result: NO_CONSENSUS,
        newest: None,
        files: gr.Row(visible=False),
    }
    asking = buttons.wire(
        [buttons.run.click, words.submit],
        run,
        [own.image, models, kind, words],
        [result, newest, files, data],
        [result],
    )
    kind.change(lambda name: update_text_field(Task(name)), kind, words, **QUICK)
    tab.select(lambda: gr.Dropdown(choices=runnable_models(backend)), None, models, **QUICK)
    wire_image_input(tab, own, cleared, cancels=[asking])


def _make_request(task: Task, text: str, image: UploadedImage) -> Request:
    """Return what all models are asked.

    Raises:
        InputError: the text is missing, or this view does not offer the task.
    """
    if task not in _TASKS:
        raise InputError("Please choose a task for the models.")
    check_text(task, text)
    return Request(task, "" if task in TASKS_WITHOUT_TEXT else text, (image.open(),))


def _collect_answers(
    models: Sequence[str], progress: Sequence[_Progress]
) -> tuple[list[ModelAnswer], list[ModelProgress]]:
    """Return what each model has answered, and how far it has come."""
    answers, states = [], []
    for model, one in zip(models, progress, strict=True):
        reply = one.newest if isinstance(one.newest, Reply) else None
        if one.error is not None:
            error = error_message(one.error)
            answers.append(ModelAnswer(model, error=error))
            states.append(ModelProgress(model, error, "failed"))
            continue
        # What an answer does not mention means nothing until the answer is complete.
        answers.append(ModelAnswer(model, reply if one.done else None))
        states.append(ModelProgress(model, *_describe_progress(one, reply)))
    return answers, states


def _describe_progress(progress: _Progress, reply: Reply | None) -> tuple[TranslatableText, str]:
    if progress.done and reply is not None:
        places = sum(len(mention.regions) for mention in reply.mentions)
        words = "{n} place, {seconds} s" if places == 1 else "{n} places, {seconds} s"
        return TranslatableText(words, {"n": places, "seconds": f"{progress.seconds:.1f}"}), "done"
    if progress.done:
        return TranslatableText("stopped"), "failed"
    if isinstance(progress.newest, Waiting):
        return progress.newest.text, "busy"
    return TranslatableText("waiting…") if reply is None else TranslatableText("answering…"), "busy"


def _write_json(complete: CompletedConsensus) -> Path:
    """Write the comparison where the page may serve it from."""
    image = complete.image
    folder = Path(mkdtemp(dir=get_upload_folder()))
    path = folder / f"{Path(image.name).stem or 'picture'}-consensus.json"
    data = consensus_to_data(complete.consensus, image.size, complete.request)
    path.write_text(to_json_line(data), encoding="utf-8")
    return path


def _default_models(backend: Backend) -> list[str]:
    """Return the first models that are here and can do the task that is chosen first."""
    able = backend.models_for(Task.GROUNDING)
    return [name for name in able if backend.spec(name).is_here][:MIN_MODELS]
