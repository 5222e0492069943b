"""ZeroGPU: answers from a forked process are those of the program itself, and it needs no GPU.

The program runs as on a Space, in a process of its own, with a stand-in for the package `spaces`.
"""

from __future__ import annotations

import contextvars
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from support import PROGRAMS, ROOT
from support.engines import load_engine

from vlm_demo import errors
from vlm_demo.catalog.menu import default_menu
from vlm_demo.engines import Serving
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.settings import on_zerogpu
from vlm_demo.values import Reply, Request, Sampling, Task, TextChunk

STAND_INS = PROGRAMS / "stand_ins"
PICTURE = ROOT / "assets" / "examples" / "shapes.png"
CHOICES = ("red", "yellow", "blue")
QUESTION = "What colour is the circle?"


@pytest.fixture(scope="module")
def space() -> dict[str, Any]:
    """What happened on a Space."""
    done = subprocess.run(
        [sys.executable, STAND_INS / "space_session.py", PICTURE, QUESTION, ",".join(CHOICES)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(STAND_INS), str(ROOT))),
            "SPACES_ZERO_GPU": "true",
        },
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module")
def here() -> Iterator[LocalEngine]:
    spec = default_menu()[1]
    engine = load_engine(spec.checkpoint, serving=Serving(batch=2))
    yield engine
    engine.close()


def written(engine: LocalEngine, request: Request) -> str:
    family = get_family(default_menu()[1].family)
    prompt = family.prompt(request, control_tokens=engine.control_tokens)
    return prompt.answer_prefix + "".join(
        engine.stream(prompt, request.sampling or family.sampling)
    )


def asked(**more: Any) -> Request:
    more.setdefault("sampling", Sampling(max_new_tokens=40))
    return Request(Task.VQA, QUESTION, (Image.open(PICTURE).convert("RGB"),), **more)


# On a Space


def test_the_library_comes_before_torch_and_gradio(space: dict[str, Any]) -> None:
    assert space["others_were_first"] == []
    assert space["engine"] == "ZeroGpuEngine"


def test_the_program_itself_touches_no_gpu(space: dict[str, Any]) -> None:
    assert space["cuda"] is False
    assert space["free_gpu"] > 60 << 30  # what it is told
    assert space["offers"] > 1
    assert space["inspected"] > 50


def test_answers_are_those_of_an_engine_that_is_here(
    space: dict[str, Any], here: LocalEngine
) -> None:
    image = Image.open(PICTURE).convert("RGB")
    assert space["caption"] == written(here, Request(Task.CAPTION, "", (image,)))
    assert space["answer"] == written(here, asked())
    drawing = Sampling(max_new_tokens=40, temperature=2.0, seed=5)
    drawn = written(here, Request(Task.CAPTION, "", (image,), sampling=drawing))
    assert space["drawn"] == drawn != space["caption"]
    assert space["choice"] == written(here, asked(choices=CHOICES))


def test_scores_are_those_of_an_engine_that_is_here(
    space: dict[str, Any], here: LocalEngine
) -> None:
    prompt = get_family(default_menu()[1].family).prompt(asked(choices=CHOICES))
    assert space["scores"] == pytest.approx(here.score(prompt, CHOICES), abs=1e-3)


def test_every_call_has_the_same_other_process_and_asks_for_seconds(space: dict[str, Any]) -> None:
    seconds, processes, items = zip(*space["calls"], strict=True)
    assert len(set(processes)) == 1  # it was used again, and so was what it had loaded
    assert processes[0] != space["program"]
    assert all(isinstance(each, int) and 10 <= each <= 120 for each in seconds)
    assert items[0] > 1  # pieces came one by one
    assert space["asked_for"] > max(seconds)  # for many more tokens
    assert space["logprobs"]


def test_closing_the_stream_ends_the_work_there(space: dict[str, Any], here: LocalEngine) -> None:
    assert space["stopped_after"] == 2  # of 900
    assert space["after_stop"] == written(here, asked())


def test_errors_arrive_with_their_class_and_words(space: dict[str, Any]) -> None:
    assert space["bad_pattern_calls"] == 1
    kind, words = space["bad_pattern"]
    assert issubclass(getattr(errors, kind), VlmDemoError)
    assert "pattern" in words or "expression" in words


def test_what_zerogpu_says_is_passed_on(space: dict[str, Any]) -> None:
    kind, words = space["refused"]
    assert kind == "EngineError"
    assert "You have exceeded your quota." in words
    assert "'" not in words


def test_what_cannot_be_answered_takes_no_gpu(space: dict[str, Any]) -> None:
    assert space["refused_here_calls"] == 0
    assert space["too_long"][0] == "TooLongError"
    assert space["busy"][0] == "QueueFullError"


def test_unloading_ends_what_runs(space: dict[str, Any]) -> None:
    assert "unloaded" in space["closed"]
    assert space["usage"] == 0  # nothing is left of those before


# Elsewhere


def test_starting_the_page_imports_no_torch_elsewhere() -> None:
    program = (
        "import sys; from vlm_demo.cli.lazy import prepare_page; prepare_page(); "
        "import vlm_demo.cli.page; "
        "print(sorted({'torch', 'spaces', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_importing_every_module_of_the_engine_leaves_cuda_alone() -> None:
    program = """
import pkgutil, importlib, torch
torch._C._cuda_init = None  # calling it would fail
import vlm_demo.engines.local as local
for module in pkgutil.iter_modules(local.__path__):
    if module.name != "zerogpu":
        importlib.import_module(f"vlm_demo.engines.local.{module.name}")
print(torch.cuda.is_initialized())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_zerogpu_is_where_spaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(STAND_INS)
    assert on_zerogpu({"SPACES_ZERO_GPU": "true"})
    assert on_zerogpu({"SPACES_ZERO_GPU": "1"})
    assert not on_zerogpu({"SPACES_ZERO_GPU": "false"})
    assert not on_zerogpu({"SPACE_ID": "somebody/something"})


def test_without_its_library_there_is_no_zerogpu() -> None:
    assert not on_zerogpu({"SPACES_ZERO_GPU": "true"})


# What crosses the border between processes


def test_pieces_keep_what_they_carry_when_pickled() -> None:
    piece = pickle.loads(pickle.dumps(TextChunk("word", logprobs=(-0.5, -1.5), queue_position=3)))
    assert isinstance(piece, TextChunk)
    assert (piece, piece.logprobs, piece.queue_position) == ("word", (-0.5, -1.5), 3)


def test_errors_keep_their_class_and_words_when_pickled() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.VlmDemoError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        error = pickle.loads(pickle.dumps(kind("words")))
        assert type(error) is kind
        assert str(error) == "words"


def test_the_page_asks_in_the_name_of_its_visitor() -> None:
    """ZeroGPU finds out through a context variable of Gradio whose quota a call is on."""
    from vlm_demo.ui.streaming import compute_in_thread, stream_replies

    visitor = contextvars.ContextVar("visitor", default="nobody")

    class Asked:
        def answer(self, model: str, request: Request) -> Iterator[Reply]:
            yield Reply(visitor.get(), visitor.get())

    visitor.set("somebody")
    replies = stream_replies(Asked(), "a model", Request(Task.CHAT, "Who?"))  # type: ignore[arg-type]  # a double
    assert [reply.raw for reply in replies if reply] == ["somebody"]
    assert [found for found in compute_in_thread(visitor.get) if found] == ["somebody"]
