"""Questions about a scene, each with the true answer.

Every function takes the wording of a language and returns an exchange, or None where the scene does
not allow a clear question of its kind. `short` chooses between the Ask task (a word or a phrase as
the answer) and the Chat task (a sentence).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from vlm_demo.scenes.exchange import Exchange, Place, Subject
from vlm_demo.scenes.kinds import COLOURS, ELSEWHERE, ELSEWHERE_JAPANESE, KINDS, Kind
from vlm_demo.scenes.scene import Scene, SceneObject
from vlm_demo.scenes.wording import OPPOSITE, Direction, Extreme, Wording
from vlm_demo.values import Task

_CLEARLY_APART = 0.07  # of the picture's side, between two centres
_CLEARLY_LARGER = 1.35  # ratio of two areas

_MEASURES: dict[Extreme, Callable[[SceneObject], float]] = {
    "leftmost": lambda thing: thing.centre[0],
    "rightmost": lambda thing: -thing.centre[0],
    "topmost": lambda thing: thing.centre[1],
    "bottommost": lambda thing: -thing.centre[1],
    "largest": lambda thing: -thing.box.area,
    "smallest": lambda thing: thing.box.area,
}


def caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """A caption asked for in words."""
    answer = words.caption(scene.objects, grounded=False)
    about = scene.objects[0] if len(scene.objects) == 1 else None
    return _chat("caption", words, words.ask_caption(rng), answer, about)


def detailed_caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """A detailed caption asked for in words."""
    answer = words.detailed_caption(scene)
    return _chat("detailed_caption", words, words.ask_detailed_caption(rng), answer, None)


def grounded_caption(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """A caption with places, asked for in words."""
    answer = words.caption(scene.objects, grounded=True)
    return _chat("grounded_caption", words, words.ask_grounded_caption(rng), answer, None)


def what(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Name the object that stands out: the leftmost, the largest, the only red shape."""
    if short and len(scene.objects) == 1 and rng.random() < 0.5:
        return _named("what", words, words.ask_only_thing(rng), scene.objects[0], short=True)
    if rng.random() < 0.3:
        return _shape_of_colour(rng, scene, words, short=short)
    extreme = rng.choice(tuple(_MEASURES))
    thing = _most(scene, extreme)
    if thing is None:
        return None
    return _named("what", words, words.ask_extreme(rng, extreme), thing, short=short)


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
    return _asked("what", words, question, answer, short=short, about=thing)


def how_many(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange:
    """Count all objects, those of a kind, or those of a kind and a colour."""
    kind, colour, counted = _countable(rng, scene)
    question = words.ask_how_many(rng, kind, colour)
    answer = words.say_count(len(counted), kind, colour, short=short)
    about = counted[0] if len(counted) == 1 else None
    return _asked("how_many", words, question, answer, short=short, about=about)


def _countable(rng: random.Random, scene: Scene) -> tuple[Kind | None, str, Sequence[SceneObject]]:
    chance = rng.random()
    if chance < 0.35:
        return None, "", scene.objects
    thing = rng.choice(scene.objects)
    kind, colour = thing.kind, ""
    if chance > 0.9:
        kind = rng.choice(tuple(KINDS.values()))
    elif thing.colour and rng.random() < 0.4:
        colour = thing.colour if rng.random() < 0.8 else rng.choice(kind.hues)
    counted = [o for o in scene.objects if o.kind is kind and colour in ("", o.colour)]
    return kind, colour, counted


def colour(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """The colour of an object that its noun names alone, or of the background."""
    if scene.background.colour and rng.random() < 0.2:
        answer = words.say_colour(scene.background.colour, short=short)
        return _asked("colour", words, words.ask_background(rng), answer, short=short)
    things = [
        o
        for o in scene.objects
        if len(scene.named(o.kind.name)) == 1 and (o.colour or o.kind.own_colour)
    ]
    coloured = [o for o in things if o.colour]
    if not things:
        return None
    thing = rng.choice(coloured if coloured and rng.random() < 0.9 else things)
    question = words.ask_colour(rng, words.kind_name(thing.kind, ""))
    return _colour_of(thing, question, words, short=short)


def _colour_of(thing: SceneObject, question: str, words: Wording, *, short: bool) -> Exchange:
    answer = words.say_colour(thing.colour or thing.kind.own_colour, short=short)
    return _asked("colour", words, question, answer, short=short, about=thing)


def is_there(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Whether something is in the picture; half of the answers are no, many of them nearly yes."""
    if rng.random() < 0.5:
        thing = rng.choice(scene.objects)
        colour = thing.colour if rng.random() < 0.6 else ""
        name, there = words.kind_name(thing.kind, colour), True
    else:
        absent = _nearly_there(rng, scene, words) if rng.random() < 0.5 else None
        name, there = absent or _elsewhere(rng, scene, words), False
    question = words.ask_is_there(rng, name)
    answer = words.say_is_there(there, name, short=short)
    return _asked("is_there", words, question, answer, short=short)


def relation(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Where two objects are to each other."""
    things = scene.unique()
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
        return _asked("relation", words, question, answer, short=short, about=a)
    if chance < 0.8:
        sides = (direction, OPPOSITE[direction])
        if rng.random() < 0.5:
            sides = (sides[1], sides[0])
        question = words.ask_either_side(rng, name, sides, other)
        answer = words.say_direction(direction, short=short)
        return _asked("relation", words, question, answer, short=short, about=a)
    return _beside(rng, scene, words, b, direction, short=short)


def _beside(
    rng: random.Random,
    scene: Scene,
    words: Wording,
    b: SceneObject,
    direction: Direction,
    *,
    short: bool,
) -> Exchange | None:
    """Ask what is on one side of `b`, where just one thing can be meant."""
    others = [o for o in scene.objects if o is not b]
    gaps = [_gap(o, b, direction) for o in others]
    if any(-_CLEARLY_APART < gap < _CLEARLY_APART for gap in gaps):
        return None
    there = [o for o, gap in zip(others, gaps, strict=True) if gap > 0]
    if len(there) != 1:
        return None
    question = words.ask_what_beside(rng, direction, words.name(b))
    return _named("relation", words, question, there[0], short=short)


def _gap(a: SceneObject, b: SceneObject, direction: Direction) -> float:
    """How far the centre of `a` lies in `direction` of that of `b`, in sides of the picture."""
    horizontal, vertical = a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]
    return {"left": -horizontal, "right": horizontal, "above": -vertical, "below": vertical}[
        direction
    ]


def _direction(rng: random.Random, a: SceneObject, b: SceneObject) -> Direction | None:
    """A direction in which `a` clearly lies from `b`."""
    directions: list[Direction] = ["left", "right", "above", "below"]
    clear = [d for d in directions if _gap(a, b, d) > _CLEARLY_APART]
    return rng.choice(clear) if clear else None


def locate(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange | None:
    """Find the one object that the words name."""
    if short and rng.random() < 0.08:
        extreme = rng.choice(tuple(_MEASURES))
        thing = _most(scene, extreme)
        if thing is None:
            return None
        return _search("locate", words, words.extreme_search_words(extreme), (thing,))
    names = [(o, words.name(o)) for o in scene.unique()]
    names += [
        (o, words.kind_name(o.kind, ""))
        for o in scene.objects
        if o.colour and len(scene.named(o.kind.name)) == 1
    ]
    if not names:
        return None
    thing, name = rng.choice(names)
    if short:
        return _search("locate", words, words.search_words(rng, name), (thing,))
    answer = words.say_where((thing,), name)
    return _chat("locate", words, words.ask_where(rng, name), answer, thing)


def locate_all(rng: random.Random, scene: Scene, words: Wording) -> Exchange | None:
    """Find every object that the words name."""
    thing = rng.choice(scene.objects)
    colour = thing.colour if rng.random() < 0.5 else ""
    things = scene.named(f"{colour} {thing.kind.name}".strip())
    if len(things) > 1 and rng.random() < 0.4:
        text = words.search_words(rng, words.kind_name(thing.kind, colour))
    elif len(things) > 1 or rng.random() < 0.3:
        text = words.plural_search_words(rng, thing.kind, colour)
    else:
        return None
    return _search("locate_all", words, text, things)


def absent(rng: random.Random, scene: Scene, words: Wording, *, short: bool) -> Exchange:
    """Look for something that is not there: the answer says so and has no place."""
    nearly = _nearly_there(rng, scene, words) if rng.random() < 0.3 else None
    name = nearly or _elsewhere(rng, scene, words)
    answer = (words.say_absent(name),)
    if short:
        return Exchange(
            "absent", words.language, Task.GROUNDING, words.search_words(rng, name), answer
        )
    return _chat("absent", words, words.ask_where(rng, name), answer, None)


def describe_region(rng: random.Random, scene: Scene, words: Wording) -> Exchange:
    """Say what is in a box, drawn a little carelessly around one object."""
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
    """A greeting, thanks, or a question about the model itself."""
    question, answer = words.small_talk(rng)
    return _chat("small_talk", words, question, (answer,), None)


def follow_up(rng: random.Random, scene: Scene, words: Wording, about: SceneObject) -> Exchange:
    """Ask on about `about` without naming it: "what colour is it?", "where is it?"."""
    others = [o for o in scene.unique() if o is not about]
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


def _most(scene: Scene, extreme: Extreme) -> SceneObject | None:
    """The object that is `extreme`, None where two come close."""
    measure = _MEASURES[extreme]
    ranked = sorted(scene.objects, key=measure)
    if len(ranked) == 1:
        return ranked[0]
    first, second = (measure(thing) for thing in ranked[:2])
    if extreme in ("largest", "smallest"):
        clear = max(abs(first), abs(second)) > _CLEARLY_LARGER * min(abs(first), abs(second))
    else:
        clear = second - first > _CLEARLY_APART
    return ranked[0] if clear else None


def _nearly_there(rng: random.Random, scene: Scene, words: Wording) -> str | None:
    """Name something that differs from what is there in one word."""
    coloured = [o for o in scene.objects if o.colour]
    if not coloured:
        return None
    thing = rng.choice(coloured)
    if rng.random() < 0.5:  # its kind in another colour
        kind, colour = thing.kind, rng.choice(thing.kind.hues)
    else:  # its colour on another kind
        kinds = [kind for kind in KINDS.values() if thing.colour in kind.hues]
        kind, colour = rng.choice(kinds), thing.colour
    if scene.named(f"{colour} {kind.name}"):
        return None
    return words.kind_name(kind, colour)


def _elsewhere(rng: random.Random, scene: Scene, words: Wording) -> str:
    """Name something of which the scene has none: a known kind, or a word from outside."""
    if rng.random() < 0.45:
        if words.language == "ja":
            return rng.choice(ELSEWHERE_JAPANESE)
        name = rng.choice(ELSEWHERE) if rng.random() < 0.8 else _made_up(rng)
        return f"{rng.choice(tuple(COLOURS))} {name}" if rng.random() < 0.15 else name
    present = {thing.kind.name for thing in scene.objects}
    kind = rng.choice([kind for kind in KINDS.values() if kind.name not in present])
    colour = rng.choice(kind.hues) if kind.hues and rng.random() < 0.5 else ""
    return words.kind_name(kind, colour)


def _made_up(rng: random.Random) -> str:
    """A word that nobody knows, so that unknown words are copied and not guessed."""
    syllables = rng.randint(2, 3)
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(syllables))


def _named(
    subject: Subject, words: Wording, question: str, thing: SceneObject, *, short: bool
) -> Exchange:
    answer = words.say_thing(thing, short=short)
    return _asked(subject, words, question, answer, short=short, about=thing)


def _asked(
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
    answer: tuple[str | Place, ...],
    about: SceneObject | None,
) -> Exchange:
    return Exchange(subject, words.language, Task.CHAT, question, answer, about=about)


def _search(subject: Subject, words: Wording, text: str, things: Sequence[SceneObject]) -> Exchange:
    boxes = tuple(thing.box for thing in things)
    about = things[0] if len(things) == 1 else None
    return Exchange(subject, words.language, Task.GROUNDING, text, (Place("", boxes),), about=about)
