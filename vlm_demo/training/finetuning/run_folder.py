"""The folder of a run: what is kept there so that it can go on, and that its result is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import FileError, InputError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.plan import Plan
from vlm_demo.training.scoring.comparison import ScorePair

DEFAULT_FOLDER = Path("fine-tuned")
"""Where results are written unless another folder is given."""

RUN_NAME = "run.json"
"""Name of the file with what a run was started with."""

LOG_NAME = "run.jsonl"
"""Name of the log, unless another file is given."""

_OPTIONS = TypeAdapter(FinetuneOptions)
_THIS_START = ("resume", "log", "menu_anyway", "push", "out", "at_once")
"""Options that may be others when a run goes on."""


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run was started with, and what it knows already."""

    model: str
    options: FinetuneOptions
    plan: Plan | None = None
    bf16: bool = False
    before: ScorePair | None = None
    known: list[str] | None = None
    """Names of things that the model finds already; None: that was not tried yet."""

    def write(self, folder: Path) -> None:
        """Keep it.

        Raises:
            FileError: it cannot be written.
        """
        with atomic_write(folder / RUN_NAME) as file:
            file.write(json.dumps(asdict(self), default=str, indent=1).encode())


_STATE = TypeAdapter(RunState)


def open_folder(model: str, options: FinetuneOptions, name: str) -> tuple[Path, RunState]:
    """Make the folder of a run, or find that of one that goes on.

    Args:
        model: name on the menu; "": with `--resume`, that of the run.
        options: of this start.
        name: of the result.

    Raises:
        FileError: the folder is not empty, or cannot be made.
        InputError: there is nothing to go on with, or it was started otherwise.
    """
    folder = (options.out or DEFAULT_FOLDER / name).expanduser()
    if options.resume:
        return folder, _merge_options(read_run(folder), folder, model, options)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise FileError(
            "{folder} is not empty. Give another folder with --out, or go on with the run "
            "in it: --resume.",
            folder=folder,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            "The folder {folder} cannot be made: {reason}.",
            folder=folder,
            reason=error.strerror or error,
        ) from error
    return folder, RunState(model, options)


def read_run(folder: Path) -> RunState:
    """Return what the run in a folder was started with.

    Raises:
        InputError: there is none.
    """
    try:
        return _STATE.validate_json((folder / RUN_NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            "There is no run in {folder} that could go on. Leave out --resume.",
            folder=folder,
        ) from error


def make_entry(base: ModelSpec, options: FinetuneOptions, name: str, folder: Path) -> ModelSpec:
    """Return the menu's entry for what a run has made.

    Args:
        base: that was fine-tuned.
        options: of the run.
        name: of the entry.
        folder: of the run.
    """
    own = folder.resolve()
    is_whole = options.method is Method.FULL
    is_folder = Path(base.checkpoint).is_dir()
    checkpoint = str(Path(base.checkpoint).resolve()) if is_folder else base.checkpoint
    return replace(
        base,
        name=name,
        title="",
        checkpoint=str(own) if is_whole else checkpoint,
        adapter="" if is_whole else str(own),
        revision=None if is_whole else base.revision,
        embedded=False,
        source=str(own / "README.md"),
        note=f"{base.name}, fine-tuned on {Path(options.data).name}.",
    )


def _merge_options(state: RunState, folder: Path, model: str, options: FinetuneOptions) -> RunState:
    """Return a run with the options of this start.

    Raises:
        InputError: it was started otherwise.
    """
    now = {name: getattr(options, name) for name in _THIS_START}
    merged = replace(state.options, **now)
    wanted = replace(options, data=options.data or merged.data)
    changed = [name for name, value in _changes(wanted).items() if getattr(merged, name) != value]
    if changed or (model and model != state.model):
        raise InputError(
            "The run in {folder} was started with another {what}. To go on, leave the options out "
            "or give the same; or begin anew in another folder.",
            folder=folder,
            what=", ".join(f"--{name.replace('_', '-')}" for name in changed or ["model"]),
        )
    return replace(state, options=merged)


def _changes(options: FinetuneOptions) -> dict[str, Any]:
    """Return the options that are not the defaults."""
    defaults = FinetuneOptions()
    return {
        name: value
        for name, value in ((one, getattr(options, one)) for one in options.__slots__)
        if value != getattr(defaults, name)
    }
