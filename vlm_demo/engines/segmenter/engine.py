"""The engine that outlines what regions mark. It answers nothing in words, and says so.

Encoding a picture takes nearly all of the time, so what is known of a picture is kept: further
regions on it take a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from vlm_demo.engines.base import (
    OnProgress,
    RenderedPrompt,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.cache_budget import CacheBudget, CachedItem
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.memory import footprint, precision
from vlm_demo.engines.local.failures import (
    free_device_memory,
    is_out_of_memory,
    to_vlm_demo_error,
)
from vlm_demo.engines.segmenter.loading import load_segmenter
from vlm_demo.engines.segmenter.pictures import Fit
from vlm_demo.engines.segmenter.prompts import (
    MaskPrompt,
    PromptKind,
    build_prompt,
    group_by_kind,
)
from vlm_demo.errors import EngineError
from vlm_demo.masks import trace_mask
from vlm_demo.translatable_text import message
from vlm_demo.values import Polygon, Prompt, Region, Sampling, TextChunk

MASKS_AT_ONCE = 16
"""Number of masks that are computed together; fewer where memory is short."""

WORDLESS = message(
    "This model outlines what others find and does not answer in words. Choose another model "
    "to ask, and press Outline on what it finds."
)
"""What is said to who asks the model."""


class SegmenterEngine:
    """Outlines regions with one loaded checkpoint, one picture at a time."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(self, model: Any, cache: CacheBudget) -> None:
        self._model: Any = model
        self._cache = cache
        self._stretches = model.config.model_type != "sam"
        self._side = int(model.config.prompt_encoder_config.image_size)
        self._features: dict[bytes, tuple[Any, CachedItem]] = {}
        self._computing = Lock()
        self._lock = Lock()  # guards what follows
        self._requests = self._images = self._reused = self._waiting = 0
        self._weight_bytes, self._precision = footprint(model), precision(model)

    @classmethod
    def load(
        cls,
        options: LoadOptions,
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> SegmenterEngine:
        """Load a checkpoint, fetching it first if it is not on disk.

        Raises:
            LoadError: it cannot be fetched or loaded, or is no model of this kind.
            OutOfMemoryError: it does not fit into memory.
        """
        return cls(load_segmenter(options, on_progress), (serving or Serving()).cache)

    def outline(self, image: Image, regions: Sequence[Region]) -> tuple[Polygon | None, ...]:
        """Return the outline of what each region marks; None: nothing was found there.

        Boxes, points and scribbles may be mixed. A region without an area marks nothing.

        Raises:
            OutOfMemoryError: the masks do not fit into memory, even one at a time.
            EngineError: the model failed, or was unloaded.
        """
        prompts = [build_prompt(region) for region in regions]
        outlines: list[Polygon | None] = [None] * len(regions)
        if not any(prompts):
            return tuple(outlines)
        with self._lock:
            self._requests += 1
            self._waiting += 1
        try:
            with self._computing, torch.inference_mode():
                fit = Fit.of(image.size, self._side, stretches=self._stretches)
                features = self._encode(image, fit)
                for group in group_by_kind(prompts).values():
                    for index, outline in self._outline_group(features, fit, group):
                        outlines[index] = outline
        except Exception as error:  # whatever PyTorch raises is explained
            raise to_vlm_demo_error(error) from error
        finally:
            with self._lock:
                self._waiting -= 1
        return tuple(outlines)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Refuse to answer.

        Raises:
            EngineError: always.
        """
        raise EngineError(WORDLESS)

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Refuse to answer.

        Raises:
            EngineError: always.
        """
        raise EngineError(WORDLESS)

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Refuse to answer.

        Raises:
            EngineError: always.
        """
        raise EngineError(WORDLESS)

    def usage(self) -> Usage:
        """Return what has been done so far."""
        with self._lock:
            items = [item for _, item in self._features.values()]
            return Usage(
                answering=min(self._waiting, 1),
                waiting=max(self._waiting - 1, 0),
                requests=self._requests,
                images=self._images,
                reused_images=self._reused,
                cached_bytes=sum(item.size for item in items),
                cache_limit=self._cache.limit,
                weight_bytes=self._weight_bytes,
                number_format=self._precision,
            )

    def close(self) -> None:
        """Free the memory, once what is being computed has ended."""
        with self._computing:
            self._model = None
            with self._lock:
                known, self._features = self._features, {}
            for _, item in known.values():
                self._cache.remove(item)

    def _encode(self, image: Image, fit: Fit) -> Any:
        """Return the features of a picture, from the cache where they are there.

        Raises:
            EngineError: the model was unloaded.
        """
        if self._model is None:
            raise EngineError("The model was unloaded. Try again.")
        picture = image.convert("RGB")
        digest = blake2b(f"{picture.size}".encode() + picture.tobytes(), digest_size=16).digest()
        with self._lock:
            self._images += 1
            known = self._features.get(digest)
            self._reused += known is not None
        if known:
            self._cache.touch(known[1])
            return known[0]
        features = self._model.get_image_embeddings(fit.prepare(picture).to(self._model.device))
        item = CachedItem(_count_bytes(features), lambda _: self._forget(digest))
        if self._cache.add(item):
            with self._lock:
                self._features[digest] = features, item
        return features

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._features.pop(digest, None)

    def _outline_group(
        self, features: Any, fit: Fit, group: Sequence[tuple[int, MaskPrompt]]
    ) -> Generator[tuple[int, Polygon | None], None, None]:
        """Yield the outlines of prompts of one kind; with little memory, of fewer at a time."""
        at, at_once = 0, MASKS_AT_ONCE
        while at < len(group):
            part = group[at : at + at_once]
            try:
                masks = fit.to_masks(self._compute(features, fit, [prompt for _, prompt in part]))
            except (RuntimeError, MemoryError) as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
                at_once //= 2
                free_device_memory()
                continue
            for (index, _), mask in zip(part, masks.cpu().numpy(), strict=True):
                yield index, trace_mask(mask)
            at += len(part)

    def _compute(self, features: Any, fit: Fit, prompts: Sequence[MaskPrompt]) -> Tensor:
        """Return the model's best mask for each prompt, (n, h, w) over its square."""
        boxes = [
            (
                *fit.to_square(prompt.box.x1, prompt.box.y1),
                *fit.to_square(prompt.box.x2, prompt.box.y2),
            )
            for prompt in prompts
            if prompt.box
        ]
        points = [
            fit.to_square(prompt.point.x, prompt.point.y) for prompt in prompts if prompt.point
        ]
        device = self._model.device
        output = self._model(
            image_embeddings=features,
            input_boxes=torch.tensor([boxes], device=device) if boxes else None,
            input_points=torch.tensor(points, device=device)[None, :, None] if points else None,
            input_labels=torch.ones(1, len(points), 1, dtype=torch.int, device=device)
            if points
            else None,
            # A point may mean a part or the whole: the model says which mask it is surest of.
            multimask_output=prompts[0].kind is PromptKind.POINT,
        )
        masks, scores = output.pred_masks[0], output.iou_scores[0]
        best: Tensor = masks[torch.arange(len(prompts), device=device), scores.argmax(-1)]
        return best


def _count_bytes(features: Any) -> int:
    """Return the bytes of the features of a picture: one tensor, or one for each resolution."""
    parts = [features] if isinstance(features, Tensor) else features
    return sum(part.numel() * part.itemsize for part in parts)
