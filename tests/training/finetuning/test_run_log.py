"""The log of a run says what has happened, whatever broke it off."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vlm_demo.errors import FileError, InputError
from vlm_demo.training.finetuning.events import EndEvent, NoteEvent, ScoresEvent, StepEvent
from vlm_demo.training.finetuning.log import LogWriter, read_log
from vlm_demo.training.finetuning.options import FinetuneOptions, Method, declarations
from vlm_demo.training.finetuning.plan import (
    default_at_once,
    default_rate,
    make_plan,
    order_rows,
    sort_steps,
)
from vlm_demo.training.finetuning.process import _arguments
from vlm_demo.training.finetuning.run_folder import RunState, open_folder


def _step(number: int, loss: float) -> StepEvent:
    return StepEvent(step=number, steps=9, loss=loss, learning_rate=0.1, seconds=1)


def test_a_log_is_read_while_it_grows(tmp_path: Path) -> None:
    path, seen = tmp_path / "run.jsonl", []
    log = LogWriter(path, seen.append, append=False)
    log(_step(1, 2.0))
    log(NoteEvent(text="Two rows are left out."))
    log(ScoresEvent(when="before", new={"found": 0.5, "yes": None}, old={}))
    log.close()
    with path.open("a") as file:
        file.write('{"event": "step", "step": 2')
    run = read_log(path)
    assert [one.loss for one in run.steps] == [2.0]
    assert run.notes == ("Two rows are left out.",)
    assert run.before is not None
    assert run.before.new == {"found": 0.5, "yes": None}
    assert run.end is None
    assert len(seen) == 3


def test_steps_that_a_resumed_run_repeats_count_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first = LogWriter(path, lambda _: None, append=False)
    for event in (_step(1, 3.0), _step(2, 2.5), EndEvent(outcome="stopped", text="Stopped.")):
        first(event)
    first.close()
    assert read_log(path).end is not None
    second = LogWriter(path, lambda _: None, append=True)
    second(_step(2, 2.4))
    second.close()
    run = read_log(path)
    assert [(one.step, one.loss) for one in run.steps] == [(1, 3.0), (2, 2.4)]
    assert run.end is None


def test_options_reach_the_process_as_flags() -> None:
    options = FinetuneOptions(data="set", method=Method.QLORA, negatives=False, resume=True)
    flags = list(_arguments(options))
    assert flags == ["--data", "set", "--method", "qlora", "--no-negatives", "--resume"]
    assert {one.flag for one in declarations()} >= {"--held-out", "--max-loss", "--push"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": ""}, "--data"),
        ({"replay": 1.0}, "--replay must be from 0 to 0.95"),
        ({"steps": 0}, "--steps must be at least 1"),
        ({"learning_rate": 3.0}, "--learning-rate"),
    ],
)
def test_options_out_of_range_are_refused(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(FinetuneOptions(data="set"), **change).check()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="not empty"):
        open_folder("m", FinetuneOptions(data="set", out=tmp_path), "name")


def test_a_run_goes_on_as_it_was_started(tmp_path: Path) -> None:
    options = FinetuneOptions(data="set", steps=7, out=tmp_path / "run")
    folder, state = open_folder("m", options, "name")
    plan = make_plan(options, new_rows=10, parameters=5_000_000)
    replace(state, plan=plan).write(folder)
    again = FinetuneOptions(resume=True, out=folder, at_once=4)
    _, found = open_folder("", again, "")
    assert (found.model, found.options.steps, found.options.at_once) == ("m", 7, 4)
    assert found.plan == plan
    with pytest.raises(InputError, match="another --steps"):
        open_folder("m", replace(again, steps=8), "")
    with pytest.raises(InputError, match="no run"):
        open_folder("m", replace(again, out=tmp_path / "elsewhere"), "")
    assert json.loads((folder / "run.json").read_text())["options"]["data"] == "set"
    assert isinstance(found, RunState)


def test_old_rows_are_spread_among_the_new_and_all_are_seen() -> None:
    order = order_rows(range(10), range(10, 14), count=40, replay=0.5, seed=3)
    assert order == order_rows(range(10), range(10, 14), count=40, replay=0.5, seed=3)
    assert sum(row >= 10 for row in order) == 20
    assert all(sum(row >= 10 for row in order[at : at + 4]) == 2 for at in range(0, 40, 4))
    assert [order.count(row) for row in range(10)] == [2] * 10
    assert order_rows(range(3), [], count=6, replay=0.5, seed=0).count(0) == 2


def test_a_step_keeps_its_rows_in_the_order_of_their_lengths() -> None:
    order = [3, 0, 2, 1, 2, 3]
    assert sort_steps(order, 4, [1, 30, 20, 5]) == [0, 3, 2, 1, 3, 2]
    assert (default_at_once(32, "cpu"), default_at_once(10, "cpu")) == (8, 2)
    assert default_at_once(32, "cuda") == 32


def test_the_learning_rate_falls_with_the_size_of_the_model() -> None:
    rates = [default_rate(Method.LORA, size) for size in (5_000_000, 250_000_000, 7_000_000_000)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == (3e-3, 2e-4)
    assert default_rate(Method.QLORA, 10**12) == 2e-4
