"""The detector as an engine: real pictures in, marked answers out, through the backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support import ROOT

from vlm_demo.analysis.checking import check_against_image
from vlm_demo.analysis.correction import strike_out
from vlm_demo.analysis.verdicts import Reason, Verdict
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, find
from vlm_demo.engines.base import ImageKind
from vlm_demo.engines.detector.engine import DetectorEngine
from vlm_demo.errors import EngineError, LoadError, NoScoresError
from vlm_demo.images.opening import open_image
from vlm_demo.values import Box, Reply, Request, Task

NAME = "embedded-photos"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend([find(default_menu(), NAME)])
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A cat, which both nets know."""
    return open_image(ROOT / "assets/examples/chelsea.jpg")


def ask(
    backend: Backend, task: Task, text: str = "", *images: Image.Image, **more: object
) -> Reply:
    *_, reply = backend.answer(NAME, Request(task, text, images, **more))  # type: ignore[arg-type]  # of any field
    return reply


def test_a_grounded_caption_has_boxes_with_their_confidences(
    backend: Backend, photo: Image.Image
) -> None:
    reply = ask(backend, Task.GROUNDED_CAPTION, "", photo)

    assert reply.mentions
    assert "<" not in reply.text
    for mention in reply.mentions:
        start, end = mention.span
        assert reply.text[start:end] == mention.phrase
        assert mention.confidence is not None
        assert 0.1 < mention.confidence <= 1


def test_a_plain_caption_is_the_same_sentence_without_boxes(
    backend: Backend, photo: Image.Image
) -> None:
    plain, grounded = (
        ask(backend, task, "", photo) for task in (Task.CAPTION, Task.GROUNDED_CAPTION)
    )

    assert (plain.text, plain.mentions) == (grounded.text, ())


def test_a_region_in_the_prompt_is_described(backend: Backend, photo: Image.Image) -> None:
    grounded = ask(backend, Task.GROUNDED_CAPTION, "", photo)
    box = grounded.mentions[0].regions[0]
    assert isinstance(box, Box)

    reply = ask(backend, Task.DESCRIBE_REGION, "", photo, regions=(box,))

    name = grounded.mentions[0].phrase.lower().split()[-1].rstrip("s")
    assert name in reply.text.lower()


@pytest.mark.parametrize("size", [(1, 1), (20_000, 300), (3, 4000)])
def test_pictures_of_any_shape_get_an_answer(backend: Backend, size: tuple[int, int]) -> None:
    assert ask(backend, Task.CAPTION, "", Image.new("RGB", size)).text


def test_a_second_question_about_a_picture_uses_what_was_seen(
    backend: Backend, photo: Image.Image
) -> None:
    before = backend.usage(NAME)
    ask(backend, Task.VQA, "Is there a dog?", photo)
    ask(backend, Task.VQA, "Is there a cat?", photo)
    after = backend.usage(NAME)

    assert before
    assert after
    assert after.reused_images > before.reused_images


def test_choices_are_scored_by_what_is_seen(backend: Backend, photo: Image.Image) -> None:
    yes, no = backend.score(
        NAME, Request(Task.VQA, "Is there a toothbrush?", (photo,), choices=("yes", "no"))
    )
    assert no > yes
    assert (
        ask(backend, Task.VQA, "Is there a toothbrush?", photo, choices=("yes", "no")).text == "no"
    )
    with pytest.raises(NoScoresError, match="language model"):
        backend.score(NAME, Request(Task.VQA, "Why?", (photo,), choices=("because", "never")))


def test_what_only_a_language_model_can_do_is_refused(backend: Backend, photo: Image.Image) -> None:
    with pytest.raises(EngineError, match="language model"):
        ask(backend, Task.VQA, "How many dogs?", photo, pattern=r"\d+")
    assert "80 kinds" in ask(backend, Task.CHAT, "Write a poem.", photo).text
    assert "photograph first" in ask(backend, Task.CHAT, "hello").text


def test_the_inspector_says_that_there_is_no_prompt(backend: Backend, photo: Image.Image) -> None:
    rendered = backend.inspect(NAME, Request(Task.CAPTION, "", (photo,)))

    assert "rules" in rendered.note
    assert max(rendered.images[0].size) == 416


def test_a_folder_without_the_nets_is_a_load_error(tmp_path: Path) -> None:

    with pytest.raises(LoadError, match="could not be loaded"):
        DetectorEngine.load(tmp_path)


def test_the_kind_of_a_picture_is_recognized() -> None:
    engine = DetectorEngine.load(ROOT / "assets/models/embedded-photos")

    for suffix, kind in (("png", ImageKind.DRAWN_SCENE), ("jpg", ImageKind.PHOTOGRAPH)):
        for path in sorted((ROOT / "assets/examples").glob(f"*.{suffix}")):
            assert engine.recognize(open_image(path)) is kind
    assert engine.recognize(open_image(ROOT / "assets/screenshot.png")) is ImageKind.SCREEN
    assert engine.recognize(Image.new("RGB", (300, 200), "black")) is None


def test_the_detector_checks_only_what_it_knows(backend: Backend, photo: Image.Image) -> None:
    thing = ask(backend, Task.GROUNDED_CAPTION, "", photo).mentions[0]
    noun = thing.phrase.lower().split()[-1]
    text = f"The {noun}, a toothbrush and an okapi. There is no toaster."

    *_, check = check_against_image(backend, NAME, photo, text)

    found, brush, okapi, toaster = check.findings
    assert found.verdict is Verdict.SUPPORTED
    assert set(found.evidence.regions) <= set(thing.regions)
    assert brush.verdict is Verdict.CONTRADICTED
    assert (okapi.verdict, okapi.reason) == (None, Reason.CANNOT_BE_CHECKED)
    assert toaster.verdict is Verdict.SUPPORTED
    assert strike_out(check) == text.replace("a toothbrush", "~~a toothbrush~~")
