"""EfficientNet-Lite0: a small classifier of ImageNet's 1,000 classes, as a plain torch module.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
(Apache-2.0). Batch norms are folded into the convolutions.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

SIDE = 224
"""Width and height in pixels of the square that the network sees."""

CROP = 0.875
"""Share of the image's shorter side that the square covers, at its middle."""

CLASSES = 1000
"""Number of classes, in the order of ILSVRC 2012."""

_STAGES = (
    # repeats, kernel size, stride of the first, expansion, output channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def prepare_input(image: Image.Image) -> Tensor:
    """Return (3, SIDE, SIDE): red, green and blue of the middle of an RGB image, in -1 to 1."""
    side = max(1, int(min(image.size) * CROP))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.crop((left, top, left + side, top + side))
    middle = middle.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(middle, dtype=np.float32) - 127) / 128
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


class _Convolution(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: an odd pixel goes to the right and below."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, size, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        size, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:  # the same on all sides, which takes no copy
            return functional.conv2d(
                x, self.weight, self.bias, padding=size // 2, groups=self.groups
            )
        sides: list[int] = []
        for length in (x.shape[-1], x.shape[-2]):
            total = max((-(-length // stride) - 1) * stride + size - length, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, sides))


class InvertedResidual(nn.Module):
    """An inverted residual block without squeeze and excitation."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = _Convolution(inputs, width, 1) if expansion > 1 else None
        self.depthwise = _Convolution(width, width, size, stride, groups=width)
        self.project = _Convolution(width, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        y: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return x + y if self.is_residual else y


class EfficientNetLite0(nn.Module):
    """The network: (batch, 3, SIDE, SIDE) pixels in, (batch, CLASSES) logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, 32, 3, 2)
        blocks: list[InvertedResidual] = []
        inputs = 32
        for repeats, size, stride, expansion, outputs in _STAGES:
            for index in range(repeats):
                step = 1 if index else stride
                blocks.append(InvertedResidual(inputs, outputs, size, step, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = _Convolution(inputs, 1280, 1)
        self.classifier = nn.Linear(1280, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.blocks(functional.relu6(self.stem(pixels)))
        x = functional.relu6(self.head(x)).mean((2, 3))
        logits: Tensor = self.classifier(x)
        return logits
