"""Pictures on their way to a server: small enough, and still those that regions are read on."""

from __future__ import annotations

import base64
import io
import json
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from support.chat_server import ChatServer, chat_server, saying

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines.remote.image_encoding import data_url
from vlm_demo.images.opening import open_image, shrink_image
from vlm_demo.values import Box, Request, Task

MAX_REQUEST_BYTES = 2_000_000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """Twelve megapixels with the noise of a camera, as they come out of a JPEG of many bytes."""
    noise = np.random.default_rng(14).integers(0, 256, (1_500, 2_000, 3), np.uint8)
    soft = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1)).resize((4_000, 3_000))
    content = io.BytesIO()
    soft.save(content, "JPEG", quality=97, subsampling=0)
    assert len(content.getvalue()) > 4_000_000
    return open_image(content.getvalue())


def remote_spec(family: str, server: ChatServer) -> ModelSpec:
    return ModelSpec(
        name="there",
        family=family,
        engine="remote",
        server="vllm",
        checkpoint="m",
        base_url=server.base_url,
    )


def sent_image(body: dict[str, Any]) -> Image.Image:
    """The picture in a request."""
    parts = body["messages"][-1]["content"]
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["gemma3", "llava15", "internvl", "smolvlm", "qwen2_5_vl"])
def test_a_large_photograph_makes_a_small_request(name: str, photograph: Image.Image) -> None:
    with chat_server(saying("A cat.")) as server:
        with closing(Backend([remote_spec(name, server)])) as backend:
            list(backend.answer("there", Request(Task.CAPTION, images=(photograph,))))
        (body,) = server.bodies
    assert len(json.dumps(body)) <= MAX_REQUEST_BYTES
    image = sent_image(body)
    assert image.format == "JPEG"
    assert min(image.size) >= 700


def answer_about(box: Box, family: str, picture: Image.Image) -> Box:
    """Let a server see a box in the picture that it gets, and return where it is for people."""

    def turn(handler: Any) -> None:
        size = sent_image(handler.server.bodies[-1]).size
        x1, y1, x2, y2 = map(round, box.to_pixels(size))
        saying(f'[{{"bbox_2d": [{x1}, {y1}, {x2}, {y2}], "label": "cat"}}]')(handler)

    with (
        chat_server(turn) as server,
        closing(Backend([remote_spec(family, server)])) as backend,
    ):
        *_, reply = backend.answer("there", Request(Task.GROUNDING, "cat", (picture,)))
    (mention,) = reply.mentions
    (region,) = mention.regions
    assert isinstance(region, Box)
    return region


@pytest.mark.parametrize("size", [(4_000, 3_000), (5_000, 400), (300, 200)])
def test_boxes_in_pixels_are_read_on_the_picture_that_was_sent(size: tuple[int, int]) -> None:
    box = Box(0.25, 0.125, 0.5, 0.75)
    assert answer_about(box, "qwen2_5_vl", Image.new("RGB", size, "white")).iou(box) > 0.95


def test_drawings_keep_every_pixel_and_photographs_their_look(photograph: Image.Image) -> None:
    drawing = Image.new("RGB", (1_500, 1_000), "white")
    drawing.paste("red", (100, 100, 700, 600))
    for picture, kind in ((drawing, "png"), (shrink_image(photograph, 1_000), "jpeg")):
        head, _, data = data_url(picture).partition(",")
        assert head == f"data:image/{kind};base64"
        received = Image.open(io.BytesIO(base64.b64decode(data)))
        difference = np.abs(np.asarray(received, int) - np.asarray(picture, int)).mean()
        assert difference < (8 if kind == "jpeg" else 1e-9)


def test_a_picture_is_scaled_down_but_never_up() -> None:
    assert shrink_image(Image.new("RGB", (400, 30)), 100).size == (100, 8)
    assert shrink_image(Image.new("RGB", (9_000, 2)), 1_000).size == (1_000, 1)
    small = Image.new("RGB", (100, 90))
    assert shrink_image(small, 100) is small
