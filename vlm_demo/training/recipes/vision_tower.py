"""Stage one of both recipes: a vision tower that already recognises and locates objects.

A SigLIP vision transformer is trained with a temporary linear head that predicts for each patch
which object covers it, its colour and its box, or the colour of the background. A language model
learns far faster on such a tower than on an untrained one.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from transformers import SiglipVisionConfig, SiglipVisionModel

from vlm_demo.prompting.images.padding import pad_to_square
from vlm_demo.scenes.kinds import BACKGROUNDS, COLOURS, KINDS
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.splits import RANGES
from vlm_demo.training.recipes.loop import Batch, Schedule, fit, mixed_precision
from vlm_demo.values import Box, Size

IMAGE_SIDE = 144  # pixels of the model's square input
PATCH = 16
GRID = IMAGE_SIDE // PATCH  # patches per side
WIDTH = 192
BINS = 64  # for each coordinate of a box in the dense head

SCHEDULE = Schedule(steps=1500, batch_size=64, decay_share=0.4)

_KIND_ID = {name: index for index, name in enumerate(KINDS)}
_COLOUR_ID = {name: index for index, name in enumerate((*COLOURS, ""))}
_BACKGROUND_ID = {name: index for index, name in enumerate((*BACKGROUNDS, ""))}
_NOTHING = len(KINDS)  # class of a patch without an object
_IGNORED_LABEL = -100  # the losses skip it


class VisionTower(nn.Module):
    """The vision tower with its dense head."""

    def __init__(self) -> None:
        super().__init__()
        self.vision = SiglipVisionModel(vision_config())
        self.head = DenseHead()
        self._initialise()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return dense predictions (n, GRID * GRID, outputs) for pictures (n, 3, side, side)."""
        features = self.vision(pixel_values=pixels).last_hidden_state
        return self.head(features)  # type: ignore[no-any-return]

    def _initialise(self) -> None:
        for name, parameter in self.vision.named_parameters():
            if "position_embedding" in name:
                parameter.data.copy_(0.5 * _sines(GRID, WIDTH))
            elif parameter.dim() == 2:
                nn.init.trunc_normal_(parameter, std=0.04)


class DenseHead(nn.Module):
    """Predicts each patch: kind, colour and box of its object, colour of the background."""

    parts = (len(KINDS) + 1, len(_COLOUR_ID), 4 * BINS, len(_BACKGROUND_ID))

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, sum(self.parts))

    def forward(self, features: Tensor) -> Tensor:
        """Map patch features (n, patches, WIDTH) to (n, patches, sum(parts))."""
        return self.head(self.norm(features))  # type: ignore[no-any-return]


def vision_config() -> SiglipVisionConfig:
    """Return the tower's shape; eager attention has the fastest backward pass on a CPU."""
    return SiglipVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=6,
        num_attention_heads=6,
        image_size=IMAGE_SIDE,
        patch_size=PATCH,
        vision_use_head=False,
        attn_implementation="eager",  # type: ignore[call-arg]
    )


def _sines(side: int, width: int) -> Tensor:
    """Return two-dimensional sine-cosine positions, (side * side, width)."""
    at = torch.arange(side).float()
    frequency = torch.exp(-math.log(100) * torch.arange(width // 4) / (width // 4))
    y, x = (axis.reshape(-1, 1) * frequency for axis in torch.meshgrid(at, at, indexing="ij"))
    return torch.cat([torch.sin(x), torch.cos(x), torch.sin(y), torch.cos(y)], dim=1)


def model_input(image: Image.Image, *, padded: bool) -> np.ndarray:
    """Return the square that the model gets, (side, side, 3) bytes: padded first, or squashed."""
    square = pad_to_square(image) if padded else image
    side = (IMAGE_SIDE, IMAGE_SIDE)
    return np.asarray(square.resize(side, Image.Resampling.BICUBIC))


def normalize(pixels: Tensor) -> Tensor:
    """Turn bytes (n, side, side, 3) into (n, 3, side, side) from -1 to 1, as processors do."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def in_padded_square(box: Box, size: Size) -> Box:
    """Return a box of the picture in fractions of the centred square around it."""
    side = max(size)
    left, top = ((side - length) // 2 for length in size)
    x1, y1, x2, y2 = box.to_pixels(size)
    return Box((x1 + left) / side, (y1 + top) / side, (x2 + left) / side, (y2 + top) / side)


def dense_targets(scene: Scene, *, padded: bool) -> dict[str, np.ndarray]:
    """Return the labels of all patches, row by row: kind, colour, box bins (4), background."""
    kind = np.full((GRID, GRID), _NOTHING, np.int64)
    colour = np.full((GRID, GRID), _IGNORED_LABEL, np.int64)
    box = np.full((GRID, GRID, 4), _IGNORED_LABEL, np.int64)
    covered = np.zeros((GRID, GRID))
    size = scene.image.size
    for thing in scene.objects:
        target = in_padded_square(thing.box, size) if padded else thing.box
        _label_patches(thing, target, kind, colour, box, covered)
    background = _background_labels(scene, covered, padded=padded)
    return {
        "kind": kind.reshape(-1),
        "colour": colour.reshape(-1),
        "box": box.reshape(-1, 4),
        "background": background.reshape(-1),
    }


def _label_patches(
    thing: SceneObject,
    target: Box,
    kind: np.ndarray,
    colour: np.ndarray,
    box: np.ndarray,
    covered: np.ndarray,
) -> None:
    """Label the patches that an object covers most, and always its centre patch."""
    x1, y1, x2, y2 = target.to_pixels((GRID, GRID))
    centre = (int((x1 + x2) / 2), int((y1 + y2) / 2))
    bins = [min(BINS - 1, int(v * BINS)) for v in (target.x1, target.y1, target.x2, target.y2)]
    for row in range(int(y1), min(GRID, math.ceil(y2))):
        for column in range(int(x1), min(GRID, math.ceil(x2))):
            width = min(x2, column + 1) - max(x1, column)
            height = min(y2, row + 1) - max(y1, row)
            share = width * height + (1000 if (column, row) == centre else 0)
            if share > max(0.25, covered[row, column]):
                covered[row, column] = share
                kind[row, column] = _KIND_ID[thing.kind.name]
                colour[row, column] = _COLOUR_ID[thing.colour]
                box[row, column] = bins


def _background_labels(scene: Scene, covered: np.ndarray, *, padded: bool) -> np.ndarray:
    labels = np.where(covered > 0, _IGNORED_LABEL, _BACKGROUND_ID[scene.background.colour])
    if padded:
        inside = in_padded_square(Box(0, 0, 1, 1), scene.image.size)
        at = (np.arange(GRID) + 0.5) / GRID
        rows, columns = (at > inside.y1) & (at < inside.y2), (at > inside.x1) & (at < inside.x2)
        labels[~np.outer(rows, columns)] = _IGNORED_LABEL
    return labels.astype(np.int64)


def dense_loss(predictions: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Return the cross entropy over kind, colour, box bins (soft targets) and background."""
    kinds, colours, boxes, backgrounds = torch.split(
        predictions.float(), list(DenseHead.parts), dim=-1
    )
    objects = batch["kind"] != _NOTHING
    wanted = batch["box"][objects].reshape(-1)
    bins = boxes[objects].reshape(-1, BINS)
    kind_loss = functional.cross_entropy(kinds.flatten(0, 1), batch["kind"].flatten())
    colour_loss = functional.cross_entropy(colours[objects], batch["colour"][objects])
    box_loss = soft_cross_entropy(bins, soft_targets(BINS, 1.2, bins.device)[wanted])
    background_loss = functional.cross_entropy(
        backgrounds.flatten(0, 1), batch["background"].flatten(), ignore_index=_IGNORED_LABEL
    )
    total = kind_loss + 0.5 * colour_loss + box_loss + 0.3 * background_loss
    right = kinds[objects].argmax(-1) == batch["kind"][objects]
    return total, {"kind": right.float().mean().item(), "box": box_loss.item()}


def soft_targets(count: int, sigma: float, device: torch.device) -> Tensor:
    """Return a matrix whose row i spreads label i over its neighbours by a Gaussian (in bins)."""
    bins = torch.arange(count, device=device).float()
    return torch.softmax(-((bins[:, None] - bins[None]) ** 2) / (2 * sigma**2), dim=-1)


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross entropy of logits (n, k) against distributions (n, k)."""
    return -(targets * functional.log_softmax(logits, dim=-1)).sum(-1).mean()


def stack_samples(samples: list[dict[str, np.ndarray]]) -> Batch:
    """Stack the arrays of several scenes by name."""
    return {name: torch.from_numpy(np.stack([s[name] for s in samples])) for name in samples[0]}


def make_tower_batch(step: int, first_seed: int = 1 << 36) -> Batch:
    """Make pictures and labels of a step; even scenes are padded (LLaVA), odd ones squashed."""
    samples = []
    for offset in range(SCHEDULE.batch_size):
        seed = RANGES["train"][first_seed + step * SCHEDULE.batch_size + offset]
        scene, padded = draw_scene(seed), seed % 2 == 0
        pixels = model_input(scene.image, padded=padded)
        samples.append({"pixels": pixels, **dense_targets(scene, padded=padded)})
    return stack_samples(samples)


def train_tower(checkpoint: Path) -> VisionTower:
    """Train the tower, or finish an interrupted run, and return it."""
    torch.manual_seed(0)
    tower = VisionTower()

    def loss_of(batch: Batch) -> tuple[Tensor, dict[str, float]]:
        with mixed_precision():
            predictions = tower(normalize(batch["pixels"]))
        return dense_loss(predictions, batch)

    fit(tower, make_tower_batch, loss_of, SCHEDULE, checkpoint, title="vision tower")
    return tower
