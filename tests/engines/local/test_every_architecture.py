"""Every image-text architecture of transformers answers here, or there is a reason why not.

Those with wordings or markup of their own are also asked in their families' ways
(tests/families/test_native_families.py). Here the others are asked in the template that their
checkpoint ships, which is all that a checkpoint needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.engines import drawing, load_engine
from support.tiny_checkpoints import ASKED, OTHERS, needs_torchvision, save
from support.tiny_checkpoints.unanswered import NOT_IN_TRANSFORMERS, UNANSWERED
from support.torchvision_operators import is_torchvision_installed
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as TYPES,
)

from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import MissingImageError
from vlm_demo.families import architectures, get_family
from vlm_demo.values import Message, Prompt, Request, Sampling, Task, TextChunk

# transformers hands tensors to numpy in a way that numpy is giving up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ALWAYS_WITH_A_PICTURE = {"got_ocr2", "pp_chart2table"}
"""Types whose processor refuses a text alone."""

OWN_TYPES = {"yi_vl"}
"""Types that this program adds to those of transformers."""

HISTORY = (Message("user", "What is it?", (drawing(),)), Message("assistant", "A disc."))


def test_every_type_answers_or_has_a_reason() -> None:
    assert ASKED.isdisjoint(UNANSWERED)
    assert {*ASKED, *UNANSWERED} - OWN_TYPES == {*TYPES}
    assert len(ASKED) >= 60


def test_every_type_that_a_family_declares_answers_or_has_a_reason() -> None:
    assert NOT_IN_TRANSFORMERS.isdisjoint({*TYPES, *OWN_TYPES})
    assert {*architectures()} - {*ASKED, *UNANSWERED} == NOT_IN_TRANSFORMERS


@dataclass(frozen=True)
class Asked:
    """A checkpoint of an unknown architecture that is loaded."""

    engine: LocalEngine

    def prompt(self, task: Task, text: str = "", **more: Any) -> Prompt:
        request = Request(task, text, **{"images": (drawing(),), **more})
        return get_family("generic").prompt(request, control_tokens=self.engine.control_tokens)

    def stream(self, prompt: Prompt) -> list[TextChunk]:
        return [chunk for chunk in self.engine.stream(prompt, Sampling(max_new_tokens=6)) if chunk]


@pytest.fixture(params=OTHERS)
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asked]:
    recipe = OTHERS[request.param]
    if needs_torchvision(recipe) and not is_torchvision_installed():
        pytest.skip("its pictures are prepared with torchvision")
    with closing(load_engine(save(recipe, tmp_path))) as engine:
        yield Asked(engine)


def test_it_is_asked_in_its_own_template(asked: Asked) -> None:
    """All in one test: a checkpoint is built and loaded once, and none is kept."""
    caption = asked.prompt(Task.CAPTION)
    chunks = asked.stream(caption)
    text = "".join(chunks)
    assert len(chunks) > 1 or len(text) < 2 or "\ufffd" in text, "it is streamed"
    assert asked.stream(caption) == chunks, "what is remembered of the picture is unchanged"
    other = asked.stream(asked.prompt(Task.CAPTION, images=(drawing(2),)))
    assert numbers(other) != numbers(chunks), "it sees the picture"
    if len(text) > 2:
        stopped = asked.stream(replace(caption, stop=(text[1:3],)))
        assert "".join(stopped) == text[: text.index(text[1:3])]
    asked.stream(asked.prompt(Task.CHAT, "Are you sure?", images=(), history=HISTORY))
    asked.stream(asked.prompt(Task.CHAT, "Compare.", images=(drawing(), drawing(1))))
    choices = ("yes", "no")
    assert "".join(asked.stream(asked.prompt(Task.VQA, "A disc?", choices=choices))) in choices
    alone = asked.prompt(Task.CHAT, "Hello", images=())
    if asked.engine._config.model_type in ALWAYS_WITH_A_PICTURE:
        with pytest.raises(MissingImageError):
            asked.stream(alone)
    else:
        asked.stream(alone)


def numbers(chunks: list[TextChunk]) -> list[float]:
    return [logprob for chunk in chunks for logprob in chunk.logprobs]
