"""Masks that are written as 16 codes each, decoded by an autoencoder whose weights are a file.

The file is `vae-oid.npz` of the authors of PaliGemma (gs://big_vision/paligemma/vae-oid.npz), which
is not part of this program. Names and shapes in it, and what is computed with them:
big_vision/evaluators/proj/paligemma/transfers/segmentation.py of
https://github.com/google-research/big_vision (read at 5f95305c). The codes are rows of a table,
laid out as 4 x 4 places; a convolution, two blocks with a way around them, and four convolutions
that double the sides make 64 x 64 numbers of them, which are above 0 inside the mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from PIL import Image

from vlm_demo.errors import SettingsError
from vlm_demo.masks.rasters import Mask

CODES_PER_MASK = 16
"""How many codes stand for one mask."""

SIDE = 64
"""Pixels of a side of a decoded mask."""

_TABLE = "_vq_vae._embedding"
_BLOCKS = ("decoder.2.net", "decoder.3.net")
_DOUBLINGS = ("decoder.4", "decoder.6", "decoder.8", "decoder.10")

Array = npt.NDArray[np.float32]


class MaskDecoder:
    """Decodes masks. Arrays within are (channels, height, width)."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        """Take weights by name.

        Raises:
            SettingsError: some are missing, or do not fit together.
        """
        self._weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        try:
            self.codes = len(self._weights[_TABLE])
            result = self.decode([0] * CODES_PER_MASK)
        except (KeyError, ValueError, IndexError) as error:
            raise SettingsError("This is not a decoder of PaliGemma's masks.") from error
        if result.shape != (SIDE, SIDE):
            raise SettingsError("This is not a decoder of PaliGemma's masks.")

    def decode(self, codes: Sequence[int]) -> Array:
        """Return (64, 64) numbers, above 0 inside the mask.

        Args:
            codes: `CODES_PER_MASK`, each a row of the table of codes.
        """
        places = self._weights[_TABLE][list(codes)].reshape(4, 4, -1)
        grid = _rectify(self._convolve("decoder.0", places.transpose(2, 0, 1)))
        for name in _BLOCKS:
            inner = _rectify(self._convolve(f"{name}.0", grid))
            inner = _rectify(self._convolve(f"{name}.2", inner))
            grid = grid + self._convolve(f"{name}.4", inner)
        for name in _DOUBLINGS:
            grid = _rectify(self._double(name, grid))
        (result,) = self._convolve("decoder.12", grid)
        return np.asarray(result, np.float32)

    def decode_mask(self, codes: Sequence[int], height: int, width: int) -> Mask:
        """Return a mask, scaled to the size of its box in pixels."""
        scaled = Image.fromarray(self.decode(codes)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        return np.asarray(scaled) > 0

    def _convolve(self, name: str, grid: Array) -> Array:
        """Convolve with a kernel (out, in, side, side) and zeros around, which keeps the size."""
        kernel, (_, height, width) = self._weights[f"{name}.weight"], grid.shape
        side = kernel.shape[-1]
        margin = side // 2
        padded = np.pad(grid, ((0, 0), (margin, margin), (margin, margin)))
        total = sum(
            np.tensordot(
                kernel[:, :, row, column],
                padded[:, row : row + height, column : column + width],
                1,
            )
            for row in range(side)
            for column in range(side)
        )
        return np.asarray(total + self._bias(name), np.float32)

    def _double(self, name: str, grid: Array) -> Array:
        """Double the sides: the transpose of a convolution (in, out, 4, 4) in steps of 2."""
        kernel, (_, height, width) = self._weights[f"{name}.weight"], grid.shape
        # Each place adds its kernel to the 4 x 4 places that it stands for; the outermost ones go.
        total = np.zeros((kernel.shape[1], 2 * height + 2, 2 * width + 2), np.float32)
        for row in range(4):
            for column in range(4):
                added = np.tensordot(kernel[:, :, row, column].T, grid, 1)
                total[:, row : row + 2 * height : 2, column : column + 2 * width : 2] += added
        return np.asarray(total[:, 1:-1, 1:-1] + self._bias(name), np.float32)

    def _bias(self, name: str) -> Array:
        return self._weights[f"{name}.bias"][:, None, None]


def _rectify(grid: Array) -> Array:
    return np.maximum(grid, 0)


@cache
def load_mask_decoder(path: Path) -> MaskDecoder:
    """Read a decoder.

    Raises:
        SettingsError: the file cannot be read, or is not one.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile, AttributeError) as error:
        raise SettingsError(f"The mask decoder {path} cannot be read.") from error
    try:
        return MaskDecoder(weights)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error
