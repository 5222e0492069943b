"""The models that are shipped: small, complete, loadable by anybody, and right."""

import itertools
import json
from collections.abc import Iterator

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support.drawings import drawing
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlm_demo.analysis.confidence import find_calibration
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import REPOSITORY, default_menu
from vlm_demo.evaluation.box_samples import sample_boxes
from vlm_demo.evaluation.calibrating import report_calibration
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.splits import scene_seeds
from vlm_demo.values import Box, Message, Reply, ReplyState, Request, Task

CLASSES = {
    "embedded-llava15": "LlavaForConditionalGeneration",
    "embedded-kosmos2": "Kosmos2ForConditionalGeneration",
}
LLAVA, KOSMOS = CLASSES
NAMED = {"red": "red", "green": "green", "blue": "blue", "yellow": "yellow"}
SHAPES = ("circle", "square", "triangle", "star")

pytestmark = pytest.mark.filterwarnings("ignore:::transformers.*")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu())
    yield backend
    backend.close()


def ask(backend: Backend, model: str, request: Request) -> Reply:
    *_, reply = backend.answer(model, request)
    return reply


def plain_drawing(
    size: tuple[int, int], *things: tuple[str, str, tuple[float, float, float, float]]
) -> Image.Image:
    """Draw (colour, shape, box as fractions) on white."""
    return drawing(size, *((c, shape, Box(*box).to_pixels(size)) for c, shape, box in things))


@pytest.mark.parametrize("model", CLASSES)
def test_a_model_is_small_complete_and_of_its_real_class(model: str) -> None:
    folder = REPOSITORY / "assets" / "models" / model
    assert sum(path.stat().st_size for path in folder.iterdir()) < 15e6
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in ("license: apache-2.0", "does not know", "train --recipe", "caption_f1"):
        assert part in card, part
    weights = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    network = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True)
    assert type(network).__name__ == CLASSES[model]
    assert json.loads((folder / "config.json").read_text())["architectures"] == [CLASSES[model]]
    assert processor.tokenizer.eos_token == "</s>"


@pytest.mark.parametrize("model", CLASSES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("colour", NAMED)
def test_plain_drawings_are_captioned_and_located(
    backend: Backend, model: str, colour: str, shape: str
) -> None:
    sizes = [(200, 200), (640, 480), (480, 640), (1600, 1000)]
    size = sizes[SHAPES.index(shape)]
    side = min(size) * 0.36
    wide, high = side / size[0], side / size[1]
    place = Box(0.3, 0.25, 0.3 + wide, 0.25 + high)
    picture = plain_drawing(size, (colour, shape, (place.x1, place.y1, place.x2, place.y2)))
    caption = ask(backend, model, Request(Task.CAPTION, images=(picture,)))
    assert f"{colour} {shape}" in caption.text
    found = ask(backend, model, Request(Task.GROUNDING, f"{colour} {shape}", (picture,)))
    (mention,) = found.mentions
    assert mention.phrase == f"{colour} {shape}"
    assert mention.regions[0].iou(place) >= 0.5


@pytest.mark.parametrize("model", CLASSES)
def test_several_things_are_counted_named_and_told_apart(backend: Backend, model: str) -> None:
    picture = plain_drawing(
        (800, 600),
        ("red", "circle", (0.08, 0.1, 0.30, 0.39)),
        ("blue", "square", (0.40, 0.55, 0.62, 0.84)),
        ("yellow", "star", (0.70, 0.12, 0.95, 0.45)),
    )
    caption = ask(backend, model, Request(Task.CAPTION, images=(picture,))).text.lower()
    assert "a red circle, a blue square and a yellow star" in caption
    answers = {
        "How many objects are there?": "3",
        "What color is the square?": "blue",
        "What colour is the star?": "yellow",
        "Is there a red circle?": "yes",
        "Is there a green circle?": "no",
        "Is the red circle to the left of the blue square?": "yes",
        "Is the yellow star below the blue square?": "no",
        "What is the leftmost object?": "red circle",
    }
    said = {q: ask(backend, model, Request(Task.VQA, q, (picture,))).text for q in answers}
    assert said == answers


@pytest.mark.parametrize("model", CLASSES)
def test_a_grounded_caption_ties_phrases_to_places(backend: Backend, model: str) -> None:
    boxes = {"green triangle": Box(0.1, 0.3, 0.4, 0.7), "red star": Box(0.55, 0.2, 0.9, 0.55)}
    picture = plain_drawing(
        (500, 500),
        ("green", "triangle", (0.1, 0.3, 0.4, 0.7)),
        ("red", "star", (0.55, 0.2, 0.9, 0.55)),
    )
    reply = ask(backend, model, Request(Task.GROUNDED_CAPTION, images=(picture,)))
    assert reply.state is ReplyState.FOUND
    for mention, (phrase, box) in zip(reply.mentions, boxes.items(), strict=True):
        assert phrase in mention.phrase
        assert reply.text[slice(*mention.span)] == mention.phrase
        assert mention.regions[0].iou(box) >= 0.5


@pytest.mark.parametrize("model", CLASSES)
def test_a_region_is_described_by_what_is_in_it(backend: Backend, model: str) -> None:
    picture = plain_drawing(
        (600, 400),
        ("red", "circle", (0.1, 0.3, 0.3, 0.6)),
        ("blue", "star", (0.6, 0.2, 0.9, 0.65)),
    )
    for region, words in (
        ((0.1, 0.3, 0.3, 0.6), "red circle"),
        ((0.6, 0.2, 0.9, 0.65), "blue star"),
    ):
        request = Request(Task.DESCRIBE_REGION, images=(picture,), regions=(Box(*region),))
        assert words in ask(backend, model, request).text


def test_all_of_a_kind_are_found(backend: Backend) -> None:
    boxes = [(0.05, 0.1, 0.25, 0.3), (0.4, 0.5, 0.65, 0.75), (0.7, 0.1, 0.9, 0.3)]
    picture = plain_drawing((600, 600), *(("blue", "circle", box) for box in boxes))
    for model in CLASSES:
        reply = ask(backend, model, Request(Task.GROUNDING, "all circles", (picture,)))
        found = [region for mention in reply.mentions for region in mention.regions]
        assert len(found) == 3
        for box, region in zip(boxes, found, strict=True):
            assert region.iou(Box(*box)) >= 0.5


def test_a_conversation_refers_back(backend: Backend) -> None:
    picture = plain_drawing(
        (500, 400),
        ("red", "circle", (0.1, 0.2, 0.35, 0.5)),
        ("green", "square", (0.6, 0.4, 0.85, 0.7)),
    )
    history: tuple[Message, ...] = ()
    said = []
    for question in ("Where is the circle?", "What color is it?", "Where is the square?",
                     "What colour is it?", "How many objects are there?"):  # fmt: skip
        images = () if history else (picture,)
        reply = ask(backend, LLAVA, Request(Task.CHAT, question, images, history=history))
        said.append(reply)
        history = (
            *history,
            Message("user", question, images),
            Message("assistant", reply.raw),
        )
    circle, colour, square, other, count = said
    assert circle.mentions[0].regions[0].iou(Box(0.1, 0.2, 0.35, 0.5)) >= 0.5
    assert square.mentions[0].regions[0].iou(Box(0.6, 0.4, 0.85, 0.7)) >= 0.5
    assert (colour.text, other.text) == ("It is red.", "It is green.")
    assert count.text == "There are 2 objects."


def test_japanese_is_answered_in_japanese(backend: Backend) -> None:
    picture = plain_drawing(
        (400, 400),
        ("red", "circle", (0.1, 0.2, 0.4, 0.5)),
        ("blue", "star", (0.55, 0.4, 0.9, 0.75)),
    )
    said = {
        question: ask(backend, LLAVA, Request(Task.CHAT, question, (picture,))).text
        for question in ("何が見えますか？", "丸は何色ですか？", "シマウマはありますか？")
    }
    assert said == {
        "何が見えますか？": "赤い丸、青い星。",
        "丸は何色ですか？": "赤です。",
        "シマウマはありますか？": "いいえ、シマウマはありません。",
    }
    found = ask(backend, LLAVA, Request(Task.GROUNDING, "青い星", (picture,)))
    assert found.mentions[0].regions[0].iou(Box(0.55, 0.4, 0.9, 0.75)) >= 0.5


@pytest.mark.parametrize("name", ["zebra", "tractor", "red dragon", "blue circle"])
def test_what_is_absent_is_said_to_be_absent(backend: Backend, name: str) -> None:
    picture = plain_drawing((400, 400), ("red", "circle", (0.2, 0.2, 0.6, 0.6)))
    reply = ask(backend, LLAVA, Request(Task.GROUNDING, name, (picture,)))
    assert reply.text == f"There is no {name}."
    assert reply.state is ReplyState.NONE


def test_a_caption_goes_on_from_its_beginning(backend: Backend) -> None:
    picture = plain_drawing((400, 400), ("red", "circle", (0.2, 0.2, 0.6, 0.6)))
    for model in CLASSES:
        for beginning in ("In this picture there is", "A red"):
            reply = ask(backend, model, Request(Task.CAPTION, beginning, (picture,)))
            assert reply.text.startswith(beginning)
            assert "red circle" in reply.text


def test_greetings_are_returned(backend: Backend) -> None:
    picture = draw_scene(next(scene_seeds("test", 9))).image
    assert "Hello" in ask(backend, LLAVA, Request(Task.CHAT, "Hi!", (picture,))).text


@pytest.mark.parametrize("model", CLASSES)
def test_pictures_unlike_any_that_were_learnt_are_answered_without_failing(
    backend: Backend, model: str
) -> None:
    strange = [
        Image.effect_noise((320, 240), 90).convert("RGB"),
        Image.new("RGB", (1, 1), "black"),
        Image.new("RGB", (2000, 40), "green"),
        Image.radial_gradient("L").convert("RGB"),
    ]
    for picture, task in itertools.product(strange, (Task.CAPTION, Task.GROUNDING)):
        reply = ask(
            backend, model, Request(task, "dog" if task is Task.GROUNDING else "", (picture,))
        )
        for region in (r for m in reply.mentions for r in m.regions):
            assert 0 <= region.x1 <= region.x2 <= 1
            assert 0 <= region.y1 <= region.y2 <= 1


@pytest.mark.parametrize("model", CLASSES)
def test_boxes_told_as_sure_are_right_as_often(backend: Backend, model: str) -> None:
    calibration = find_calibration(backend.spec(model))
    assert calibration is not None, "run: vlm-demo calibrate --save"
    boxes = sample_boxes(backend, model, "test", seed=5, count=45)
    report = report_calibration(calibration, boxes)
    assert report.boxes > 10
    assert report.error <= 0.08
    assert report.error_before > 0.5  # the probabilities of the tokens say something else
