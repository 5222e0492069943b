"""Old questions that are asked again while a model learns new ones, so that it forgets little.

The embedded models were made from drawn scenes, of which there is no end; the scenes of the
benchmark are others (`vlm_demo.scenes.splits`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from vlm_demo.markup.written_answers import AnswerPhrase
from vlm_demo.prompting.family import Family
from vlm_demo.scenes.dialogues import (
    ENGLISH,
    HARD_TASKS,
    JAPANESE,
    TASKS,
    TEXT_TASKS,
    ask,
    converse,
)
from vlm_demo.scenes.exchange import Exchange, GroundedPhrase
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.training.data import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.values import Task

PER_SCENE = 4
"""Number of examples about each scene."""

_JAPANESE_SHARE = 0.2
_CONVERSATION_SHARE = 0.15
_TURNS = (2, 3)


def scene_examples(
    family: Family, languages: tuple[str, ...], count: int, seed: int
) -> list[TrainingExample]:
    """Return examples about drawn scenes, of all tasks that the embedded models were made for.

    Args:
        family: whose tasks are asked, and with conversations where it takes them.
        languages: of the model, as the menu names them.
        count: number of examples.
        seed: another one draws other scenes.
    """
    mixture = _Mixture(family, japanese="Japanese" in languages)
    seeds = scene_seeds("train", seed)
    return list(islice(mixture.examples(seeds), count))


class _Mixture:
    def __init__(self, family: Family, *, japanese: bool) -> None:
        self._family, self._japanese = family, japanese
        self._converses = Task.CHAT in family.instructions and family.limits.history == "full"

    def examples(self, seeds: Iterator[int]) -> Iterator[TrainingExample]:
        for seed in seeds:
            scene, rng = draw_scene(seed), random.Random(seed)
            asked: set[tuple[str, str]] = set()
            for _ in range(PER_SCENE):
                exchanges = self._draw(rng, scene)
                key = (exchanges[0].task.value, exchanges[0].text)
                if key not in asked and self._can_ask(exchanges[0]):
                    asked.add(key)
                    yield _to_example(scene, exchanges)

    def _draw(self, rng: random.Random, scene: Scene) -> list[Exchange]:
        japanese = self._japanese and rng.random() < _JAPANESE_SHARE
        words = JAPANESE if japanese else ENGLISH
        if self._converses and rng.random() < _CONVERSATION_SHARE:
            return list(islice(converse(rng, scene, words), rng.choice(_TURNS)))
        return [ask(rng, scene, words, TEXT_TASKS if japanese else (*TASKS, *HARD_TASKS))]

    def _can_ask(self, exchange: Exchange) -> bool:
        """Whether the family has the task; the beginning of a caption is part of its prompt."""
        begun = exchange.task is Task.CAPTION and bool(exchange.text)
        return exchange.task in self._family.instructions and not begun


def _to_example(scene: Scene, exchanges: list[Exchange]) -> TrainingExample:
    image = TrainingImage(scene.image)
    turns = tuple(
        TrainingTurn(
            exchange.task,
            exchange.text,
            tuple(
                AnswerPhrase(part.phrase, part.boxes) if isinstance(part, GroundedPhrase) else part
                for part in exchange.answer
            ),
            images=() if number else (image,),
            regions=(exchange.region,) if exchange.region else (),
        )
        for number, exchange in enumerate(exchanges)
    )
    return TrainingExample(turns, f"scene {scene.seed}")
