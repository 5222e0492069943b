"""A run in a process of its own is found again, and what ended it is said."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from vlm_demo.training.finetuning.events import EndEvent, Stage, StageEvent, StepEvent
from vlm_demo.training.finetuning.log import LogWriter
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.finetuning.process import RunProcess, find_newest_run, start_run

PROGRAM = """import sys, time
print("ready", flush=True)
sys.stderr.write(sys.argv[1])
sys.stderr.flush()
time.sleep(float(sys.argv[2]))
"""


class StandIn:
    """Starts a short program in the place of `vlm-demo finetune`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, monkeypatch
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, words: str = "", seconds: float = 0) -> RunProcess:
        real = subprocess.Popen

        def popen(command: list[str], **options: object) -> subprocess.Popen[bytes]:
            program = [sys.executable, "-S", "-c", PROGRAM, words, str(seconds)]
            options["stdout"] = subprocess.PIPE
            child: subprocess.Popen[bytes] = real(program, **options)  # type: ignore[call-overload]  # those of the original
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            self.started.append(child)
            return child

        with self._patch.context() as patch:
            patch.setattr(subprocess, "Popen", popen)
            return start_run("base", FinetuneOptions(data="set"), self.folder / name, menu=None)

    def log(self, name: str, *events: StepEvent | StageEvent | EndEvent) -> None:
        writer = LogWriter(self.folder / f"{name}.jsonl", lambda _: None, append=True)
        for event in events:
            writer(event)
        writer.close()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    one = StandIn(tmp_path, monkeypatch)
    yield one
    for child in one.started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def step(number: int) -> StepEvent:
    return StepEvent(step=number, steps=9, loss=1.0, learning_rate=0.1, seconds=1)


def test_a_program_that_starts_anew_finds_the_run_and_can_stop_it(stand_in: StandIn) -> None:
    assert find_newest_run(stand_in.folder) is None
    stand_in.start("first").close()
    started = stand_in.start("second", seconds=60)
    saving = StageEvent(stage=Stage.SAVING)
    stand_in.log("second", step(1), saving, EndEvent(outcome="stopped", text="earlier"))
    found = find_newest_run(stand_in.folder)
    assert found is not None
    assert (found.model, found.folder.name, found.is_running) == ("base", "second", True)
    log = found.read()
    assert ([one.step for one in log.steps], log.stage, log.end) == ([1], None, None)
    found.stop()
    stand_in.started[-1].wait(20)
    assert not found.is_running
    assert not started.is_running


def test_an_id_that_is_used_again_is_no_run(stand_in: StandIn) -> None:
    stand_in.start("old").close()
    own = psutil.Process()
    file = stand_in.folder / "old.process.json"
    file.write_text(f'{{"model": "b", "name": "old", "number": {own.pid}, "started": 5.0}}')
    found = find_newest_run(stand_in.folder)
    assert found is not None
    assert not found.is_running


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("noise\nError: There are no rows.", "There are no rows."),
        ("Traceback\nValueError: what", "ended from outside after step 2. ValueError: what"),
        ("", "ended from outside after step 2."),
    ],
)
def test_the_last_words_of_a_process_are_told(stand_in: StandIn, words: str, said: str) -> None:
    run = stand_in.start("one", words)
    stand_in.started[-1].wait(20)
    stand_in.log("one", step(1), step(2))
    end = run.read().end
    assert end is not None
    assert end.outcome == "failed"
    assert end.text.endswith(said)


def test_a_process_that_the_system_kills_is_told_to_lack_memory(stand_in: StandIn) -> None:
    run = stand_in.start("one", seconds=60)
    stand_in.log("one", step(39))
    stand_in.started[-1].kill()
    stand_in.started[-1].wait(20)
    end = run.read().end
    assert end is not None
    assert "after step 39" in end.text
    assert "memory" in end.text
