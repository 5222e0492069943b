"""The model for the whole page: choosing, what it can do, loading, adding another checkpoint."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.engines import Progress
from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import Said, as_html
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.units import format_parameters
from vlm_demo.values import Task

ABILITIES = {
    Task.CHAT: "Chat",
    Task.CAPTION: "Caption",
    Task.DETAILED_CAPTION: "Caption in detail",
    Task.GROUNDED_CAPTION: "Caption with places",
    Task.VQA: "Ask",
    Task.GROUNDING: "Locate",
    Task.DESCRIBE_REGION: "Describe a region",
}
"""What the page calls each task."""

OFFERED = 4
"""Models that are named where the chosen one cannot do a task."""


def build_model_choice(backend: Backend) -> tuple[gr.Dropdown, gr.HTML]:
    """Lay out the choice and the card beneath it; `wire_model_choice` brings them to life."""
    first = backend.menu[0]
    with gr.Row(elem_id="header"):
        gr.HTML("<h1>VLM demo</h1>", elem_id="title", apply_default_css=False)
        model = gr.Dropdown(
            _names(backend),
            value=first.name,
            label=say("Model"),
            show_label=False,
            container=False,
            filterable=True,  # a hundred names: typing finds one
            elem_id="model",
            scale=0,
            min_width=220,
        )
    card = gr.HTML(model_card(first), elem_id="model-card", apply_default_css=False)
    return model, card


def wire_model_choice(page: gr.Blocks, backend: Backend, model: gr.Dropdown, card: gr.HTML) -> None:
    """Load the model when the page opens and whenever another is chosen, and say how it goes."""

    def load(name: str) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            spec = backend.spec(name)
            if not backend.is_loaded(name):
                yield {card: model_card(spec, progress=Progress("loading", 0, None, "steps"))}
                try:
                    for progress in backend.load(name):
                        yield {card: model_card(spec, progress=progress)}
                except VlmDemoError as error:
                    yield {card: model_card(spec, problem=str(error))}
                    return
            yield {card: model_card(spec, ready=True)}

    def menu() -> dict[Any, Any]:
        return {model: gr.Dropdown(choices=_names(backend))}

    page.load(menu, None, model, **QUICK)
    gr.on(
        [page.load, model.change],
        load,
        inputs=model,
        outputs=card,
        trigger_mode="always_last",
        **QUEUED,
    )


def build_model_addition(backend: Backend, model: gr.Dropdown) -> None:
    """Lay out the field that puts any checkpoint on the menu."""
    with gr.Accordion(say("Add a model"), open=False, elem_id="add-model"):
        checkpoint = gr.Textbox(
            label=say("Hub id or folder of a checkpoint"),
            placeholder="HuggingFaceTB/SmolVLM-256M-Instruct",
            info=say("It is fetched from the Hugging Face Hub if it is not on this computer."),
            submit_btn=str(say("Add")),
            max_lines=1,
        )

    def add(words: str) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            if not words.strip():
                raise InputError("Please write the Hub id or the folder of a checkpoint.")
            spec = backend.add_checkpoint(words.strip())
            yield {
                model: gr.Dropdown(choices=_names(backend), value=spec.name),
                checkpoint: "",
            }

    checkpoint.submit(
        add,
        checkpoint,
        [model, checkpoint],
        api_visibility="private",
        show_progress="minimal",
        show_progress_on=checkpoint,
    )


def build_notice(
    backend: Backend,
    model: gr.Dropdown,
    tasks: Sequence[Task],
    buttons: Sequence[gr.Button] = (),
    *,
    style: gr.Radio | None = None,
    styles: Mapping[str, Task] | None = None,
) -> None:
    """Say on a tab when the chosen model cannot serve it, and which models can.

    The model has to do one of the tasks, or the one of the chosen style.
    """
    first = backend.menu[0]
    able = any(first.supports(task) for task in tasks)
    notice = gr.HTML(_notice(backend, first.name, tasks), visible=not able, apply_default_css=False)

    def show(name: str, kind: str | None = None) -> dict[Any, Any]:
        wanted = [styles[kind]] if styles and kind else tasks
        able = any(backend.spec(name).supports(task) for task in wanted)
        return {
            notice: gr.HTML(_notice(backend, name, wanted), visible=not able),
            **{button: gr.Button(interactive=able) for button in buttons},
        }

    choices: list[Any] = [model, *([style] if style else [])]
    gr.on(
        [choice.change for choice in choices],
        show,
        choices,
        [notice, *buttons],
        **QUICK,
    )


def notice_words(backend: Backend, name: str, tasks: Sequence[Task]) -> str:
    """Say why the model cannot do the task of a tab, and which can."""
    spec = backend.spec(name)
    able = list(dict.fromkeys(other for task in tasks for other in backend.models_for(task)))
    title, verb = get_family(spec.family).title, ABILITIES[tasks[0]].lower()
    if spec.excepts(tasks[0]):
        words = f"{name} cannot {verb}: it was not made for it."
    else:
        words = f"{name} cannot {verb}: {title} models were not made for it."
    offered, more = ", ".join(able[:OFFERED]), len(able) - OFFERED
    if more > 0:
        words += f" Models that can: {offered} and {more} more on the Models tab."
    elif able:
        words += f" Models that can: {offered}."
    return words


def _notice(backend: Backend, name: str, tasks: Sequence[Task]) -> str:
    words = html.escape(notice_words(backend, name, tasks))
    return f'<p class="notice" data-say>{words}</p>'


def _names(backend: Backend) -> list[str]:
    """What is offered: the models that run here. The Models tab has the others too."""
    return [spec.name for spec in backend.menu if spec.runs_here]


def model_card(
    spec: ModelSpec,
    *,
    progress: Progress | None = None,
    problem: str = "",
    ready: bool = False,
) -> str:
    """HTML that says what a model can do, what it is, and how loading goes."""
    chips = "".join(
        f'<span class="ability" data-say>{words}</span>'
        for task, words in ABILITIES.items()
        if spec.supports(task) and task is not Task.DETAILED_CAPTION  # "Caption" says enough
    )
    line = facts_line(spec, ", ".join(map(as_html, spec.languages)))
    note = f'<span class="note" data-say>{html.escape(spec.note)}</span>' if spec.note else ""
    state = _state(progress, problem, ready)
    return (
        f'<div class="model-card"><div class="abilities">{chips}</div>'
        f'<div class="facts">{line}{state}</div>{note}'
        f"{progress_bar(progress)}{problem_notice(problem)}</div>"
    )


def facts_line(spec: ModelSpec, languages: str = "") -> str:
    """HTML that says how large a model is, on what terms it may be used, and where it runs."""
    size = format_parameters(spec.parameters, long=True)
    facts = [
        as_html(Said("{size} parameters", {"size": size})) if size else "",
        html.escape(spec.licence),
        languages,
        as_html(place(spec)),
    ]
    return " · ".join(fact for fact in facts if fact)


def place(spec: ModelSpec) -> str:
    """Say where the weights of a model that runs here are."""
    if spec.engine != "local":
        return "runs on another server"
    if spec.embedded:
        return "comes with this program"
    return "on this computer" if spec.is_here else "fetched when chosen"


def _state(progress: Progress | None, problem: str, ready: bool) -> str:
    if problem or not (progress or ready):
        return ""
    if ready:
        return ' · <b class="ready" data-say>ready</b>'
    return " · <b data-say>loading…</b>"


def progress_bar(progress: Progress | None) -> str:
    """HTML that says how far loading has come."""
    if progress is None:
        return ""
    share = f' value="{progress.done}" max="{progress.total}"' if progress.total else ""
    return (
        f'<div class="loading"><progress{share} aria-label="Loading the model" '
        f'data-say="aria-label"></progress><span>{as_html(progress.stage.capitalize())}'
        f"{_amount(progress)}</span></div>"
    )


def _amount(progress: Progress) -> str:
    """HTML of how much is in."""
    if not progress.total:
        return "…"
    if progress.unit != "bytes":
        return f" {as_html(_part(progress.done, progress.total))}"
    megabytes = _part(f"{progress.done / 1e6:,.0f}", f"{progress.total / 1e6:,.0f} MB")
    loaded, files = progress.shards
    shards = Said("{part} of {whole} shards", {"part": loaded, "whole": files})
    return f" {as_html(megabytes)}" + (f", {as_html(shards)}" if files > 1 else "")


def _part(part: int | str, whole: int | str) -> Said:
    return Said("{part} of {whole}", {"part": part, "whole": whole})


def problem_notice(problem: str) -> str:
    """HTML of a message that something cannot be done."""
    if not problem:
        return ""
    return f'<p class="notice" role="alert" data-say>{html.escape(problem)}</p>'
