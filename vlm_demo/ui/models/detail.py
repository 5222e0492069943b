"""The right half of the tab: the card of one model, with the buttons that load and unload it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.vllm import vllm_command
from vlm_demo.engines import NumberFormat, Progress
from vlm_demo.pool import FormatOption
from vlm_demo.translatable_text import DisplayText, message
from vlm_demo.ui.i18n import say
from vlm_demo.ui.models.card import card_facts, card_head, card_usage
from vlm_demo.units import format_bytes

DOES_NOT_FIT = message("does not fit")


@dataclass(frozen=True, slots=True)
class ModelDetail:
    """The components of the card, and what they show of a model."""

    backend: Backend
    model: gr.State  # name of the model that the card is about
    head: gr.HTML
    number_format: gr.Dropdown
    use: gr.Button
    open: gr.Button  # use it, in Studio
    load: gr.Button
    stop: gr.Button
    unload: gr.Button
    usage_column: gr.Column
    refresh: gr.Button
    usage: gr.HTML
    facts: gr.HTML
    vllm: gr.Accordion
    vllm_lines: gr.Code

    @property
    def components(self) -> list[Any]:
        """The components that `show` and `show_loading` give values for."""
        return [
            *(self.model, self.head, self.number_format, self.use, self.open, self.load, self.stop),
            *(self.unload, self.usage_column, self.usage, self.facts),
            *(self.vllm, self.vllm_lines),
        ]

    def show(self, spec: ModelSpec, problem: DisplayText = "") -> dict[Any, Any]:
        """Show the card of a model, and the buttons that it needs."""
        loaded = self.backend.is_loaded(spec.name)
        can_load = spec.runs_here and not loaded
        return {
            self.model: spec.name,
            self.head: card_head(spec, loaded=loaded, problem=problem),
            self.facts: card_facts(spec),
            self.number_format: self._format_choices(spec),
            self.use: gr.Button(visible=spec.runs_here or "hidden", interactive=True),
            self.open: gr.Button(visible=spec.runs_here or "hidden", interactive=True),
            self.load: gr.Button(visible=can_load or "hidden", interactive=True),
            self.stop: gr.Button(visible="hidden"),
            self.unload: gr.Button(visible=loaded or "hidden"),
            **self.show_usage(spec.name),
            **self._show_vllm(spec),
        }

    def _show_vllm(self, spec: ModelSpec) -> dict[Any, Any]:
        """Show how vLLM serves a model, if it does."""
        lines = _describe_vllm(spec)
        return {self.vllm: gr.Accordion(visible=bool(lines) or "hidden"), self.vllm_lines: lines}

    def _format_choices(self, spec: ModelSpec) -> gr.Dropdown:
        """Return the choice of the number formats in which a model can be loaded."""
        offers = self.backend.format_options(spec.name) if spec.runs_here else []
        return gr.Dropdown(
            choices=[(_describe_offer(offer), offer.number_format.value) for offer in offers],
            value=self.backend.number_format(spec.name).value if offers else None,
            visible=len(offers) > 1 or "hidden",
            interactive=True,
        )

    def show_usage(self, name: str) -> dict[Any, Any]:
        """Show what a model is doing, if it is loaded."""
        usage = self.backend.usage(name)
        return {
            self.usage_column: gr.Column(visible=usage is not None or "hidden"),
            self.usage: card_usage(usage) if usage else "",
        }

    def show_loading(self, spec: ModelSpec) -> dict[Any, Any]:
        """Show that a model is being loaded."""
        return {
            **self.show_progress(spec, Progress("loading", 0, None, "steps")),
            self.number_format: gr.Dropdown(interactive=False),
            self.use: gr.Button(interactive=False),
            self.open: gr.Button(interactive=False),
            self.load: gr.Button(visible="hidden"),
            self.stop: gr.Button(visible=True),
            self.unload: gr.Button(visible="hidden"),
            self.usage_column: gr.Column(visible="hidden"),
        }

    def show_progress(self, spec: ModelSpec, progress: Progress) -> dict[Any, Any]:
        """Show how far loading has come."""
        return {self.head: card_head(spec, progress=progress)}

    def offer_reload(self, name: str, number_format: str | None) -> dict[Any, Any]:
        """Offer to load a model again, once another format is chosen."""
        spec, loaded = self.backend.spec(name), self.backend.is_loaded(name)
        differs = number_format is not None and number_format != self.backend.number_format(name)
        needed = spec.runs_here and (differs or not loaded)
        label = say("Load again") if loaded else say("Load")
        return {self.load: gr.Button(label, visible=needed or "hidden")}


def build_model_detail(backend: Backend) -> ModelDetail:
    """Lay out the card of the first model of the menu."""
    first = backend.menu[0]
    head = gr.HTML(card_head(first), elem_id="models-head", apply_default_css=False)
    number_format = gr.Dropdown(
        [(say("Original"), NumberFormat.AUTO.value)],
        label=say("Precision"),
        visible="hidden",
        filterable=False,
        elem_id="models-format",
    )
    with gr.Row(elem_id="models-buttons"):
        use = gr.Button(say("Use this model"), variant="primary", size="md", elem_id="models-use")
        open_studio = gr.Button(say("Open in Studio"), size="md", elem_id="models-open")
        load = gr.Button(say("Load"), size="md", elem_id="models-load")
        stop = gr.Button(
            say("Stop"), variant="stop", visible="hidden", size="md", elem_id="models-stop"
        )
        unload = gr.Button(say("Unload"), visible="hidden", size="md", elem_id="models-unload")
    with gr.Column(visible="hidden", elem_id="models-usage") as usage_column:
        refresh = gr.Button(say("Refresh"), size="sm", elem_id="models-refresh")
        usage = gr.HTML(apply_default_css=False)
    facts = gr.HTML(card_facts(first), elem_id="models-facts", apply_default_css=False)
    lines = _describe_vllm(first)
    with gr.Accordion(
        say("Serve it by vLLM"),
        open=False,
        visible=bool(lines) or "hidden",
        elem_id="models-vllm",
    ) as vllm:
        vllm_lines = gr.Code(
            lines,
            language="shell",
            label=say("Command, and lines for a menu (--menu)"),
            interactive=False,
            lines=1,
        )
    return ModelDetail(
        *(backend, gr.State(first.name), head, number_format, use, open_studio, load, stop, unload),
        *(usage_column, refresh, usage, facts, vllm, vllm_lines),
    )


def _describe_vllm(spec: ModelSpec) -> str:
    """Return the command that serves a model by vLLM, and the menu lines that use it."""
    command = vllm_command(spec)
    return f"{command.serve}\n\n{command.menu}" if command else ""


def _describe_offer(offer: FormatOption) -> str:
    """Describe one way to load a model; the browser translates only one part of a text."""
    memory = f" · {format_bytes(offer.memory)}" if offer.memory else ""
    if offer.number_format is NumberFormat.AUTO:
        return f"{say('Original') if offer.fits else say('Original, does not fit')}{memory}"
    return f"{offer.number_format}{memory}{'' if offer.fits else f' · {say(DOES_NOT_FIT)}'}"
