"""Ground truth: regions that a person has drawn as right, and how well answers match them."""

from vlm_demo.analysis.ground_truth.archive import LabelledQuestion, read_archive, write_archive
from vlm_demo.analysis.ground_truth.scores import (
    HIT_IOU,
    AnswerScore,
    ModelScore,
    RegionMatch,
    rank_models,
    score_answer,
)

__all__ = [
    "HIT_IOU",
    "AnswerScore",
    "LabelledQuestion",
    "ModelScore",
    "RegionMatch",
    "rank_models",
    "read_archive",
    "score_answer",
    "write_archive",
]
