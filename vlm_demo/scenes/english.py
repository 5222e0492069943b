"""English questions and answers about scenes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from vlm_demo.scenes.exchange import GroundedPhrase, Language, Part
from vlm_demo.scenes.kinds import Kind, article
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.wording import Direction, Extreme

_CAPTION = (
    "Describe the image.",
    "Describe this picture.",
    "Please describe the picture.",
    "What is in the image?",
    "What is in this picture?",
    "What is in the picture?",
    "What is shown here?",
    "What do you see?",
    "What can you see in this image?",
    "What do you see in this picture?",
    "Caption this picture.",
    "Write a caption.",
    "Tell me about this image.",
    "What objects are in the image?",
    "What is this?",
    "What's in this picture?",
    "Describe it.",
    "List the objects.",
)
_DETAILED = (
    "Describe the image in detail.",
    "Describe this picture in detail.",
    "Write a detailed description.",
    "Tell me everything about this picture.",
    "Give a detailed caption.",
)
_GROUNDED = (
    "Describe the image with boxes.",
    "Describe the image with locations.",
    "Detect all objects.",
    "Detect everything.",
    "Find all objects.",
    "Locate every object.",
    "Locate everything in the picture.",
    "Where is everything?",
    "Draw a box around every object.",
    "Give a grounded caption.",
)
_EXTREME = (
    "What is the {extreme} object?",
    "Which object is the {extreme}?",
    "What is {extreme}?",
    "Name the {extreme} object.",
    "What is the {extreme} thing in the picture?",
)
_HOW_MANY = (
    "How many {name} are there?",
    "How many {name} do you see?",
    "How many {name} are in the image?",
    "How many {name} are in the picture?",
    "How many {name} can you see?",
    "Count the {name}.",
    "What is the number of {name}?",
)
_COLOUR = (
    "What color is the {name}?",
    "What colour is the {name}?",
    "What is the color of the {name}?",
    "What is the colour of the {name}?",
    "Which color is the {name}?",
    "Which colour does the {name} have?",
    "The {name} is what color?",
)
_COLOUR_OF_IT = (
    "What color is it?",
    "What colour is it?",
    "Which color is it?",
    "And its color?",
    "What is its colour?",
)
_BACKGROUND = (
    "What color is the background?",
    "What colour is the background?",
    "What is the background color?",
    "What is the color of the background?",
)
_IS_THERE = (
    "Is there {a} {name}?",
    "Is there {a} {name} in the picture?",
    "Is there {a} {name} in the image?",
    "Is there {a} {name} here?",
    "Do you see {a} {name}?",
    "Can you see {a} {name}?",
    "Does the image contain {a} {name}?",
    "Does the picture show {a} {name}?",
    "Is {a} {name} visible?",
)
_WHERE = (
    "Where is the {name}?",
    "Find the {name}.",
    "Locate the {name}.",
    "Show me the {name}.",
    "Detect the {name}.",
    "Point to the {name}.",
    "Can you find the {name}?",
    "Where can I find the {name}?",
    "Draw a box around the {name}.",
    "Where is {a} {name}?",
)
_WHERE_IS_IT = ("Where is it?", "Show it to me.", "Draw a box around it.", "Find it.", "Locate it.")
_SEARCH = ("{name}", "{name}", "{name}", "the {name}", "{a} {name}", "Where is the {name}?")
_SEARCH_ALL = ("{names}", "all {names}", "all the {names}", "every {name}", "the {names}")
_SIDES: dict[Direction, str] = {
    "left": "to the left of",
    "right": "to the right of",
    "above": "above",
    "below": "below",
}
_CORNERS = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the middle", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)
_WHO = "I am a small model of drawn scenes. I can describe them, answer questions and find objects."
_SMALL_TALK = (
    (("Hello", "Hello!", "Hi", "Hi!", "Hi there", "Hey", "Good morning", "Good evening"),
     "Hello! Ask me about the picture."),
    (("Thanks", "Thank you", "Thank you!", "Thanks a lot", "Great, thanks"), "You are welcome."),
    (("Who are you?", "What are you?", "What is your name?"), _WHO),
    (("What can you do?", "How can you help me?", "Help"), _WHO),
    (("Bye", "Goodbye", "See you", "Good night"), "Goodbye!"),
    (("How are you?", "How are you doing?"), "I am fine. Ask me about the picture."),
)  # fmt: skip


class English:
    """The English wording."""

    language: Language = "en"
    it = "it"

    def name(self, thing: SceneObject) -> str:
        return thing.phrase

    def kind_name(self, kind: Kind, colour: str) -> str:
        return f"{colour} {kind.name}".strip()

    def ask_caption(self, rng: random.Random) -> str:
        return rng.choice(_CAPTION)

    def ask_detailed_caption(self, rng: random.Random) -> str:
        return rng.choice(_DETAILED)

    def ask_grounded_caption(self, rng: random.Random) -> str:
        return rng.choice(_GROUNDED)

    def ask_extreme(self, rng: random.Random, extreme: Extreme) -> str:
        return rng.choice(_EXTREME).replace("{extreme}", extreme)

    def ask_only_thing(self, rng: random.Random) -> str:
        return rng.choice(("What is this?", "What object is this?", "What is in the picture?"))

    def ask_shape_of_colour(self, rng: random.Random, colour: str) -> str:
        wording = rng.choice(
            ("What shape is {colour}?", "What is the {colour} shape?", "Which shape is {colour}?",
             "What shape is the {colour} object?", "What is {colour}?")
        )  # fmt: skip
        return wording.replace("{colour}", colour)

    def ask_how_many(self, rng: random.Random, kind: Kind | None, colour: str) -> str:
        return rng.choice(_HOW_MANY).replace("{name}", self._plural(rng, kind, colour))

    def ask_colour(self, rng: random.Random, name: str) -> str:
        if name == self.it:
            return rng.choice(_COLOUR_OF_IT)
        return rng.choice(_COLOUR).replace("{name}", name)

    def ask_background(self, rng: random.Random) -> str:
        return rng.choice(_BACKGROUND)

    def ask_is_there(self, rng: random.Random, name: str) -> str:
        return _with_name(rng.choice(_IS_THERE), name)

    def ask_relation(self, rng: random.Random, a: str, direction: Direction, b: str) -> str:
        side = _SIDES[direction]
        if direction in ("left", "right") and rng.random() < 0.3:
            side = f"{direction} of"
        return f"Is {_the(a)} {side} {_the(b)}?"

    def ask_either_side(
        self, rng: random.Random, a: str, directions: tuple[Direction, Direction], b: str
    ) -> str:
        first, second = directions
        if "left" in directions:
            return f"Is {_the(a)} to the {first} or to the {second} of {_the(b)}?"
        return f"Is {_the(a)} {first} or {second} {_the(b)}?"

    def ask_what_beside(self, rng: random.Random, direction: Direction, b: str) -> str:
        return f"What is {_SIDES[direction]} {_the(b)}?"

    def ask_where(self, rng: random.Random, name: str) -> str:
        if name == self.it:
            return rng.choice(_WHERE_IS_IT)
        return _with_name(rng.choice(_WHERE), name)

    def search_words(self, rng: random.Random, name: str) -> str:
        return _with_name(rng.choice(_SEARCH), name)

    def plural_search_words(self, rng: random.Random, kind: Kind, colour: str) -> str:
        names = f"{colour} {kind.plural}".strip()
        words = rng.choice(_SEARCH_ALL).replace("{names}", names)
        return words.replace("{name}", self.kind_name(kind, colour))

    def extreme_search_words(self, extreme: Extreme) -> str:
        return f"the {extreme} object"

    def caption(self, things: Sequence[SceneObject], *, grounded: bool) -> tuple[Part, ...]:
        phrases = [f"{article(thing.phrase)} {thing.phrase}" for thing in things]
        phrases[0] = capitalize(phrases[0])
        parts: list[Part] = []
        for index, (thing, phrase) in enumerate(zip(things, phrases, strict=True)):
            if index:
                parts.append(" and " if index == len(things) - 1 else ", ")
            parts.append(GroundedPhrase(phrase, (thing.box,)) if grounded else phrase)
        return (*parts, ".")

    def detailed_caption(self, scene: Scene) -> tuple[Part, ...]:
        count = len(scene.objects)
        parts: list[Part] = [
            f"The picture shows {count} object{'s' if count > 1 else ''} on "
            f"{_background(scene)} background. "
        ]
        for index, thing in enumerate(scene.objects):
            if index:
                parts.append(" and " if index == count - 1 else ", ")
            phrase = f"{article(thing.phrase)} {thing.phrase}"
            x, y = thing.centre
            corner = _CORNERS[min(2, int(y * 3))][min(2, int(x * 3))]
            parts += [
                GroundedPhrase(phrase if index else capitalize(phrase), (thing.box,)),
                f" is {corner}",
            ]
        return (*parts, ".")

    def say_thing(self, thing: SceneObject, *, short: bool) -> str:
        if short:
            return thing.phrase
        return f"It is {article(thing.phrase)} {thing.phrase}."

    def say_shape(self, thing: SceneObject, *, short: bool) -> str:
        return thing.kind.name if short else f"It is {thing.kind.article} {thing.kind.name}."

    def say_count(self, count: int, kind: Kind | None, colour: str, *, short: bool) -> str:
        if short:
            return str(count)
        plural, singular = (kind.plural, kind.name) if kind else ("objects", "object")
        name = f"{colour} {singular if count == 1 else plural}".strip()
        return f"There {'is' if count == 1 else 'are'} {count or 'no'} {name}."

    def say_colour(self, colour: str, *, short: bool) -> str:
        return colour if short else f"It is {colour}."

    def say_is_there(self, there: bool, name: str, *, short: bool) -> str:
        if short:
            return "yes" if there else "no"
        if there:
            return f"Yes, there is {article(name)} {name}."
        return f"No, there is no {name}."

    def say_relation(self, true: bool, *, short: bool) -> str:
        if short:
            return "yes" if true else "no"
        return "Yes, it is." if true else "No, it is not."

    def say_direction(self, direction: Direction, *, short: bool) -> str:
        return direction if short else f"It is {_SIDES[direction].removesuffix(' of')}."

    def say_where(self, things: Sequence[SceneObject], name: str) -> tuple[Part, ...]:
        return (GroundedPhrase(f"The {name}", tuple(thing.box for thing in things)), ".")

    def say_absent(self, name: str) -> str:
        return f"There is no {name}."

    def small_talk(self, rng: random.Random) -> tuple[str, str]:
        questions, answer = rng.choice(_SMALL_TALK)
        return rng.choice(questions), answer

    def _plural(self, rng: random.Random, kind: Kind | None, colour: str) -> str:
        if kind is None:
            return rng.choice(("objects", "objects", "things"))
        return f"{colour} {kind.plural}".strip()


def capitalize(text: str) -> str:
    """Capitalize the first letter only."""
    return text[:1].upper() + text[1:]


def _the(name: str) -> str:
    return name if name == English.it else f"the {name}"


def _with_name(wording: str, name: str) -> str:
    return wording.replace("{a}", article(name)).replace("{name}", name)


def _background(scene: Scene) -> str:
    look, colour = scene.background.look, scene.background.colour
    return f"{article(look)} {look} {colour}".strip()
