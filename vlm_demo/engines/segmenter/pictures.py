"""Pictures as SAM takes them, and its masks on the picture again, without torchvision.

Sources: transformers/models/sam/image_processing_pil_sam.py and
transformers/models/sam2/image_processing_sam2.py (5.23). SAM 1 keeps the form of a picture and
fills the square up at the right and below; SAM 2 stretches the picture over the square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad

from vlm_demo.values import Size

MEAN = (0.485, 0.456, 0.406)
"""Mean of ImageNet's colours, which both models subtract."""

DEVIATION = (0.229, 0.224, 0.225)
"""Standard deviation of ImageNet's colours, by which both models divide."""

MAX_MASK_SIDE = 1_024
"""Longest side in pixels at which a mask is traced: the models see no more."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture lies in the square that the model sees."""

    size: Size  # of the picture
    side: int  # of the square
    covered: Size  # the part of the square that the picture covers, at the upper left

    @classmethod
    def of(cls, size: Size, side: int, *, stretches: bool) -> Fit:
        """Fit a picture of `size` into a square."""
        if stretches:
            return cls(size, side, (side, side))
        scale = side / max(size)
        width, height = (max(1, int(length * scale + 0.5)) for length in size)
        return cls(size, side, (width, height))

    def prepare(self, image: Image.Image) -> Tensor:
        """Return the picture as (1, 3, side, side)."""
        resized = image.convert("RGB").resize(self.covered, Image.Resampling.BILINEAR)
        colours = torch.from_numpy(np.asarray(resized, dtype=np.float32) / 255)
        colours = (colours - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
        width, height = self.covered
        filled = pad(colours.permute(2, 0, 1), (0, self.side - width, 0, self.side - height))
        return filled[None]

    def to_square(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place, as fractions of the picture, is in the square, in pixels."""
        return x * self.covered[0], y * self.covered[1]

    def to_masks(self, logits: Tensor) -> Tensor:
        """Return what is inside, (n, height, width), of the model's (n, h, w) over the square.

        Masks have the form of the picture, and at most `MAX_MASK_SIDE` on a side.
        """
        square = logits[:, None].float()
        if self.covered != (self.side, self.side):
            width, height = self.covered
            square = interpolate(square, (self.side, self.side), mode="bilinear")
            square = square[..., :height, :width]
        scale = min(1.0, MAX_MASK_SIDE / max(self.size))
        width, height = (max(1, round(length * scale)) for length in self.size)
        return interpolate(square, (height, width), mode="bilinear")[:, 0] > 0
