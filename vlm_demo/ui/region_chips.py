"""The regions that are marked on a picture, as buttons that write [1], [2] into a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from vlm_demo.types import Region
from vlm_demo.ui.values import as_value

_SCRIPT = (Path(__file__).parent / "region_chips.js").read_text(encoding="utf-8")

_TEMPLATE = '<div class="region-chips" data-field="%FIELD%" role="group" hidden></div>'


def region_chips(elem_id: str, field: str) -> gr.HTML:
    """Build the component; its value is what `chips` returns.

    Args:
        elem_id: its own.
        field: CSS selector of the text that a button writes into.
    """
    return gr.HTML(
        chips(()),
        html_template=_TEMPLATE.replace("%FIELD%", field),
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def chips(regions: Sequence[Region]) -> str:
    """Value of the component for some regions, in the order of their numbers."""
    return as_value({"count": len(regions)})
