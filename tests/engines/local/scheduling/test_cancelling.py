"""Readers who go, and what is left of their requests."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest
import torch
from support.engines import LONG, TinyEngine, wait_until

from vlm_demo.engines import CacheBudget
from vlm_demo.values import Prompt, Sampling

# transformers hands tensors to numpy in a way that numpy is giving up (GLM-4V and PaliGemma).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_a_reader_who_goes_leaves_the_batch_and_nobody_else_notices(
    model: TinyEngine,
) -> None:
    stays = model.prompt("what colour is it?", 1)
    alone = model.tokens(stays, Sampling(max_new_tokens=40))
    goes = model.engine.stream(model.prompt(), LONG)
    begun = next(goes)
    with ThreadPoolExecutor(1) as reader:
        together = reader.submit(model.tokens, stays, Sampling(max_new_tokens=40))
        wait_until(lambda: model.engine.usage().answering == 2)
        goes.close()
        assert together.result() == alone
    assert begun
    wait_until(lambda: model.is_idle)


def test_at_most_one_step_is_computed_after_a_stop(model: TinyEngine) -> None:
    pieces = model.engine.stream(model.prompt(), LONG)
    for _ in range(3):
        next(pieces)
    pieces.close()
    stopped_at = model.engine.usage().steps
    wait_until(lambda: model.is_idle)
    assert model.engine.usage().steps <= stopped_at + 1


@pytest.mark.parametrize("name", ["llava", "paligemma"])
def test_nothing_is_left_of_cancelled_requests(
    name: str, open_tiny: Callable[..., TinyEngine]
) -> None:
    model = open_tiny(name, cache=CacheBudget(0), waiting=400)
    prompts = [model.prompt("what is it?", number) for number in range(3)]

    def give_up(number: int) -> None:
        pieces = model.engine.stream(prompts[number % 3], replace(LONG, max_new_tokens=300))
        if number % 4:
            next(pieces)
        pieces.close()

    def ask_and_go(count: int) -> None:
        with ThreadPoolExecutor(8) as readers:
            list(readers.map(give_up, range(count)))
        wait_until(lambda: model.is_idle)
        gc.collect()

    ask_and_go(20)
    process = psutil.Process()
    threads, files = threading.active_count(), process.num_fds()
    before = tensors()
    ask_and_go(200)
    assert threading.active_count() <= threads
    assert process.num_fds() <= files
    assert tensors() <= before + 5, "tensors of requests that are over"


def tensors() -> int:
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_fifty_chats_of_which_a_third_goes(open_tiny: Callable[..., TinyEngine]) -> None:
    model = open_tiny("qwen2_vl", batch=8, waiting=50)
    prompts = [model.prompt(f"what is {number}?", number % 3) for number in range(50)]
    sampling = Sampling(max_new_tokens=12)

    def chat(number: int) -> str | None:
        pieces = model.engine.stream(prompts[number], sampling)
        if number % 3 == 0:
            for _ in itertools.islice(pieces, number % 5):
                pass
            pieces.close()
            return None
        return "".join(pieces)

    with ThreadPoolExecutor(50) as readers:
        answers = list(readers.map(chat, range(50)))
    for number, answer in enumerate(answers):
        if answer is not None:
            tokens = model.tokens_alone(prompts[number], sampling)
            assert answer == text_of(model, prompts[number], tokens)


def text_of(model: TinyEngine, prompt: Prompt, tokens: list[int]) -> str:
    answer = model.engine._free_text_answer(prompt, model.engine._encoder.encode(prompt))
    end = model.engine._end_tokens
    pieces = [answer.add_token(token, 0.0, ends=token in end) for token in tokens]
    return "".join([*pieces, answer.flush()])


def test_closing_frees_the_model(open_tiny: Callable[..., TinyEngine]) -> None:
    model = open_tiny("llava")
    model.tokens(model.prompt(), Sampling(max_new_tokens=3))
    weights = weakref.ref(model.engine._model)
    model.engine.close()
    gc.collect()
    assert weights() is None
