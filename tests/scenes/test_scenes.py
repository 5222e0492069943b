"""The drawn world: pictures that are what their truth says, and questions answered rightly."""

import itertools
import random
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from vlm_demo.scenes import painting, questions
from vlm_demo.scenes.dialogues import ENGLISH, JAPANESE, TALK, TASKS, TEXT_TASKS, ask, converse
from vlm_demo.scenes.exchange import Exchange, GroundedPhrase
from vlm_demo.scenes.kinds import ABSENT_THINGS, COLOURS, KINDS
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Background, Scene, SceneObject
from vlm_demo.scenes.splits import RANGES, scene_seeds
from vlm_demo.values import Box, Task

SCENES = [draw_scene(seed) for seed in range(150)]

# Left to right: a red circle low, a dog high, two stars on the right, the blue one on top.
SCENE = Scene(
    0,
    Image.new("RGB", (100, 100), "white"),
    Background("plain", "white"),
    (
        SceneObject(KINDS["circle"], "red", Box(0.05, 0.60, 0.25, 0.80)),
        SceneObject(KINDS["dog"], "", Box(0.30, 0.05, 0.60, 0.35)),
        SceneObject(KINDS["star"], "blue", Box(0.70, 0.10, 0.80, 0.20)),
        SceneObject(KINDS["star"], "green", Box(0.80, 0.70, 0.95, 0.90)),
    ),
)


def answers(exchanges: list[Exchange]) -> dict[str, str]:
    """Answers by question; a question that is answered in two ways fails the test."""
    found: dict[str, str] = {}
    for exchange in exchanges:
        answer = exchange.answer_text()
        assert found.setdefault(exchange.text, answer) == answer, exchange.text
    return found


def test_the_world_is_as_rich_as_promised() -> None:
    assert len(KINDS) >= 56
    assert len(COLOURS) == 10
    assert {len(scene.objects) for scene in SCENES} == {1, 2, 3, 4, 5}
    assert any(scene.image.width > 1.5 * scene.image.height for scene in SCENES)
    assert any(scene.image.height > 1.5 * scene.image.width for scene in SCENES)
    assert len({scene.background.look for scene in SCENES}) == 5
    assert not set(ABSENT_THINGS) & set(KINDS)


def test_every_sprite_is_there_with_its_licence() -> None:
    folder = Path(painting.__file__).parent / "sprites"
    wanted = {k.name.replace(" ", "_") for k in KINDS.values() if k.look == "sprite"}
    assert {path.stem for path in folder.glob("*.png")} == wanted
    assert "Apache License, Version 2.0" in (folder / "LICENCE.md").read_text()


def test_a_seed_draws_the_same_scene_again() -> None:
    first, again = draw_scene(12345), draw_scene(12345)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.objects == again.objects


@pytest.mark.parametrize("side", [64, 320, 1000])
def test_the_longer_side_can_be_given(side: int) -> None:
    assert {max(draw_scene(seed, side).image.size) for seed in range(6)} == {side}


def test_boxes_are_tight_around_what_is_painted() -> None:
    """On a plain background a lone object is all that differs from it."""
    tight = []
    for seed in range(400):
        scene = draw_scene(seed, 320)
        if len(scene.objects) > 1 or scene.background.look != "plain":
            continue
        corner = scene.image.getpixel((0, 0))
        if scene.objects[0].box.x1 < 0.01:
            continue  # the object may cover the corner
        empty = Image.new("RGB", scene.image.size, corner)
        difference = np.asarray(ImageChops.difference(scene.image, empty)).max(-1) > 40
        if not difference.any():
            continue  # white on white
        ys, xs = np.nonzero(difference)
        painted = Box.normalize(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, by=scene.image.size)
        tight.append(painted.iou(scene.objects[0].box))
    assert len(tight) > 15
    assert min(tight) > 0.8
    assert sum(tight) / len(tight) > 0.95


def test_splits_share_no_seed() -> None:
    for a, b in itertools.combinations(RANGES.values(), 2):
        assert a.stop <= b.start or b.stop <= a.start


def test_walks_of_two_seeds_share_no_scene() -> None:
    one, other = (set(itertools.islice(scene_seeds("test", s), 5000)) for s in (1, 2))
    assert not one & other
    assert all(seed in RANGES["test"] for seed in one | other)


def test_short_answers_are_true() -> None:
    rng = random.Random(0)
    found = answers([ask(rng, SCENE, ENGLISH, TASKS[3:8]) for _ in range(6000)])
    assert found["How many stars are there?"] == "2"
    assert found["How many objects are there?"] == "4"
    assert found["How many blue stars are there?"] == "1"
    assert found["What color is the circle?"] == "red"
    assert found["What is the background color?"] == "white"
    assert found["What is the leftmost object?"] == "red circle"
    assert found["What is the largest object?"] == "dog"
    assert found["What shape is red?"] == "circle"
    assert found["Is there a dog?"] == "yes"
    assert found["Is there a red star?"] == "no"
    assert found["Is the dog above the red circle?"] == "yes"
    assert found["Is the dog to the left of the red circle?"] == "no"
    assert found["Is the blue star to the left or to the right of the dog?"] == "right"
    assert found["What is to the left of the dog?"] == "red circle"
    assert "What color is the star?" not in found  # there are two of them
    assert "What is the smallest object?" in found


def test_sentences_are_true() -> None:
    rng = random.Random(0)
    found = answers([ask(rng, SCENE, ENGLISH, TALK[3:8]) for _ in range(6000)])
    assert found["How many stars are there?"] == "There are 2 stars."
    assert found["How many circles are there?"] == "There is 1 circle."
    assert found["Is there a dog?"] == "Yes, there is a dog."
    assert found["Is the dog above the red circle?"] == "Yes, it is."
    assert found["What colour is the circle?"] == "It is red."


def test_japanese_answers_are_true_and_japanese() -> None:
    rng = random.Random(0)
    found = answers([ask(rng, SCENE, JAPANESE, TEXT_TASKS[:5]) for _ in range(4000)])
    assert found["丸は何色ですか?"] == "赤"
    assert found["星はいくつありますか?"] == "2つ"
    assert found["犬はありますか?"] == "はい"
    assert found["犬は赤い丸の上にありますか?"] == "はい"
    assert found["一番左は何ですか?"] == "赤い丸"
    for scene in SCENES[:40]:
        for exchange in itertools.islice(converse(rng, scene, JAPANESE), 6):
            assert not re.search(r"[a-z]", exchange.text + exchange.answer_text())


def test_a_caption_names_everything_from_left_to_right() -> None:
    caption = questions.caption(random.Random(0), SCENE, ENGLISH)
    assert caption.answer_text() == "A red circle, a dog, a blue star and a green star."
    grounded = questions.grounded_caption(random.Random(0), SCENE, ENGLISH)
    assert [place.phrase for place in grounded.phrases] == [
        "A red circle", "a dog", "a blue star", "a green star",
    ]  # fmt: skip
    assert [place.boxes for place in grounded.phrases] == [(o.box,) for o in SCENE.objects]
    assert grounded.decapitalize().phrases[0].phrase == "a red circle"


def test_a_detailed_caption_says_where_things_are() -> None:
    text = questions.detailed_caption(random.Random(0), SCENE, ENGLISH).answer_text()
    assert text.startswith("The picture shows 4 objects on a plain white background. A red circle")
    assert "A red circle is at the bottom left" in text
    assert text.endswith("a green star is at the bottom right.")


def test_searches_find_all_that_the_words_name_and_nothing_else() -> None:
    rng = random.Random(0)
    found: dict[str, tuple[GroundedPhrase, ...]] = {}
    for _ in range(400):
        one = questions.locate(rng, SCENE, ENGLISH, short=True)
        if one is not None:  # the smallest object is none: two come close
            assert len(one.phrases[0].boxes) == 1
            found[one.text] = one.phrases
        several = questions.locate_all(rng, SCENE, ENGLISH)
        if several is not None:
            found[several.text] = several.phrases
    circle, _, blue, green = (thing.box for thing in SCENE.objects)
    assert found["circle"] == found["the red circle"] == (GroundedPhrase("", (circle,)),)
    assert found["blue star"] == (GroundedPhrase("", (blue,)),)
    assert found["all stars"] == found["star"] == (GroundedPhrase("", (blue, green)),)


def test_what_is_absent_is_not_in_the_scene() -> None:
    rng = random.Random(0)
    for scene in SCENES:
        exchange = questions.absent(rng, scene, ENGLISH, short=True)
        name = exchange.answer_text().removeprefix("There is no ").removesuffix(".")
        assert not exchange.phrases
        assert not scene.find(name)
        assert name in exchange.text


def test_it_means_what_was_spoken_of_last() -> None:
    rng = random.Random(0)
    circle = SCENE.objects[0]
    found = answers([questions.follow_up(rng, SCENE, ENGLISH, circle) for _ in range(500)])
    assert found["What color is it?"] == "It is red."
    assert found["Is it below the dog?"] == "Yes, it is."
    assert found["Where is it?"] == "The red circle."


def test_a_region_is_described_by_what_it_holds() -> None:
    rng = random.Random(0)
    for scene in SCENES[:50]:
        exchange = questions.describe_region(rng, scene, ENGLISH)
        assert exchange.region is not None and exchange.about is not None
        assert exchange.region.iou(exchange.about.box) > 0.6
        assert exchange.about.phrase in exchange.answer_text()


def test_a_given_beginning_is_the_beginning_of_the_answer() -> None:
    rng = random.Random(0)
    captions = [ask(rng, SCENE, ENGLISH, TASKS[:1]) for _ in range(200)]
    beginnings = {exchange.text for exchange in captions}
    assert all(exchange.task is Task.CAPTION for exchange in captions)
    assert all(exchange.answer_text().startswith(exchange.text) for exchange in captions)
    assert {"", "A", "A red", "I see"} <= beginnings
