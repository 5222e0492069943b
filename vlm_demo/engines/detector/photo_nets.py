"""What the two nets see in a photograph: boxes with classes, names of the whole, and features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL.Image import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from vlm_demo.engines.detector import efficientnet_lite, nanodet
from vlm_demo.engines.detector.efficientnet_lite import EfficientNetLite0
from vlm_demo.engines.detector.nanodet import NanoDetG
from vlm_demo.values import Box

DETECTOR_FILE = "detector.safetensors"
"""The name of NanoDet-g's weights in the model's folder."""

CLASSIFIER_FILE = "classifier.safetensors"
"""The name of EfficientNet-Lite0's weights in the model's folder."""

LOWEST_SCORE = 0.05
"""Lowest score of a detection that is returned."""

_CELLS_A_LEVEL = 60
"""Number of cells with the highest scores that are decoded at each level."""

_OVERLAP = 0.45
"""Intersection over union from which the less certain of two boxes of a class is dropped."""


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One object that the detector sees."""

    class_index: int
    """Its class, 0 to 79 in COCO's order."""

    score: float
    """How sure the detector is, 0 to 1."""

    box: Box


@dataclass(frozen=True, slots=True)
class Observation:
    """All that the detector sees in an image."""

    detections: tuple[DetectedObject, ...]
    """Best first; the boxes of a class overlap little."""

    features: tuple[float, ...]
    """`nanodet.FEATURES` numbers that describe the whole image."""


class PhotoNets:
    """NanoDet-g and EfficientNet-Lite0, in float32 on the CPU. Safe in every thread."""

    def __init__(self, detector: NanoDetG, classifier: EfficientNetLite0) -> None:
        self.detector, self.classifier = detector.eval(), classifier.eval()
        with torch.inference_mode():
            self._fill = nanodet.describe_fill(self.detector)

    @classmethod
    def load(cls, folder: Path) -> PhotoNets:
        """Load both nets from a folder that `convert_photo_weights` wrote.

        Raises:
            OSError: a file is missing.
            RuntimeError: a file holds other weights.
        """
        detector, classifier = NanoDetG(), EfficientNetLite0()
        _load_weights(detector, folder / DETECTOR_FILE)
        _load_weights(classifier, folder / CLASSIFIER_FILE)
        return cls(detector, classifier)

    @torch.inference_mode()
    def detect(self, image: Image) -> Observation:
        """Find the objects of COCO's classes in an RGB image."""
        prepared = nanodet.prepare_input(image)
        pixels, extent = prepared.trim(), prepared.extent
        maps = self.detector.backbone(pixels[None])
        rows = [
            _decode_level(level[0], stride, pixels.shape[-1] // stride)
            for level, stride in zip(self.detector.detect(maps), nanodet.STRIDES, strict=True)
        ]
        candidates = torch.cat(rows)
        order = candidates[:, 1].argsort(descending=True, stable=True)
        kept: list[DetectedObject] = []
        for index, score, *corners in candidates[order].tolist():
            detection = DetectedObject(int(index), score, Box.normalize(*corners, by=extent))
            if detection.box.area > 0 and not any(_repeats(detection, other) for other in kept):
                kept.append(detection)
        return Observation(tuple(kept), tuple(nanodet.describe_image(maps, self._fill).tolist()))

    @torch.inference_mode()
    def classify(self, image: Image) -> tuple[float, ...]:
        """Return the probability of each of ImageNet's 1,000 classes for an RGB image."""
        logits = self.classifier(efficientnet_lite.prepare_input(image)[None])
        return tuple(logits[0].softmax(-1).tolist())


def _load_weights(model: nn.Module, path: Path) -> None:
    model.load_state_dict({name: value.float() for name, value in load_file(path).items()})


def _decode_level(cells: Tensor, stride: int, columns: int) -> Tensor:
    """Return (n, 6) rows of class, score and corners in pixels of the square."""
    scores, classes = cells[:, : nanodet.CLASSES].sigmoid().max(1)
    best = scores.topk(min(_CELLS_A_LEVEL, len(scores))).indices
    best = best[scores[best] > LOWEST_SCORE]
    boxes = nanodet.decode_boxes(cells[best, nanodet.CLASSES :], best, stride, columns)
    return torch.cat([classes[best, None], scores[best, None], boxes], 1)


def _repeats(detection: DetectedObject, other: DetectedObject) -> bool:
    return detection.class_index == other.class_index and detection.box.iou(other.box) > _OVERLAP
