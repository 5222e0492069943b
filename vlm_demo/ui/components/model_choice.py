"""The model of the whole page: choosing it, loading it, adding another checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.server_menu import is_server_address
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Progress
from vlm_demo.errors import InputError, UntrustedCodeError, VlmDemoError
from vlm_demo.ui.components.code_trust import build_code_trust, comes_from_here, require_trust
from vlm_demo.ui.components.model_card import model_card_html
from vlm_demo.ui.components.server_form import build_server_form
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors


def build_model_choice(backend: Backend) -> tuple[gr.Dropdown, gr.HTML]:
    """Lay out the choice and the card below it; `wire_model_choice` brings them to life."""
    first = backend.menu[0]
    with gr.Row(elem_id="page-model"):
        model = gr.Dropdown(
            runnable_models(backend),
            value=first.name,
            label=say("Model"),
            show_label=False,
            container=False,
            filterable=True,  # there are a hundred names
            elem_id="model",
            scale=0,
            min_width=220,
        )
    card = gr.HTML(model_card_html(first), elem_id="model-card", apply_default_css=False)
    return model, card


def wire_model_choice(
    blocks: gr.Blocks, backend: Backend, model: gr.Dropdown, card: gr.HTML
) -> None:
    """Load the model when the page opens and whenever another is chosen, and show the progress."""

    def load(name: str) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            spec = backend.spec(name)
            if not backend.is_loaded(name):
                yield {card: model_card_html(spec, progress=Progress("loading", 0, None, "steps"))}
                try:
                    for progress in backend.load(name):
                        yield {card: model_card_html(spec, progress=progress)}
                except VlmDemoError as error:
                    yield {card: model_card_html(spec, problem=str(error))}
                    return
            yield {card: model_card_html(spec, is_ready=True)}

    def update_menu() -> dict[Any, Any]:
        return {model: gr.Dropdown(choices=runnable_models(backend))}

    blocks.load(update_menu, None, model, **QUICK)
    gr.on(
        [blocks.load, model.change],
        load,
        inputs=model,
        outputs=card,
        trigger_mode="always_last",
        **QUEUED,
    )


def build_model_addition(backend: Backend, model: gr.Dropdown, *, is_private: bool) -> None:
    """Lay out the fields that put any checkpoint, or the models of any server, on the menu.

    Args:
        backend: that has the menu.
        model: the choice of the page's model.
        is_private: whether only this computer can open the page. Otherwise only a menu file can
            trust code that a checkpoint brings, or name a server: visitors would run any code, and
            reach any address of the network.
    """
    with gr.Accordion(say("Add a model"), open=False, elem_id="add-model"):
        checkpoint = gr.Textbox(
            label=say("Hub id or folder of a checkpoint, or address of a server"),
            placeholder="HuggingFaceTB/SmolVLM-256M-Instruct",
            info=say("It is fetched from the Hugging Face Hub if it is not on this computer."),
            submit_btn=str(say("Add")),
            max_lines=1,
            elem_id="add-model-name",
        )
        trust = build_code_trust() if is_private else None
        build_list = partial(runnable_models, backend)
        servers = build_server_form(backend, model, build_list) if is_private else None
    outputs = [model, checkpoint, *(trust.components if trust else ())]
    outputs += servers.outputs if servers else ()

    def show_new_model(spec: ModelSpec) -> dict[Any, Any]:
        return {
            model: gr.Dropdown(choices=runnable_models(backend), value=spec.name),
            checkpoint: "",
            **(trust.hide() if trust else {}),
        }

    def add(name: str, request: gr.Request) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            if not name.strip():
                raise InputError("Please write the Hub id or the folder of a checkpoint.")
            if is_server_address(name):
                if servers is None:
                    raise InputError(
                        "This is the address of a server. Only who starts this page can add its "
                        "models, with --server or in a menu file."
                    )
                yield {checkpoint: "", servers.address: name}
                yield from servers.list_models(name, "", request)
                return
            try:
                yield show_new_model(backend.add_checkpoint(name.strip()))
            except UntrustedCodeError as error:
                if trust is None or not comes_from_here(request):
                    raise
                yield trust.ask(error)

    def add_with_trust(
        code: tuple[str, str] | None, has_agreed: bool, request: gr.Request
    ) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            if not comes_from_here(request):
                raise InputError("Code can be trusted only on the computer that runs it.")
            name, revision = require_trust(code, has_agreed)
            yield show_new_model(backend.add_checkpoint(name, trusted_revision=revision))

    checkpoint.submit(
        add,
        checkpoint,
        outputs,
        api_visibility="private",
        show_progress="minimal",
        show_progress_on=checkpoint,
    )
    if trust:
        trust.confirm.click(add_with_trust, [trust.code, trust.agreement], outputs, **QUEUED)


def runnable_models(backend: Backend) -> list[str]:
    """Return the names of the models that run here. The Models tab lists the others too."""
    return [spec.name for spec in backend.menu if spec.runs_here]
