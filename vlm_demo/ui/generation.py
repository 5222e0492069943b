"""The generation settings, shared by all tabs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.families import get_family
from vlm_demo.types import Sampling

MOST_NEW_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Controls:
    """What every request of the page depends on."""

    model: gr.Dropdown
    temperature: gr.Slider
    top_p: gr.Slider
    max_new_tokens: gr.Slider
    repetition_penalty: gr.Slider
    seed: gr.Number

    @property
    def inputs(self) -> list[Component]:
        """The components, in the order in which `Choice.of` takes their values."""
        return [self.model, *self.settings]

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
        seed: float | None,
    ) -> Choice:
        """Build it from the values of the components.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        own = get_family(backend.spec(model).family).sampling
        return cls(
            model, sampled(own, temperature, top_p, max_new_tokens, repetition_penalty, seed)
        )


def sampled(
    own: Sampling,
    temperature: float,
    top_p: float,
    max_new_tokens: float,
    repetition_penalty: float,
    seed: float | None,
) -> Sampling:
    """Return a sampling with the values of the components that set it, and others of its `own`."""
    return replace(
        own,
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=int(max_new_tokens),
        repetition_penalty=repetition_penalty,
        seed=None if seed is None else int(seed),
    )


def build_settings(backend: Backend, model: gr.Dropdown) -> Controls:
    """Lay out the settings in a closed fold-out; they start at the own values of the model."""
    own = get_family(backend.menu[0].family).sampling
    with (
        gr.Accordion("Generation settings", open=False, elem_id="settings"),
        gr.Row(),
    ):
        controls = Controls(
            model=model,
            temperature=gr.Slider(
                0,
                1.5,
                own.temperature,
                step=0.05,
                label="Temperature",
                info="0 always takes the likeliest word",
            ),
            top_p=gr.Slider(
                0.05,
                1,
                own.top_p,
                step=0.05,
                label="Top p",
                info="Share of likely words to draw",
            ),
            max_new_tokens=gr.Slider(
                8,
                MOST_NEW_TOKENS,
                own.max_new_tokens,
                step=8,
                label="Longest answer",
                info="In tokens, about ¾ of a word each",
            ),
            repetition_penalty=gr.Slider(
                1,
                2,
                own.repetition_penalty,
                step=0.05,
                label="Repetition penalty",
                info="Above 1 avoids saying the same again",
            ),
            seed=gr.Number(
                own.seed,
                label="Seed",
                precision=0,
                minimum=0,
                info="The same seed draws the same words; empty draws anew",
            ),
        )

    def own_values(name: str) -> list[float | int | None]:
        sampling = get_family(backend.spec(name).family).sampling
        return [
            sampling.temperature,
            sampling.top_p,
            sampling.max_new_tokens,
            sampling.repetition_penalty,
            sampling.seed,
        ]

    model.change(
        own_values,
        model,
        controls.settings,
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    return controls
