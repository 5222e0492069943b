"""From examples to the tokens of a training step: what is learned is what is asked."""

import vlm_demo.engines.local  # noqa: F401  # it checks torchvision, before transformers is imported
from vlm_demo.training.rows.collator import TrainingCollator
from vlm_demo.training.rows.writing import TrainingRow, WrittenTurn, write_rows

__all__ = ["TrainingCollator", "TrainingRow", "WrittenTurn", "write_rows"]
