"""Streams: text while it is written, closing, and failures on the way."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.engines import LONG, SHORT, ask, load_engine, raising, wait_until, write

from vlm_demo.engines import Serving
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import EngineError, OutOfMemoryError
from vlm_demo.values import Prompt, Sampling, StopReason, Task


def test_pieces_come_while_the_model_is_writing(llava: LocalEngine, picture: Image.Image) -> None:
    pieces = llava.stream(ask("llava15", picture), Sampling(max_new_tokens=3000))
    assert list(itertools.islice(pieces, 3))
    assert llava.usage().answering, "everything was written before the first piece came"
    pieces.close()


def test_closing_the_iterator_stops_the_model(llava: LocalEngine, picture: Image.Image) -> None:
    pieces = llava.stream(ask("llava15", picture), LONG)
    next(pieces)
    pieces.close()
    wait_until(lambda: not llava.usage().answering)
    assert llava.usage().tokens < 3900, "the model went on"
    assert write(llava, ask("llava15", picture))


def test_a_request_that_was_given_up_in_the_queue_is_never_run(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = [llava.stream(ask("llava15", picture), LONG) for _ in range(Serving().batch)]
    for pieces in running:
        next(pieces)
    begun = llava.usage().requests
    reader = llava.stream(ask("llava15", picture), SHORT)
    assert (next(reader), llava.usage().waiting) == ("", 1)
    reader.close()
    wait_until(lambda: not llava.usage().waiting)
    for pieces in running:
        pieces.close()
    wait_until(lambda: not llava.usage().answering)
    assert llava.usage().requests == begun


def test_the_last_chunk_says_why_the_answer_ended(llava: LocalEngine, picture: Image.Image) -> None:
    asked = ask("llava15", picture)
    *earlier, last = llava.stream(asked, Sampling(max_new_tokens=5))
    assert last.stop is StopReason.LENGTH
    assert {chunk.stop for chunk in earlier} == {None}
    stop = write(llava, asked, Sampling(max_new_tokens=40))[5]
    until_stop = Prompt(asked.messages, chat_template=asked.chat_template, stop=(stop,))
    *_, last = llava.stream(until_stop, LONG)
    assert last.stop is StopReason.FINISHED
    *_, last = llava.stream(replace(asked, choices=("yes", "no")), Sampling(max_new_tokens=1))
    assert last.stop is StopReason.FINISHED


def test_a_stop_string_stops_the_model(llava: LocalEngine, picture: Image.Image) -> None:
    asked = ask("llava15", picture)
    whole = write(llava, asked, Sampling(max_new_tokens=40))
    stop = whole[5]
    cut = Prompt(asked.messages, chat_template=asked.chat_template, stop=(stop,))
    assert write(llava, cut, LONG) == whole.split(stop)[0]


def test_failure_inside_the_model_reaches_the_reader(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(llava._model, "forward", raising(RuntimeError("boom")))
        with pytest.raises(EngineError, match="failed while answering: boom"):
            write(llava, ask("llava15", picture))
    assert write(llava, ask("llava15", picture)), "the next request works"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("x: can't allocate memory: 9 GB")],
)
def test_too_little_memory_is_said(
    error: Exception, llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llava._model, "forward", raising(error))
    with pytest.raises(OutOfMemoryError, match="smaller model"):
        write(llava, ask("llava15", picture))


def test_failure_in_mid_answer_reaches_the_reader(
    llava: LocalEngine, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, steps = llava._model.forward, itertools.count()

    def breaks_off(**inputs: Any) -> Any:
        if next(steps) == 4:
            raise ValueError("gone")
        return forward(**inputs)

    monkeypatch.setattr(llava._model, "forward", breaks_off)
    pieces = []
    with pytest.raises(EngineError, match="gone"):
        for piece in llava.stream(ask("llava15", picture), SHORT):
            pieces.append(piece)
    assert pieces


def test_readers_at_the_same_time_get_what_each_would_get_alone(
    llava: LocalEngine, picture: Image.Image
) -> None:
    blue = Image.new("RGB", (80, 40), "blue")
    asked = [ask("llava15", picture), ask("llava15", blue, Task.CAPTION)]
    alone = [write(llava, one) for one in asked]
    together: dict[int, str] = {}

    def read(number: int) -> None:
        together[number] = write(llava, asked[number % 2])

    readers = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert together == {number: alone[number % 2] for number in range(6)}
    assert alone[0] != alone[1]


def test_closing_the_engine_ends_its_streams(tiny_llava15: Path, picture: Image.Image) -> None:
    engine = load_engine(tiny_llava15)
    pieces = engine.stream(ask("llava15", picture), LONG)
    next(pieces)
    engine.close()
    with pytest.raises(EngineError, match="unloaded"):
        list(pieces)
    with pytest.raises(EngineError, match="unloaded"):
        list(engine.stream(ask("llava15", picture), SHORT))
