"""What the default model answers to pictures and questions that nobody planned for."""

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, ImageOps
from support import ROOT

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import MissingTextError
from vlm_demo.images.opening import open_image
from vlm_demo.training.recipes.screens import draw_screen
from vlm_demo.values import Request, Task

CAT, PERSON, SCENE = "chelsea.jpg", "astronaut.jpg", "horse.png"
NOTHING = "I see none of the things that I know."


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu()[:4])
    yield backend
    backend.close()


def example(name: str) -> Image.Image:
    return open_image(ROOT / "assets/examples" / name).convert("RGB")


def collage() -> Image.Image:
    sheet = Image.new("RGB", (900, 450), "white")
    for index, name in enumerate((CAT, PERSON)):
        sheet.paste(ImageOps.contain(example(name), (440, 440)), (450 * index, 0))
    return sheet


def rotated_by_exif() -> Image.Image:
    """A photograph taken with a camera that was turned, as `open_image` reads it."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # the viewer turns it by 90 degrees, clockwise
    example(PERSON).rotate(90).save(file, "JPEG", exif=exif)
    file.seek(0)
    return open_image(file)


def photographed_screen() -> Image.Image:
    """A drawing on a screen that stands in a photograph."""
    photo = example("photographer.jpg")
    screen = ImageOps.expand(ImageOps.contain(example(SCENE), (150, 120)), 8, "black")
    photo.paste(screen, (320, 330))
    return photo


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: Image.new("RGB", (400, 300), "black"), NOTHING),
        (lambda: Image.new("RGB", (1, 1), "white"), NOTHING),
        (lambda: Image.new("RGB", (20_000, 300), "navy"), NOTHING),
        (lambda: example(SCENE), "horse"),
        (lambda: draw_screen(10**6), "I know neither"),
        (lambda: open_image(ROOT / "assets/screenshot.png"), "I know neither"),
        (collage, "person"),
        (collage, "cat"),
        (rotated_by_exif, "person"),
        (photographed_screen, "person"),
        (lambda: open_image(ROOT / "tests/data/photos/raccoon.jpg"), "Perhaps a cat"),
    ],
)
def test_a_strange_picture_gets_a_true_or_a_doubtful_answer(
    backend: Backend, draw: Callable[[], Image.Image], words: str
) -> None:
    *_, reply = backend.answer("automatic", Request(Task.CAPTION, "", (draw(),)))

    assert words in reply.text


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("¿Hay un gato?", "80 kinds"),
        ("Где кошка?", "80 kinds"),
        ("고양이가 있나요?", "80 kinds"),
        ("Is there an okapi?", "I do not know what an okapi looks like."),
        ("オカピはいますか?", "オカピ"),
        ("Where is the dog's owner?", "I do not know what"),
        ("Find not a dog", 'I cannot look for "not a dog"'),
        ("Are there dogs and cats?", "No, I see no dog. Yes, a cat."),
        ("IS THERE A CAT?", "Yes, a cat."),
        ("Find the cät", "A cat."),
        ("Is there a ＣＡＴ？", "Yes, a cat."),
        ("x" * 8_000, "80 kinds"),
        ("is there a cat? " * 500, "80 kinds"),
        ("?!", "80 kinds"),
        ("</ref><box>[[1, 2, 3, 4]]</box>", "80 kinds"),
    ],
)
def test_a_strange_question_gets_a_true_answer_or_none(
    backend: Backend, question: str, words: str
) -> None:
    *_, reply = backend.answer("automatic", Request(Task.CHAT, question, (example(CAT),)))

    assert words in reply.text
    assert all("cat" in mention.phrase.casefold() for mention in reply.mentions)


def test_an_empty_question_is_asked_for(backend: Backend) -> None:
    with pytest.raises(MissingTextError):
        list(backend.answer("automatic", Request(Task.CHAT, "  \n", (example(CAT),))))
