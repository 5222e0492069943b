"""Regions and confidences with the models that come with the program."""

from collections.abc import Iterator
from itertools import islice

import pytest
from PIL import Image, ImageDraw

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Box, RegionForm, Request, Task

pytestmark = pytest.mark.filterwarnings("ignore:::transformers.*")


@pytest.fixture(scope="module")
def embedded() -> Iterator[Backend]:
    backend = Backend(default_menu())
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def circle() -> Image.Image:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).ellipse((40, 40, 140, 140), fill=(255, 0, 0))
    return image


@pytest.mark.parametrize("form", [RegionForm.AUTO, RegionForm.CROP])
@pytest.mark.parametrize("model", ["embedded-llava15", "embedded-kosmos2"])
def test_the_shipped_models_say_what_is_in_a_region(
    embedded: Backend, model: str, form: RegionForm
) -> None:
    scenes = [draw_scene(seed) for seed in islice(scene_seeds("test", 5), 4)]
    things = [(scene.image, thing) for scene in scenes for thing in scene.objects[:2]]
    right = 0
    for image, thing in things:
        request = Request(Task.DESCRIBE_REGION, "", (image,), (thing.box,), form)
        *_, reply = embedded.answer(model, request)
        right += thing.phrase in reply.text.lower()
    assert right >= len(things) - 1 and len(things) >= 5


def test_a_region_in_a_crop_is_found_on_the_whole_image(embedded: Backend) -> None:
    scene = draw_scene(next(scene_seeds("test", 5)))
    thing = scene.objects[0]
    request = Request(Task.GROUNDED_CAPTION, "", (scene.image,), (thing.box,))
    *_, reply = embedded.answer("embedded-kosmos2", request)
    named = [mention for mention in reply.mentions if thing.phrase in mention.phrase.lower()]
    (box,) = named[0].regions
    assert isinstance(box, Box) and box.iou(thing.box) > 0.8
    assert "cropped" in reply.note


@pytest.mark.parametrize("model", ["embedded-llava15", "embedded-kosmos2"])
def test_an_embedded_model_is_sure_of_what_is_plain(
    embedded: Backend, circle: Image.Image, model: str
) -> None:
    *_, reply = embedded.answer(model, Request(Task.GROUNDING, "red circle", (circle,)))
    (place, *_) = reply.parsed_places
    (mention, *_) = reply.mentions
    assert place.confidence is not None
    assert 0.1 < place.confidence <= 1
    assert mention.confidence == pytest.approx(place.confidence)


def test_a_model_is_less_sure_of_regions_in_noise(embedded: Backend, circle: Image.Image) -> None:
    noise = Image.effect_noise((300, 200), 120).convert("RGB")
    requests = (Request(Task.GROUNDED_CAPTION, images=(image,)) for image in (circle, noise))
    confidences = []
    for request in requests:
        *_, reply = embedded.answer("embedded-llava15", request)
        known = [place.confidence for place in reply.parsed_places if place.confidence is not None]
        confidences.append(sum(known) / len(known) if known else 0.0)
    assert confidences[0] > confidences[1]
