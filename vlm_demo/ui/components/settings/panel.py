"""The generation settings: all tabs share them; what is changed is changed for each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.catalog.thinking import has_thinking_switch
from vlm_demo.errors import InputError, UnknownModelError
from vlm_demo.families import get_family
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.model_choice import runnable_models
from vlm_demo.ui.components.settings.request_settings import read_badge_model
from vlm_demo.ui.components.settings.sampling_values import (
    THINKING_VALUES,
    SettingValues,
    build_sampling,
    differs,
    find_hints,
    format_seed,
    own_settings,
)
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import encode_value
from vlm_demo.ui.i18n import say
from vlm_demo.values import Sampling

MAX_NEW_TOKENS = 2048
"""Longest answer, in tokens, that the slider offers."""

ChangedSettings = Mapping[str, SettingValues]
"""What a person has changed, by name of the model."""

_SCRIPT = browser_files.read("components/settings/panel.js")

_BADGE = '<span class="settings-changed" hidden></span>'

_FOOTER = """
<div class="settings-foot"><ul class="settings-hints" role="status"></ul>
<button type="button" class="settings-reset" hidden></button></div>
"""


@dataclass(frozen=True, slots=True)
class Controls:
    """The components that every request of the page depends on."""

    backend: Backend
    model: gr.Dropdown
    temperature: gr.Slider
    top_p: gr.Slider
    max_new_tokens: gr.Slider
    repetition_penalty: gr.Slider
    seed: gr.Textbox
    thinking: gr.Radio  # only where the model has such a switch
    badge: gr.HTML  # beside the title: how many are not the model's own, and whose they are
    footer: gr.HTML  # below them: what unusual ones do, and a button that resets them
    changed: gr.State  # ChangedSettings

    @property
    def inputs(self) -> list[Component]:
        """The components, in the order in which `RequestSettings.read` takes their values."""
        return [self.model, *self.sampling_inputs, self.badge]

    @property
    def sampling_inputs(self) -> list[Component]:
        """The generation settings, without the model."""
        return [
            self.temperature,
            self.top_p,
            self.max_new_tokens,
            self.repetition_penalty,
            self.seed,
            self.thinking,
        ]

    @property
    def outputs(self) -> list[Component]:
        """The components that `select_model` gives values for."""
        return [self.model, *self.sampling_inputs, self.badge, self.footer]

    def select_model(self, model: str, changed: ChangedSettings) -> dict[Any, Any]:
        """Return the values of all of them for another model.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        choices = runnable_models(self.backend)
        return {
            self.model: gr.Dropdown(choices=choices, value=model),
            **self.values_for(model, changed),
        }

    def values_for(self, model: str, changed: ChangedSettings) -> dict[Any, Any]:
        """Return the settings of a model: as a person has changed them, or its own.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        values = changed.get(model) or own_settings(self.backend, model)
        components = dict(zip(self.sampling_inputs, values, strict=True))
        has_switch = has_thinking_switch(self.backend.spec(model))
        components[self.thinking] = gr.Radio(value=values[-1], visible=has_switch)
        return components | self.describe(model, values)

    def describe(self, model: str, values: SettingValues) -> dict[Any, Any]:
        """Return what the page says about the values of a model's settings."""
        count = sum(map(differs, values, own_settings(self.backend, model)))
        try:
            hints = list(find_hints(build_sampling(Sampling(), *values)))
        except InputError as error:
            hints = [error.message]
        state = encode_value({"model": model, "changed": count, "hints": hints})
        return {self.badge: state, self.footer: state}


def build_settings(backend: Backend, model: gr.Dropdown) -> Controls:
    """Lay out the settings in a closed fold-out, with the model's own values."""
    first = backend.menu[0].name
    own = get_family(backend.menu[0].family).sampling
    state = encode_value({"model": first, "changed": 0, "hints": []})
    with gr.Column(elem_id="settings-block"):
        badge = _build_note(state, _BADGE, "settings-mark")
        with gr.Accordion(say("Generation settings"), open=False, elem_id="settings"):
            with gr.Row():
                temperature = gr.Slider(
                    0,
                    1.5,
                    own.temperature,
                    step=0.05,
                    buttons=[],
                    min_width=280,
                    label=say("Temperature"),
                    info=say("0 = deterministic"),
                    elem_id="settings-temperature",
                )
                top_p = gr.Slider(
                    0.05,
                    1,
                    own.top_p,
                    step=0.05,
                    buttons=[],
                    min_width=280,
                    label=say("Top p"),
                    info=say("Nucleus sampling"),
                )
                max_new_tokens = gr.Slider(
                    8,
                    MAX_NEW_TOKENS,
                    own.max_new_tokens,
                    step=8,
                    buttons=[],
                    min_width=280,
                    label=say("Max tokens"),
                    info=say("In tokens, about ¾ of a word each"),
                )
                repetition_penalty = gr.Slider(
                    1,
                    2,
                    own.repetition_penalty,
                    step=0.05,
                    buttons=[],
                    min_width=280,
                    label=say("Repetition penalty"),
                    info=say("Above 1 discourages repetition"),
                )
                # Not a gr.Number: in the browser an empty one begins as 0.
                seed = gr.Textbox(
                    format_seed(own.seed),
                    label=say("Seed"),
                    max_lines=1,
                    min_width=280,
                    info=say("The same seed gives the same answer; without one, it varies"),
                    elem_id="settings-seed",
                )
                thinking = gr.Radio(
                    [
                        (say("As the model does"), THINKING_VALUES[None]),
                        (say("Think first"), THINKING_VALUES[True]),
                        (say("Answer directly"), THINKING_VALUES[False]),
                    ],
                    value=THINKING_VALUES[own.thinking],
                    visible=has_thinking_switch(backend.menu[0]),
                    label=say("Reasoning"),
                    info=say("Thinking takes longer; it is shown collapsed above the answer"),
                    min_width=280,
                    elem_id="settings-thinking",
                )
            footer = _build_note(state, _FOOTER, "settings-foot")
    controls = Controls(
        backend=backend,
        model=model,
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=max_new_tokens,
        repetition_penalty=repetition_penalty,
        seed=seed,
        thinking=thinking,
        badge=badge,
        footer=footer,
        changed=gr.State({}),
    )
    _wire(controls)
    return controls


def _build_note(state: str, template: str, elem_id: str) -> gr.HTML:
    return build_html_component(state, template, _SCRIPT, elem_id)


def _wire(controls: Controls) -> None:
    """Keep what people change, for each model, and say what it does."""

    def keep(
        changed: ChangedSettings, badge: object, *values: float | str | None
    ) -> dict[Any, Any]:
        model = read_badge_model(badge)
        if model is None:
            return {controls.changed: changed}
        try:
            described = controls.describe(model, values)
        except UnknownModelError:  # a browser can send any name
            return {controls.changed: changed}
        return {controls.changed: {**changed, model: values}, **described}

    def reset(model: str, changed: ChangedSettings) -> dict[Any, Any]:
        others = {name: values for name, values in changed.items() if name != model}
        return {controls.changed: others, **controls.values_for(model, others)}

    notes = [controls.badge, controls.footer]
    sliders = (controls.temperature, controls.top_p, controls.max_new_tokens)
    others = (controls.repetition_penalty, controls.seed, controls.thinking)
    gr.on(
        [component.input for component in (*sliders, *others)],
        keep,
        [controls.changed, controls.badge, *controls.sampling_inputs],
        [controls.changed, *notes],
        trigger_mode="always_last",
        **QUICK,
    )
    controls.model.change(
        controls.values_for,
        [controls.model, controls.changed],
        [*controls.sampling_inputs, *notes],
        **QUICK,
    )
    controls.footer.clear(
        reset,
        [controls.model, controls.changed],
        [controls.changed, *controls.sampling_inputs, *notes],
        **QUICK,
    )
