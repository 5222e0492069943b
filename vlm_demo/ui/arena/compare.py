"""Compare: the same request to a few chosen models, side by side, named and not voted on."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.ui.arena.sides import (
    HINTS,
    TASKS,
    WITH_PLACES,
    WORDLESS,
    Pane,
    Side,
    amount,
    build_pane,
    has_places,
    named,
    outcome,
    request_card,
    side_by_side,
)
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.view import settled, waiting, written
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.model_choice import problem_notice
from vlm_demo.ui.components.picture_input.input import (
    build_picture_input,
    wanted,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.components.settings.panel import Choice
from vlm_demo.ui.context import PageContext, build_run_buttons
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited, errors_shown, plain_words_for
from vlm_demo.ui.tasks.ask import Answered, answered
from vlm_demo.values import Reply, Request, Sampling, Task

FEWEST, MOST = 2, 4
"""Models that are asked at a time."""


def build_compare(tab: gr.Tab, around: PageContext, show_tab: str) -> None:
    """Lay out the view and wire it to the backend.

    Args:
        tab: the tab of the view.
        around: the page around it.
        show_tab: JavaScript that brings the view to the front.
    """
    backend, controls = around.backend, around.controls
    same = gr.State(None)  # Asked | None: the request of another tab, which is asked as it was
    models = gr.Dropdown(
        _names(backend),
        value=_names(backend)[:FEWEST],
        multiselect=True,
        max_choices=MOST,
        label=say("Models"),
        info=say("2 to 4; all are asked the same"),
        elem_id="compare-models",
    )
    with gr.Column(visible=False, elem_id="compare-same") as carried:
        card = gr.HTML(apply_default_css=False)
        afresh = gr.Button(say("Ask something else"), size="sm", elem_id="compare-afresh")
    with gr.Row(equal_height=False) as form:
        with gr.Column(scale=4, min_width=280):
            own = build_picture_input("compare-picture", around)
        with gr.Column(scale=6, min_width=300):
            kind = gr.Radio(
                [(say(name), name) for name in TASKS],
                value="Chat",
                label=say("Task"),
                elem_id="compare-task",
            )
            words = build_words("compare-words")
    buttons = build_run_buttons("Ask all of them", "compare")
    with gr.Row(elem_classes="panes", equal_height=False):
        panes = [build_pane(f"compare-{number}", "compare") for number in range(1, MOST + 1)]

    def compare(
        chosen: Sequence[str],
        asked: Asked | None,
        picture: Picture | None,
        name: str,
        text: str,
        *settings: Any,
    ) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            if not FEWEST <= len(chosen) <= MOST:
                raise InputError(f"Please choose {FEWEST} to {MOST} models.")
            if asked is None:
                asked = _asked(TASKS[name], text, picture)
            request = asked.reopened()
            if asked.model:
                requests = [request] * len(chosen)
            else:
                requests = [_sampled(request, backend, model, settings) for model in chosen]
            places = request.task in WITH_PLACES or bool(request.regions)
            shown = panes[: len(chosen)]
            begun: dict[Any, Any] = {}
            for pane, model in zip(shown, chosen, strict=True):
                heading = named(backend.spec(model))
                begun |= pane.cleared(heading, asked.picture, placed=places)
                begun[pane.answer] = waiting()
            yield begun | {pane.column: gr.Column(visible=False) for pane in panes[len(chosen) :]}
            sources = [
                partial(_replies, backend, model, own_request)
                for model, own_request in zip(chosen, requests, strict=True)
            ]
            old: tuple[Side[Answered] | None, ...] = (None,) * len(shown)
            with closing(side_by_side(sources)) as rounds:
                for sides in rounds:
                    if not places and any(map(_has_places, sides)):
                        places, old = True, (None,) * len(shown)  # on all, the same picture
                    new: dict[Any, Any] = {}
                    for pane, side, before in zip(shown, sides, old, strict=True):
                        if side is not before:
                            new |= _seen(pane, side, asked, placed=places)
                    old = sides
                    yield new or gr.skip()

    def carry(asked: Asked | None) -> dict[Any, Any]:
        """Take over the request of another tab, with the model that answered it."""
        with errors_shown():
            if asked is None:
                raise InputError("There is no answer yet.")
            others = [model for model in chosen_by_default(asked) if model != asked.model]
            return {
                same: asked,
                models: gr.Dropdown(choices=_names(backend), value=[asked.model, *others]),
                carried: gr.Column(visible=True),
                form: gr.Row(visible=False),
                card: _card(asked),
                **empty(),
            }
        return {same: gr.skip()}

    def chosen_by_default(asked: Asked) -> list[str]:
        """Another model that is here, where there is only one to choose."""
        able = [
            model
            for model in backend.models_for(asked.request.task)
            if model != asked.model and backend.spec(model).is_here
        ]
        return able if len(able) == 1 else []

    def forget() -> dict[Any, Any]:
        return {
            same: None,
            carried: gr.Column(visible=False),
            form: gr.Row(visible=True),
            **empty(),
        }

    def empty() -> dict[Any, Any]:
        return {pane.column: gr.Column(visible=False) for pane in panes}

    asking = buttons.ask(
        [buttons.run.click, words.submit],
        compare,
        [models, same, own.picture, kind, words, *controls.settings],
        [component for pane in panes for component in pane.components],
        [pane.answer for pane in panes],
    )
    kind.change(words_of, kind, words, **QUICK)
    columns = [pane.column for pane in panes]
    carried_over = [same, models, carried, form, card, *columns]
    afresh.click(forget, None, [same, carried, form, *columns], cancels=[asking], **QUICK)
    tab.select(lambda: gr.Dropdown(choices=_names(backend)), None, models, **QUICK)
    wire_picture_input(tab, around, own, {}, cancels=[asking])
    for name, button in around.again.items():
        button.click(carry, around.asked[name], carried_over, cancels=[asking], **QUEUED).success(
            None, None, None, js=show_tab
        )


def build_words(elem_id: str) -> gr.Textbox:
    """Lay out the field for the words of a task, at first those of a chat."""
    label, hint = HINTS[Task.CHAT]
    return gr.Textbox(label=say(label), placeholder=say(hint), max_lines=4, elem_id=elem_id)


def words_of(name: str) -> gr.Textbox:
    """Return the field for words as a task wants it."""
    task = TASKS[name]
    if task in WORDLESS:
        return gr.Textbox(visible=False)
    label, hint = HINTS[task]
    return gr.Textbox(label=say(label), placeholder=say(hint), visible=True)


def check_words(task: Task, words: str, picture: Picture | None) -> None:
    """Refuse a request that lacks its picture or its words, before any model is asked.

    Raises:
        InputError: it does; the message says what to add.
    """
    if task is not Task.CHAT:
        wanted(picture)
    if task not in WORDLESS and not words.strip():
        raise InputError(f"Please fill in “{HINTS[task][0]}” first.")


def _asked(task: Task, words: str, picture: Picture | None) -> Asked:
    """Note what the form asks; nobody has answered it yet."""
    check_words(task, words, picture)
    text = "" if task in WORDLESS else words
    return Asked.now("", Request(task, text), Reply("", ""), (picture,) if picture else ())


def _sampled(request: Request, backend: Backend, model: str, settings: Sequence[Any]) -> Request:
    sampling: Sampling = Choice.of(backend, model, *settings).sampling
    return replace(request, sampling=sampling)


def _replies(
    backend: Backend, model: str, request: Request
) -> Generator[Answered | None, None, None]:
    """Ask as the page's other tabs ask; the last answer is complete."""
    if request.task is Task.VQA:
        yield from answered(backend, model, request, circular=False)
        return
    newest = None
    for new in awaited(backend, model, request):
        if isinstance(new, Waiting):
            yield None, waiting(new)
            continue
        newest = new or newest
        yield (new, written(new, busy=True)) if new else None
    if newest is not None:
        note, tone = outcome(request.task, newest)
        yield newest, written(newest, busy=False, note=note, tone=tone)


def _has_places(side: Side[Answered]) -> bool:
    reply = side.newest[0] if side.newest else None
    return reply is not None and has_places(reply)


def _seen(pane: Pane, side: Side[Answered], asked: Asked, *, placed: bool) -> dict[Any, Any]:
    """Show how far one answer has come, and why one failed."""
    written_so_far, value = side.newest or (None, waiting())
    reply = written_so_far or Reply("", "")
    new: dict[Any, Any] = {
        **pane.drawn(asked.picture, reply, placed=placed, regions=asked.request.regions),
        pane.answer: settled(value) if side.done else value,
    }
    if written_so_far is not None:
        new[pane.foot] = f"<p>{side.seconds:.1f} s · {amount(reply.text)}</p>"
    if side.error is not None:
        new[pane.foot] = problem_notice(plain_words_for(side.error))
    return new


def _card(asked: Asked) -> str:
    request = asked.request
    pictures = [picture for group in (*asked.earlier, asked.pictures) for picture in group]
    notes = [Said("Asked as {model} was", {"model": asked.model})]
    if (sampling := request.sampling) is not None:
        notes += [
            Said("temperature {temperature}", {"temperature": f"{sampling.temperature:g}"}),
            Said("at most {count} tokens", {"count": sampling.max_new_tokens}),
        ]
    if request.choices:
        notes.append(Said("one of: {choices}", {"choices": ", ".join(request.choices)}))
    return request_card(request.task, request.text, pictures, earlier=request.history, notes=notes)


def _names(backend: Backend) -> list[str]:
    return [spec.name for spec in backend.menu if spec.runs_here]
