"""A picture with places on it, which looks closely, and takes regions in that people mark.

A factory around gr.HTML: gradio writes a stub file beside a module that subclasses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import gradio as gr

from vlm_demo.markup.region_json import region_data
from vlm_demo.prompting.confidence import above, region_confidences
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.picture_input.pictures import Picture, full_copy
from vlm_demo.ui.html_values import as_value, percent
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Reply, bounding_box

SCRIPT = "(() => {\n{}\n})();".replace(
    "{}",
    "\n".join(
        browser_files.read(f"components/canvas/{name}.js")
        for name in (
            *("shapes", "labels", "zoom", "places", "marking", "coordinates", "gestures"),
            "canvas",
        )
    ),
    1,
)
"""Defines `buildBoard` in the browser: once for the page, which has many boards."""

MOST_REGIONS, MOST_CORNERS = 50, 2_000
"""What one event may bring; the page sends less."""

_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="4" width="18" height="16" rx="3"/>'
    '<circle cx="9" cy="10" r="1.6"/><path d="m4 18 5.5-5 3.5 3 3-2.500 4.500 4"/></svg>'
)


def _tool(name: str, words: str, path: str, *, pressed: bool = False) -> str:
    return (
        f'<button type="button" data-tool="{name}" aria-pressed="{str(pressed).lower()}">'
        f'<svg viewBox="0 0 20 20" aria-hidden="true">{path}</svg>'
        f"<span data-say>{words}</span></button>"
    )


_TOOLS = "".join(
    (
        _tool("box", "Box", '<rect x="3" y="4.500" width="14" height="11" rx="1"/>', pressed=True),
        _tool(
            "point",
            "Point",
            '<circle cx="10" cy="10" r="3"/><path d="M10 2v4M10 14v4M2 10h4M14 10h4"/>',
        ),
        _tool("scribble", "Scribble", '<path d="M3 14c2-9 6-9 5-4s2 6 4 1 4-5 5-1"/>'),
    )
)

_TEMPLATE = """
<div class="board" data-name="%NAME%" data-group="%GROUP%" data-selectable="%SELECTABLE%"
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
    scope="col">x2</th><th scope="col">y2</th><th scope="col" data-say>Sure</th></tr></thead><tbody
    ></tbody></table></div></details>
  <details class="coordinates marking" hidden><summary data-say>Coordinates</summary>
    <table><thead><tr><th scope="col">#</th><th scope="col" data-say>Region</th><th
    scope="col">x1</th><th scope="col">y1</th><th scope="col">x2</th><th scope="col">y2</th><td
    ></td></tr></thead><tbody></tbody></table>
    <p><span data-say>In pixels of the picture, from its upper left corner.</span>
    <button type="button" class="add-box" data-say>Add a box</button><button type="button"
    class="add-point" data-say>Add a point</button></p></details>
</div>
"""


def region_image(elem_id: str, *, max_bytes: int, selectable: bool = False) -> gr.HTML:
    """Build the component. Its value is what `shown` returns.

    Events: `upload` (data: `path` of the uploaded file, or `too_large`, or `failed`), `clear`, and
    where it is `selectable`, `select` (data: what `read_regions` reads).
    """
    return _board(elem_id, max_bytes=max_bytes, selectable=selectable)


def region_view(elem_id: str, *, group: str) -> gr.HTML:
    """Build the component for a picture that is only looked at, closely where one wants.

    The boards of a `group` show the same part of their pictures, equally large. One without a
    picture takes no room.
    """
    return _board(elem_id, group=group)


def _board(
    elem_id: str,
    *,
    max_bytes: int = 0,
    selectable: bool = False,
    group: str = "",
) -> gr.HTML:
    # In the template and not as properties, which a gr.HTML has lost in the browser when an event
    # makes it visible for the first time.
    words = {
        "ICON": _ICON,
        "TOOLS": _TOOLS if selectable else "",
        "MOST": megabytes(max_bytes),
        "NAME": elem_id,
        "GROUP": group,
        "SELECTABLE": "yes" if selectable else "no",
    }
    template = _TEMPLATE
    for name, word in words.items():
        template = template.replace(f"%{name}%", word)
    return gr.HTML(
        shown(None),
        html_template=template,
        js_on_load="buildBoard(element, { props, trigger, server, upload, watch });",
        elem_id=elem_id,
        apply_default_css=False,
        largest=max_bytes,
        server_functions=[full_copy],
    )


def megabytes(size: int) -> str:
    """Say a number of bytes in words for people."""
    return f"{size / 1e6:.0f} MB"


def located(picture: Picture, reply: Reply, least: float = 0) -> str:
    """Value of the component: a picture and the places of an answer, with how sure they are.

    Places of which the model was less sure than `least`, 0 to 1, are left out.
    """
    sure = above(reply, least)
    value = _value(picture, sure.mentions, region_confidences(sure))
    for mention, placed, whole in zip(
        value["mentions"], sure.mentions, reply.mentions, strict=True
    ):
        mention["unsure"] = not placed.regions and bool(whole.regions)
    return as_value(value)


def shown(
    picture: Picture | None,
    mentions: Sequence[Mention] = (),
    confidences: Sequence[Sequence[float | None]] = (),
    *,
    regions: Sequence[Region] | None = None,
) -> str:
    """Value of the component: a picture, the places on it, and the regions that people mark.

    Args:
        picture: with another one, the regions on the old one go.
        mentions: what is drawn and named, as fractions of the picture.
        confidences: those of each mention's regions, 0 to 1.
        regions: take the place of those that stand there; None: they are left alone.
    """
    if picture is None:
        return as_value({"picture": None, "mentions": []})
    value = _value(picture, mentions, confidences)
    if regions is not None:
        value["regions"] = [region_data(region) for region in regions]
    return as_value(value)


def _value(
    picture: Picture,
    mentions: Sequence[Mention],
    confidences: Sequence[Sequence[float | None]],
) -> dict[str, Any]:
    width, height = picture.size
    return {
        "picture": {
            "url": picture.url,
            "width": width,
            "height": height,
            "name": picture.name,
            "fingerprint": picture.fingerprint,
        },
        "mentions": [
            _placed(index, mention, sure or (None,) * len(mention.regions))
            for index, (mention, sure) in enumerate(zip_longest(mentions, confidences))
        ],
    }


def _placed(index: int, mention: Mention, confidences: Sequence[float | None]) -> dict[str, Any]:
    return {
        "phrase": mention.phrase.strip(),
        "sure": _percent(mention.confidence),
        "colour": colour_of(index),
        "dash": dash_of(index),
        "places": [
            region_data(region) | {"sure": _percent(confidence)}
            for region, confidence in zip(mention.regions, confidences, strict=True)
        ],
    }


def _percent(confidence: float | None) -> str:
    return "" if confidence is None else percent(confidence)


def read_regions(value: object, picture: Picture | None) -> tuple[Region, ...]:
    """Read the regions that a browser says were marked on a picture, in their numbered order.

    Anything can be sent. Regions of another picture are none, and where one of them is none, all
    are: the others' numbers would be wrong.
    """
    if picture is None or not isinstance(value, dict):
        return ()
    sent = value.get("regions")
    if value.get("picture") != picture.fingerprint or not isinstance(sent, list):
        return ()
    regions = [_region(item) for item in sent[: MOST_REGIONS + 1]]
    if len(regions) > MOST_REGIONS:
        return ()
    known = tuple(region for region in regions if region is not None)
    return known if len(known) == len(regions) else ()


def _region(value: object) -> Region | None:
    """Read one region; None where it is none, lies outside the picture or has no area."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    if box := _numbers(value.get("box"), 4):
        x1, y1, x2, y2 = box
        region = Box.normalize(x1, y1, x2, y2, by=(1, 1))
        return region if region.area > 0 else None
    if point := _numbers(value.get("point"), 2):
        return Point(*point) if all(0 <= number <= 1 for number in point) else None
    corners = value.get("polygon")
    if not isinstance(corners, list) or not 3 <= len(corners) <= MOST_CORNERS:
        return None
    pairs = [_numbers(corner, 2) for corner in corners]
    if not all(pairs):
        return None
    outline = Polygon(tuple(Point.normalize(*pair, by=(1, 1)) for pair in pairs if pair))
    return outline if bounding_box(outline).area > 0 else None


def _numbers(value: object, count: int) -> tuple[float, ...] | None:
    """Read some finite numbers near the picture."""
    if not isinstance(value, list | tuple) or len(value) != count:
        return None
    if not all(isinstance(number, int | float) and abs(number) < 2 for number in value):
        return None
    return tuple(map(float, value))
