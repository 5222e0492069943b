"""Offers a larger model where those of the program do not know a picture or a question."""

from __future__ import annotations

from vlm_demo.answering.model_routing import wants_larger_model
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import is_hub_reachable
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.components.answer.remedies import Remedy, RemedyAction
from vlm_demo.values import Reply, Task

BYTES_A_PARAMETER = 2
"""Size of a parameter in the files of nearly all checkpoints."""


def offer_larger_model(backend: Backend, reply: Reply, task: Task) -> tuple[Remedy, ...]:
    """Return the remedy for an answer that only a larger model could give, if there is one.

    One that is on this computer or a server is asked at once; else the smallest that fits into
    memory is fetched, where the Hub can be reached.
    """
    if not wants_larger_model(backend.spec(reply.model), reply):
        return ()
    able = [spec for spec in map(backend.spec, backend.models_for(task)) if not spec.made_for]
    near = next((one for one in able if one.is_here or one.engine == "remote"), None)
    if near is not None:
        label = TranslatableText("Ask {model} instead", {"model": near.name})
        return (Remedy(RemedyAction.MODEL, label, near.name),)
    able = [one for one in able if one.parameters]
    smallest = min(able, key=lambda one: one.parameters or 0, default=None)
    if smallest is None or not is_hub_reachable() or not _fits(backend, smallest):
        return ()
    size = f"{BYTES_A_PARAMETER * (smallest.parameters or 0) / 1e9:.1f}"
    label = TranslatableText("Get {model} ({size} GB)", {"model": smallest.name, "size": size})
    return (Remedy(RemedyAction.MODEL, label, smallest.name),)


def _fits(backend: Backend, spec: ModelSpec) -> bool:
    return spec.finest_format(backend.free_memory().for_model) is not None
