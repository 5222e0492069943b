"""The catalogue as a table: what is in a row. Searching and filtering are the browser's part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import Ability, ModelSpec
from vlm_demo.engines import FreeMemory
from vlm_demo.families import get_family
from vlm_demo.ui import browser_files
from vlm_demo.ui.html_values import as_value
from vlm_demo.units import format_bytes, format_parameters

_SCRIPT = browser_files.read("models/table.js")

WHY_GREY = {
    "remote": "needs a program of its own",
    "remote code": "brings program code of its own",
    "nowhere": "never released",
}
"""In a few words, why a model of the catalogue does not run here."""

ESTIMATED = "Memory is estimated from the size: 2 bytes a parameter and a fifth more to work with."


def _choices(name: str, words: str, options: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<option value="{value}" data-say>{shown}</option>' for value, shown in options
    )
    return (
        f'<select name="{name}" aria-label="{words}" data-say="aria-label">'
        f'<option value="" data-say>{words}</option>{listed}</select>'
    )


_FILTERS = "".join(
    (
        _choices("can", "Any task", [(ability, f"Can: {ability}") for ability in Ability]),
        _choices(
            "size",
            "Any size",
            [
                ("tiny", "Under 1 billion"),
                ("small", "1 to 5 billion"),
                ("medium", "5 to 15 billion"),
                ("large", "Over 15 billion"),
            ],
        ),
        _choices(
            "licence",
            "Any licence",
            [("yes", "Commercial use allowed"), ("conditions", "… or on conditions")],
        ),
        _choices("language", "Any language", []),
    )
)

# The roles are those that a table has by itself, until its rows are laid out as a grid.
_TEMPLATE = f"""
<div class="catalogue">
  <input type="search" class="search-words" data-say="placeholder aria-label"
    placeholder="Search by name, family, task, language…" aria-label="Search the models">
  <div class="filters">{_FILTERS}</div>
  <div class="ticks">
    <label><input type="checkbox" name="here"> <span data-say>Runs here</span></label>
    <label><input type="checkbox" name="fitting"> <span data-say>Fits this machine</span></label>
    <button type="button" class="clear" data-say hidden>Clear</button>
    <span class="count" role="status"></span>
  </div>
  <div class="scroller" tabindex="-1"><table role="table">
    <thead role="rowgroup"><tr role="row"><th role="columnheader" data-say>Model</th>
      <th role="columnheader" class="size" data-say>Size</th>
      <th role="columnheader" class="licence" data-say>Licence</th>
      <th role="columnheader" class="memory" data-say>Memory</th>
      <th role="columnheader" class="fits" data-say>Fits</th></tr></thead>
    <tbody role="rowgroup"></tbody>
  </table><p class="nothing" data-say hidden>No model is like that. Take a filter away.</p></div>
  <p class="free"></p>
</div>
"""


def models_table(elem_id: str) -> gr.HTML:
    """Build the component. Its value is what `listed` returns; event: `select` (data: `name`)."""
    return gr.HTML(
        as_value({}),
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def listed(backend: Backend, free: FreeMemory | None, chosen: str) -> str:
    """Value of the component: every model of the menu, and which one the card is about."""
    rows = [_row(spec, backend.is_loaded(spec.name), free) for spec in backend.menu]
    return as_value({"free": _free(free), "models": rows, "chosen": chosen})


def _row(spec: ModelSpec, loaded: bool, free: FreeMemory | None) -> dict[str, Any]:
    memory, smallest = spec.memory("bf16"), spec.memory("4-bit")
    return {
        "name": spec.name,
        "family": get_family(spec.family).title,
        "size": format_parameters(spec.parameters),
        "parameters": spec.parameters,
        "licence": spec.licence or "not known",
        "commercial": spec.commercial,
        "memory": format_bytes(memory),
        "smallest": f"4-bit {format_bytes(smallest)}" if smallest else "",
        "fits": _fits(spec, free),
        "can": list(spec.abilities),
        "languages": list(spec.languages),
        "obstacle": WHY_GREY.get(spec.runs, ""),
        "loaded": loaded,
        "unsure": list(spec.unverified_fields),
    }


def _fits(spec: ModelSpec, free: FreeMemory | None) -> dict[str, str]:
    """Whether it fits into memory, in a word or two, and whether that is good."""
    if spec.parameters is None or free is None:
        return {"words": "", "tone": ""}
    match spec.fitting(free.for_model):
        case None:
            return {"words": "no", "tone": "bad"}
        case "bf16":
            return {"words": "yes", "tone": "good"}
        case precision:
            return {"words": precision, "tone": "good"}


def _free(free: FreeMemory | None) -> str:
    """Say how much memory there is for a model."""
    if free is None:
        return ""
    amount = format_bytes(free.for_model)
    there = (
        f"{amount} of memory free on this machine."
        if free.gpu is None
        else f"{amount} of GPU memory free on this machine."
    )
    return f"{there} {ESTIMATED}"
