"""Questions about a picture whose things have boxes: where, what, whether, and what is there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle

from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.scenes.kinds import COLOURS, article
from vlm_demo.training.data.examples import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.values import Box, Task

_MOST_PHRASES = 8
"""More boxes than these are named together, by their class."""

_MOST_NAMES = 12
"""A picture with more classes is too crowded for a sentence."""

_COLOURS = frozenset({*COLOURS, "gray", "grey"})

_NOUN_SEARCHES = 1 / 3
"""Share of the searches for a thing with a colour that name it without the colour."""

_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class BoxQuestions:
    """Asks about the pictures of a set, all of whose things have boxes."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names of all classes of the set."""
        known = list(names)
        self._nouns = find_nouns(known)
        self._absent = cycle(known)

    def ask(
        self, image: TrainingImage, boxes: Mapping[str, Sequence[Box]], source: str
    ) -> Iterator[TrainingExample]:
        """Yield examples about a picture; of one without boxes, that the next class is not on it.

        Where classes are things in several colours ("red kite", "blue kite"), some searches name
        the thing alone, and all questions whether it is there do.

        Args:
            image: the picture.
            boxes: of each class that is there, by its name.
            source: where the picture comes from; it decides which questions name what.
        """
        if boxes:
            for turn in self._turns(image, boxes, random.Random(source)):
                yield TrainingExample((turn,), source)
        elif name := next(self._absent, ""):
            yield TrainingExample((ask_where(name, (), image),), source)

    def _turns(
        self, image: TrainingImage, boxes: Mapping[str, Sequence[Box]], rng: random.Random
    ) -> Iterator[TrainingTurn]:
        if len(boxes) <= _MOST_NAMES:
            sentence = describe(boxes)
            words = "".join(part if isinstance(part, str) else part.phrase for part in sentence)
            yield TrainingTurn(Task.GROUNDED_CAPTION, "", sentence, (image,))
            yield TrainingTurn(Task.CAPTION, "", (words,), (image,))
        things = self._group(boxes)
        for name in self._choose_names(boxes, rng):
            yield ask_where(name, things[name], image)
        # Most questions with a colour could be answered by the colour alone.
        for name in dict.fromkeys(self._nouns.get(name, name) for name in boxes):
            yield ask_whether(name, image, is_there=True)
        for name, places in boxes.items():
            yield ask_what(name, max(places, key=lambda box: box.area), image)

    def _group(self, boxes: Mapping[str, Sequence[Box]]) -> dict[str, list[Box]]:
        """Return the boxes by the names of classes, and by the nouns of those with colours."""
        things = {name: list(places) for name, places in boxes.items()}
        for name, places in boxes.items():
            if noun := self._nouns.get(name):
                things[noun] = [*things.get(noun, ()), *places]
        return things

    def _choose_names(self, names: Iterable[str], rng: random.Random) -> list[str]:
        """Return the names, a share of those with colours without them; none twice."""
        chosen = (
            noun if (noun := self._nouns.get(name)) and rng.random() < _NOUN_SEARCHES else name
            for name in names
        )
        return list(dict.fromkeys(chosen))


def find_nouns(names: Iterable[str]) -> dict[str, str]:
    """Return what is coloured in the names of things that there are in several colours.

    "red kite" and "blue kite" are kites; but without a blue panda a red panda is no panda.
    """
    parts = {name: name.casefold().split(maxsplit=1) for name in names}
    nouns = {
        name: words[1] for name, words in parts.items() if len(words) == 2 and words[0] in _COLOURS
    }
    counts = Counter(nouns.values())
    return {name: noun for name, noun in nouns.items() if counts[noun] > 1}


def ask_where(name: str, boxes: Sequence[Box], image: TrainingImage) -> TrainingTurn:
    """Return a search; without boxes, for something that is absent."""
    answer = AnswerPhrase(name, tuple(boxes))
    return TrainingTurn(Task.GROUNDING, name, (answer,), (image,))


def ask_whether(name: str, image: TrainingImage, *, is_there: bool) -> TrainingTurn:
    """Return the question whether something is there, with a short answer."""
    answer = "yes" if is_there else "no"
    return TrainingTurn(Task.VQA, f"Is there {article(name)} {name}?", (answer,), (image,))


def ask_what(name: str, box: Box, image: TrainingImage) -> TrainingTurn:
    """Return the question what is in a box."""
    answer = (_capitalize(f"{article(name)} {name}."),)
    return TrainingTurn(Task.DESCRIBE_REGION, "", answer, (image,), (box,))


def describe(boxes: Mapping[str, Sequence[Box]]) -> tuple[AnswerPart, ...]:
    """Return a sentence with everything that has a box, from left to right."""
    labelled = sorted((box.x1, name, box) for name, places in boxes.items() for box in places)
    if len(labelled) <= _MOST_PHRASES:
        phrases = [AnswerPhrase(f"{article(name)} {name}", (box,)) for _, name, box in labelled]
    else:
        phrases = [AnswerPhrase(_count(name, len(own)), tuple(own)) for name, own in boxes.items()]
    first = AnswerPhrase(_capitalize(phrases[0].phrase), phrases[0].boxes)
    parts: list[AnswerPart] = [first]
    for number, phrase in enumerate(phrases[1:], start=2):
        parts += [" and " if number == len(phrases) else ", ", phrase]
    return (*parts, ".")


def _count(name: str, count: int) -> str:
    if count == 1:
        return f"{article(name)} {name}"
    number = _NUMBERS[count - 2] if count - 2 < len(_NUMBERS) else str(count)
    return f"{number} {name}{'es' if name.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def _capitalize(words: str) -> str:
    return words[:1].upper() + words[1:]
