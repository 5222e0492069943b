"""Tells photographs from drawn scenes and from screens, by the detector's own features.

A linear probe: three scores, each a weighted sum of the features that describe the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL.Image import Image
from safetensors.torch import load_file
from torch import Tensor

from vlm_demo.engines.base import ImageKind
from vlm_demo.engines.detector.nanodet import FEATURES

PROBE_FILE = "image_kind.safetensors"
"""The name of the probe's weights in the model's folder."""

KINDS = (ImageKind.PHOTOGRAPH, ImageKind.DRAWN_SCENE, ImageKind.SCREEN)
"""What the probe's scores stand for, in order."""

BLANK_CONTRAST = 12
"""Largest difference of a channel's values, 0 to 255, within an image that shows nothing."""


def is_blank(image: Image) -> bool:
    """Return whether an image shows nothing, as a plain black or white one does."""
    histogram = np.reshape(image.convert("RGB").histogram(), (3, 256)) > 0
    values = (np.flatnonzero(channel) for channel in histogram)
    return all(channel[-1] - channel[0] <= BLANK_CONTRAST for channel in values)


class ImageKindProbe:
    """The probe, whose features are standardized first."""

    def __init__(self, mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor) -> None:
        """Take (FEATURES,) means and scales, (3, FEATURES) weights and (3,) biases."""
        if weight.shape != (len(KINDS), FEATURES):
            raise ValueError(f"The probe has weights of {tuple(weight.shape)}.")
        self._mean, self._scale, self._weight, self._bias = mean, scale, weight, bias

    @classmethod
    def load(cls, folder: Path) -> ImageKindProbe:
        """Load the probe from the model's folder.

        Raises:
            OSError: the file is missing.
            KeyError: it holds something else.
            ValueError: it is of another size.
        """
        values = {name: value.float() for name, value in load_file(folder / PROBE_FILE).items()}
        return cls(values["mean"], values["scale"], values["weight"], values["bias"])

    @torch.inference_mode()
    def recognize(self, features: Sequence[float]) -> dict[ImageKind, float]:
        """Return how probable each kind is, for `Observation.features`."""
        standardized = (torch.tensor(features) - self._mean) / self._scale
        scores = (self._weight @ standardized + self._bias).softmax(0).tolist()
        return dict(zip(KINDS, scores, strict=True))
