"""Labelled photographs of one's own: `--benchmark coco --data FOLDER`.

Measures:

* mean: of what the questions score, each of which counts the same; `n` counts questions.
* caption_f1: F1 of the classes that captions name, over all captions together.
* locate_f1: F1 of the boxes that are found by the name of a class that is there, matched with the
  labels from IoU 0.5 on.
* is_there_balanced: mean of the shares of right answers to "Is there a ...?" for classes that are
  there and cover at least 2 % of the picture with one box, and for as many that are not there.
* count_within_one: answers to "How many ... are there?" that are off by one at most, for classes
  that are there.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from vlm_demo.analysis.matching import match_greedily
from vlm_demo.engines.detector.vocabulary import Language, coco_classes, find_class
from vlm_demo.evaluation.benchmark import Benchmark, Preparation
from vlm_demo.evaluation.labelled_folder import LabelledImage, read_labelled_folder
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.results.pictures import ImageFile
from vlm_demo.values import Box, Task

_MIN_IOU = 0.5
"""Intersection over union from which a box is on its object."""

_MIN_AREA = 0.02
"""Share of the picture that one box of a class covers at least, where it is asked "is there"."""

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
"""Numbers in words, from 0."""


@dataclass(slots=True)
class _Counts:
    """What was right, invented, and missed."""

    right: int = 0
    invented: int = 0
    missed: int = 0

    @property
    def f1(self) -> float:
        tries = 2 * self.right + self.invented + self.missed
        return 2 * self.right / tries if tries else 0.0

    def add(self, other: _Counts) -> None:
        self.right += other.right
        self.invented += other.invented
        self.missed += other.missed


def prepare(preparation: Preparation) -> PublishedBenchmark:
    """Read the first `count` pictures of a folder, or all, and say what is asked about them.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    assert preparation.data is not None
    images = read_labelled_folder(preparation.data)
    names = sorted({name for image in images for name in image.boxes} | set(_coco_names()))
    rng = random.Random(preparation.seed)
    questions = [
        question
        for number, image in enumerate(images[: preparation.count], start=1)
        for question in _list_questions(number, image, names, rng)
    ]
    return PublishedBenchmark(
        name="coco",
        title="Labelled photographs",
        needs="a folder with YOLO labels or COCO's JSON",
        rule="classes that captions name, boxes with IoU 0.5 or more, yes or no, numbers that are "
        "off by one at most; the mean over the questions",
        source="",
        measure="mean",
        read=lambda _: questions,
        grade=partial(_grade, names),
        summarize=partial(_summarize, names, min(len(images), preparation.count or len(images))),
    )


def _list_questions(
    number: int, image: LabelledImage, names: Sequence[str], rng: random.Random
) -> Iterator[PublishedQuestion]:
    """Yield what is asked about one picture."""
    present = sorted(image.boxes)

    def ask(kind: str, task: Task, text: str, name: str = "", **truth: object) -> PublishedQuestion:
        return PublishedQuestion(
            id=f"{number} {kind} {name}".strip(),
            task=task,
            text=text,
            images=(ImageFile(image.path),),
            truth={"answer": "", **truth},
            group=kind,
        )

    yield ask("caption", Task.CAPTION, "", answer=", ".join(present), names=present)
    for name in present:
        boxes = [{"label": name, "box": box.corners} for box in image.boxes[name]]
        yield ask("locate", Task.GROUNDING, name, name, boxes=boxes)
        text = f"How many {_plural(name)} are there?"
        yield ask("count", Task.VQA, text, name, answer=str(len(boxes)))
    large = [name for name in present if max(box.area for box in image.boxes[name]) >= _MIN_AREA]
    missing = [name for name in names if name not in image.boxes]
    for name in large:
        yield ask("present", Task.VQA, _is_there(name), name, answer="yes")
    for name in rng.sample(missing, min(len(large), len(missing))):
        yield ask("absent", Task.VQA, _is_there(name), name, answer="no")


def _count_answer(names: Sequence[str], question: PublishedQuestion, answer: Answer) -> _Counts:
    """Count what an answer names or finds; a yes or no, or a number, is one thing."""
    truth, counts = question.truth, _Counts()
    match question.group:
        case "caption":
            present, named = set(truth["names"]), set(find_names(answer.text, names))
            counts = _Counts(len(named & present), len(named - present), len(present - named))
        case "locate":
            boxes = [Box(*one["box"]) for one in truth["boxes"]]
            hits = len(match_greedily(boxes, [one.box for one in answer.boxes], _overlap))
            counts = _Counts(hits, len(answer.boxes) - hits, len(boxes) - hits)
        case "count":
            said = read_number(answer.text)
            counts.right = said is not None and abs(said - int(truth["answer"])) <= 1
            counts.missed = not counts.right
        case _:
            counts.right = says_yes(answer.text) is (truth["answer"] == "yes")
            counts.missed = not counts.right
    return counts


def _grade(names: Sequence[str], question: PublishedQuestion, answer: Answer) -> QuestionScore:
    counts = _count_answer(names, question, answer)
    is_one_thing = question.group not in ("caption", "locate")
    return QuestionScore(answer.text, float(counts.right) if is_one_thing else counts.f1)


def _summarize(names: Sequence[str], images: int, graded: Sequence[Graded]) -> Summary:
    totals = {"caption": _Counts(), "locate": _Counts()}
    shares: dict[str, list[bool]] = {"count": [], "present": [], "absent": []}
    for one in graded:
        counts = _count_answer(names, one.question, one.answer)
        group = one.question.group
        if group in totals:
            totals[group].add(counts)
        else:
            shares[group].append(bool(counts.right))
    units = [one.verdict.score or 0.0 for one in graded]
    scores = {
        "mean": sum(units) / len(units) if units else None,
        "caption_f1": totals["caption"].f1,
        "locate_f1": totals["locate"].f1,
        "is_there_balanced": _mean([_share(shares["present"]), _share(shares["absent"])]),
        "count_within_one": _share(shares["count"]),
        "images": images,
    }
    return Summary(scores, units)


def find_names(text: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the classes that an English text names, by any word for them; some several times."""
    known = set(names)
    words = re.findall(r"[\w'-]+", text.casefold())
    for length in (3, 2, 1):
        for start in range(len(words) - length + 1):
            phrase = " ".join(words[start : start + length])
            number = find_class(phrase, Language.ENGLISH)
            name = _coco_names()[number] if number is not None else phrase
            if name in known and phrase:
                yield name
                words[start : start + length] = [""] * length


def read_number(text: str) -> int | None:
    """Return the first number of an English answer, in digits or words; None: there is none."""
    for word in re.findall(r"[a-z]+|\d+", text.casefold()):
        if word.isdigit():
            return int(word)
        if word in _NUMBERS:
            return _NUMBERS.index(word)
        if word == "none":
            return 0
    return None


def says_yes(text: str) -> bool:
    """Return whether an English answer affirms; doubt ("perhaps") that names the thing does."""
    words = re.findall(r"[a-z']+", text.casefold())
    return bool(words) and words[0] != "no" and not {"not", "no", "none", "cannot"} & set(words[:6])


def _overlap(one: Box, other: Box) -> float:
    iou = one.iou(other)
    return iou if iou >= _MIN_IOU else 0.0


def _coco_names() -> list[str]:
    return [names[Language.ENGLISH].singular for names in coco_classes()]


def _plural(name: str) -> str:
    number = find_class(name, Language.ENGLISH)
    return coco_classes()[number][Language.ENGLISH].plural if number is not None else f"{name}s"


def _is_there(name: str) -> str:
    return f"Is there {'an' if name[0] in 'aeiou' else 'a'} {name} in the picture?"


def _share(answers: Sequence[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


BENCHMARK = Benchmark("coco", prepare, needs_data=True)
