"""NanoDet-g: a small one-stage detector of COCO's 80 classes, as a plain torch module.

Architecture, input and decoding follow https://github.com/RangiLyu/nanodet (Apache-2.0),
nanodet-g.yml: a CSP backbone, a PAN neck and one head a level. Batch norms
are folded into the convolutions, so the network is 34 convolutions with biases.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

SIDE = 416
"""Width and height in pixels of the square that the network sees."""

CLASSES = 80
"""Number of classes, in COCO's order."""

BINS = 11
"""Number of bins over which the distance from a cell to a side of its box is distributed."""

STRIDES = (8, 16, 32)
"""Pixels between the cells of the three levels."""

FEATURES = 896
"""Length of the vector that describes a whole image: the channels of the three backbone maps."""

_MEAN_BGR = np.array((103.53, 116.28, 123.675), dtype=np.float32)
_DEVIATION_BGR = np.array((57.375, 57.12, 58.395), dtype=np.float32)
_FILL = 114
"""Gray value of the part of the square that the image does not cover."""

_NECK = 128
"""Number of channels of the neck and the heads."""


class Input(NamedTuple):
    """An image as the network sees it."""

    pixels: Tensor
    """(3, SIDE, SIDE), blue, green and red, normalized."""

    extent: tuple[float, float]
    """The right and lower edge of the image within the square, in pixels."""

    def trim(self) -> Tensor:
        """Return the pixels without the fill, as far as the coarsest cells allow.

        The network is convolutions only, so it takes any multiple of the largest stride; for most
        photographs a quarter to a third of the work is saved.
        """
        columns, rows = (math.ceil(edge / STRIDES[-1]) * STRIDES[-1] for edge in self.extent)
        return self.pixels[:, :rows, :columns]


def fit_image(image: Image.Image) -> Image.Image:
    """Return an RGB image shrunk or enlarged to the square's side, keeping its ratio."""
    scale = SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR)


def prepare_input(image: Image.Image) -> Input:
    """Place an RGB image in the upper left of the square, as large as it fits."""
    fitted = fit_image(image)
    square = np.full((SIDE, SIDE, 3), _FILL, dtype=np.float32)
    square[: fitted.height, : fitted.width] = np.asarray(fitted)
    scale = SIDE / max(image.size)
    return Input(_normalize(square), (image.width * scale, image.height * scale))


def _normalize(square: NDArray[np.float32]) -> Tensor:
    """Return (3, SIDE, SIDE) inputs for (SIDE, SIDE, 3) values of red, green and blue."""
    square = (square[..., ::-1] - _MEAN_BGR) / _DEVIATION_BGR
    return torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))


class _PaddedConvolution(nn.Conv2d):
    """A convolution with padding that keeps the size, followed by a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(inputs, outputs, size, stride, size // 2)

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu_(super().forward(x), 0.1)


class _Pair(nn.Module):
    """Two convolutions whose outputs are joined."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.first = _PaddedConvolution(inputs, channels)
        self.second = _PaddedConvolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat([self.second(x), x], 1)


class _Stage(nn.Module):
    """A cross-stage partial block: its output has twice as many channels as its input."""

    def __init__(self, channels: int, pairs: int, stride: int) -> None:
        super().__init__()
        self.entry = _PaddedConvolution(channels, channels, stride=stride)
        self.pairs = nn.Sequential(*(_Pair(channels, channels // 2) for _ in range(pairs)))
        self.exit = _PaddedConvolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        return torch.cat([self.exit(self.pairs(x)), x], 1)


class NanoDetG(nn.Module):
    """The network: pixels in, class logits and distance bins of every cell out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _PaddedConvolution(3, 32, stride=2)
        self.stages = nn.ModuleList(
            [_Stage(32, 1, 1), _Stage(64, 2, 2), _Stage(128, 2, 2), _Stage(256, 3, 2)]
        )
        self.lateral = nn.ModuleList(nn.Conv2d(channels, _NECK, 1) for channels in (128, 256, 512))
        self.heads = nn.ModuleList(
            nn.Sequential(_PaddedConvolution(_NECK, _NECK), nn.Conv2d(_NECK, CLASSES + 4 * BINS, 1))
            for _ in STRIDES
        )

    def backbone(self, pixels: Tensor) -> list[Tensor]:
        """Return the feature maps of the three levels for pixels (batch, 3, SIDE, SIDE)."""
        x = functional.pad(self.stem(pixels), (1, 1, 1, 1), value=float("-inf"))
        x = functional.max_pool2d(x, 3, 2)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1:]

    def detect(self, maps: list[Tensor]) -> list[Tensor]:
        """Return (batch, cells, CLASSES + 4 * BINS) logits a level, for `backbone`'s maps."""
        fine, middle, coarse = (
            lateral(level) for lateral, level in zip(self.lateral, maps, strict=True)
        )
        middle = middle + _resize(coarse, middle)
        fine = fine + _resize(middle, fine)
        lower = middle + _resize(fine, middle)
        levels = (fine, lower, coarse + _resize(lower, coarse))
        return [
            head(level).flatten(2).transpose(1, 2)
            for head, level in zip(self.heads, levels, strict=True)
        ]

    def forward(self, pixels: Tensor) -> list[Tensor]:
        return self.detect(self.backbone(pixels))


def describe_image(maps: list[Tensor], fill: Tensor) -> Tensor:
    """Return (FEATURES,): the means of `backbone`'s maps for one image, as over the whole square.

    Args:
        maps: of the trimmed pixels.
        fill: (FEATURES,) what stands in the maps where the square is not covered (`describe_fill`).
    """
    means = torch.cat([level[0].mean((1, 2)) for level in maps])
    rows, columns = maps[-1].shape[-2:]
    share = rows * columns * STRIDES[-1] ** 2 / SIDE**2
    return means * share + fill * (1 - share)


def describe_fill(network: NanoDetG) -> Tensor:
    """Return (FEATURES,): what `backbone`'s maps hold in the midst of the fill."""
    square = np.full((SIDE, SIDE, 3), _FILL, dtype=np.float32)
    maps = network.backbone(_normalize(square)[None])
    middles = [level[0, :, level.shape[2] // 2, level.shape[3] // 2] for level in maps]
    return torch.cat(middles)


def decode_boxes(bins: Tensor, cells: Tensor, stride: int, columns: int) -> Tensor:
    """Return (n, 4) corners x1, y1, x2, y2 in pixels of the square.

    Args:
        bins: (n, 4 * BINS) logits of the distances to the left, upper, right and lower side.
        cells: (n,) numbers of the cells, row by row.
        stride: pixels between the cells of the level.
        columns: number of cells in a row.
    """
    values = torch.arange(float(BINS), device=bins.device)
    distances = (bins.view(-1, 4, BINS).softmax(-1) @ values) * stride
    centers = torch.stack([cells % columns + 0.5, cells // columns + 0.5], 1) * stride
    return torch.cat([centers - distances[:, :2], centers + distances[:, 2:]], 1)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear")
