"""The canvas: a picture that can be zoomed, with the regions of an answer on it.

People can also mark regions on it.
"""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.uploaded_images import full_resolution_url
from vlm_demo.units import format_bytes

_TEMPLATE = """
<div class="canvas-mount" data-name="%NAME%" data-group="%GROUP%" data-selectable="%SELECTABLE%"
  data-most="%MOST%"></div>
"""

_SCRIPT = """
const address = new URL("%URL%", document.baseURI).href;
import(address).then(({ mount }) => mount(
  element.querySelector(".canvas-mount"), { props, trigger, server, upload, watch }));
"""
"""Gradio runs it when the component is on the page."""


def build_canvas(elem_id: str, *, max_bytes: int, selectable: bool = False) -> gr.HTML:
    """Build the component. Its value is what `canvas_value` returns.

    Events: `upload` (data: `path` of the uploaded file, or `too_large`, or `failed`), `clear`, and
    where it is `selectable`, `select` (data: what `read_regions` reads).
    """
    return _build(elem_id, max_bytes=max_bytes, selectable=selectable)


def build_view_canvas(elem_id: str, *, group: str) -> gr.HTML:
    """Build the component for a picture that is only looked at.

    The canvases of a `group` show the same part of their pictures, equally large. One without a
    picture takes no room.
    """
    return _build(elem_id, group=group)


def _build(
    elem_id: str,
    *,
    max_bytes: int = 0,
    selectable: bool = False,
    group: str = "",
) -> gr.HTML:
    # In the template and not as properties, which a gr.HTML has lost in the browser when an event
    # makes it visible for the first time.
    template = browser_files.fill(
        _TEMPLATE,
        most=format_bytes(max_bytes),
        name=elem_id,
        group=group,
        selectable="yes" if selectable else "no",
    )
    return build_html_component(
        canvas_value(None),
        template,
        browser_files.fill(_SCRIPT, url=module_url("components/canvas/mount.js")),
        elem_id,
        largest=max_bytes,
        server_functions=[full_resolution_url],
    )
