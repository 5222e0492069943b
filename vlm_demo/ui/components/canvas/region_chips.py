"""The regions that are marked on a picture, as buttons that write [1], [2] into a text."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.html_values import as_value
from vlm_demo.values import Region

_SCRIPT = browser_files.read("components/canvas/region_chips.js")

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
