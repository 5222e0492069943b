"""English."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vlm_demo.engines.detector.questions import Side
from vlm_demo.engines.detector.sight import Certainty, Thing, imagenet_name
from vlm_demo.engines.detector.vocabulary import ClassName, Language, coco_classes, find_class
from vlm_demo.engines.detector.wording.base import Sentence, SentencePart, capitalize, join

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
_SIDES = {
    Side.LEFT: "left of",
    Side.RIGHT: "right of",
    Side.ABOVE: "above",
    Side.BELOW: "below",
}
_ARTICLE = re.compile(r"^(?:an?|the|some|any)\s+", re.IGNORECASE)
_NEGATIONS = ("not ", "no ", "without ", "never ")
_WITHOUT_ARTICLE = {"broccoli", "scissors", "skis", "rapeseed field", "swimming trunks"}


class _English:
    no_image = "Add a photograph first."
    no_text = "I find no text."

    def caption(self, things: Sequence[Thing]) -> Sentence:
        return (*capitalize(join([_phrase(thing) for thing in things], ", ", " and ")), ".")

    def see_nothing(self, guess: str) -> str:
        nothing = "I see none of the things that I know."
        return f"{nothing} The photograph may show {guess}." if guess else nothing

    def report_thing(self, thing: Thing) -> Sentence:
        return (*capitalize((_phrase(thing),)), ".")

    def report_absence(self, noun: str) -> str:
        return f"I see no {_singular(noun)}."

    def unknown(self, noun: str) -> str:
        noun = _ARTICLE.sub("", noun)
        if noun.casefold().startswith(_NEGATIONS):
            return f'I cannot look for "{noun}": I can only say where known things are.'
        is_plural = noun.endswith("s") and not noun.endswith(("ss", "us"))
        what = f"{noun} look" if is_plural else f"{_with_article(noun)} looks"
        return f"I do not know what {what} like."

    def cannot_tell(self, modifier: str) -> str:
        return f'I cannot judge the rest of the description ("{modifier}").'

    def whole_shows(self, imagenet_index: int) -> str:
        name = self.name_imagenet(imagenet_index)
        return f"The photograph seems to show {name}, but I cannot say where."

    def count(self, thing: Thing) -> Sentence:
        total = max(len(thing.detections), thing.count)
        if thing.class_index is None:
            name = imagenet_name(thing.imagenet_index or 0, Language.ENGLISH)
            noun = name if total == 1 else _plural(name)
        else:
            known = _noun(thing.class_index)
            noun = known.singular if total == 1 else known.plural
        perhaps = "perhaps " if thing.certainty is Certainty.PERHAPS else ""
        phrase = SentencePart(f"{perhaps}{_number(total)} {noun}", thing.detections)
        if thing.certainty is Certainty.AT_LEAST:
            return ("I count ", phrase, f", {_number(thing.count)} of them clearly.")
        return ("I count ", phrase, ".")

    def confirm(self, thing: Thing) -> Sentence:
        if thing.certainty is Certainty.PERHAPS:
            return (
                "Perhaps: I see ",
                SentencePart(_count_phrase(thing), thing.detections),
                ", but not clearly.",
            )
        return ("Yes, ", SentencePart(_count_phrase(thing), thing.detections), ".")

    def deny(self, noun: str) -> str:
        return f"No, I see no {_singular(noun)}."

    def beside(self, side: Side, anchor: str, things: Sequence[Thing]) -> Sentence:
        place = f"{_SIDES[side]} the {_singular(anchor)}"
        if not things:
            return (f"I see nothing that I know {place}.",)
        phrases = join([_phrase(thing) for thing in things], ", ", " and ")
        return (*capitalize((f"{place}: ",)), *phrases, ".")

    def region(self, name: str, *, is_certain: bool) -> str:
        if not name:
            return "I do not recognize what is there."
        return f"{name[:1].upper()}{name[1:]}." if is_certain else f"Perhaps {name}."

    def name_class(self, class_index: int) -> str:
        return _with_article(_noun(class_index).singular)

    def name_imagenet(self, imagenet_index: int) -> str:
        return _with_article(imagenet_name(imagenet_index, Language.ENGLISH))


ENGLISH = _English()


def _noun(class_index: int) -> ClassName:
    return coco_classes()[class_index][Language.ENGLISH]


def _phrase(thing: Thing) -> SentencePart:
    """Return "two dogs", "at least two dogs" or "perhaps a dog"."""
    text = _count_phrase(thing)
    if thing.certainty is Certainty.PERHAPS:
        text = f"perhaps {text}"
    return SentencePart(text, thing.detections)


def _count_phrase(thing: Thing) -> str:
    """Return the number and the name: "a dog", "two dogs", "at least two dogs"."""
    if thing.class_index is None:
        name = imagenet_name(thing.imagenet_index or 0, Language.ENGLISH)
        text = (
            _with_article(name) if thing.count == 1 else f"{_number(thing.count)} {_plural(name)}"
        )
    else:
        noun = _noun(thing.class_index)
        if _is_at_least(thing) and thing.count == 1:
            several = "one or two" if len(thing.detections) == 2 else "one or more"
            return f"{several} {noun.plural}"
        one = _with_article(noun.singular)
        text = one if thing.count == 1 else f"{_number(thing.count)} {noun.plural}"
        if thing.imagenet_index is not None:
            breed = imagenet_name(thing.imagenet_index, Language.ENGLISH)
            if breed != noun.singular:
                text += f" ({_with_article(breed)})"
    return f"at least {text}" if _is_at_least(thing) else text


def _is_at_least(thing: Thing) -> bool:
    return thing.certainty is Certainty.AT_LEAST


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _with_article(name: str) -> str:
    if name in _WITHOUT_ARTICLE:
        return name
    vowel = name[:1].lower() in "aeiou" and not name.lower().startswith(("uni", "eu", "one"))
    return f"{'an' if vowel else 'a'} {name}"


def _plural(name: str) -> str:
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def _singular(noun: str) -> str:
    """Return the user's word for a known thing, in the singular and without its article."""
    noun = _ARTICLE.sub("", noun.strip())
    class_index = find_class(noun, Language.ENGLISH)
    if class_index is None:
        return noun
    known = _noun(class_index)
    if noun.casefold() == known.plural.casefold():
        return known.singular
    words = [word for word in known.synonyms if word.casefold() == noun.casefold()]
    position = known.synonyms.index(words[0]) if words else 0
    if position and noun.endswith("s") and known.synonyms[position - 1] == noun[:-1]:
        return noun[:-1]
    return noun
