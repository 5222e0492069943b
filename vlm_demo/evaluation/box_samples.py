"""Boxes of a model on drawn scenes, with their confidence and whether they are right."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from tqdm import tqdm

from vlm_demo.backend import Backend
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.scenes import questions
from vlm_demo.scenes.dialogues import ENGLISH
from vlm_demo.scenes.exchange import Exchange
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import Split, scene_seeds
from vlm_demo.values import Box, Request

MIN_IOU = 0.5
"""Intersection over union from which a box is right, as in Pascal VOC."""

AT_ONCE = 8
"""Number of questions that are answered at the same time."""

_Kind = Callable[[random.Random, Scene], Exchange | None]

_KINDS: tuple[_Kind, ...] = (
    lambda rng, scene: questions.locate(rng, scene, ENGLISH, short=True),
    lambda rng, scene: questions.locate_all(rng, scene, ENGLISH),
    lambda rng, scene: questions.absent(rng, scene, ENGLISH, short=True),
)
"""Searches for one thing, for all of a kind, and for what is not there, in equal numbers."""


@dataclass(frozen=True, slots=True)
class BoxSample:
    """A box of an answer."""

    confidence: float  # from token probabilities, 0 to 1
    is_hit: bool  # whether it is on a thing that was looked for


def sample_boxes(
    backend: Backend, model: str, split: Split, *, seed: int, count: int
) -> list[BoxSample]:
    """Let a model search in scenes of a split, and judge each box that it draws.

    Args:
        backend: holds the model.
        model: its name on the menu; its engine says how probable tokens were.
        split: which scenes; "test" has those that no model was trained or tuned on.
        seed: another one draws other scenes.
        count: number of searches.
    """
    seeds = scene_seeds(split, seed)
    searches = [(next(seeds), kind) for kind in islice(cycle(_KINDS), count)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(partial(_search, backend, model), searches)
        bar = tqdm(answers, desc=model, total=count, disable=None, file=sys.stderr)
        return [sample for samples in bar for sample in samples]


def _search(backend: Backend, model: str, search: tuple[int, _Kind]) -> list[BoxSample]:
    scene_seed, ask = search
    scene = draw_scene(scene_seed)
    exchange = ask(random.Random(scene_seed), scene)
    if exchange is None:  # the scene allows no clear search of this kind
        return []
    *_, reply = backend.answer(model, Request(exchange.task, exchange.text, (scene.image,)))
    expected = [box for phrase in exchange.phrases for box in phrase.boxes]
    return [
        BoxSample(confidence, any(region.iou(box) >= MIN_IOU for box in expected))
        for mention, confidences in zip(reply.mentions, region_confidences(reply), strict=True)
        for region, confidence in zip(mention.regions, confidences, strict=True)
        if isinstance(region, Box) and confidence is not None
    ]
