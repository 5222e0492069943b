"""Masks: polygons as pixels and back. Pixels are arrays (height, width) of booleans.

A mask is kept as a `Polygon` with its holes and further parts, everywhere: on the page, in files
and in answers of the API. Pixels are made only where something is cut out, counted or compared.
"""

from vlm_demo.masks.inner_points import find_inner_point
from vlm_demo.masks.rasters import Window, draw_mask, mask_iou, run_lengths
from vlm_demo.masks.rings import join_rings, outline_area, split_holes
from vlm_demo.masks.tracing import TOLERANCE_PX, trace_mask

__all__ = [
    "TOLERANCE_PX",
    "Window",
    "draw_mask",
    "find_inner_point",
    "join_rings",
    "mask_iou",
    "outline_area",
    "run_lengths",
    "split_holes",
    "trace_mask",
]
