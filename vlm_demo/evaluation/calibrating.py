"""Fits the calibration of a model's boxes, and measures it on scenes that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vlm_demo.analysis.confidence import (
    Calibration,
    expected_calibration_error,
    fit_calibration,
)
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.evaluation.box_samples import BoxSample, sample_boxes

MIN_BOXES = 50
"""Fewest boxes that a curve can be fitted to."""

CalibrationBin = tuple[float, int, float, float]
"""Lower end of a bin of probabilities, number of boxes, mean of what was told, share right."""


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """A calibration, and how well it holds on unseen scenes."""

    calibration: Calibration
    error: float  # expected calibration error, 0 to 1
    error_before: float  # of the token probabilities themselves
    boxes: int  # unseen ones
    bins: tuple[CalibrationBin, ...]

    def to_data(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "expected_calibration_error": self.error,
            "error_of_token_probabilities": self.error_before,
            "boxes": self.boxes,
            "confidences": list(self.calibration.confidences),
            "probabilities": list(self.calibration.probabilities),
            "bins": [list(one) for one in self.bins],
        }


def calibrate(backend: Backend, model: str, *, seed: int, count: int) -> CalibrationReport:
    """Fit a curve to the validation scenes, and measure it on half as many test scenes.

    Raises:
        InputError: the model draws too few boxes, or its engine does not say how probable they are.
    """
    fitted = sample_boxes(backend, model, "validation", seed=seed, count=count)
    if len(fitted) < MIN_BOXES:
        raise InputError(f"{model} gave {len(fitted)} boxes with a probability: too few.")
    calibration = fit_calibration(
        [one.confidence for one in fitted], [one.is_hit for one in fitted]
    )
    unseen = sample_boxes(backend, model, "test", seed=seed, count=count // 2)
    return report_calibration(calibration, unseen)


def report_calibration(calibration: Calibration, unseen: Sequence[BoxSample]) -> CalibrationReport:
    """Measure how well a curve holds for unseen boxes."""
    hits = [one.is_hit for one in unseen]
    told = [calibration(one.confidence) for one in unseen]
    return CalibrationReport(
        calibration,
        expected_calibration_error(told, hits),
        expected_calibration_error([one.confidence for one in unseen], hits),
        len(unseen),
        tuple(_bins(told, hits)),
    )


def _bins(told: Sequence[float], hits: Sequence[bool]) -> Iterator[CalibrationBin]:
    for index in range(10):
        own = [i for i, one in enumerate(told) if min(int(one * 10), 9) == index]
        if own:
            right = fmean(hits[i] for i in own)
            yield index / 10, len(own), fmean(told[i] for i in own), right
