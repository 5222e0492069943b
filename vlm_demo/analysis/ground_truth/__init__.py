"""Places that a person says are right, and how well answers meet them."""

from vlm_demo.analysis.ground_truth.archive import Known, read_archive, write_archive
from vlm_demo.analysis.ground_truth.scores import ENOUGH, Pair, Score, Standing, score, standings

__all__ = [
    "ENOUGH",
    "Known",
    "Pair",
    "Score",
    "Standing",
    "read_archive",
    "score",
    "standings",
    "write_archive",
]
