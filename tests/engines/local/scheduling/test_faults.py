"""Failures inside a model: who is affected, and who is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from support.engines import LONG, TinyEngine, wait_until

from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.errors import EngineError, OutOfMemoryError
from vlm_demo.values import Sampling


@pytest.fixture
def failing(model: TinyEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, Any]], None]:
    """Make certain forward passes of the model fail, counted from now."""

    def fail(faults: dict[int, Any]) -> None:
        forward, calls = model.engine._model.forward, itertools.count()

        def forwards(**inputs: Any) -> Any:
            fault = faults.get(next(calls))
            if isinstance(fault, Exception):
                raise fault
            output = forward(**inputs)
            if fault is not None:
                output.logits[fault] = torch.nan
            return output

        monkeypatch.setattr(model.engine._model, "forward", forwards)

    return fail


TOO_MUCH = torch.OutOfMemoryError("CUDA out of memory")


def test_memory_that_runs_out_for_a_moment_is_found_again(
    model: TinyEngine, failing: Callable[[dict[int, Any]], None]
) -> None:
    alone = model.tokens(model.prompt(), Sampling(max_new_tokens=9))
    failing({0: TOO_MUCH, 3: TOO_MUCH})
    assert model.tokens(model.prompt(), Sampling(max_new_tokens=9)) == alone


def test_the_longest_request_gives_way_where_memory_runs_out(
    model: TinyEngine, failing: Callable[[dict[int, Any]], None]
) -> None:
    short = model.prompt("what is it?", 1)
    alone = model.tokens(short, Sampling(max_new_tokens=30))
    longer = model.engine.stream(model.prompt("what is it? " * 30), LONG)
    begun = next(longer)
    reader = ThreadPoolExecutor(1).submit(model.tokens, short, Sampling(max_new_tokens=30))
    wait_until(lambda: model.engine.usage().answering == 2)
    failing({1: TOO_MUCH, 2: TOO_MUCH})
    with pytest.raises(OutOfMemoryError, match="smaller image"):
        list(longer)
    assert begun
    assert reader.result(30) == alone


def test_memory_that_runs_out_as_a_request_joins_ends_that_one_alone(
    model: TinyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first token is written by then, and must not be written again."""
    prompt = model.prompt("what is it?", 1)
    alone = model.tokens(prompt, Sampling(max_new_tokens=60))

    join, calls = KvCache.append_rows, itertools.count()

    def short_of_memory(self: KvCache, other: KvCache) -> None:
        if next(calls) == 0:
            raise TOO_MUCH
        join(self, other)

    with ThreadPoolExecutor(1) as reader:
        other = reader.submit(model.tokens, prompt, Sampling(max_new_tokens=60))
        wait_until(lambda: model.engine.usage().answering == 1)
        monkeypatch.setattr(KvCache, "append_rows", short_of_memory)
        with pytest.raises(OutOfMemoryError):
            list(model.engine.stream(model.prompt("and that?"), Sampling(max_new_tokens=5)))
        assert other.result(30) == alone


def test_memory_that_runs_out_as_a_request_leaves_ends_nobody(
    model: TinyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of what was computed for it cannot be kept; all else goes on."""
    prompt = model.prompt("what is it?", 1)
    alone = model.tokens(prompt, Sampling(max_new_tokens=60))

    def short_of_memory(*_: object) -> None:
        raise TOO_MUCH

    with ThreadPoolExecutor(1) as reader:
        other = reader.submit(model.tokens, prompt, Sampling(max_new_tokens=60))
        wait_until(lambda: model.engine.usage().answering == 1)
        with monkeypatch.context() as patch:
            patch.setattr(KvCache, "copy_row", short_of_memory)
            assert model.tokens(model.prompt("and that?"), Sampling(max_new_tokens=5))
            assert other.result(30) == alone
    assert model.tokens(prompt, Sampling(max_new_tokens=60)) == alone


def test_numbers_that_break_down_end_one_request(
    model: TinyEngine, failing: Callable[[dict[int, Any]], None]
) -> None:
    other = model.engine.stream(model.prompt("and what is that?", 1), LONG)
    next(other)
    broken = model.engine.stream(model.prompt(), LONG)
    next(broken)
    failing({1: 1})  # the second row of a step
    with pytest.raises(EngineError, match=r"NaN.*float32"):
        list(broken)
    assert next(other)
    other.close()


def test_a_failing_step_ends_its_requests_and_the_next_ones_work(
    model: TinyEngine, failing: Callable[[dict[int, Any]], None]
) -> None:
    failing({5: RuntimeError("boom")})
    with pytest.raises(EngineError, match="boom"):
        list(model.engine.stream(model.prompt(), LONG))
    assert model.tokens(model.prompt(), Sampling(max_new_tokens=3))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_takes_nobody_with_it(
    open_tiny: Callable[..., TinyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_tiny("llava")

    def die(**_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(model.engine._model, "forward", die)
    with pytest.raises(EngineError, match="unloaded"):
        list(model.engine.stream(model.prompt(), LONG))
    model.engine._worker._thread.join(30)
    with pytest.raises(EngineError, match="unloaded"):
        list(model.engine.stream(model.prompt(), LONG))
