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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from PIL.Image import Image

from vlm_demo.analysis.multiple_choice import rank_in_every_order
from vlm_demo.backend import Backend
from vlm_demo.evaluation.benchmark import Benchmark, Preparation
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.results.pictures import SceneImage
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

_BETWEEN = " | "
"""What stands between the best answers in the orders of the list."""

_KINDS: dict[str, Callable[..., Exchange | None]] = {
    "colour": questions.colour,
    "how_many": questions.how_many,
    "what": questions.what,
}


@dataclass(frozen=True, slots=True)
class _ChoiceQuestion:
    subject: str  # "colour" and so on
    scene: Scene
    text: str
    options: tuple[str, ...]  # in the first order
    answer: str

    def as_published(self) -> PublishedQuestion:
        return PublishedQuestion(
            id=f"{self.subject} {self.scene.seed}",
            task=Task.VQA,
            text=self.text,
            images=(SceneImage(self.scene.seed),),
            truth={"options": self.options, "answer": self.answer},
            group=self.subject,
        )


def prepare(preparation: Preparation) -> PublishedBenchmark:
    """Draw the questions."""
    sample = list(_draw_questions(preparation.seed, preparation.count or _DEFAULT_COUNT))
    return PublishedBenchmark(
        name="scenes-choices",
        title="Multiple choice about drawn scenes",
        needs="",
        rule="the true answer is the most probable one in the first order of the list; circular: "
        "in all four",
        source="",
        measure="accuracy",
        read=lambda _: [one.as_published() for one in sample],
        grade=grade,
        ask=ask,
        summarize=summarize,
    )


def ask(
    backend: Backend, model: str, question: PublishedQuestion, images: tuple[Image, ...]
) -> Answer:
    """Return the most probable answer in every order of the list."""
    request = Request(question.task, question.text, images, choices=question.truth["options"])
    *_, circle = rank_in_every_order(request, partial(backend.score, model))
    return Answer(_BETWEEN.join(ranking.best for ranking in circle.rankings))


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare what was best in the first order."""
    first, *_ = answer.text.split(_BETWEEN)
    return QuestionScore(first, float(first == question.truth["answer"]))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the shares of questions that are right in the first order, and in all."""
    units = [one.verdict.score or 0.0 for one in graded]
    circular = [
        set(one.answer.text.split(_BETWEEN)) == {one.question.truth["answer"]} for one in graded
    ]
    return Summary({"accuracy": fmean(units), "circular_accuracy": fmean(circular)}, units)


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
            yield _ChoiceQuestion(subject, scene, exchange.text, tuple(options), answer)
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


BENCHMARK = Benchmark("scenes-choices", prepare)
