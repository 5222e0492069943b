"""Composes answers: what the nets see, put into a language's sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from vlm_demo.engines.detector import sight
from vlm_demo.engines.detector.abilities import ABILITIES
from vlm_demo.engines.detector.nouns import Noun, read_noun
from vlm_demo.engines.detector.photo_nets import DetectedObject, Observation
from vlm_demo.engines.detector.questions import QuestionKind, Side, UserQuestion
from vlm_demo.engines.detector.sight import Classification, Thing
from vlm_demo.engines.detector.vocabulary import Language, imagenet_names
from vlm_demo.engines.detector.wording import WORDINGS, DetectorWording, Sentence
from vlm_demo.values import Box


@dataclass(frozen=True, slots=True)
class Photograph:
    """An image with what the nets see in it."""

    image: Image
    observation: Observation
    whole: Classification
    """What the classifier says about all of it."""

    classify: Callable[[Image], Sequence[float]]
    """Returns the probabilities of ImageNet's classes for a part of it."""

    def classify_region(self, box: Box) -> Classification:
        """Return what the classifier says about a region."""
        left, top, right, bottom = box.to_pixels(self.image.size)
        corners = (
            int(left),
            int(top),
            max(int(right), int(left) + 1),
            max(int(bottom), int(top) + 1),
        )
        return Classification.of(self.classify(self.image.crop(corners)))


def answer_question(photo: Photograph, question: UserQuestion) -> Iterator[Sentence]:
    """Yield the sentences of the answer."""
    wording = WORDINGS[question.language]
    match question.kind:
        case QuestionKind.GROUNDED_CAPTION:
            yield _caption(photo, wording)
        case QuestionKind.CAPTION:
            yield ("".join(map(str, _caption(photo, wording))),)
        case QuestionKind.FIND | QuestionKind.COUNT | QuestionKind.IS_THERE if question.nouns:
            for words in question.nouns:
                yield from _look_for(photo, wording, question, read_noun(words, question.language))
        case QuestionKind.BESIDE if question.nouns and question.side:
            noun = read_noun(question.nouns[0], question.language)
            yield _beside(photo, wording, question.side, noun)
        case QuestionKind.READ:
            yield (wording.no_text,)
        case _:
            yield (ABILITIES[question.language],)


def describe_region(photo: Photograph, box: Box, language: Language) -> Sentence:
    """Say what is in a region: the detection that fits it best, else what the classifier says."""
    wording = WORDINGS[language]
    detection = sight.find_overlapping(box, photo.observation.detections)
    if detection is not None:
        name = wording.name_class(detection.class_index)
        return (wording.region(name, is_certain=detection.score >= sight.STATED_SCORE),)
    best = photo.classify_region(box)
    if best.probability < sight.CLASSIFIER_HEARD:
        return (wording.region("", is_certain=False),)
    is_certain = best.probability >= sight.CLASSIFIER_CERTAIN
    return (wording.region(wording.name_imagenet(best.index), is_certain=is_certain),)


def _caption(photo: Photograph, wording: DetectorWording) -> Sentence:
    things = sight.list_things(photo.observation.detections, photo.whole)
    if things:
        return wording.caption(things)
    whole = photo.whole
    certain = whole.probability >= sight.CLASSIFIER_CERTAIN
    return (wording.see_nothing(wording.name_imagenet(whole.index) if certain else ""),)


def _look_for(
    photo: Photograph, wording: DetectorWording, question: UserQuestion, noun: Noun
) -> Iterator[Sentence]:
    if noun.class_index is None:
        yield (_look_for_unknown(photo, wording, question.language, noun.words),)
        return
    thing = sight.find_things(noun.class_index, photo.observation.detections, photo.whole)
    if thing is None:
        deny = wording.deny if question.kind is QuestionKind.IS_THERE else wording.report_absence
        yield (deny(noun.words),)
        return
    match question.kind:
        case QuestionKind.COUNT:
            yield wording.count(thing)
        case QuestionKind.IS_THERE:
            yield wording.confirm(thing)
        case _:
            yield wording.report_thing(thing)
    if noun.modifier:
        yield (wording.cannot_tell(noun.modifier),)


def _look_for_unknown(
    photo: Photograph, wording: DetectorWording, language: Language, words: str
) -> str:
    whole = photo.whole
    is_named = _names_imagenet(words, whole.index, language)
    if is_named and whole.probability >= sight.CLASSIFIER_CERTAIN:
        return wording.whole_shows(whole.index)
    return wording.unknown(words)


def _names_imagenet(words: str, index: int, language: Language) -> bool:
    name = imagenet_names()[index][language].casefold()
    noun = words.casefold().strip()
    for article in ("a ", "an ", "the "):
        noun = noun.removeprefix(article)
    return noun in {name, f"{name}s"} or name.endswith(f" {noun}")


def _beside(photo: Photograph, wording: DetectorWording, side: Side, noun: Noun) -> Sentence:
    if noun.class_index is None:
        return (wording.unknown(noun.words),)
    detections = photo.observation.detections
    anchor = sight.find_things(noun.class_index, detections, photo.whole)
    if anchor is None:
        return (wording.report_absence(noun.words),)
    center = anchor.detections[0].box
    others = [
        one for one in detections if one not in anchor.detections and _is_beside(one, side, center)
    ]
    things: list[Thing] = [
        thing for thing in sight.list_things(others, photo.whole) if thing.detections
    ]
    return wording.beside(side, noun.words, things)


def _is_beside(detection: DetectedObject, side: Side, anchor: Box) -> bool:
    """Return whether the middle of a box is on a side of another one, more so than above it."""
    box = detection.box
    across = (box.x1 + box.x2) / 2 - (anchor.x1 + anchor.x2) / 2
    down = (box.y1 + box.y2) / 2 - (anchor.y1 + anchor.y2) / 2
    match side:
        case Side.LEFT:
            return across < 0 and abs(across) >= abs(down)
        case Side.RIGHT:
            return across > 0 and abs(across) >= abs(down)
        case Side.ABOVE:
            return down < 0 and abs(down) >= abs(across)
        case Side.BELOW:
            return down > 0 and abs(down) >= abs(across)
