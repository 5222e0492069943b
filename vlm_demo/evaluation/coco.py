"""Labelled photographs of one's own: `--benchmark coco --data FOLDER`.

Measures:

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
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from vlm_demo.analysis.matching import match_greedily
from vlm_demo.backend import Backend
from vlm_demo.engines.detector.vocabulary import Language, coco_classes, find_class
from vlm_demo.evaluation.benchmark import Benchmark, Scores
from vlm_demo.evaluation.labelled_folder import LabelledImage, read_labelled_folder
from vlm_demo.images.opening import open_image
from vlm_demo.values import Box, Reply, Request, Task

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


@dataclass(slots=True)
class _Tallies:
    caption: _Counts = field(default_factory=_Counts)
    locate: _Counts = field(default_factory=_Counts)
    present: list[bool] = field(default_factory=list)
    """Whether "Is there a ...?" was answered with yes, for things that are there."""

    absent: list[bool] = field(default_factory=list)
    """Whether it was answered with no, for things that are not."""

    counts: list[bool] = field(default_factory=list)


def read(data: Path) -> Benchmark:
    """Return the benchmark with the pictures of a folder.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    return Benchmark("coco", partial(run, read_labelled_folder(data)))


def run(
    images: Sequence[LabelledImage],
    backend: Backend,
    model: str,
    seed: int,
    count: int | None,
) -> Scores:
    """Ask about the first `count` pictures, or all, and measure."""
    names = sorted({name for image in images for name in image.boxes} | set(_coco_names()))
    rng, tallies, asked = random.Random(seed), _Tallies(), images[:count]
    for image in tqdm(asked, desc=model, unit="picture", disable=None, file=sys.stderr):
        _ask_about(image, names, rng, partial(_ask, backend, model, image.path), tallies)
    return {
        "caption_f1": tallies.caption.f1,
        "locate_f1": tallies.locate.f1,
        "is_there_balanced": _mean([_share(tallies.present), _share(tallies.absent)]),
        "count_within_one": _share(tallies.counts),
        "n": len(asked),
    }


def _ask(backend: Backend, model: str, path: Path, task: Task, text: str = "") -> Reply:
    *_, reply = backend.answer(model, Request(task, text, (open_image(path),)))
    return reply


def _ask_about(
    image: LabelledImage,
    names: Sequence[str],
    rng: random.Random,
    ask: Callable[..., Reply],
    tallies: _Tallies,
) -> None:
    present = sorted(image.boxes)
    _count(tallies.caption, set(present), set(find_names(ask(Task.CAPTION).text, names)))
    for name in present:
        boxes = image.boxes[name]
        found = list(_boxes(ask(Task.GROUNDING, name)))
        hits = len(match_greedily(boxes, found, _overlap))
        tallies.locate.right += hits
        tallies.locate.invented += len(found) - hits
        tallies.locate.missed += len(boxes) - hits
        number = read_number(ask(Task.VQA, f"How many {_plural(name)} are there?").text)
        tallies.counts.append(number is not None and abs(number - len(boxes)) <= 1)
    large = [name for name in present if max(box.area for box in image.boxes[name]) >= _MIN_AREA]
    missing = [name for name in names if name not in image.boxes]
    for name in large:
        tallies.present.append(says_yes(ask(Task.VQA, _is_there(name)).text))
    for name in rng.sample(missing, min(len(large), len(missing))):
        tallies.absent.append(not says_yes(ask(Task.VQA, _is_there(name)).text))


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


def _count(counts: _Counts, present: set[str], named: set[str]) -> None:
    counts.right += len(named & present)
    counts.invented += len(named - present)
    counts.missed += len(present - named)


def _boxes(reply: Reply) -> Iterator[Box]:
    for mention in reply.mentions:
        yield from (region for region in mention.regions if isinstance(region, Box))


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


BENCHMARK = Benchmark("coco", read=read)
