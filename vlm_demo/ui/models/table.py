"""The catalogue as a table, which the browser searches and filters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ESTIMATED_FORMATS, Ability, ModelSpec
from vlm_demo.engines import FreeMemory, NumberFormat
from vlm_demo.families import get_family
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.model_filters import LICENCES, SIZES
from vlm_demo.ui.html_values import encode_value, translatable_content
from vlm_demo.units import format_bytes, format_parameters

_SCRIPT = browser_files.read(
    "models/table.js", sizes=json.dumps(SIZES), licences=json.dumps(LICENCES)
)

WHY_GREY = {
    "converted": message("must be converted first"),
    "remote": message("needs its own program"),
    "remote code": message("comes with its own code"),
    "nowhere": message("never released"),
}
"""Why a model of the catalogue does not run here, in a few words."""

ESTIMATED = message("Memory is estimated: 2 bytes per parameter + 20 %.")


def _filter(name: str, label: str, choices: Sequence[tuple[str, DisplayText]]) -> str:
    options = "".join(
        f'<option value="{value}"{translatable_content(choice)}</option>'
        for value, choice in choices
    )
    return (
        f'<select name="{name}" aria-label="{label}" data-say="aria-label">'
        f'<option value="" data-say>{label}</option>{options}</select>'
    )


_MEMORY_LIMITS = (2, 4, 8, 16, 24, 48, 80)
"""Memory that models must fit into, to choose from, in GB."""


def _limit_words(limit: int) -> DisplayText:
    return TranslatableText("Up to {amount} GB", {"amount": limit})


_FILTERS = "".join(
    (
        _filter(
            "can",
            "Any task",
            [
                (one, TranslatableText("Can: {ability}", {"ability": TranslatableText(one)}))
                for one in Ability
            ],
        ),
        _filter("size", "Any size", [(size, size) for size in SIZES]),
        _filter("licence", "Any licence", [(licence, licence) for licence in LICENCES]),
        _filter("language", "Any language", []),
        _filter(
            "memory",
            message("Any memory"),
            [(str(one), _limit_words(one)) for one in _MEMORY_LIMITS],
        ),
    )
)

# The roles are those of any table, which are lost when its rows are laid out as a grid.
_QUICK_ABILITIES = {
    Ability.LOCATE: message("Finds objects"),
    Ability.CHAT: message("Chats"),
    Ability.READ: message("Reads text"),
}
"""Abilities that a press on a button asks for, in the words of the button."""

_QUICK_LIMITS = (4, 8, 16)
"""Those that a press on a button asks for."""


def _press(name: str, value: str, words: DisplayText) -> str:
    pressed = f'data-filter="{name}" data-value="{value}" aria-pressed="false"'
    return f'<button type="button" {pressed}{translatable_content(words)}</button>'


_QUICK = "".join(
    (
        *(_press("can", ability, words) for ability, words in _QUICK_ABILITIES.items()),
        _press("licence", next(iter(LICENCES)), message("Commercial use")),
        *(_press("memory", str(limit), _limit_words(limit)) for limit in _QUICK_LIMITS),
    )
)

_ORDERS = {
    "": message("In the menu's order"),
    "score": message("Best own score first"),
    "rating": message("Best arena rating first"),
    "memory": message("Least memory first"),
}

_ORDER = "".join(
    f'<option value="{value}"{translatable_content(words)}</option>'
    for value, words in _ORDERS.items()
)

_TEMPLATE = f"""
<div class="catalogue">
  <div class="quick" role="group" aria-label="Quick choice" data-say="aria-label">{_QUICK}</div>
  <input type="search" class="search-words" data-say="placeholder aria-label"
    placeholder="Search by name, family, task, language…" aria-label="Search the models">
  <div class="filters">{_FILTERS}</div>
  <div class="ticks">
    <label><input type="checkbox" name="here"> <span data-say>Runs here</span></label>
    <label><input type="checkbox" name="fitting"> <span data-say>Fits this computer</span></label>
    <select name="order" aria-label="Order" data-say="aria-label">{_ORDER}</select>
    <button type="button" class="clear" data-say hidden>Clear</button>
    <span class="count" role="status"></span>
  </div>
  <div class="scroller" tabindex="-1"><table role="table">
    <thead role="rowgroup"><tr role="row"><th role="columnheader" data-say>Model</th>
      <th role="columnheader" class="size" data-say>Size</th>
      <th role="columnheader" class="licence" data-say>Licence</th>
      <th role="columnheader" class="memory" data-say>Memory</th>
      <th role="columnheader" class="fits" data-say>Fits</th>
      <th role="columnheader" class="score" data-say>Own score</th>
      <th role="columnheader" class="rating" data-say>Rating</th></tr></thead>
    <tbody role="rowgroup"></tbody>
  </table><p class="nothing loading" data-say>Loading the models…</p>
  <p class="nothing none" data-say hidden>No model matches. Remove a filter.</p></div>
  <p class="free"></p>
</div>
"""


def build_models_table(elem_id: str) -> gr.HTML:
    """Build the component; its value is what `table_value` returns.

    Event: `select` (data: `name` of a model).
    """
    return build_html_component(encode_value({}), _TEMPLATE, _SCRIPT, elem_id)


def table_value(
    backend: Backend,
    free: FreeMemory | None,
    chosen: str,
    measured: Mapping[str, Mapping[str, Any]],
) -> str:
    """Value of the component: every model of the menu, and the one that the card is about.

    Args:
        backend: holds the models.
        free: memory for a model; None: not known.
        chosen: name of the model of the card.
        measured: what `measure_models` returns.
    """
    rows = [
        {
            **_row(spec, backend.is_loaded(spec.name), free),
            **measured.get(spec.name, _UNMEASURED),
        }
        for spec in backend.menu
    ]
    return encode_value({"free": _describe_free(free), "models": rows, "chosen": chosen})


_UNMEASURED: Mapping[str, Any] = {"scores": [], "rating": None}


def _row(spec: ModelSpec, loaded: bool, free: FreeMemory | None) -> dict[str, Any]:
    memory, smallest = spec.memory(NumberFormat.BFLOAT16), spec.memory(NumberFormat.FOUR_BIT)
    return {
        "name": spec.name,
        "title": spec.title or spec.name,
        "family": get_family(spec.family).title,
        "size": format_parameters(spec.parameters),
        "parameters": spec.parameters,
        "licence": spec.licence or message("not known"),
        "commercial": spec.commercial,
        "memory": format_bytes(memory),
        "smallest": f"4-bit {format_bytes(smallest)}" if smallest else "",
        "bytes": {
            label: spec.memory(number_format) for label, number_format in ESTIMATED_FORMATS.items()
        },
        "fits": _describe_fit(spec, free),
        "can": list(spec.abilities),
        "languages": list(spec.languages),
        "unavailable": WHY_GREY.get(spec.runs, ""),
        "loaded": loaded,
        "unverified": list(spec.unverified_fields),
    }


def _describe_fit(spec: ModelSpec, free: FreeMemory | None) -> dict[str, str]:
    """Say in a word or two whether a model fits into memory, and whether that is good."""
    if spec.parameters is None or free is None:
        return {"words": "", "tone": ""}
    match spec.finest_format(free.for_model):
        case None:
            return {"words": message("no"), "tone": "bad"}
        case NumberFormat.BFLOAT16:
            return {"words": message("yes"), "tone": "good"}
        case number_format:
            return {"words": number_format.value, "tone": "good"}


def _describe_free(free: FreeMemory | None) -> DisplayText:
    """Say how much memory is free for a model."""
    if free is None:
        return ""
    template = message("{amount} of GPU memory free on this computer.")
    if free.gpu is None:
        template = message("{amount} of memory free on this computer.")
    amount = {"amount": format_bytes(free.for_model)}
    return join_texts(TranslatableText(template, amount), ESTIMATED)
