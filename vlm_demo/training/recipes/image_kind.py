"""Fits the probe that tells photographs from drawn scenes and from screens.

Scenes and screens are drawn; the photographs are those of a folder, which is not shipped.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from vlm_demo.engines.base import ImageKind
from vlm_demo.engines.detector.image_kind import KINDS, PROBE_FILE
from vlm_demo.engines.detector.photo_nets import PhotoNets
from vlm_demo.errors import InputError
from vlm_demo.images.opening import open_image
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.splits import Split, scene_seeds
from vlm_demo.training.recipes.screens import draw_screen

_SUFFIXES = {".jpg", ".jpeg", ".png"}
_DECAY = 0.02
"""Weight of the squared weights in the loss: there are more features than pictures of a kind."""


def fit_image_kind_probe(nets: PhotoNets, photos: Path, folder: Path, count: int = 1000) -> None:
    """Fit the probe and write it to the model's folder.

    Args:
        nets: whose features are used.
        photos: folder of photographs, at any depth.
        folder: the model's.
        count: how many pictures of each kind, at most.

    Raises:
        InputError: there are no photographs.
    """
    paths = sorted(path for path in photos.rglob("*") if path.suffix.lower() in _SUFFIXES)[:count]
    if not paths:
        raise InputError(f"There are no photographs in {photos}.")
    pictures: dict[ImageKind, Iterable[Image.Image]] = {
        ImageKind.PHOTOGRAPH: map(open_image, paths),
        ImageKind.DRAWN_SCENE: draw_scenes("train", len(paths)),
        ImageKind.SCREEN: map(draw_screen, range(len(paths))),
    }
    features = [describe_images(nets, pictures[kind], title=kind) for kind in KINDS]
    labels = [label for label in range(len(KINDS)) for _ in paths]
    values = fit_linear_probe(torch.cat(features), torch.tensor(labels))
    save_file({name: value.half() for name, value in values.items()}, folder / PROBE_FILE)
    (folder / PROBE_FILE).chmod(0o644)


def draw_scenes(split: Split, count: int) -> Iterator[Image.Image]:
    """Yield scenes of a split, every other one after JPEG compression of quality 60 to 90."""
    seeds = scene_seeds(split, 7)
    for index in range(count):
        image = draw_scene(next(seeds)).image
        yield compress(image, 60 + index % 31) if index % 2 else image


def compress(image: Image.Image, quality: int) -> Image.Image:
    """Return an image after JPEG compression."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def describe_images(nets: PhotoNets, images: Iterable[Image.Image], title: str) -> Tensor:
    """Return (n, FEATURES): what the detector's backbone sees in each image."""
    progress = tqdm(images, desc=title, unit="picture", disable=None)
    return torch.tensor([nets.detect(image.convert("RGB")).features for image in progress])


def fit_linear_probe(features: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the probe's mean, scale, weight and bias, by logistic regression.

    Args:
        features: (n, FEATURES).
        labels: (n,), the indices of `KINDS`.
    """
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-4)
    standardized = (features - mean) / scale
    weight = torch.zeros(len(KINDS), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(KINDS), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = standardized @ weight.T + bias
        value = functional.cross_entropy(scores, labels) + _DECAY * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]  # of torch
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return {"mean": mean, "scale": scale, "weight": weight.detach(), "bias": bias.detach()}
