"""Diagnosis of an output: how its text became regions, step by step, and what speaks against it.

Nothing is loaded: everything follows from the text, the sizes of the picture, and a family.
"""

from vlm_demo.analysis.diagnosis.alternatives import AlternativeReading, find_alternative_readings
from vlm_demo.analysis.diagnosis.conversion import (
    ConversionStep,
    ConversionTrace,
    counts_model_pixels,
)
from vlm_demo.analysis.diagnosis.output_diagnosis import (
    OutputDiagnosis,
    diagnose,
    placeholder_prompt,
)
from vlm_demo.analysis.diagnosis.reading_warnings import ReadingWarning

__all__ = [
    "AlternativeReading",
    "ConversionStep",
    "ConversionTrace",
    "OutputDiagnosis",
    "ReadingWarning",
    "counts_model_pixels",
    "diagnose",
    "find_alternative_readings",
    "placeholder_prompt",
]
