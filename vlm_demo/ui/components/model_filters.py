"""Sizes and licences by which lists of models are filtered."""

from __future__ import annotations

from collections.abc import Mapping

from vlm_demo.translatable_text import message

SIZES: Mapping[str, tuple[float, float]] = {
    message("Under 1 billion"): (0, 1e9),
    message("1 to 5 billion"): (1e9, 5e9),
    message("5 to 15 billion"): (5e9, 15e9),
    message("Over 15 billion"): (15e9, float("inf")),
}
"""Number of parameters of each size: the least, and the first that is too many."""

LICENCES: Mapping[str, tuple[str, ...]] = {
    message("Commercial use allowed"): ("yes",),
    message("… or on conditions"): ("yes", "on conditions"),
}
"""Values of `ModelSpec.commercial` that each choice lets through."""
