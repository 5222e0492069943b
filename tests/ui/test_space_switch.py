"""The choice of what the numbers of an answer count, as the page offers it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.families import get_family
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.settings import Settings
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer_actions.space_switch import reread_answer, space_switch_value
from vlm_demo.ui.components.uploaded_images import accept_image
from vlm_demo.values import Box, ReplyState, Request, Task

RAW = '[{"label": "cup", "bbox": [100, 200, 300, 400]}]'


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend((ModelSpec(name="any", family="generic", checkpoint="a/b"),))
    yield backend
    backend.close()


@pytest.fixture
def answer(tmp_path: Path) -> AnsweredRequest:
    path = tmp_path / "picture.png"
    Image.new("RGB", (1000, 500)).save(path)
    request = Request(Task.GROUNDING, "cup", (Image.open(path),))
    family = get_family("generic")
    reply = family.reply(RAW, family.prompt(request))
    return AnsweredRequest.record("any", request, reply, [accept_image(path, Settings())])


def test_a_choice_draws_the_boxes_of_the_same_answer(
    backend: Backend, answer: AnsweredRequest
) -> None:
    assert answer.reply.state is ReplyState.SPACE_UNKNOWN
    shown = space_switch_value(backend, answer)
    assert shown.visible
    assert [name for _, name in shown.choices] == ["", *SPACES]
    assert shown.value == ""
    chosen = reread_answer(backend, Settings(), answer, "pixel_xyxy")
    assert [m.regions for m in chosen.reply.mentions] == [(Box(0.1, 0.4, 0.3, 0.8),)]
    assert chosen.reply.raw == RAW
    assert space_switch_value(backend, chosen).value == "pixel_xyxy"
    back = reread_answer(backend, Settings(), chosen, "")
    assert back.reply.state is ReplyState.SPACE_UNKNOWN


def test_the_choice_is_remembered_on_a_page_of_ones_own(
    backend: Backend, answer: AnsweredRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "is_private", lambda _: False)
    reread_answer(backend, Settings(), answer, "pixel_xyxy")
    assert backend.spec("any").coordinate_space == ""
    monkeypatch.setattr(Settings, "is_private", lambda _: True)
    reread_answer(backend, Settings(), answer, "pixel_xyxy")
    assert backend.spec("any").coordinate_space == "pixel_xyxy"


def test_there_is_no_choice_without_places(backend: Backend) -> None:
    assert not space_switch_value(backend, None).visible
