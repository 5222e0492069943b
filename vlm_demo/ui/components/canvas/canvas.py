"""The canvas: a picture that can be zoomed, with the regions of an answer on it.

People can also mark regions on it.
"""

from __future__ import annotations

import gradio as gr

from vlm_demo.rendering.label_layout import MAX_LABEL_CHARACTERS, MAX_LABEL_COVERAGE
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.uploaded_images import full_resolution_url
from vlm_demo.units import format_bytes
from vlm_demo.values import MAX_REGIONS

_CONSTANTS = {
    "MAX_REGIONS": MAX_REGIONS,
    "MAX_LABEL_CHARACTERS": MAX_LABEL_CHARACTERS,
    "MAX_LABEL_COVERAGE": MAX_LABEL_COVERAGE,
}
"""Numbers that the browser's script shares with the server."""

SCRIPT = "(() => {\n{}\n})();".replace(
    "{}",
    "\n".join(
        (
            *(f"const {name} = {value};" for name, value in _CONSTANTS.items()),
            *(
                browser_files.read(f"components/canvas/classic/{name}.js")
                for name in (
                    *("shapes", "labels", "zoom", "mentions", "marking", "coordinates", "gestures"),
                    "canvas",
                )
            ),
        )
    ),
    1,
)
"""Defines `buildCanvas` in the browser: once for the page, which has many canvases."""

_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="4" width="18" height="16" rx="3"/>'
    '<circle cx="9" cy="10" r="1.6"/><path d="m4 18 5.5-5 3.5 3 3-2.500 4.500 4"/></svg>'
)


def _tool_button(name: str, words: str, path: str, *, pressed: bool = False) -> str:
    return (
        f'<button type="button" data-tool="{name}" aria-pressed="{str(pressed).lower()}">'
        f'<svg viewBox="0 0 20 20" aria-hidden="true">{path}</svg>'
        f"<span data-say>{words}</span></button>"
    )


_TOOLS = "".join(
    (
        _tool_button(
            "box", "Box", '<rect x="3" y="4.500" width="14" height="11" rx="1"/>', pressed=True
        ),
        _tool_button(
            "point",
            "Point",
            '<circle cx="10" cy="10" r="3"/><path d="M10 2v4M10 14v4M2 10h4M14 10h4"/>',
        ),
        _tool_button("scribble", "Scribble", '<path d="M3 14c2-9 6-9 5-4s2 6 4 1 4-5 5-1"/>'),
    )
)

_TEMPLATE = """
<div class="canvas" data-name="%NAME%" data-group="%GROUP%" data-selectable="%SELECTABLE%"
  data-most="%MOST%">
  <label class="drop">
    <input type="file" accept="image/*,.heic,.heif,.avif" aria-label="Choose a picture">
    %ICON%<b data-say>Add a picture</b><span data-say>Drop it here, paste it, or click to choose a
    file</span><small data-say>PNG, JPEG, WebP, GIF and others, up to {most}</small>
  </label>
  <div class="marks marking" role="group" aria-label="Mark regions with" hidden>%TOOLS%<button
    type="button" class="clear-regions" data-say hidden>Clear regions</button></div>
  <div class="stage" tabindex="0" role="group" hidden><div class="sheet"><img alt=""
    draggable="false"><svg class="overlay" aria-hidden="true"></svg><div class="labels"
    aria-hidden="true"></div><svg class="regions" aria-hidden="true"></svg><div
    class="tags"></div></div></div>
  <p class="trouble" role="alert" hidden></p><p class="sr-only said" aria-live="polite"></p>
  <div class="under" hidden><span class="hint marking" hidden></span>
    <span class="zooms"><button type="button" class="out" aria-label="Zoom out">&minus;</button
    ><button type="button" class="whole" aria-label="Show the whole picture">100 %</button><button
    type="button" class="in" aria-label="Zoom in">+</button></span>
    <span class="tools" hidden><button type="button" class="replace" data-say>Replace</button
    ><button type="button" class="remove" data-say>Remove</button></span></div>
  <div class="legend" role="group" aria-label="What was found" hidden></div>
  <details class="as-table" hidden><summary data-say>As a table</summary><div class="scroller"
    tabindex="0" role="group" aria-label="What was found, in pixels of the picture"><table><thead
    ><tr><th scope="col" data-say>Phrase</th><th scope="col">x1</th><th scope="col">y1</th><th
    scope="col">x2</th><th scope="col">y2</th><th scope="col" data-say>Confidence</th></tr></thead
    ><tbody></tbody></table></div></details>
  <details class="coordinates marking" hidden><summary data-say>Coordinates</summary>
    <table><thead><tr><th scope="col">#</th><th scope="col" data-say>Region</th><th
    scope="col">x1</th><th scope="col">y1</th><th scope="col">x2</th><th scope="col">y2</th><td
    ></td></tr></thead><tbody></tbody></table>
    <p><span data-say>In pixels of the picture, from its upper left corner.</span>
    <button type="button" class="add-box" data-say>Add a box</button><button type="button"
    class="add-point" data-say>Add a point</button></p></details>
</div>
"""


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
        icon=_ICON,
        tools=_TOOLS if selectable else "",
        most=format_bytes(max_bytes),
        name=elem_id,
        group=group,
        selectable="yes" if selectable else "no",
    )
    return build_html_component(
        canvas_value(None),
        template,
        "buildCanvas(element, { props, trigger, server, upload, watch });",
        elem_id,
        largest=max_bytes,
        server_functions=[full_resolution_url],
    )
