"""The resolutions at which a family can be shown images: more visual tokens show more detail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL.Image import Image, Resampling

from vlm_demo.prompting.images.patch_sizes import fit_patches
from vlm_demo.values import Size


@dataclass(frozen=True, slots=True)
class ImageResolution:
    """One resolution at which a family can be shown images."""

    tokens: int
    """At most about so many visual tokens does an image take, with checkpoints of the usual
    patches."""

    processor: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the image processor in transformers that bring the resolution about."""

    seen_size: Callable[[Size], Size] | None = None
    """The size at which the model sees an image of a size; None: its processor decides that.

    Where it is given, the image is resized before any engine gets it, a server too."""

    def resize(self, image: Image) -> Image:
        """Return the image in the size at which the model sees it, where that is known."""
        if self.seen_size is None:
            return image
        return image.convert("RGB").resize(self.seen_size(image.size), Resampling.BICUBIC)


def patch_resolutions(*counts: int, patch: int, min_pixels: int) -> tuple[ImageResolution, ...]:
    """Return resolutions for processors of Qwen's kind, to which a patch is a visual token.

    Source: `size` in transformers/models/qwen2_vl/image_processing_qwen2_vl.py (5.23), whose two
    "edges" are areas in pixels.

    Args:
        counts: largest numbers of visual tokens, fewest first.
        patch: side in pixels of the square that becomes one token.
        min_pixels: smallest area of a resized image.
    """
    areas = ((count, count * patch * patch) for count in counts)
    return tuple(
        ImageResolution(
            count,
            {"size": {"shortest_edge": min_pixels, "longest_edge": area}},
            partial(fit_patches, patch=patch, min_pixels=min_pixels, max_pixels=area),
        )
        for count, area in areas
    )


def tile_resolutions(*edges: int, tile: int, tile_tokens: int) -> tuple[ImageResolution, ...]:
    """Return resolutions for processors of Idefics3's kind, which cut an image into square tiles.

    Where there are several, the whole image is one tile more. Source: `size` in
    transformers/models/idefics3/image_processing_idefics3.py (5.23), and the cards under
    https://huggingface.co/HuggingFaceTB ("size={'longest_edge': N*512}").

    Args:
        edges: longest sides of an image, in tiles, shortest first.
        tile: side of a tile in pixels.
        tile_tokens: visual tokens of a tile.
    """
    return tuple(
        ImageResolution(
            tile_tokens * (edge * edge + (edge > 1)), {"size": {"longest_edge": edge * tile}}
        )
        for edge in edges
    )
