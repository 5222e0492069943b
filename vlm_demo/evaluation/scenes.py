"""The drawn world's own test: unseen scenes, every task, through the one path of the backend.

Measures, each a share of 0 to 1:

* caption_f1: F1 of the coloured objects named in captions, over all captions together.
* grounded_recall50: objects that a grounded caption names rightly with a box of IoU >= 0.5.
* locate_iou50: searches for one object whose first box has IoU >= 0.5.
* vqa_em: exact answers, mean over the five kinds of question (what, how many, colour, is there,
  relation).
* absent_em: searches for something that is not there which are answered so, with its right name.
* japanese_em: as vqa_em, asked and answered in Japanese; None for models without Japanese.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from tqdm import tqdm

from vlm_demo.backend import Backend
from vlm_demo.evaluation.base import Benchmark, Grade, Question, Scores
from vlm_demo.scenes import questions
from vlm_demo.scenes.dialogues import ENGLISH, JAPANESE
from vlm_demo.scenes.exchange import Exchange
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.scenes.wording import Wording
from vlm_demo.values import Box, Mention, Reply, Request, Task

_DEFAULT_COUNT = 1650
_ENOUGH = 0.5  # IoU that counts as found
_ARTICLE = re.compile(r"^(?:an image of\s+)?(?:an?|the)\s+", re.IGNORECASE)

_VQA: dict[str, Callable[..., Exchange | None]] = {
    "what": questions.what,
    "how_many": questions.how_many,
    "colour": questions.colour,
    "is_there": questions.is_there,
    "relation": questions.relation,
}


@dataclass(frozen=True, slots=True)
class _Question:
    measure: str  # "vqa/colour", "caption", ...
    scene: Scene
    exchange: Exchange

    def request(self) -> Request:
        return Request(self.exchange.task, self.exchange.text, (self.scene.picture,))


@dataclass(slots=True)
class _Tally:
    """Hits out of tries, which a question may have several of."""

    hits: float = 0
    tries: float = 0

    @property
    def share(self) -> float:
        return self.hits / self.tries if self.tries else 0.0


def run(backend: Backend, model: str, seed: int, count: int | None) -> Scores:
    """Ask and count."""
    japanese = "Japanese" in backend.spec(model).languages
    asked = list(_questions(seed, count or _DEFAULT_COUNT, japanese=japanese))
    tallies: dict[str, _Tally] = {}
    for question in tqdm(asked, desc=model, unit="question", disable=None, file=sys.stderr):
        *_, reply = backend.answer(model, question.request())
        hits, tries = _judge(question, reply)
        tally = tallies.setdefault(question.measure, _Tally())
        tally.hits += hits
        tally.tries += tries
    return {
        "caption_f1": tallies["caption"].share,
        "grounded_recall50": tallies["grounded_caption"].share,
        "locate_iou50": tallies["locate"].share,
        "vqa_em": _mean(tallies, "vqa/"),
        "absent_em": tallies["absent"].share,
        "japanese_em": _mean(tallies, "japanese/") if japanese else None,
        "n": len(asked),
    }


def graded_questions(seed: int, count: int | None) -> list[Question]:
    """Return the same questions, those in Japanese among them, shuffled."""
    asked = list(_questions(seed, count or _DEFAULT_COUNT, japanese=True))
    random.Random(seed).shuffle(asked)
    return [
        Question(
            # A scene has at most one question of a kind, which follows from the scene.
            name=f"{question.measure} {question.scene.seed}",
            request=question.request(),
            language=question.exchange.language,
            grade=partial(_grade, question),
        )
        for question in asked
    ]


def _mean(tallies: dict[str, _Tally], prefix: str) -> float:
    return fmean(tally.share for name, tally in tallies.items() if name.startswith(prefix))


def _questions(seed: int, count: int, *, japanese: bool) -> Iterator[_Question]:
    """Yield about `count` questions, each about a scene of its own."""
    kinds: dict[str, tuple[float, Callable[[random.Random, Scene], Exchange | None]]] = {
        "caption": (1, lambda _, scene: _captioned(scene, Task.CAPTION)),
        "grounded_caption": (1, lambda _, scene: _captioned(scene, Task.GROUNDED_CAPTION)),
        "locate": (1, lambda rng, scene: questions.locate(rng, scene, ENGLISH, short=True)),
        "absent": (1, lambda rng, scene: questions.absent(rng, scene, ENGLISH, short=True)),
    }
    for name, ask in _VQA.items():
        kinds[f"vqa/{name}"] = (1, _worded(ask, ENGLISH))
        if japanese:
            kinds[f"japanese/{name}"] = (0.4, _worded(ask, JAPANESE))
    total = sum(weight for weight, _ in kinds.values())
    seeds = scene_seeds("test", seed)
    for measure, (weight, ask_one) in kinds.items():
        left = max(1, round(count * weight / total))
        while left:
            scene = draw_scene(next(seeds))
            exchange = ask_one(random.Random(scene.seed), scene)
            if exchange is not None:
                yield _Question(measure, scene, exchange)
                left -= 1


def _captioned(scene: Scene, task: Task) -> Exchange:
    parts = ENGLISH.caption(scene.objects, grounded=True)
    return Exchange("caption", "en", task, "", parts)


def _worded(
    ask: Callable[..., Exchange | None], words: Wording
) -> Callable[[random.Random, Scene], Exchange | None]:
    return lambda rng, scene: ask(rng, scene, words, short=True)


def _judge(question: _Question, reply: Reply) -> tuple[float, float]:
    """Return hits and tries."""
    exchange, scene = question.exchange, question.scene
    match question.measure:
        case "caption":
            return _caption_hits(scene, reply.text)
        case "grounded_caption":
            return _grounded_hits(scene, reply.mentions), len(scene.objects)
        case "locate":
            (wanted,) = exchange.places[0].boxes
            return float(_first_iou(reply.mentions, wanted) >= _ENOUGH), 1
        case "absent":
            said = _says_absent(_normalised(reply.text), _absent_name(exchange))
            return float(said and not reply.mentions), 1
        case _:
            return float(_normalised(reply.text) == _normalised(exchange.answer_text())), 1


def _grade(question: _Question, reply: Reply) -> Grade:
    scene = question.scene
    hits, tries = _judge(question, reply)
    match question.measure:
        case "grounded_caption":
            hits, tries = _caption_hits(scene, reply.text)
            return Grade(hits / tries, _overlap(scene.objects, reply.mentions))
        case "locate":
            (wanted,) = question.exchange.places[0].boxes
            iou = _first_iou(reply.mentions, wanted)
            return Grade(iou, iou)
        case "absent":
            return Grade(hits, float(not reply.mentions))
        case _:
            return Grade(hits / tries)


def _caption_hits(scene: Scene, caption: str) -> tuple[int, int]:
    """Return hits and tries whose share is the F1 of the objects that a caption names."""
    named = Counter(_phrases(caption))
    there = Counter(thing.phrase for thing in scene.objects)
    return 2 * (named & there).total(), named.total() + there.total()


def _overlap(things: Sequence[SceneObject], mentions: tuple[Mention, ...]) -> float:
    """Mean IoU of objects and boxes, whatever they are called; one without the other counts 0."""
    boxes = [box for mention in mentions for box in mention.regions if isinstance(box, Box)]
    pairs = [
        (thing.box.iou(box), i, j) for i, thing in enumerate(things) for j, box in enumerate(boxes)
    ]
    total, taken_things, taken_boxes = 0.0, set(), set()
    for iou, i, j in sorted(pairs, reverse=True):
        if i not in taken_things and j not in taken_boxes:
            total += iou
            taken_things.add(i)
            taken_boxes.add(j)
    return total / max(len(things), len(boxes))


def _grounded_hits(scene: Scene, mentions: tuple[Mention, ...]) -> int:
    """Objects that have a mention with their phrase and place; a box serves one object."""
    boxes = [
        (_bare(mention.phrase), region)
        for mention in mentions
        for region in mention.regions
        if isinstance(region, Box)
    ]
    hits = 0
    for thing in scene.objects:
        right = [entry for entry in boxes if entry[0] == thing.phrase]
        best = max(right, key=lambda entry: entry[1].iou(thing.box), default=None)
        if best is not None and best[1].iou(thing.box) >= _ENOUGH:
            boxes.remove(best)
            hits += 1
    return hits


def _first_iou(mentions: tuple[Mention, ...], wanted: Box) -> float:
    first = mentions[0].regions[0] if mentions else None
    return first.iou(wanted) if isinstance(first, Box) else 0.0


def _says_absent(answer: str, name: str) -> bool:
    """Whether an answer denies a thing by its name, in a sentence or after the user's words."""
    return answer == f"there is no {name}" or (name in answer and answer.endswith(" is not there"))


def _absent_name(exchange: Exchange) -> str:
    return _normalised(exchange.answer_text()).removeprefix("there is no ")


def _phrases(caption: str) -> Iterator[str]:
    for part in re.split(r",| and ", caption.strip().rstrip(".")):
        if part.strip():
            yield _bare(part)


def _bare(phrase: str) -> str:
    return _ARTICLE.sub("", phrase.strip()).casefold()


def _normalised(answer: str) -> str:
    return answer.strip().rstrip(".。").casefold()


BENCHMARK = Benchmark("scenes", run, graded_questions)
