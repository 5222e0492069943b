"""What several models see on one picture, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.analysis.consensus import Consensus, Detection, DetectionGroup
from vlm_demo.rendering.palette import DASHES, colour_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import DisplayText, encode_value
from vlm_demo.units import format_percent

_SCRIPT = "".join(
    browser_files.read(name) for name in ("check/shapes.js", "check/consensus_view.js")
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

NO_CONSENSUS = encode_value({})


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """How far a model has come."""

    model: str
    state: DisplayText
    tone: str = ""  # "busy", "done" or "failed"


def consensus_view(elem_id: str) -> gr.HTML:
    """Build the component; its value is what `consensus_value` returns."""
    return build_html_component(NO_CONSENSUS, _TEMPLATE, _SCRIPT, elem_id)


def consensus_value(
    image: UploadedImage,
    text: str,
    models: Sequence[ModelProgress],
    consensus: Consensus,
    *,
    busy: bool,
) -> str:
    """Value of the component, complete or still growing (`busy`).

    Things without a phrase are named by the `text` of the request.
    """
    width, height = image.size
    return encode_value(
        {
            "picture": {"url": image.url, "width": width, "height": height, "name": image.name},
            "models": [
                {
                    "name": model.model,
                    "state": model.state,
                    "tone": model.tone,
                    "colour": colour_of(index),
                    "dash": DASHES[index % len(DASHES)],
                    "answered": consensus.answers[index].reply is not None,
                }
                for index, model in enumerate(models)
            ],
            "things": [_thing(group, text, consensus) for group in consensus.groups],
            "agreement": consensus.agreement,
            "busy": busy,
        }
    )


def _thing(group: DetectionGroup, text: str, consensus: Consensus) -> dict[str, Any]:
    return {
        "phrase": group.phrase or text,
        "disputed": consensus.is_disputed(group),
        "iou": group.iou,
        "seen": [_sighting(sighting) for sighting in group.detections],
    }


def _sighting(sighting: Detection) -> dict[str, Any]:
    box, sure = sighting.box, sighting.confidence
    return {
        "model": sighting.answer,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "sure": "" if sure is None else format_percent(sure),
    }
