"""Who answers, by the kind of the picture, and what people are told about it."""

from collections.abc import Iterator

import pytest
from PIL import Image
from support import ROOT

from vlm_demo.analysis.checking import check_against_image
from vlm_demo.answering.model_routing import wants_larger_model
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.errors import InputError, LoadError, NoScoresError
from vlm_demo.images.opening import open_image
from vlm_demo.training.recipes.screens import draw_screen
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.values import Box, Message, Reply, Request, StopReason, Task

PHOTOS, SCENES = "embedded-photos", "embedded-llava15"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu()[:4])
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    return open_image(ROOT / "assets/examples/horse.png")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return open_image(ROOT / "assets/examples/photographer.jpg")


def ask(backend: Backend, model: str, request: Request) -> tuple[Reply, Reply]:
    """Return the first reply and the last one."""
    first, *_, last = [*backend.answer(model, request)] * 2
    return first, last


def test_the_picture_decides_who_is_asked(
    backend: Backend, scene: Image.Image, photo: Image.Image
) -> None:
    for image, name, looks in ((scene, SCENES, "a drawn scene"), (photo, PHOTOS, "a photograph")):
        first, reply = ask(backend, "automatic", Request(Task.CAPTION, "", (image,)))

        assert reply.model == name
        assert str(first.note) == str(reply.note) == f"This looks like {looks}. {name} answered."
        (named,) = ask(backend, name, Request(Task.CAPTION, "", (image,)))[1:]
        assert (named.text, named.note) == (reply.text, "")


def test_the_newest_picture_of_a_conversation_decides(
    backend: Backend, scene: Image.Image, photo: Image.Image
) -> None:
    history = (Message("user", "What is this?", (scene,)), Message("assistant", "A horse."))
    without = Request(Task.CHAT, "What colour is it?", history=history)
    again = Request(Task.CHAT, "What is in the picture?", (photo,), history=history)

    assert backend.route("automatic", without).spec.name == SCENES
    assert backend.route("automatic", again).spec.name == PHOTOS
    assert backend.route("automatic", Request(Task.CHAT, "hello")).spec.name == SCENES


@pytest.mark.parametrize(
    ("question", "words"),
    [("", "I know neither"), ("これは何ですか", "写真"), ("这是什么？", "照片")],
)
def test_a_screenshot_gets_a_refusal_in_the_language_of_the_question(
    backend: Backend, question: str, words: str
) -> None:
    request = Request(Task.VQA if question else Task.CAPTION, question, (draw_screen(10**6),))

    _, reply = ask(backend, "automatic", request)

    assert words in reply.text
    assert (reply.model, reply.stop) == ("automatic", StopReason.FINISHED)
    assert not reply.mentions
    assert wants_larger_model(backend.spec("automatic"), reply)
    with pytest.raises(InputError, match="larger model"):
        list(check_against_image(backend, "automatic", request.images[0], "A cat."))
    with pytest.raises(NoScoresError, match="larger model"):
        backend.score("automatic", Request(Task.VQA, "", request.images, choices=("a", "b")))


@pytest.mark.parametrize(
    ("model", "kind", "note"),
    [
        (
            SCENES,
            "photo",
            "This looks like a photograph. embedded-llava15 knows only drawn scenes, so its answer "
            "may be meaningless. Ask embedded-photos instead.",
        ),
        (
            PHOTOS,
            "scene",
            "This looks like a drawn scene. embedded-photos knows only photographs, so its answer "
            "may be meaningless. Ask embedded-llava15 instead.",
        ),
        (SCENES, "scene", ""),
        (PHOTOS, "photo", ""),
    ],
)
def test_a_model_that_was_chosen_answers_and_warns_first(
    backend: Backend, request: pytest.FixtureRequest, model: str, kind: str, note: str
) -> None:
    image = request.getfixturevalue(kind)

    first, reply = ask(backend, model, Request(Task.CAPTION, "", (image,)))

    assert (str(first.note), str(reply.note)) == (note, note)
    assert wants_larger_model(backend.spec(model), reply) == bool(note)
    assert reply.model == model
    assert reply.text


def test_a_chosen_model_warns_of_a_screenshot(backend: Backend) -> None:
    _, reply = ask(backend, SCENES, Request(Task.CAPTION, "", (draw_screen(10**6 + 1),)))

    assert str(reply.note).startswith("This looks like a screenshot")
    assert str(reply.note).endswith("Choose a larger model.")


@pytest.mark.parametrize("size", [(1, 1), (300, 300), (20_000, 300), (2, 5_000)])
def test_nothing_is_seen_in_a_black_picture_of_any_shape(
    backend: Backend, size: tuple[int, int]
) -> None:
    request = Request(Task.CAPTION, "", (Image.new("RGB", size),))

    _, reply = ask(backend, "automatic", request)
    _, named = ask(backend, SCENES, request)

    assert reply.text == "I see none of the things that I know."
    assert str(reply.note) == f"{PHOTOS} answered."
    assert named.note == ""


def test_several_things_are_looked_for_by_one_model(backend: Backend, scene: Image.Image) -> None:
    _, reply = ask(backend, "automatic", Request(Task.GROUNDING, "horse, cat", (scene,)))

    assert reply.model == SCENES
    assert [one.name for one in reply.targets] == ["horse", "cat"]
    assert str(reply.note).count("answered") == 1


def test_automatic_is_loaded_when_its_models_are(backend: Backend) -> None:
    assert not Backend(default_menu()[:4]).is_loaded("automatic")
    assert Backend(default_menu()[:4]).usage("automatic") is None
    for _ in backend.load("automatic"):
        pass

    assert backend.is_loaded("automatic")
    assert backend.progress("automatic") is None
    usages = [backend.usage(name) for name in ("automatic", PHOTOS, SCENES)]
    both, *single = [usage.weight_bytes for usage in usages if usage]
    assert both == sum(single)
    assert not backend.is_loaded("no such model")


def test_without_its_models_automatic_says_so(scene: Image.Image) -> None:
    backend = Backend([find(default_menu(), "automatic"), find(default_menu(), SCENES)])

    with pytest.raises(LoadError, match="needs a detector"):
        ask(backend, "automatic", Request(Task.CAPTION, "", (scene,)))
    assert not backend.is_loaded("automatic")


def test_no_example_is_sent_to_the_wrong_model(backend: Backend) -> None:
    for path, picture in {one.image: one.picture for one in load_examples()}.items():
        request = Request(Task.CAPTION, "", (open_image(path),))
        assert backend.route("automatic", request).spec.made_for is picture.kind, path.name


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "photographer"])
def test_the_default_model_answers_what_is_suggested_about_photographs(
    backend: Backend, name: str
) -> None:
    examples = [one for one in load_examples() if one.image.stem == name]
    picture = examples[0].picture
    suggested = [(one.task, one.text) for one in examples]
    for task, text in (*suggested, *picture.requests["ja"], *picture.requests["zh"]):
        image = open_image(examples[0].image)
        _, reply = ask(backend, backend.menu[0].name, Request(task, text, (image,)))

        (mention,) = reply.mentions
        assert any(word in mention.phrase for word in picture.objects[0].names.values()), text
        (box,) = mention.regions
        assert isinstance(box, Box)
        assert box.iou(picture.objects[0].box) > 0.9
