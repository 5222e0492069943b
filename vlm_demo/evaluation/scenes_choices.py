"""Multiple choice about the drawn world: unseen scenes, four possible answers to each question.

Measures, each a share of 0 to 1:

* accuracy: questions whose true answer is the most probable one, as they are listed first.
* circular_accuracy: questions where it is in all four rotations of the list (CircularEval).

How they are listed and compared is said in `vlm_demo.analysis.multiple_choice`.
colours, numbers and names, in equal parts and in English; wrong answers are of the same kind as the
true one, and as many as possible name something else that is in the picture.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tqdm import tqdm

from vlm_demo.analysis.multiple_choice import in_every_order
from vlm_demo.backend import Backend
from vlm_demo.evaluation.base import Benchmark, Scores
from vlm_demo.scenes import questions
from vlm_demo.scenes.dialogues import ENGLISH
from vlm_demo.scenes.exchange import Exchange
from vlm_demo.scenes.kinds import BACKGROUNDS, COLOURS, KINDS
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Request, Task

_DEFAULT_COUNT = 150
_OPTIONS = 4

_KINDS: dict[str, Callable[..., Exchange | None]] = {
    "colour": questions.colour,
    "how_many": questions.how_many,
    "what": questions.what,
}


@dataclass(frozen=True, slots=True)
class _Question:
    scene: Scene
    text: str
    options: tuple[str, ...]  # in the order in which they are listed first
    truth: str

    def request(self) -> Request:
        return Request(Task.VQA, self.text, (self.scene.picture,), choices=self.options)


def run(backend: Backend, model: str, seed: int, count: int | None) -> Scores:
    """Ask and count."""
    asked = list(_questions(seed, count or _DEFAULT_COUNT))
    right = circular = 0
    for question in tqdm(asked, desc=model, unit="question", disable=None, file=sys.stderr):
        *_, circle = in_every_order(question.request(), partial(backend.score, model))
        first = circle.rankings[0].best == question.truth
        right += first
        circular += first and circle.consistent
    return {
        "accuracy": right / len(asked),
        "circular_accuracy": circular / len(asked),
        "n": len(asked),
    }


def _questions(seed: int, count: int) -> Iterator[_Question]:
    """Yield about `count` questions, each about a scene of its own."""
    seeds = scene_seeds("test", seed)
    for subject, ask in _KINDS.items():
        left = max(1, round(count / len(_KINDS)))
        while left:
            scene = draw_scene(next(seeds))
            rng = random.Random(scene.seed)
            exchange = ask(rng, scene, ENGLISH, short=True)
            if exchange is None:
                continue
            truth = exchange.answer_text()
            options = [truth, *_wrong_answers(rng, scene, subject, truth)]
            rng.shuffle(options)
            yield _Question(scene, exchange.text, tuple(options), truth)
            left -= 1


def _wrong_answers(rng: random.Random, scene: Scene, subject: str, truth: str) -> list[str]:
    """Draw answers of the same kind as the true one, those that are in the picture first."""
    if subject == "colour":
        seen = [thing.colour for thing in scene.objects]
        others = [*COLOURS, *BACKGROUNDS]
    elif subject == "how_many":
        seen, others = [], [str(number) for number in range(max(6, int(truth) + 2))]
    elif truth in KINDS:
        seen = [thing.kind.name for thing in scene.objects]
        others = [name for name, kind in KINDS.items() if kind.look == KINDS[truth].look]
    else:
        seen = [thing.phrase for thing in scene.objects]
        others = [f"{colour} {kind.name}" for kind in KINDS.values() for colour in kind.hues]
    candidates = [*rng.sample(seen, len(seen)), *rng.sample(others, len(others))]
    wrong = dict.fromkeys(answer for answer in candidates if answer and answer != truth)
    return list(wrong)[: _OPTIONS - 1]


BENCHMARK = Benchmark("scenes-choices", run)
