"""The example pictures as Studio shows them: what is drawn on them, and what they ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image
from support.browser import missing

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.engines import ImageKind
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.ui.components.examples import Example, load_examples
from vlm_demo.ui.i18n import LANGUAGES
from vlm_demo.ui.studio.calls.start import example_infos
from vlm_demo.values import Box, Request, Task

EXAMPLES = {example.image.name: example for example in load_examples()}
SCENES = {name: one for name, one in EXAMPLES.items() if name.endswith(".png")}
PHOTOS = {name: one for name, one in EXAMPLES.items() if name not in SCENES}


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu())
    if not backend.menu[0].is_here:
        missing("The embedded models are not in assets/models.")
    yield backend
    backend.close()


@pytest.mark.parametrize("example", SCENES.values(), ids=list(SCENES))
def test_boxes_are_on_the_objects_of_the_scene(example: Example) -> None:
    scene = draw_scene(int(example.source.rpartition(" ")[2]), 640)
    with Image.open(example.image) as image:
        assert image.size == scene.image.size
    drawn = [(one.phrase, one.box) for one in scene.objects]
    assert [one.names["en"] for one in example.picture.objects] == [name for name, _ in drawn]
    for one, (_, box) in zip(example.picture.objects, drawn, strict=True):
        assert one.box.iou(box) > 0.8
        assert {"en", *LANGUAGES} == set(one.names)
    assert example.picture.kind is ImageKind.DRAWN_SCENE
    assert example.licence == "Apache-2.0"


@pytest.mark.parametrize("example", PHOTOS.values(), ids=list(PHOTOS))
def test_photographs_are_small_free_and_credited(example: Example) -> None:
    assert example.image.stat().st_size <= 150_000
    assert example.picture.kind is ImageKind.PHOTOGRAPH
    assert example.licence in ("CC0-1.0", "public domain")
    notice = (example.image.parent / "NOTICE").read_text(encoding="utf-8")
    _, _, rest = notice.partition(f"\n{example.image.name}\n")
    assert example.licence.replace("-", " ") in rest.partition("\n\n")[0]


@pytest.mark.models
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_boxes_are_those_of_the_default_models_answers(backend: Backend, example: Example) -> None:
    shown: dict[str, list[Box]] = {}
    for one in example.picture.objects:
        shown.setdefault(one.names["en"], []).append(one.box)
    with Image.open(example.image) as image:
        picture = image.convert("RGB")
    for name, boxes in shown.items():
        words = name if len(boxes) == 1 else f"all {name}s"
        *_, reply = backend.answer(backend.menu[0].name, Request(Task.GROUNDING, words, (picture,)))
        found = [region for mention in reply.mentions for region in mention.regions]
        assert len(found) == len(boxes)
        for box in boxes:
            assert max(box.iou(one) for one in found if isinstance(one, Box)) > 0.95


@pytest.mark.models
def test_the_first_example_is_answered_with_a_box(backend: Backend) -> None:
    first = load_examples()[0]
    with Image.open(first.image) as image:
        request = Request(first.task, first.text, (image.convert("RGB"),))
    *_, reply = backend.answer(backend.menu[0].name, request)
    assert len(reply.mentions) == 1


def test_every_example_has_boxes_and_a_request_in_each_language() -> None:
    infos = example_infos(load_examples())
    assert len(infos) == len(EXAMPLES)
    for info in infos:
        assert info["mentions"]
        assert set(info["words"]) == set(info["title"]) == {"en", *LANGUAGES}
        assert all(requests for requests in info["words"].values())
        assert all(ord(letter) < 128 for one in info["words"]["en"] for letter in one["text"])
        assert not any("|" in one["text"] for one in info["words"]["en"])
