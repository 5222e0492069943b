"""The phrases of an answer as the browser gets them: their regions, colours and certainty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from vlm_demo.analysis.confidence import Calibration
from vlm_demo.markup.region_json import region_to_json
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.values import Mention, Reply

DECIMALS = 4
"""Decimals of a confidence, which is from 0 to 1."""

TOKEN_PROBABILITY = "token probability"
"""The kind of a confidence that only says how probable the tokens of the numbers were."""


_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate


CALIBRATED = "calibrated"
"""The kind of a confidence that is the share of such boxes that are right."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn."""

    colour: str
    dash: tuple[float, ...]


def mention_styles(mentions: Sequence[Mention]) -> list[Style]:
    """Return how each mention is drawn: all of one thing, or of one phrase, look the same."""
    order: dict[str, int] = {}
    indices = [order.setdefault(_layer_of(mention), len(order)) for mention in mentions]
    return [Style(colour_of(index), dash_of(index)) for index in indices]


def mention_items(
    reply: Reply,
    styles: Sequence[Style],
    shown_images: Sequence[int],
    calibration: Calibration | None = None,
) -> list[dict[str, Any]]:
    """Return the mentions of a reply as the browser gets them.

    Args:
        reply: the answer.
        styles: how each mention is drawn.
        shown_images: for each picture that the model was shown, its index in the request.
        calibration: turns the confidence of a box into the probability that it is right; None:
            that is not known for this model.
    """
    kind = CALIBRATED if calibration else TOKEN_PROBABILITY
    confidences = [
        tuple(_calibrate(confidence, calibration) for confidence in known)
        for known in region_confidences(reply)
    ]
    means = [_mean(known) for known in confidences]
    return [
        {
            "phrase": mention.phrase.strip(),
            "target": mention.target,
            "span": list(mention.span),
            "image": _image_index(mention.image_index, shown_images),
            "colour": style.colour,
            "dash": list(style.dash),
            "confidence": _round(mean),
            "kind": None if mean is None else kind,
            "regions": [
                {**region_to_json(region), "confidence": _round(confidence)}
                for region, confidence in zip(mention.regions, known, strict=True)
            ],
        }
        for mention, style, known, mean in zip(
            reply.mentions, styles, confidences, means, strict=True
        )
    ]


def target_items(reply: Reply) -> list[dict[str, Any]]:
    """Return what was found of each of several things that were looked for."""
    items = []
    for result in reply.targets:
        own = [i for i, one in enumerate(reply.mentions) if one.target == result.name]
        found = next((index for index in own if reply.mentions[index].regions), None)
        items.append(
            {
                "name": result.name,
                "state": result.state.value,
                "count": reply.count_regions(result.name),
                "mention": found,
            }
        )
    return items


def make_sendable(reply: Reply) -> Reply:
    """Replace halves of characters in a reply, which JSON for a browser cannot hold.

    Each becomes one character, so that the places of phrases stay right.
    """
    if not _HALF.search(reply.raw) and not _HALF.search(reply.reasoning):
        return reply
    return replace(
        reply,
        raw=_replace_halves(reply.raw),
        text=_replace_halves(reply.text),
        reasoning=_replace_halves(reply.reasoning),
        mentions=tuple(
            replace(mention, phrase=_replace_halves(mention.phrase)) for mention in reply.mentions
        ),
        targets=tuple(replace(result, raw=_replace_halves(result.raw)) for result in reply.targets),
    )


def _replace_halves(text: str) -> str:
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def _layer_of(mention: Mention) -> str:
    return (mention.target or mention.phrase).strip().casefold()


def _image_index(index: int, shown_images: Sequence[int]) -> int:
    return shown_images[min(index, len(shown_images) - 1)] if shown_images else 0


def _calibrate(confidence: float | None, calibration: Calibration | None) -> float | None:
    return calibration(confidence) if calibration and confidence is not None else confidence


def _mean(confidences: Sequence[float | None]) -> float | None:
    known = [confidence for confidence in confidences if confidence is not None]
    return fmean(known) if known else None


def _round(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, DECIMALS)
