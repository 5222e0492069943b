"""Questions about a scene, each with the true answer.

Every function takes the wording of a language and returns an exchange, or None if the scene does
not allow a clear question of its kind. `short` chooses between the Ask task (answered by a word or
phrase) and the Chat task (answered by a sentence).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from vlm_demo.scenes.exchange import Exchange, GroundedPhrase, Subject
from vlm_demo.scenes.kinds import ABSENT_THINGS, ABSENT_THINGS_JAPANESE, COLOURS, KINDS, Kind
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.wording import OPPOSITE, Direction, Extreme, Wording
from vlm_demo.values import Task

_MIN_DISTANCE = 0.07  # between two centres, as a share of the side of the picture
_MIN_AREA_RATIO = 1.35  # of the larger of two objects to the smaller

_MEASURES: dict[Extreme, Callable[[SceneObject], float]] = {
    "leftmost": lambda thing: thing.centre[0],
    "rightmost": lambda thing: -thing.centre[0],
    "topmost": lambda thing: thing.centre[1],
    "bottommost": lambda thing: -thing.centre[1],
    "largest": lambda thing: -thing.box.area,
    "smallest": lambda thing: thing.box.area,
}


def caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Ask in words for a caption."""
    answer = words.caption(scene.objects, grounded=False)
    about = scene.objects[0] if len(scene.objects) == 1 else None
    return _chat("caption", words, words.ask_caption(rng), answer, about)


def detailed_caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Ask in words for a detailed caption."""
    answer = words.detailed_caption(scene)
    return _chat("detailed_caption", words, words.ask_detailed_caption(rng), answer, None)


def grounded_caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Ask in words for a caption with boxes."""
    answer = words.caption(scene.objects, grounded=True)
    return _chat("grounded_caption", words, words.ask_grounded_caption(rng), answer, None)


def what(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Ask for an object that stands out: the leftmost, the largest, the only red shape."""
    if short and len(scene.objects) == 1 and rng.random() < 0.5:
        return _answer_thing("what", words, words.ask_only_thing(rng), scene.objects[0], short=True)
    if rng.random() < 0.3:
        return _shape_of_colour(rng, scene, words, short=short)
    extreme = rng.choice(tuple(_MEASURES))
    thing = _find_extreme(scene, extreme)
    if thing is None:
        return None
    return _answer_thing("what", words, words.ask_extreme(rng, extreme), thing, short=short)


def _shape_of_colour(
    rng: random.Random, scene: Scene, words: Wording, *, short: bool
) -> Exchange | None:
    shapes = [o for o in scene.objects if o.kind.look == "shape"]
    colours = [o.colour for o in scene.objects]
    alone = [o for o in shapes if colours.count(o.colour) == 1]
    if not alone:
        return None
    thing = rng.choice(alone)
    answer = words.say_shape(thing, short=short)
    question = words.ask_shape_of_colour(rng, thing.colour)
    return _answer("what", words, question, answer, short=short, about=thing)


def how_many(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange:
    """Ask for the number of all objects, of a kind, or of a kind and a colour."""
    kind, colour, things = _choose_countable(rng, scene)
    question = words.ask_how_many(rng, kind, colour)
    answer = words.say_count(len(things), kind, colour, short=short)
    about = things[0] if len(things) == 1 else None
    return _answer("how_many", words, question, answer, short=short, about=about)


def _choose_countable(
    rng: random.Random, scene: Scene
) -> tuple[Kind | None, str, Sequence[SceneObject]]:
    chance = rng.random()
    if chance < 0.35:
        return None, "", scene.objects
    thing = rng.choice(scene.objects)
    kind, colour = thing.kind, ""
    if chance > 0.9:
        kind = rng.choice(tuple(KINDS.values()))
    elif thing.colour and rng.random() < 0.4:
        colour = thing.colour if rng.random() < 0.8 else rng.choice(kind.hues)
    things = [o for o in scene.objects if o.kind is kind and colour in ("", o.colour)]
    return kind, colour, things


def colour(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Ask for the colour of the background, or of the only object of its kind."""
    if scene.background.colour and rng.random() < 0.2:
        answer = words.say_colour(scene.background.colour, short=short)
        return _answer("colour", words, words.ask_background(rng), answer, short=short)
    things = [
        o
        for o in scene.objects
        if len(scene.find(o.kind.name)) == 1 and (o.colour or o.kind.own_colour)
    ]
    coloured = [o for o in things if o.colour]
    if not things:
        return None
    thing = rng.choice(coloured if coloured and rng.random() < 0.9 else things)
    question = words.ask_colour(rng, words.kind_name(thing.kind, ""))
    return _colour_of(thing, question, words, short=short)


def _colour_of(thing: SceneObject, question: str, words: Wording, *, short: bool) -> Exchange:
    answer = words.say_colour(thing.colour or thing.kind.own_colour, short=short)
    return _answer("colour", words, question, answer, short=short, about=thing)


def is_there(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Ask whether something is in the picture; half of the answers are no, often a near miss."""
    if rng.random() < 0.5:
        thing = rng.choice(scene.objects)
        colour = thing.colour if rng.random() < 0.6 else ""
        name, there = words.kind_name(thing.kind, colour), True
    else:
        absent = _near_miss(rng, scene, words) if rng.random() < 0.5 else None
        name, there = absent or _absent_name(rng, scene, words), False
    question = words.ask_is_there(rng, name)
    answer = words.say_is_there(there, name, short=short)
    return _answer("is_there", words, question, answer, short=short)


def relation(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Ask how two objects lie to each other."""
    things = scene.unique_objects()
    if len(things) < 2:
        return None
    a, b = rng.sample(things, 2)
    direction = _direction(rng, a, b)
    if direction is None:
        return None
    name, other = words.name(a), words.name(b)
    chance = rng.random()
    if chance < 0.6:
        true = rng.random() < 0.5
        asked = direction if true else OPPOSITE[direction]
        question = words.ask_relation(rng, name, asked, other)
        answer = words.say_relation(true, short=short)
        return _answer("relation", words, question, answer, short=short, about=a)
    if chance < 0.8:
        sides = (direction, OPPOSITE[direction])
        if rng.random() < 0.5:
            sides = (sides[1], sides[0])
        question = words.ask_either_side(rng, name, sides, other)
        answer = words.say_direction(direction, short=short)
        return _answer("relation", words, question, answer, short=short, about=a)
    return _ask_beside(rng, scene, words, b, direction, short=short)


def _ask_beside(
    rng: random.Random,
    scene: Scene,
    words: Wording,
    b: SceneObject,
    direction: Direction,
    *,
    short: bool,
) -> Exchange | None:
    """Ask what is on one side of `b`, if exactly one object is."""
    others = [o for o in scene.objects if o is not b]
    gaps = [_gap(o, b, direction) for o in others]
    if any(-_MIN_DISTANCE < gap < _MIN_DISTANCE for gap in gaps):
        return None
    there = [o for o, gap in zip(others, gaps, strict=True) if gap > 0]
    if len(there) != 1:
        return None
    question = words.ask_what_beside(rng, direction, words.name(b))
    return _answer_thing("relation", words, question, there[0], short=short)


def _gap(a: SceneObject, b: SceneObject, direction: Direction) -> float:
    """Return how far in `direction` `a` is from `b`, centre to centre, in sides of the picture."""
    horizontal, vertical = a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]
    return {"left": -horizontal, "right": horizontal, "above": -vertical, "below": vertical}[
        direction
    ]


def _direction(rng: random.Random, a: SceneObject, b: SceneObject) -> Direction | None:
    """Choose a direction in which `a` clearly lies from `b`."""
    directions: list[Direction] = ["left", "right", "above", "below"]
    clear = [d for d in directions if _gap(a, b, d) > _MIN_DISTANCE]
    return rng.choice(clear) if clear else None


def locate(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Ask to find the only object of a name."""
    if short and rng.random() < 0.08:
        extreme = rng.choice(tuple(_MEASURES))
        thing = _find_extreme(scene, extreme)
        if thing is None:
            return None
        return _search("locate", words, words.extreme_search_words(extreme), (thing,))
    names = [(o, words.name(o)) for o in scene.unique_objects()]
    names += [
        (o, words.kind_name(o.kind, ""))
        for o in scene.objects
        if o.colour and len(scene.find(o.kind.name)) == 1
    ]
    if not names:
        return None
    thing, name = rng.choice(names)
    if short:
        return _search("locate", words, words.search_words(rng, name), (thing,))
    answer = words.say_where((thing,), name)
    return _chat("locate", words, words.ask_where(rng, name), answer, thing)


def locate_all(rng: random.Random, scene: Scene, words: Wording) -> Exchange | None:
    """Ask to find all objects of a name."""
    thing = rng.choice(scene.objects)
    colour = thing.colour if rng.random() < 0.5 else ""
    things = scene.find(f"{colour} {thing.kind.name}".strip())
    if len(things) > 1 and rng.random() < 0.4:
        text = words.search_words(rng, words.kind_name(thing.kind, colour))
    elif len(things) > 1 or rng.random() < 0.3:
        text = words.plural_search_words(rng, thing.kind, colour)
    else:
        return None
    return _search("locate_all", words, text, things)


def absent(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange:
    """Ask to find something that is absent; the answer says so and has no box."""
    nearly = _near_miss(rng, scene, words) if rng.random() < 0.3 else None
    name = nearly or _absent_name(rng, scene, words)
    answer = (words.say_absent(name),)
    if short:
        return Exchange(
            "absent", words.language, Task.GROUNDING, words.search_words(rng, name), answer
        )
    return _chat("absent", words, words.ask_where(rng, name), answer, None)


def describe_region(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Ask what is in a box, drawn a little carelessly around one object."""
    thing = rng.choice(scene.objects)
    box = thing.box
    slack = 0.06
    corners = [
        value + rng.uniform(-slack, slack) * side
        for value, side in (
            (box.x1, box.x2 - box.x1),
            (box.y1, box.y2 - box.y1),
            (box.x2, box.x2 - box.x1),
            (box.y2, box.y2 - box.y1),
        )
    ]
    region = type(box).normalize(*corners, by=(1, 1))
    answer = words.caption((thing,), grounded=False)
    return Exchange(
        "describe_region", words.language, Task.DESCRIBE_REGION, "", answer, region, thing
    )


def small_talk(rng: random.Random, words: Wording) -> Exchange:
    """Return a greeting, thanks, or a question about the model itself."""
    question, answer = words.small_talk(rng)
    return _chat("small_talk", words, question, (answer,), None)


def follow_up(rng: random.Random, scene: Scene, words: Wording, about: SceneObject) -> Exchange:
    """Ask more about `about` without naming it: "what colour is it?", "where is it?"."""
    others = [o for o in scene.unique_objects() if o is not about]
    chance = rng.random()
    if chance < 0.4 and (about.colour or about.kind.own_colour):
        exchange = _colour_of(about, words.ask_colour(rng, words.it), words, short=False)
        return replace(exchange, about=about)
    if chance < 0.7 and others:
        other = rng.choice(others)
        direction = _direction(rng, about, other)
        if direction is not None:
            true = rng.random() < 0.5
            asked = direction if true else OPPOSITE[direction]
            question = words.ask_relation(rng, words.it, asked, words.name(other))
            answer = words.say_relation(true, short=False)
            return _chat("relation", words, question, (answer,), about)
    answer_parts = words.say_where((about,), words.name(about))
    return _chat("locate", words, words.ask_where(rng, words.it), answer_parts, about)


def _find_extreme(scene: Scene, extreme: Extreme) -> SceneObject | None:
    """Return the object that is `extreme`; None if two come close."""
    measure = _MEASURES[extreme]
    ranked = sorted(scene.objects, key=measure)
    if len(ranked) == 1:
        return ranked[0]
    first, second = (measure(thing) for thing in ranked[:2])
    if extreme in ("largest", "smallest"):
        clear = max(abs(first), abs(second)) > _MIN_AREA_RATIO * min(abs(first), abs(second))
    else:
        clear = second - first > _MIN_DISTANCE
    return ranked[0] if clear else None


def _near_miss(rng: random.Random, scene: Scene, words: Wording) -> str | None:
    """Name something absent that differs in one word from something present."""
    coloured = [o for o in scene.objects if o.colour]
    if not coloured:
        return None
    thing = rng.choice(coloured)
    if rng.random() < 0.5:  # its kind in another colour
        kind, colour = thing.kind, rng.choice(thing.kind.hues)
    else:  # its colour on another kind
        kinds = [kind for kind in KINDS.values() if thing.colour in kind.hues]
        kind, colour = rng.choice(kinds), thing.colour
    if scene.find(f"{colour} {kind.name}"):
        return None
    return words.kind_name(kind, colour)


def _absent_name(rng: random.Random, scene: Scene, words: Wording) -> str:
    """Name something absent: a known kind, or a thing of no scene."""
    if rng.random() < 0.45:
        if words.language == "ja":
            return rng.choice(ABSENT_THINGS_JAPANESE)
        name = rng.choice(ABSENT_THINGS) if rng.random() < 0.8 else _invent_word(rng)
        return f"{rng.choice(tuple(COLOURS))} {name}" if rng.random() < 0.15 else name
    present = {thing.kind.name for thing in scene.objects}
    kind = rng.choice([kind for kind in KINDS.values() if kind.name not in present])
    colour = rng.choice(kind.hues) if kind.hues and rng.random() < 0.5 else ""
    return words.kind_name(kind, colour)


def _invent_word(rng: random.Random) -> str:
    """Invent a word, so that models learn to copy unknown words instead of guessing."""
    syllables = rng.randint(2, 3)
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(syllables))


def _answer_thing(
    subject: Subject, words: Wording, question: str, thing: SceneObject, *, short: bool
) -> Exchange:
    answer = words.say_thing(thing, short=short)
    return _answer(subject, words, question, answer, short=short, about=thing)


def _answer(
    subject: Subject,
    words: Wording,
    question: str,
    answer: str,
    *,
    short: bool,
    about: SceneObject | None = None,
) -> Exchange:
    task = Task.VQA if short else Task.CHAT
    return Exchange(subject, words.language, task, question, (answer,), about=about)


def _chat(
    subject: Subject,
    words: Wording,
    question: str,
    answer: tuple[str | GroundedPhrase, ...],
    about: SceneObject | None,
) -> Exchange:
    return Exchange(subject, words.language, Task.CHAT, question, answer, about=about)


def _search(subject: Subject, words: Wording, text: str, things: Sequence[SceneObject]) -> Exchange:
    boxes = tuple(thing.box for thing in things)
    about = things[0] if len(things) == 1 else None
    return Exchange(
        subject, words.language, Task.GROUNDING, text, (GroundedPhrase("", boxes),), about=about
    )
