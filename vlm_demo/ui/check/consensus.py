"""Consensus: the same request to several models, overlaid, with the disagreements first."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from vlm_demo.analysis.consensus import (
    FEWEST,
    MOST,
    Consensus,
    Voice,
    check_models,
    compare,
    to_data,
)
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.rendering.export import as_json
from vlm_demo.ui.arena.sides import HINTS, WORDLESS, Side, side_by_side
from vlm_demo.ui.check.consensus_view import NOTHING, Standing, compared, consensus_view
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.model_choice import ABILITIES
from vlm_demo.ui.components.picture_input.input import (
    build_picture_input,
    wanted,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.context import PageContext, build_run_buttons
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited, errors_shown, plain_words_for
from vlm_demo.values import Reply, Request, Task

_TASKS = (Task.GROUNDING, Task.GROUNDED_CAPTION, Task.CHAT)
"""What several models can be asked here; a chat where the answer says where things are."""


_Source = Callable[[], Generator[Reply | Waiting | None, None, None]]
_Rounds = Generator[tuple[Side[Reply | Waiting], ...], None, None]


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest comparison, for the download."""

    picture: Picture
    request: Request  # without its picture
    consensus: Consensus


def build_consensus(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the view and wire it to the backend."""
    backend = around.backend
    newest = gr.State(None)  # Kept | None
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            own = build_picture_input("consensus-picture", around)
        with gr.Column(scale=6, min_width=300):
            models = gr.Dropdown(
                _names(backend),
                value=_here(backend),
                multiselect=True,
                max_choices=MOST,
                label=say("Models"),
                info=say("Two to six; all are asked the same, each with its own settings"),
                elem_id="consensus-models",
            )
            kind = gr.Radio(
                [(say(ABILITIES[task]), task.value) for task in _TASKS],
                value=Task.GROUNDING.value,
                label=say("Task"),
                elem_id="consensus-task",
            )
            label, hint = HINTS[Task.GROUNDING]
            words = gr.Textbox(
                label=say(label), placeholder=say(hint), max_lines=4, elem_id="consensus-words"
            )
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
        picture: Picture | None, chosen: Sequence[str], task_name: str, text: str
    ) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            picture = wanted(picture)
            check_models(chosen)
            request = _request(Task(task_name), text, picture)
            yield {result: NOTHING, newest: None, files: gr.Row(visible=False)}
            sources: Sequence[_Source] = [
                partial(awaited, backend, model, request) for model in chosen
            ]
            last: tuple[Side[Reply | Waiting], ...] = ()
            rounds: _Rounds = side_by_side(sources)
            with closing(rounds):
                for sides in rounds:
                    if all(map(_is, sides, last)) and last:
                        yield {result: gr.skip()}
                        continue
                    last = sides
                    voices, standings = _heard(chosen, sides)
                    so_far = compare(voices, request.task)
                    busy = not all(side.done for side in sides)
                    yield {result: compared(picture, text, standings, so_far, busy=busy)}
            kept = Kept(picture, Request(request.task, request.text), so_far)
            yield {newest: kept, files: gr.Row(visible=True), data: str(_written(kept))}

    def words_of(name: str) -> gr.Textbox:
        task = Task(name)
        if task in WORDLESS:
            return gr.Textbox(visible=False)
        label, hint = HINTS[task]
        return gr.Textbox(label=say(label), placeholder=say(hint), visible=True)

    cleared: dict[Component, Any] = {
        result: NOTHING,
        newest: None,
        files: gr.Row(visible=False),
    }
    asking = buttons.ask(
        [buttons.run.click, words.submit],
        run,
        [own.picture, models, kind, words],
        [result, newest, files, data],
        [result],
    )
    kind.change(words_of, kind, words, **QUICK)
    tab.select(lambda: gr.Dropdown(choices=_names(backend)), None, models, **QUICK)
    wire_picture_input(tab, around, own, cleared, cancels=[asking])


def _request(task: Task, text: str, picture: Picture) -> Request:
    """Return what all of them are asked.

    Raises:
        InputError: it lacks its words.
    """
    if task not in _TASKS:
        raise InputError("Please choose what the models are to do.")
    if task in WORDLESS:
        text = ""
    elif not text.strip():
        raise InputError(f"Please fill in “{HINTS[task][0]}” first.")
    return Request(task, text, (picture.open(),))


def _is(side: Side[Any], other: Side[Any]) -> bool:
    return side is other


def _heard(
    models: Sequence[str], sides: Sequence[Side[Reply | Waiting]]
) -> tuple[list[Voice], list[Standing]]:
    """Tell what each model has said, and how far it has come."""
    voices, standings = [], []
    for model, side in zip(models, sides, strict=True):
        newest = side.newest
        reply = newest if isinstance(newest, Reply) else None
        if side.error is not None:
            error = plain_words_for(side.error)
            voices.append(Voice(model, error=error))
            standings.append(Standing(model, error, "failed"))
            continue
        # Until it has answered, that it does not see a thing means nothing.
        voices.append(Voice(model, reply if side.done else None))
        standings.append(Standing(model, *_state(side, reply)))
    return voices, standings


def _state(side: Side[Reply | Waiting], reply: Reply | None) -> tuple[Said, str]:
    if side.done and reply is not None:
        places = sum(len(mention.regions) for mention in reply.mentions)
        words = "{n} place, {seconds} s" if places == 1 else "{n} places, {seconds} s"
        return Said(words, {"n": places, "seconds": f"{side.seconds:.1f}"}), "done"
    if side.done:
        return Said("stopped"), "failed"
    if isinstance(side.newest, Waiting):
        return side.newest.words, "busy"
    return Said("waiting…") if reply is None else Said("answering…"), "busy"


def _written(kept: Kept) -> Path:
    """Write the comparison where the page may serve it from."""
    folder = Path(mkdtemp(dir=get_upload_folder()))
    path = folder / f"{Path(kept.picture.name).stem or 'picture'}-consensus.json"
    path.write_text(
        as_json(to_data(kept.consensus, kept.picture.size, kept.request)), encoding="utf-8"
    )
    return path


def _names(backend: Backend) -> list[str]:
    return [spec.name for spec in backend.menu if spec.runs_here]


def _here(backend: Backend) -> list[str]:
    """The first models that are here and can do what is asked at first."""
    able = backend.models_for(Task.GROUNDING)
    return [name for name in able if backend.spec(name).is_here][:FEWEST]
