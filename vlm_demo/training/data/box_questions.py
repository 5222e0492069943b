"""Questions about a picture whose things have boxes: where, what, whether, and what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.scenes.kinds import article
from vlm_demo.training.data.examples import TrainingExample, TrainingImage, TrainingTurn
from vlm_demo.values import Box, Task

_MOST_PHRASES = 8
"""More boxes than these are named together, by their class."""

_MOST_NAMES = 12
"""A picture with more classes is too crowded for a sentence."""

_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def ask_about_boxes(
    image: TrainingImage, boxes: Mapping[str, Sequence[Box]], source: str
) -> Iterator[TrainingExample]:
    """Yield examples about a picture all of whose things have boxes.

    Args:
        image: the picture.
        boxes: of each class that is there, by its name.
        source: where the picture comes from.
    """
    for turn in _turns(image, boxes):
        yield TrainingExample((turn,), source)


def ask_where(name: str, boxes: Sequence[Box], image: TrainingImage) -> TrainingTurn:
    """Return a search; without boxes, for something that is absent."""
    answer = AnswerPhrase(name, tuple(boxes))
    return TrainingTurn(Task.GROUNDING, name, (answer,), (image,))


def ask_whether(name: str, image: TrainingImage, *, is_there: bool) -> TrainingTurn:
    """Return the question whether something is there, with a short answer."""
    answer = "yes" if is_there else "no"
    return TrainingTurn(Task.VQA, f"Is there {article(name)} {name}?", (answer,), (image,))


def _turns(image: TrainingImage, boxes: Mapping[str, Sequence[Box]]) -> Iterator[TrainingTurn]:
    if 0 < len(boxes) <= _MOST_NAMES:
        sentence = describe(boxes)
        words = "".join(part if isinstance(part, str) else part.phrase for part in sentence)
        yield TrainingTurn(Task.GROUNDED_CAPTION, "", sentence, (image,))
        yield TrainingTurn(Task.CAPTION, "", (words,), (image,))
    for name, places in boxes.items():
        yield ask_where(name, places, image)
        yield ask_whether(name, image, is_there=True)
    if boxes:
        box, name = max(
            ((box, name) for name, places in boxes.items() for box in places),
            key=lambda labelled: labelled[0].area,
        )
        answer = (_capitalize(f"{article(name)} {name}."),)
        yield TrainingTurn(Task.DESCRIBE_REGION, "", answer, (image,), (box,))


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
