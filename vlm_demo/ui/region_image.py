"""A picture with regions on it: shown as an SVG overlay, and marked by dragging.

A factory around gr.HTML: gradio writes a stub file beside a module that subclasses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.confidence import region_confidences
from vlm_demo.palette import colour_of
from vlm_demo.types import Box, Mention, Point, Polygon, Reply
from vlm_demo.ui.pictures import Picture
from vlm_demo.ui.values import as_value, percent

_SCRIPT = (Path(__file__).parent / "region_image.js").read_text(encoding="utf-8")
_ZOOM = (Path(__file__).parent / "region_zoom.js").read_text(encoding="utf-8")

_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="4" width="18" height="16" rx="3"/>'
    '<circle cx="9" cy="10" r="1.6"/><path d="m4 18 5.5-5 3.5 3 3-2.500 4.500 4"/></svg>'
)

_TEMPLATE = """
<div class="board" data-name="%NAME%" data-group="%GROUP%">
  <label class="drop">
    <input type="file" accept="image/*,.heic,.heif,.avif" aria-label="Choose a picture">
    %ICON%<b>Add a picture</b><span>Drop it here, paste it, or click to choose a file</span>
    <small>PNG, JPEG, WebP, GIF and others, up to %MOST%</small>
  </label>
  <div class="stage" hidden><img alt="" draggable="false"><svg class="overlay"
    aria-hidden="true"></svg><div class="labels" aria-hidden="true"></div>
    <span class="zooms" hidden><button type="button" class="out"
    aria-label="Zoom out">&minus;</button><button type="button" class="whole"
    aria-label="Show the whole picture">100 %</button><button type="button" class="in"
    aria-label="Zoom in">+</button></span></div>
  <div class="legend" role="group" aria-label="What was found" hidden></div>
  <div class="under"><span class="hint" hidden>Drag on the picture to mark a region</span>
    <span class="tools" hidden><button type="button" class="replace">Replace</button><button
    type="button" class="remove">Remove</button></span></div>
</div>
"""


def region_image(elem_id: str, *, max_bytes: int, selectable: bool = False) -> gr.HTML:
    """Build the component. Its value is what `shown` returns.

    Events: `upload` (data: `path` of the uploaded file, or `too_large`, or `failed`), `clear`, and
    where it is `selectable`, `select` (data: `box`, x1, y1, x2, y2 as fractions, or None).
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
    words = {"ICON": _ICON, "MOST": megabytes(max_bytes), "NAME": elem_id, "GROUP": group}
    template = _TEMPLATE
    for name, word in words.items():
        template = template.replace(f"%{name}%", word)
    return gr.HTML(
        shown(None),
        html_template=template,
        js_on_load=_SCRIPT + _ZOOM if group else _SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
        selectable=selectable,
        largest=max_bytes,
    )


def megabytes(size: int) -> str:
    """Say a number of bytes in words for people."""
    return f"{size / 1e6:.0f} MB"


def located(picture: Picture, reply: Reply) -> str:
    """Value of the component: a picture and the places of an answer, with how sure they are."""
    return shown(picture, reply.mentions, region_confidences(reply))


def shown(
    picture: Picture | None,
    mentions: Sequence[Mention] = (),
    confidences: Sequence[Sequence[float | None]] = (),
) -> str:
    """Value of the component: a picture and the places on it, as fractions of it.

    `confidences` are those of each mention's regions, 0 to 1.
    """
    if picture is None:
        return as_value({"picture": None, "mentions": []})
    width, height = picture.size
    value = {
        "picture": {
            "url": picture.url,
            "width": width,
            "height": height,
            "name": picture.name,
        },
        "mentions": [
            _placed(index, mention, sure)
            for index, (mention, sure) in enumerate(zip_longest(mentions, confidences))
        ],
    }
    return as_value(value)


def _placed(
    index: int, mention: Mention, confidences: Sequence[float | None] | None
) -> dict[str, Any]:
    regions = mention.regions
    sure = confidences or (None,) * len(regions)
    return {
        "phrase": mention.phrase,
        "sure": _percent(mention.confidence),
        "boxesSure": [
            _percent(c) for r, c in zip(regions, sure, strict=True) if isinstance(r, Box)
        ],
        "colour": colour_of(index),
        "boxes": [[r.x1, r.y1, r.x2, r.y2] for r in regions if isinstance(r, Box)],
        "points": [[r.x, r.y] for r in regions if isinstance(r, Point)],
        "polygons": [[[p.x, p.y] for p in r.points] for r in regions if isinstance(r, Polygon)],
    }


def _percent(confidence: float | None) -> str:
    return "" if confidence is None else percent(confidence)


def read_selection(value: object) -> Box | None:
    """Read the box that a browser says was dragged; None where it is none.

    Anything can be sent: what is not four finite numbers is no selection.
    """
    if not isinstance(value, list | tuple) or len(value) != 4:
        return None
    if not all(isinstance(number, int | float) and abs(number) < 2 for number in value):
        return None
    x1, y1, x2, y2 = map(float, value)
    box = Box.scaled(x1, y1, x2, y2, by=(1, 1))
    return box if box.area > 0 else None
