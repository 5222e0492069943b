"""How well boxes fit: Acc@0.5 of RefCOCO, and the average precision and F1 of COCO's boxes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from vlm_demo.analysis.matching import match_greedily
from vlm_demo.errors import SettingsError
from vlm_demo.values import Box

MIN_IOU = 0.5
"""Intersection over union from which a box is right."""

_MEASURES = ("ap", "ap50", "ap75")
"""The first three numbers of COCO's summary: AP@[.5:.95], AP@.5 and AP@.75."""


@dataclass(frozen=True, slots=True)
class FoundBox:
    """A box that a model found."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height in pixels
    score: float


def is_hit(found: Sequence[Box], truth: Box) -> bool:
    """Return whether the first box is right, the rule of RefCOCO: the others do not count."""
    return bool(found) and found[0].iou(truth) >= MIN_IOU


def average_precision(
    dataset: Mapping[str, Any], found: Sequence[FoundBox]
) -> dict[str, float | None]:
    """Return ap, ap50 and ap75 as pycocotools computes them, 0 to 1; None: nothing is labelled.

    Args:
        dataset: images, annotations and categories in COCO's form, of the pictures that were asked.
        found: what the model found on them.

    Raises:
        SettingsError: pycocotools is not installed.
    """
    try:
        coco = importlib.import_module("pycocotools.coco")
        evaluation = importlib.import_module("pycocotools.cocoeval")
    except ImportError as error:
        raise SettingsError(
            "Average precision needs pycocotools. Install it: pip install pycocotools."
        ) from error
    with redirect_stdout(StringIO()):  # both write a report
        truth = coco.COCO()
        truth.dataset = {
            **dataset,
            "annotations": [_complete(note, i) for i, note in enumerate(dataset["annotations"], 1)],
        }
        truth.createIndex()
        results = coco.COCO()
        results.dataset = {
            "images": dataset["images"],
            "categories": dataset["categories"],
            "annotations": [_annotation(box, i) for i, box in enumerate(found, start=1)],
        }
        results.createIndex()
        measured = evaluation.COCOeval(truth, results, "bbox")
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return {
        name: float(value) if value >= 0 else None
        for name, value in zip(_MEASURES, measured.stats, strict=False)
    }


def count_matches(found: Sequence[Box], truths: Sequence[Box]) -> int:
    """Return how many boxes are right: each matches one truth at most, from IoU 0.5 on."""
    return len(match_greedily(truths, found, _overlap))


def f1(right: int, found: int, present: int) -> float:
    """Return F1 of counts: how many are right, were found, and are there; 0 without any."""
    return 2 * right / (found + present) if found + present else 0.0


def _overlap(one: Box, other: Box) -> float:
    iou = one.iou(other)
    return iou if iou >= MIN_IOU else 0.0


def _complete(annotation: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Add what pycocotools needs and data sets of one's own leave out."""
    _, _, width, height = box = list(annotation["bbox"])
    return {"id": number, "iscrowd": 0, "area": width * height, **annotation, "bbox": box}


def _annotation(box: FoundBox, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": box.image_id,
        "category_id": box.category_id,
        "bbox": list(box.bbox),
        "area": box.bbox[2] * box.bbox[3],
        "iscrowd": 0,
        "score": box.score,
    }
