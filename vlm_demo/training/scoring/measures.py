"""How right answers to examples of one's own are, by a few measures that suit any data.

* found: boxes of searches that the answer has with IoU >= 0.5.
* absent: searches for what is not there that give no place.
* yes, no: questions answered by yes or no, by the right answer; yes_no is the mean of both, the
  balanced accuracy.
* named: things of a picture that a caption names.
* right: other short answers that are exactly the same, without capitals and final stops.
* words: F1 of the words of other long answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vlm_demo.analysis.matching import match_greedily
from vlm_demo.training.data import TrainingTurn
from vlm_demo.values import Box, Reply, Task

MIN_IOU = 0.5
"""Intersection over union from which a box is right, as in Pascal VOC."""

SHORT_WORDS = 5
"""Most words of an answer that has to be exactly right."""

_SEARCHES = (Task.GROUNDING, Task.DETECT)
_CAPTIONS = (Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION)

MEASURES = ("found", "absent", "yes", "no", "named", "right", "words")
"""Names of the measures that questions are of."""


@dataclass(slots=True)
class Tally:
    """Hits out of tries; one question can have several."""

    hits: float = 0.0
    tries: float = 0.0

    def add(self, hits: float, tries: float) -> None:
        """Count a question."""
        self.hits += hits
        self.tries += tries

    @property
    def share(self) -> float | None:
        """Share of hits, 0 to 1; None: there was no try."""
        return self.hits / self.tries if self.tries else None


def measure_of(turn: TrainingTurn, names: Collection[str]) -> str:
    """Return by which of `MEASURES` the answer to a question is measured.

    Args:
        turn: the question with its right answer.
        names: things of its picture, where they are known.
    """
    answer = normalize(turn.answer_text)
    if turn.task in _SEARCHES:
        return "found" if any(phrase.boxes for phrase in turn.phrases) else "absent"
    if turn.task in _CAPTIONS and _named_things(turn, names):
        return "named"
    if answer in ("yes", "no"):
        return answer
    return "right" if len(answer.split()) <= SHORT_WORDS else "words"


def judge(turn: TrainingTurn, reply: Reply, names: Collection[str]) -> tuple[float, float]:
    """Return the hits and tries of a reply, by the measure of its question."""
    expected, given = normalize(turn.answer_text), normalize(reply.text)
    match measure_of(turn, names):
        case "found":
            return _count_found(turn, reply), sum(len(one.boxes) for one in turn.phrases)
        case "absent":
            return float(not any(mention.regions for mention in reply.mentions)), 1
        case "named":
            wanted = _named_things(turn, names)
            return sum(_is_named(name, given) for name in wanted), len(wanted)
        case "words":
            return _word_f1(expected, given), 1
        case _:
            return float(expected == given), 1


def summarize(tallies: Mapping[str, Tally]) -> dict[str, float | None]:
    """Return the measures by name, with yes_no, the balanced accuracy; None: not measured."""
    shares = {name: tallies[name].share if name in tallies else None for name in MEASURES}
    yes, no = shares["yes"], shares["no"]
    return {**shares, "yes_no": None if yes is None or no is None else (yes + no) / 2}


def normalize(text: str) -> str:
    """Return a text without capitals, outer white space and final stops."""
    return " ".join(text.split()).rstrip(".。!").casefold()


def _count_found(turn: TrainingTurn, reply: Reply) -> int:
    wanted = [box for phrase in turn.phrases for box in phrase.boxes]
    boxes = [region for one in reply.mentions for region in one.regions if isinstance(region, Box)]

    def overlap(expected: Box, box: Box) -> float:
        iou = expected.iou(box)
        return iou if iou >= MIN_IOU else 0.0

    return len(match_greedily(wanted, boxes, overlap))


def _named_things(turn: TrainingTurn, names: Collection[str]) -> list[str]:
    """Return the things that a caption should name: those of its right answer, of the known."""
    own = {normalize(phrase.phrase) for phrase in turn.phrases if phrase.boxes}
    answer = normalize(turn.answer_text)
    known = {normalize(name) for name in names}
    return sorted(name for name in own | {n for n in known if _is_named(n, answer)} if name)


def _is_named(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}", text) is not None


def _word_f1(expected: str, given: str) -> float:
    there, said = Counter(expected.split()), Counter(given.split())
    total = there.total() + said.total()
    return 2 * (there & said).total() / total if total else 1.0
