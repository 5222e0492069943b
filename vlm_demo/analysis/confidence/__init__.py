"""What the confidence of a box means: token probabilities, and probabilities that it is right.

The probability of the tokens of a box is no probability that the box is right: it says how sure the
model was of each digit. For models that were measured here on pictures whose objects are known, a
stored table turns the one into the other.
"""

from vlm_demo.analysis.confidence.calibration import (
    Calibration,
    expected_calibration_error,
    fit_calibration,
)
from vlm_demo.analysis.confidence.tables import find_calibration, write_calibration

__all__ = [
    "Calibration",
    "expected_calibration_error",
    "find_calibration",
    "fit_calibration",
    "write_calibration",
]
