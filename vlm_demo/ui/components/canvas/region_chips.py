"""The regions that are marked on a picture, as buttons that write [1], [2] into a text."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.html_values import encode_value
from vlm_demo.values import Region

_SCRIPT = browser_files.read("components/canvas/region_chips.js")

_TEMPLATE = '<div class="region-chips" data-field="%FIELD%" role="group" hidden></div>'


def build_region_chips(elem_id: str, field: str) -> gr.HTML:
    """Build the component; its value is what `region_chips_value` returns.

    Args:
        elem_id: its id.
        field: CSS selector of the text field that a button writes into.
    """
    template = browser_files.fill(_TEMPLATE, field=field)
    return build_html_component(region_chips_value(()), template, _SCRIPT, elem_id)


def region_chips_value(regions: Sequence[Region]) -> str:
    """Value of the component for some regions, in the order of their numbers."""
    return encode_value({"count": len(regions)})
