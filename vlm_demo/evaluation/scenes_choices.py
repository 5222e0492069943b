"""Multiple choice about the drawn world: unseen scenes, four possible answers to each question.

Measures, each a share of 0 to 1:

* accuracy: questions whose true answer is the most probable one in the first order of the list.
* circular_accuracy: questions for which it is in all four rotations of the list (CircularEval).

`vlm_demo.analysis.multiple_choice` lists and compares the answers. Questions are about colours,
numbers and names, in equal parts and in English; wrong answers are of the same kind as the true
one, and as many as possible name something else in the picture.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tqdm import tqdm

from vlm_demo.analysis.multiple_choice import rank_in_every_order
from vlm_demo.backend import Backend
from vlm_demo.evaluation.benchmark import Benchmark, Scores
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
class _ChoiceQuestion:
    scene: Scene
    text: str
    options: tuple[str, ...]  # in the first order
    answer: str

    def request(self) -> Request:
        return Request(Task.VQA, self.text, (self.scene.image,), choices=self.options)


def run(backend: Backend, model: str, seed: int, count: int | None) -> Scores:
    """Ask the questions, and measure."""
    sample = list(_draw_questions(seed, count or _DEFAULT_COUNT))
    right = circular = 0
    for question in tqdm(sample, desc=model, unit="question", disable=None, file=sys.stderr):
        *_, circle = rank_in_every_order(question.request(), partial(backend.score, model))
        first = circle.rankings[0].best == question.answer
        right += first
        circular += first and circle.is_consistent
    return {
        "accuracy": right / len(sample),
        "circular_accuracy": circular / len(sample),
        "n": len(sample),
    }


def _draw_questions(seed: int, count: int) -> Iterator[_ChoiceQuestion]:
    """Yield about `count` questions, each about another scene."""
    seeds = scene_seeds("test", seed)
    for subject, ask in _KINDS.items():
        left = max(1, round(count / len(_KINDS)))
        while left:
            scene = draw_scene(next(seeds))
            rng = random.Random(scene.seed)
            exchange = ask(rng, scene, ENGLISH, short=True)
            if exchange is None:
                continue
            answer = exchange.answer_text()
            options = [answer, *_wrong_answers(rng, scene, subject, answer)]
            rng.shuffle(options)
            yield _ChoiceQuestion(scene, exchange.text, tuple(options), answer)
            left -= 1


def _wrong_answers(rng: random.Random, scene: Scene, subject: str, right: str) -> list[str]:
    """Draw answers of the same kind as the right one; those in the picture come first."""
    if subject == "colour":
        present = [thing.colour for thing in scene.objects]
        others = [*COLOURS, *BACKGROUNDS]
    elif subject == "how_many":
        present, others = [], [str(number) for number in range(max(6, int(right) + 2))]
    elif right in KINDS:
        present = [thing.kind.name for thing in scene.objects]
        others = [name for name, kind in KINDS.items() if kind.look == KINDS[right].look]
    else:
        present = [thing.phrase for thing in scene.objects]
        others = [f"{colour} {kind.name}" for kind in KINDS.values() for colour in kind.hues]
    candidates = [*rng.sample(present, len(present)), *rng.sample(others, len(others))]
    wrong = dict.fromkeys(answer for answer in candidates if answer and answer != right)
    return list(wrong)[: _OPTIONS - 1]


BENCHMARK = Benchmark("scenes-choices", run)
