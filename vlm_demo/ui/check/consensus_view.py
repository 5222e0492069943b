"""What several models see, on one picture, with how far they agree.

A factory around gr.HTML: gradio writes a stub file beside a module that subclasses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.analysis.consensus import Consensus, Group, Sighting
from vlm_demo.rendering.palette import DASHES, colour_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.html_values import Words, as_value, percent

_SCRIPT = "".join(
    browser_files.read(name) for name in ("components/canvas/shapes.js", "check/consensus.js")
)

_TEMPLATE = """
<div class="consensus" hidden>
  <ul class="consensus-models"></ul>
  <div class="consensus-body">
    <div class="consensus-stage" hidden><img alt="" draggable="false"><svg class="overlay"
      aria-hidden="true"></svg></div>
    <div class="consensus-facts">
      <p class="consensus-summary" role="status"></p>
      <div class="consensus-scroll" tabindex="0"><table class="consensus-things" hidden><caption
        ></caption><thead></thead><tbody></tbody></table></div>
      <div class="consensus-scroll" tabindex="0"><table class="consensus-agreement" hidden><caption
        ></caption><thead></thead><tbody></tbody></table></div>
    </div>
  </div>
</div>
"""

NOTHING = as_value({})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a model has come."""

    model: str
    state: Words
    tone: str = ""  # "busy", "done" or "failed"


def consensus_view(elem_id: str) -> gr.HTML:
    """Build the component; its value is what `compared` returns."""
    return gr.HTML(
        NOTHING,
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def compared(
    picture: Picture, words: str, standings: Sequence[Standing], consensus: Consensus, *, busy: bool
) -> str:
    """Value of the component, complete or still growing (`busy`).

    `words` name the things that no phrase names: what was looked for.
    """
    width, height = picture.size
    return as_value(
        {
            "picture": {"url": picture.url, "width": width, "height": height, "name": picture.name},
            "models": [
                {
                    "name": standing.model,
                    "state": standing.state,
                    "tone": standing.tone,
                    "colour": colour_of(index),
                    "dash": DASHES[index % len(DASHES)],
                    "answered": consensus.voices[index].reply is not None,
                }
                for index, standing in enumerate(standings)
            ],
            "things": [_thing(group, words, consensus) for group in consensus.groups],
            "agreement": consensus.agreement,
            "busy": busy,
        }
    )


def _thing(group: Group, words: str, consensus: Consensus) -> dict[str, Any]:
    return {
        "phrase": group.phrase or words,
        "disputed": consensus.disputed(group),
        "iou": group.iou,
        "seen": [_seen(sighting) for sighting in group.sightings],
    }


def _seen(sighting: Sighting) -> dict[str, Any]:
    box, sure = sighting.box, sighting.confidence
    return {
        "model": sighting.voice,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "sure": "" if sure is None else percent(sure),
    }
