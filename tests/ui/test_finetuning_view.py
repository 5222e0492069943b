"""What the view of fine-tuning takes, who may start a run, and what is shown of one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.settings import Settings
from vlm_demo.training.finetuning.events import EndEvent, ScoresEvent, Stage, StageEvent, StepEvent
from vlm_demo.training.finetuning.log import RunLog
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.finetuning.process import RunProcess, StartedProcess
from vlm_demo.training.finetuning.run_folder import RunState
from vlm_demo.ui.models.finetuning import calls as finetune_calls
from vlm_demo.ui.models.finetuning import sources
from vlm_demo.ui.models.finetuning.calls import FinetuneCalls
from vlm_demo.ui.models.finetuning.displayed import describe_models, describe_run
from vlm_demo.ui.models.finetuning.sources import DataSource, SourceKind

LLAVA = ModelSpec(name="tiny", family="llava15", checkpoint="/nowhere")
STEPS = tuple(
    StepEvent(step=step, steps=9, loss=1 / step, learning_rate=1e-4, seconds=1.0) for step in (1, 2)
)


def make_request(*, operator: bool) -> Any:
    return SimpleNamespace(state=SimpleNamespace(is_operator=operator, owner="somebody"))


def make_calls(folder: Path, *menu: ModelSpec) -> FinetuneCalls:
    return FinetuneCalls(Backend(menu), Settings(fine_tuned=folder), takers=None)  # type: ignore[arg-type]  # takes nothing


def make_run(folder: Path, name: str = "made") -> RunProcess:
    (folder / name).mkdir(parents=True)
    return RunProcess(StartedProcess("tiny", name, 1, 0.0), folder / name)


def test_a_log_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    scores = ScoresEvent(when="before", new={"found": 0.1}, old={})
    log = RunLog(stage=StageEvent(stage=Stage.TRAINING), steps=STEPS, before=scores)
    run = make_run(tmp_path)
    shown = describe_run(run, log, is_listed=False, is_stopping=True)
    assert (shown["steps"], shown["losses"]) == (9, [[1, 1.0], [2, 0.5]])
    assert (shown["stage"], shown["is_running"], shown["is_stopping"]) == ("training", True, True)
    assert shown["before"] == {"new": {"found": 0.1}, "old": {}}
    assert (shown["can_go_on"], shown["can_be_listed"]) == (False, False)


def test_what_a_stopped_run_has_made_can_be_gone_on_with_or_listed(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    log = RunLog(steps=STEPS, end=EndEvent(outcome="stopped", text="It was stopped."))
    nothing = describe_run(run, log, is_listed=False, is_stopping=False)
    assert (nothing["can_go_on"], nothing["can_be_listed"]) == (False, False)
    RunState("tiny", FinetuneOptions(data="set")).write(run.folder)
    (run.folder / "adapter_model.safetensors").touch()
    shown = describe_run(run, log, is_listed=False, is_stopping=False)
    assert (shown["can_go_on"], shown["can_be_listed"]) == (True, True)


def test_a_stopped_run_is_listed_as_an_adapter_of_its_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    calls = make_calls(tmp_path, LLAVA)
    calls.run = make_run(tmp_path)
    RunState("tiny", FinetuneOptions(data="set")).write(calls.run.folder)
    answer = calls.models_finetune_list(make_request(operator=True))
    assert answer["run"]["is_listed"]
    spec = calls.backend.spec("made")
    assert (spec.adapter, spec.family) == (str(tmp_path / "made"), "llava15")


@pytest.mark.parametrize("zerogpu", [False, True])
def test_a_visitor_of_a_public_page_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zerogpu: bool
) -> None:
    monkeypatch.setattr(finetune_calls, "on_zerogpu", lambda: zerogpu)
    calls, request = make_calls(tmp_path, LLAVA), make_request(operator=zerogpu)
    calls.run = make_run(tmp_path)
    assert calls.models_finetune_start(request) == {"may_train": False, "models": [], "run": None}
    assert calls.models_finetune_state(request) == {"run": None}
    for answer in (
        calls.models_finetune_data("tiny", "upload", "", request),
        calls.models_finetune("tiny", "", 0, 9, request),
        calls.models_finetune_resume(request),
        calls.models_finetune_stop(request),
        calls.models_finetune_list(request),
    ):
        assert set(answer) == {"error", "image_gone"}


def test_one_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunProcess, "is_running", True)
    monkeypatch.setattr(ModelSpec, "is_here", True)
    monkeypatch.setattr(finetune_calls, "read_owner", lambda _: "somebody")
    calls, request = make_calls(tmp_path, LLAVA), make_request(operator=True)
    answer = calls.models_finetune("tiny", "", 0, 9, request)
    assert answer["error"]["words"] == "Look at the examples first."
    calls.sources["somebody"] = DataSource(SourceKind.UPLOAD, tmp_path)
    calls.run = make_run(tmp_path)
    for refused in (
        calls.models_finetune("tiny", "", 0, 9, request),
        calls.models_finetune_resume(request),
    ):
        assert refused["error"]["words"].startswith("Something is already running.")


def test_each_model_says_why_it_cannot_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelSpec, "is_here", True)
    far = ModelSpec(
        name="far", family="llava15", checkpoint="x", engine="remote", base_url="http://x"
    )
    made = ModelSpec(name="made", family="llava15", checkpoint="x", adapter="y")
    shown = {one["name"]: one["obstacle"] for one in describe_models([far, made, LLAVA])}
    assert list(shown) == ["tiny", "far", "made"]
    assert shown["tiny"] == ""
    assert "server" in shown["far"]["words"]
    assert "choose its base" in shown["made"]["words"]


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    calls = make_calls(tmp_path, LLAVA)
    (tmp_path / "mine-data").mkdir()
    assert calls._find_folder("mine").name == "mine-2"
    assert calls._find_folder("tiny").name == "tiny-2"
    with pytest.raises(InputError, match="letters, digits"):
        calls._find_folder("../mine")


def test_data_goes_where_it_stays(tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / "rows.jsonl").write_text("{}")
    source = DataSource(SourceKind.UPLOAD, tmp_path / "upload" / "rows.jsonl")
    moved = source.move_to(tmp_path / "runs" / "mine-data")
    assert moved.path == tmp_path / "runs" / "mine-data" / "rows.jsonl"
    assert moved.path.read_text() == "{}"


def test_an_upload_that_did_not_arrive_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "find_file", lambda path, owner: None)
    with pytest.raises(InputError, match="did not arrive"):
        sources.take_upload("x", "somebody", 1)
