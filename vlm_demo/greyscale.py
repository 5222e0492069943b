"""Grey values of more than 8 bits; numpy is loaded only where there are such."""

import numpy as np
from PIL import Image


def to_8_bits(image: Image.Image) -> Image.Image:
    """Bring grey values of 16 or 32 bits to 0..255.

    16-bit values span their whole range; of others only the range that the picture uses is known.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode.startswith("I") and values.min() >= 0 and values.max() <= 65_535:
        scaled = values / 257
    else:
        span = float(values.max() - values.min()) or 1.0
        scaled = (values - values.min()) / span * 255
    return Image.fromarray(scaled.round().astype(np.uint8))
