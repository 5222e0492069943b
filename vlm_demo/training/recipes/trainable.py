"""What the recipes share: a language model on a vision tower, trained to write and to see."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from vlm_demo.training.recipes import packing
from vlm_demo.training.recipes.loop import Batch, mixed_precision
from vlm_demo.training.recipes.vision_tower import DenseHead, VisionTower, dense_loss, normalize


class TrainableModel(nn.Module):
    """A model with a dense head, which keeps its vision tower good at seeing."""

    dense_head: DenseHead

    def add_dense_head(self, tower: VisionTower) -> None:
        """Add the dense head that a vision tower was trained with."""
        self.dense_head = DenseHead()
        self.dense_head.load_state_dict(tower.head.state_dict())

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a batch, and figures for the progress bar."""
        targets, labels, weights = packing.select_targets(batch["labels"], batch["weights"])
        with mixed_precision():
            logits, features = self.forward_targets(normalize(batch["pixels"]), batch, targets)
            dense = self.dense_head(features)
        places = self.find_places(labels)
        losses = self.token_losses(logits.float(), labels)
        text_loss = (losses * weights).sum() / weights.sum()
        vision_loss, figures = dense_loss(dense, batch)
        figures |= {"words": losses[~places].mean().item(), "places": losses[places].mean().item()}
        return text_loss + 0.4 * vision_loss, figures

    @abstractmethod
    def forward_targets(
        self, pixels: Tensor, batch: Batch, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the logits at the flat indices `targets`, and the features of the patches.

        `pixels` are those of the batch, normalized.
        """

    @abstractmethod
    def find_places(self, labels: Tensor) -> Tensor:
        """Return which labels are parts of a place, such as numbers of a box."""

    @abstractmethod
    def token_losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of each token; soft targets let near places cost little."""
