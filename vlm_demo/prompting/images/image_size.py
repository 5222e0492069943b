"""How large the images are that a server is sent."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.images.opening import shrink_image
from vlm_demo.prompting.family import Family


def limit_image_size(family: Family) -> Family:
    """Return a family whose images are sent no larger than its models make use of.

    Its frames then tell of the image that is sent, so that regions in pixels are read right.
    """
    prepare, longest = family.prepare_image, family.limits.longest_side
    return replace(family, prepare_image=lambda image: prepare(shrink_image(image, longest)))
