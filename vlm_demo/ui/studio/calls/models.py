"""What Studio's browser application knows of each model: who can do what, where, and why not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.system_prompt import takes_system_prompt
from vlm_demo.catalog.thinking import has_thinking_switch
from vlm_demo.catalog.visual_tokens import list_visual_tokens
from vlm_demo.engines import FreeMemory, ImageKind, NumberFormat
from vlm_demo.families import get_family
from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text
from vlm_demo.ui.studio.answering.events import text_data
from vlm_demo.units import format_parameters
from vlm_demo.values import RegionForm, Task

Group = Literal["here", "fits", "elsewhere", "servers"]
"""Where a model is: on this computer; to be fetched; too large or not runnable; on a server."""

REGION_FORMS = {RegionForm.AUTO: "words", RegionForm.MARKS: "marks", RegionForm.CROP: "crops"}
"""The forms in which marked regions can reach a model, as the browser calls them."""

GROUNDING_TASKS = (Task.GROUNDING, Task.DETECT, Task.GROUNDED_CAPTION)
"""Tasks whose answers have regions."""


SEEN_ANSWERED = {
    "English": ("en", "What is in this picture?", ""),
    "Japanese": ("ja", "何が写っていますか?", ""),
    "Chinese": ("zh", "照片里有什么？", ImageKind.PHOTOGRAPH.value),
}
"""By language, a question that the embedded models were seen to answer; "": about any picture."""


def list_models(backend: Backend, *, measure: bool) -> list[dict[str, Any]]:
    """Return the models of the menu that answer, the default first.

    Args:
        backend: the models.
        measure: whether to find out how much memory is free, which takes seconds the first time.
    """
    free = backend.free_memory() if measure else None
    return [model_info(backend, spec, free) for spec in backend.menu if spec.answers]


def list_usable_models(backend: Backend) -> list[dict[str, Any]]:
    """Return the models of the menu that can be asked, the default first, without measuring."""
    usable = (spec for spec in backend.menu if spec.runs_here and spec.answers)
    return [model_info(backend, spec, None) for spec in usable]


def model_info(backend: Backend, spec: ModelSpec, free: FreeMemory | None) -> dict[str, Any]:
    """Return what a browser is told about a model.

    Args:
        backend: the models.
        spec: the menu's entry.
        free: memory for another model; None: not known, so every model may fit.
    """
    return {
        **_lasting_info(spec, spec.is_here),
        "group": group_of(spec, free),
        "loaded": backend.is_loaded(spec.name),
    }


@lru_cache(maxsize=2_000)
def _lasting_info(spec: ModelSpec, _is_here: bool) -> dict[str, Any]:
    """Return what does not change about a model, as long as its files are here or are not."""
    family = get_family(spec.family)
    memory = spec.memory(NumberFormat.BFLOAT16)
    return {
        "name": spec.name,
        "title": spec.title or spec.name,
        "family": family.title,
        "family_name": spec.family,
        "size": format_parameters(spec.parameters),
        "parameters": spec.parameters,
        "gigabytes": memory and round(memory / 1e9, 2),
        "licence": spec.licence,
        "commercial": spec.commercial,
        "languages": list(spec.languages),
        "can": {task.value: _ability(spec, task) for task in Task},
        "grounds": any(spec.supports(task) for task in GROUNDING_TASKS),
        "max_images": family.limits.max_images,
        "history": family.keeps_history,
        "note": spec.note and text_data(spec.note),
        "knows_photos": spec.made_for is not ImageKind.DRAWN_SCENE,
        "made_for": spec.made_for and spec.made_for.value,
        "region_forms": list(REGION_FORMS.values()),
        "writes_regions": family.writes_regions,
        "finds_alike": bool(family.example_instruction) and spec.supports(Task.GROUNDING),
        "thinking": has_thinking_switch(spec),
        "visual_tokens": list(list_visual_tokens(spec)),
        "system": takes_system_prompt(spec),
        "sampling": family.sampling.to_data(),
        "suggestions": _suggest(spec),
        "asked_as": text_data(spec.family_reason),
        "obstacle": spec.unavailable_reason and text_data(spec.unavailable_reason),
    }


def group_of(spec: ModelSpec, free: FreeMemory | None) -> Group:
    """Return where a model is."""
    if spec.engine == "remote":
        return "servers"
    if not spec.runs_here:
        return "elsewhere"
    if spec.is_here:
        return "here"
    if free is None or spec.parameters is None:
        return "fits"
    return "elsewhere" if spec.finest_format(free.for_model) is None else "fits"


def _suggest(spec: ModelSpec) -> dict[str, list[dict[str, str]]]:
    """Return what can be asked of any picture by language, as far as it was tried."""
    if not spec.embedded or not spec.supports(Task.CHAT):
        return {}
    asked = [SEEN_ANSWERED[name] for name in spec.languages if name in SEEN_ANSWERED]
    return {
        language: [{"task": Task.CHAT.value, "text": text, "image_kind": kind}]
        for language, text, kind in asked
    }


def _ability(spec: ModelSpec, task: Task) -> bool | dict[str, Any]:
    """Return True where a model can do a task, and otherwise why not."""
    if spec.supports(task):
        return True
    family = get_family(spec.family)
    reason: DisplayText = TranslatableText(
        "{family} does not support this task.", {"family": as_text(family.title)}
    )
    if spec.is_exception(task):
        reason = TranslatableText("{model} was not trained for this task.", {"model": spec.name})
    elif family.unsupported_reason:
        reason = family.unsupported_reason
    return text_data(reason)
