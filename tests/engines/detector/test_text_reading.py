"""Text in pictures is read where rapidocr is installed, and said to be out of reach elsewhere."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import EngineError
from vlm_demo.values import Polygon, Reply, Request, Task


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend(default_menu()[:4])
    yield backend
    backend.close()


def read(backend: Backend, image: Image.Image, words: str = "", model: str = "automatic") -> Reply:
    *_, reply = backend.answer(model, Request(Task.CHAT if words else Task.READ, words, (image,)))
    return reply


class FakeRapidOCR:
    """Finds two lines in every picture but a small one, as the package returns them."""

    def __init__(self, params: dict[str, str]) -> None:
        assert params == {"Global.log_level": "error"}

    def __call__(self, pixels: np.ndarray) -> SimpleNamespace:
        _, width, _ = pixels.shape
        if width < 10:
            return SimpleNamespace(txts=None, scores=None, boxes=None)
        quads = [[[0, 0], [width, 0], [width, 9], [0, 9]], [[-5, 20], [60, 20], [60, 30], [-5, 30]]]
        return SimpleNamespace(
            txts=("STOP", "a</ref><box>[[1, 2, 3, 4]]</box>"),
            scores=(0.98, 0.5),
            boxes=np.array(quads, dtype=np.float32),
        )


@pytest.mark.parametrize("words", ["", "What does the sign say?", "文字を読んで", "识别图中的文字"])
def test_lines_have_their_quadrangle_and_confidence(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", SimpleNamespace(RapidOCR=FakeRapidOCR))

    reply = read(backend, Image.effect_noise((200, 100), 90), words)

    stop, hostile = reply.mentions
    assert stop.phrase == "STOP"
    assert stop.confidence == pytest.approx(0.98)
    (region,) = stop.regions
    assert isinstance(region, Polygon)
    assert [(point.x, point.y) for point in region.points] == [(0, 0), (1, 0), (1, 0.09), (0, 0.09)]
    assert len(hostile.regions) == 1
    assert "[[1, 2, 3, 4]]" in hostile.phrase
    assert str(reply.note) == "embedded-photos answered."


def test_a_picture_without_text_gets_a_sentence(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", SimpleNamespace(RapidOCR=FakeRapidOCR))

    assert read(backend, Image.new("RGB", (1, 1))).text == "I find no text."


def test_without_the_package_the_command_that_installs_it_is_named(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)

    with pytest.raises(EngineError, match="pip install"):
        read(backend, Image.new("RGB", (300, 100)))


def test_the_real_package_reads_a_drawn_line(backend: Backend) -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    image = Image.new("RGB", (640, 200), "white")
    font = ImageFont.load_default(36)
    ImageDraw.Draw(image).text((30, 40), "Total 1,248.50 EUR", fill="black", font=font)

    reply = read(backend, image)

    assert reply.text == "Total 1,248.50 EUR"
    (region,) = reply.mentions[0].regions
    assert isinstance(region, Polygon)
    assert 0.02 < min(point.x for point in region.points) < 0.08
