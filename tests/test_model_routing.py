"""Who answers, by the kind of the picture, and what people are told about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.errors import LoadError, NoScoresError
from vlm_demo.images import open_image
from vlm_demo.training.screens import draw_screen
from vlm_demo.values import Message, Reply, Request, StopReason, Task

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
    """The project has no photograph; the probe takes a wide blur of noise for one."""
    noise = Image.effect_noise((80, 60), 90).convert("RGB")
    return noise.resize((640, 480), Image.Resampling.BICUBIC)


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
        assert first.note == reply.note == f"This looks like {looks}. {name} answered."
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
    with pytest.raises(NoScoresError, match="larger model"):
        backend.score("automatic", Request(Task.VQA, "", request.images, choices=("a", "b")))


@pytest.mark.parametrize(
    ("model", "kind", "note"),
    [
        (
            SCENES,
            "photo",
            "This looks like a photograph. embedded-llava15 knows only drawn scenes, so its answer "
            "may mean nothing. Please ask embedded-photos instead.",
        ),
        (
            PHOTOS,
            "scene",
            "This looks like a drawn scene. embedded-photos knows only photographs, so its answer "
            "may mean nothing. Please ask embedded-llava15 instead.",
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

    assert (first.note, reply.note) == (note, note)
    assert reply.model == model
    assert reply.text


def test_a_chosen_model_warns_of_a_screenshot(backend: Backend) -> None:
    _, reply = ask(backend, SCENES, Request(Task.CAPTION, "", (draw_screen(10**6 + 1),)))

    assert reply.note.startswith("This looks like a screenshot")
    assert reply.note.endswith("Please choose a larger model.")


@pytest.mark.parametrize("size", [(1, 1), (300, 300), (20_000, 300), (2, 5_000)])
def test_black_pictures_of_any_shape_get_an_answer(backend: Backend, size: tuple[int, int]) -> None:
    _, reply = ask(backend, "automatic", Request(Task.CAPTION, "", (Image.new("RGB", size),)))

    assert reply.text
    assert reply.model


def test_several_things_are_looked_for_by_one_model(backend: Backend, scene: Image.Image) -> None:
    _, reply = ask(backend, "automatic", Request(Task.GROUNDING, "horse, cat", (scene,)))

    assert reply.model == SCENES
    assert [one.name for one in reply.targets] == ["horse", "cat"]
    assert reply.note.count("answered") == 1


def test_automatic_is_loaded_when_its_models_are(backend: Backend) -> None:
    assert not Backend(default_menu()[:4]).is_loaded("automatic")
    for _ in backend.load("automatic"):
        pass

    assert backend.is_loaded("automatic")
    assert backend.progress("automatic") is None
    assert not backend.is_loaded("no such model")


def test_without_its_models_automatic_says_so(scene: Image.Image) -> None:
    backend = Backend([find(default_menu(), "automatic"), find(default_menu(), SCENES)])

    with pytest.raises(LoadError, match="needs a detector"):
        ask(backend, "automatic", Request(Task.CAPTION, "", (scene,)))
    assert not backend.is_loaded("automatic")


def test_no_example_is_sent_to_the_wrong_model(backend: Backend) -> None:
    for path in sorted(Path(ROOT / "assets/examples").glob("*.png")):
        request = Request(Task.CAPTION, "", (open_image(path),))
        assert backend.route("automatic", request).spec.name == SCENES, path.name
