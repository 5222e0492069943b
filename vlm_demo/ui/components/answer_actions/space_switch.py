"""The choice of what the numbers of an answer count, where that is in doubt.

Another choice draws the regions anew from what the model wrote; it is not asked again. On a page of
one's own the choice is remembered for the model.
"""

from __future__ import annotations

from dataclasses import replace

import gradio as gr

from vlm_demo.analysis.reread import reread, spaces_to_choose
from vlm_demo.backend import Backend
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.i18n import say


def build_space_switch(slug: str) -> gr.Dropdown:
    """Lay out the choice below a tab's answer; it is hidden until there is an answer in doubt."""
    return gr.Dropdown(
        [(say("Its own"), "")],
        value="",
        label=say("What the numbers count"),
        visible=False,
        filterable=False,
        elem_id=f"{slug}-space",
    )


def space_switch_value(backend: Backend, answer: AnsweredRequest | None) -> gr.Dropdown:
    """Show the choice for an answer, or hide it where there is no doubt."""
    if answer is None:
        return gr.Dropdown(visible=False)
    spec = backend.spec(answer.model)
    spaces = spaces_to_choose(spec, answer.reply)
    is_guessed = get_family(spec.family).contested_spaces == ()
    own = say("Guessed from the numbers") if is_guessed else say("Its own")
    return gr.Dropdown(
        [(own, ""), *((say(space.title), space.name) for space in spaces)],
        value=spec.coordinate_space if answer.space is None else answer.space,
        visible=bool(spaces),
    )


def reread_answer(
    backend: Backend, settings: Settings, answer: AnsweredRequest, space: str
) -> AnsweredRequest:
    """Read an answer in the space that was chosen; remember it on a page of one's own.

    Raises:
        ImageError: a picture has been cleaned away meanwhile.
        VlmDemoError: there is no such space, or the model is no longer on the menu.
    """
    spec = backend.spec(answer.model)
    reply = reread(spec, answer.reopen_request(), answer.reply, space)
    if settings.is_private():
        backend.choose_space(answer.model, space)
    return replace(answer, reply=reply, space=space)
