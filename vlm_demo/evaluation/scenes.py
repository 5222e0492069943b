"""The test of the drawn world: unseen scenes, every task, through the backend.

Measures, each a share of 0 to 1:

* mean: of what the questions score, those in Japanese left out; each counts the same.
* caption_f1: F1 of the coloured objects named in captions, over all captions together.
* grounded_recall50: objects that a grounded caption names correctly, with a box of IoU >= 0.5.
* locate_iou50: searches for one object whose first box has IoU >= 0.5.
* vqa_em: exact matches, mean over the five kinds of question (what, how many, colour, is there,
  relation).
* absent_em: searches for something absent whose answer says so, with its right name.
* japanese_em: as vqa_em, sample and answered in Japanese; None for models without Japanese.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from vlm_demo.analysis.matching import match_greedily, normalize_phrase
from vlm_demo.evaluation.benchmark import Benchmark, Grade, Preparation, Question
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.results.pictures import SceneImage
from vlm_demo.scenes import questions
from vlm_demo.scenes.dialogues import ENGLISH, JAPANESE
from vlm_demo.scenes.exchange import Exchange
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.scenes.wording import Wording
from vlm_demo.values import Box, Mention, Reply, Request, Task

_DEFAULT_COUNT = 1650
_MIN_IOU = 0.5  # from which a box is on its object

_JAPANESE = "japanese/"
"""Beginning of the measures that only models are asked for who know Japanese."""

_VQA: dict[str, Callable[..., Exchange | None]] = {
    "what": questions.what,
    "how_many": questions.how_many,
    "colour": questions.colour,
    "is_there": questions.is_there,
    "relation": questions.relation,
}


@dataclass(frozen=True, slots=True)
class _SceneQuestion:
    measure: str  # "vqa/colour", "caption", ...
    scene: Scene
    exchange: Exchange

    @property
    def name(self) -> str:
        """Its name: a scene has at most one question of a kind, and the scene determines it."""
        return f"{self.measure} {self.scene.seed}"

    def request(self) -> Request:
        return Request(self.exchange.task, self.exchange.text, (self.scene.image,))

    def as_published(self) -> PublishedQuestion:
        exchange = self.exchange
        boxes = [
            {"label": place.phrase, "box": box.corners}
            for place in exchange.phrases
            for box in place.boxes
        ]
        return PublishedQuestion(
            id=self.name,
            task=exchange.task,
            text=exchange.text,
            images=(SceneImage(self.scene.seed),),
            truth={"answer": exchange.answer_text(), "boxes": boxes},
            group=self.measure,
            is_extra=self.measure.startswith(_JAPANESE),
        )


@dataclass(slots=True)
class _Tally:
    """Hits out of tries; one question can have several."""

    hits: float = 0
    tries: float = 0

    @property
    def share(self) -> float:
        return self.hits / self.tries if self.tries else 0.0


def prepare(preparation: Preparation) -> PublishedBenchmark:
    """Draw the questions."""
    count, japanese = preparation.count or _DEFAULT_COUNT, preparation.knows_japanese
    sample = {one.name: one for one in _draw_questions(preparation.seed, count, japanese=japanese)}
    return PublishedBenchmark(
        name="scenes",
        title="Drawn scenes",
        needs="",
        rule="exact answers, objects that captions name, first boxes with IoU 0.5 or more; the "
        "mean over the questions",
        source="",
        measure="mean",
        read=lambda _: [one.as_published() for one in sample.values()],
        grade=lambda question, answer: _score(sample[question.id], answer),
        summarize=partial(_summarize, sample, japanese=japanese),
    )


def _score(question: _SceneQuestion, answer: Answer) -> QuestionScore:
    hits, tries = _judge(question, _as_reply(answer))
    return QuestionScore(answer.text, hits / tries)


def _summarize(
    sample: Mapping[str, _SceneQuestion], graded: Sequence[Graded], *, japanese: bool
) -> Summary:
    tallies: dict[str, _Tally] = {}
    for one in graded:
        question = sample[one.question.id]
        hits, tries = _judge(question, _as_reply(one.answer))
        tally = tallies.setdefault(question.measure, _Tally())
        tally.hits += hits
        tally.tries += tries
    units = [one.verdict.score or 0.0 for one in graded if not one.question.is_extra]
    scores = {
        "mean": fmean(units),
        "caption_f1": tallies["caption"].share,
        "grounded_recall50": tallies["grounded_caption"].share,
        "locate_iou50": tallies["locate"].share,
        "vqa_em": _mean(tallies, "vqa/"),
        "absent_em": tallies["absent"].share,
        "japanese_em": _mean(tallies, _JAPANESE) if japanese else None,
    }
    return Summary(scores, units)


def _as_reply(answer: Answer) -> Reply:
    """Return what is kept of a reply as one."""
    mentions = tuple(Mention(one.label, (0, 0), (one.box,)) for one in answer.boxes)
    return Reply("", answer.text, mentions)


def list_questions(seed: int, count: int | None) -> list[Question]:
    """Return the same questions, including those in Japanese, shuffled."""
    sample = list(_draw_questions(seed, count or _DEFAULT_COUNT, japanese=True))
    random.Random(seed).shuffle(sample)
    return [
        Question(
            name=question.name,
            request=question.request(),
            language=question.exchange.language,
            grade=partial(_grade, question),
        )
        for question in sample
    ]


def _mean(tallies: dict[str, _Tally], prefix: str) -> float:
    return fmean(tally.share for name, tally in tallies.items() if name.startswith(prefix))


def _draw_questions(seed: int, count: int, *, japanese: bool) -> Iterator[_SceneQuestion]:
    """Yield about `count` questions, each about another scene."""
    kinds: dict[str, tuple[float, Callable[[random.Random, Scene], Exchange | None]]] = {
        "caption": (1, lambda _, scene: _caption_exchange(scene, Task.CAPTION)),
        "grounded_caption": (1, lambda _, scene: _caption_exchange(scene, Task.GROUNDED_CAPTION)),
        "locate": (1, lambda rng, scene: questions.locate(rng, scene, ENGLISH, short=True)),
        "absent": (1, lambda rng, scene: questions.absent(rng, scene, ENGLISH, short=True)),
    }
    for name, ask in _VQA.items():
        kinds[f"vqa/{name}"] = (1, _with_wording(ask, ENGLISH))
    # Last, and with their weight in any case: all models are asked the same other questions.
    for name, ask in _VQA.items():
        kinds[f"{_JAPANESE}{name}"] = (0.4, _with_wording(ask, JAPANESE))
    total = sum(weight for weight, _ in kinds.values())
    seeds = scene_seeds("test", seed)
    for measure, (weight, ask_one) in kinds.items():
        if measure.startswith(_JAPANESE) and not japanese:
            continue
        left = max(1, round(count * weight / total))
        while left:
            scene = draw_scene(next(seeds))
            exchange = ask_one(random.Random(scene.seed), scene)
            if exchange is not None:
                yield _SceneQuestion(measure, scene, exchange)
                left -= 1


def _caption_exchange(scene: Scene, task: Task) -> Exchange:
    parts = ENGLISH.caption(scene.objects, grounded=True)
    return Exchange("caption", "en", task, "", parts)


def _with_wording(
    ask: Callable[..., Exchange | None], words: Wording
) -> Callable[[random.Random, Scene], Exchange | None]:
    return lambda rng, scene: ask(rng, scene, words, short=True)


def _judge(question: _SceneQuestion, reply: Reply) -> tuple[float, float]:
    """Return hits and tries."""
    exchange, scene = question.exchange, question.scene
    match question.measure:
        case "caption":
            return _score_caption(scene, reply.text)
        case "grounded_caption":
            return _count_hits(scene.objects, reply.mentions), len(scene.objects)
        case "locate":
            (target,) = exchange.phrases[0].boxes
            return float(_first_iou(reply.mentions, target) >= _MIN_IOU), 1
        case "absent":
            denies = _says_absent(_normalize(reply.text), _absent_name(exchange))
            return float(denies and not reply.mentions), 1
        case _:
            return float(_normalize(reply.text) == _normalize(exchange.answer_text())), 1


def _grade(question: _SceneQuestion, reply: Reply) -> Grade:
    scene = question.scene
    hits, tries = _judge(question, reply)
    match question.measure:
        case "grounded_caption":
            hits, tries = _score_caption(scene, reply.text)
            return Grade(hits / tries, _mean_iou(scene.objects, reply.mentions))
        case "locate":
            (target,) = question.exchange.phrases[0].boxes
            iou = _first_iou(reply.mentions, target)
            return Grade(iou, iou)
        case "absent":
            return Grade(hits, float(not reply.mentions))
        case _:
            return Grade(hits / tries)


def _score_caption(scene: Scene, caption: str) -> tuple[int, int]:
    """Return hits and tries, whose ratio is the F1 of the objects that a caption names."""
    named = Counter(_split_phrases(caption))
    present = Counter(thing.phrase for thing in scene.objects)
    return 2 * (named & present).total(), named.total() + present.total()


def _mean_iou(things: Sequence[SceneObject], mentions: Sequence[Mention]) -> float:
    """Return the mean IoU of objects and boxes, whatever their names; 0 for each left over."""
    boxes = [box for mention in mentions for box in mention.regions if isinstance(box, Box)]
    matches = match_greedily(things, boxes, lambda thing, box: thing.box.iou(box))
    return sum(match.overlap for match in matches) / max(len(things), len(boxes))


def _count_hits(things: Sequence[SceneObject], mentions: Sequence[Mention]) -> int:
    """Return how many objects have a mention of the same phrase with a box on them."""
    boxes = [
        (normalize_phrase(mention.phrase), region)
        for mention in mentions
        for region in mention.regions
        if isinstance(region, Box)
    ]

    def overlap(thing: SceneObject, phrase_and_box: tuple[str, Box]) -> float:
        phrase, box = phrase_and_box
        iou = thing.box.iou(box)
        return iou if phrase == thing.phrase and iou >= _MIN_IOU else 0.0

    return len(match_greedily(things, boxes, overlap))


def _first_iou(mentions: Sequence[Mention], target: Box) -> float:
    first = mentions[0].regions[0] if mentions else None
    return first.iou(target) if isinstance(first, Box) else 0.0


def _says_absent(answer: str, name: str) -> bool:
    """Whether an answer denies a thing by name, in a sentence or after the user's words."""
    return answer == f"there is no {name}" or (name in answer and answer.endswith(" is not there"))


def _absent_name(exchange: Exchange) -> str:
    return _normalize(exchange.answer_text()).removeprefix("there is no ")


def _split_phrases(caption: str) -> Iterator[str]:
    for part in re.split(r",| and ", caption.strip().rstrip(".")):
        if part.strip():
            yield normalize_phrase(part)


def _normalize(answer: str) -> str:
    return answer.strip().rstrip(".。").casefold()


BENCHMARK = Benchmark("scenes", prepare, questions=list_questions)
