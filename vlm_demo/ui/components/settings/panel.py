"""The generation settings, shared by all tabs and kept for each model while the page is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, UnknownModelError
from vlm_demo.families import get_family
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.settings.sampling_values import (
    Values,
    differ,
    hints,
    own_values,
    sampled,
    written_seed,
)
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import Said, as_value
from vlm_demo.ui.i18n import say
from vlm_demo.values import Sampling

MOST_NEW_TOKENS = 2048

Kept = Mapping[str, Values]
"""What a person has changed, by name of the model."""

_SCRIPT = browser_files.read("components/settings/panel.js")

_MARK = '<span class="settings-changed" hidden></span>'

_FOOT = """
<div class="settings-foot"><ul class="settings-hints" role="status"></ul>
<button type="button" class="settings-reset" hidden></button></div>
"""


@dataclass(frozen=True, slots=True)
class Controls:
    """What every request of the page depends on."""

    backend: Backend
    model: gr.Dropdown
    temperature: gr.Slider
    top_p: gr.Slider
    max_new_tokens: gr.Slider
    repetition_penalty: gr.Slider
    seed: gr.Textbox
    mark: gr.HTML  # beside the title: how many are not the model's own, and whose they are
    foot: gr.HTML  # below them: what unusual ones do, and a button that resets them
    kept: gr.State  # Kept

    @property
    def inputs(self) -> list[Component]:
        """The components, in the order in which `Choice.of` takes their values."""
        return [self.model, *self.settings, self.mark]

    @property
    def settings(self) -> list[Component]:
        """The generation settings, without the model."""
        return [
            self.temperature,
            self.top_p,
            self.max_new_tokens,
            self.repetition_penalty,
            self.seed,
        ]

    @property
    def outputs(self) -> list[Component]:
        """The components that `chosen` gives values for."""
        return [self.model, *self.settings, self.mark, self.foot]

    def chosen(self, model: str, kept: Kept) -> dict[Any, Any]:
        """Return how all of them look when another model is chosen.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        names = [spec.name for spec in self.backend.menu if spec.runs_here]
        return {self.model: gr.Dropdown(choices=names, value=model), **self.of(model, kept)}

    def of(self, model: str, kept: Kept) -> dict[Any, Any]:
        """Return the settings of a model: as a person has left them, or its own.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        values = kept.get(model) or own_values(self.backend, model)
        return dict(zip(self.settings, values, strict=True)) | self.told(model, values)

    def told(self, model: str, values: Values) -> dict[Any, Any]:
        """Return what is said about the values of a model's settings."""
        own = own_values(self.backend, model)
        changed = sum(map(differ, values, own))
        try:
            told = list(hints(sampled(Sampling(), *values)))
        except InputError as error:
            told = [Said(str(error))]
        state = as_value({"model": model, "changed": changed, "hints": told})
        return {self.mark: state, self.foot: state}


@dataclass(frozen=True, slots=True)
class Choice:
    """The values of the controls."""

    model: str
    sampling: Sampling

    @classmethod
    def of(
        cls,
        backend: Backend,
        model: str,
        temperature: float,
        top_p: float,
        max_new_tokens: float,
        repetition_penalty: float,
        seed: str | float | None,
        mark: object = None,
    ) -> Choice:
        """Build it from the values of the components.

        Where `mark` says that the settings are still those of the model that was chosen before,
        the model's own are taken.

        Raises:
            UnknownModelError: there is no such model on the menu.
            InputError: the seed is none.
        """
        own = get_family(backend.spec(model).family).sampling
        if _whose(mark) not in (None, model):
            return cls(model, own)
        return cls(
            model, sampled(own, temperature, top_p, max_new_tokens, repetition_penalty, seed)
        )


def build_settings(backend: Backend, model: gr.Dropdown) -> Controls:
    """Lay out the settings in a closed fold-out; they start at the own values of the model."""
    first = backend.menu[0].name
    own = get_family(backend.menu[0].family).sampling
    state = as_value({"model": first, "changed": 0, "hints": []})
    with gr.Column(elem_id="settings-block"):
        mark = _told(state, _MARK, "settings-mark")
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
                    info=say("0 always takes the likeliest word"),
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
                    info=say("Share of likely words to draw"),
                )
                max_new_tokens = gr.Slider(
                    8,
                    MOST_NEW_TOKENS,
                    own.max_new_tokens,
                    step=8,
                    buttons=[],
                    min_width=280,
                    label=say("Longest answer"),
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
                    info=say("Above 1 avoids saying the same again"),
                )
                # Not a gr.Number: in the browser an empty one begins as 0.
                seed = gr.Textbox(
                    written_seed(own.seed),
                    label=say("Seed"),
                    max_lines=1,
                    min_width=280,
                    info=say("The same seed draws the same words; empty draws anew"),
                    elem_id="settings-seed",
                )
            foot = _told(state, _FOOT, "settings-foot")
    controls = Controls(
        backend=backend,
        model=model,
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=max_new_tokens,
        repetition_penalty=repetition_penalty,
        seed=seed,
        mark=mark,
        foot=foot,
        kept=gr.State({}),
    )
    _wire(controls)
    return controls


def _told(state: str, template: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        state,
        html_template=template,
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def _wire(controls: Controls) -> None:
    """Keep what people change, for each model, and say what it does."""

    def keep(kept: Kept, mark: object, *values: float | str | None) -> dict[Any, Any]:
        model = _whose(mark)
        if model is None:
            return {controls.kept: kept}
        try:
            told = controls.told(model, values)
        except UnknownModelError:  # a browser can send any name
            return {controls.kept: kept}
        return {controls.kept: {**kept, model: values}, **told}

    def reset(model: str, kept: Kept) -> dict[Any, Any]:
        left = {name: values for name, values in kept.items() if name != model}
        return {controls.kept: left, **controls.of(model, left)}

    said = [controls.mark, controls.foot]
    sliders = (controls.temperature, controls.top_p, controls.max_new_tokens)
    others = (controls.repetition_penalty, controls.seed)
    gr.on(
        [component.input for component in (*sliders, *others)],
        keep,
        [controls.kept, controls.mark, *controls.settings],
        [controls.kept, *said],
        trigger_mode="always_last",
        **QUICK,
    )
    controls.model.change(
        controls.of, [controls.model, controls.kept], [*controls.settings, *said], **QUICK
    )
    controls.foot.clear(
        reset,
        [controls.model, controls.kept],
        [controls.kept, *controls.settings, *said],
        **QUICK,
    )


def _whose(mark: object) -> str | None:
    """Read from the value of the mark which model the settings are of; None: it does not say."""
    try:
        content = json.loads(mark) if isinstance(mark, str) else None
    except json.JSONDecodeError:
        return None
    model = content.get("model") if isinstance(content, dict) else None
    return model if isinstance(model, str) else None
