"""What happens in a run, as values: each is one line of its log (docs/fine-tuning.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Stage(StrEnum):
    """What a run is doing; the value is said to people."""

    READING = "reading the data"
    SEARCHING = "searching for what the model knows"
    LOADING = "loading the model"
    SCORING_BEFORE = "scoring the model as it is"
    WRITING = "writing the rows"
    TRAINING = "training"
    SAVING = "saving"
    SCORING_AFTER = "scoring the new model"
    PUSHING = "uploading"


class _RunEvent(BaseModel):
    model_config = ConfigDict(frozen=True)

    time: float = 0.0
    """Seconds since 1970; the log fills it in."""


class StageEvent(_RunEvent):
    """A stage begins, or has come further."""

    event: Literal["stage"] = "stage"
    stage: Stage
    done: int = 0
    total: int | None = None
    """None: not known."""


class StartEvent(_RunEvent):
    """Training is about to begin; a run that goes on says so again."""

    event: Literal["start"] = "start"
    model: str
    method: str
    steps: int
    first_step: int = 0
    """Steps that were done in an earlier start of this run."""

    examples: int
    held_out: int
    """Examples that are not trained on."""

    rows: int
    """Different training rows, old questions included."""

    old_rows: int
    refused: int = 0
    """Rows of the data that could not be used."""

    trained_parameters: int
    learning_rate: float
    at_once: int
    folder: str
    process: int
    """Id of the process that trains."""


class StepEvent(_RunEvent):
    """A step is done."""

    event: Literal["step"] = "step"
    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    """Since training began in this start of the run."""


class CheckpointEvent(_RunEvent):
    """A checkpoint is written: `--resume` goes on from it."""

    event: Literal["checkpoint"] = "checkpoint"
    step: int


class ScoresEvent(_RunEvent):
    """Scores are there."""

    event: Literal["scores"] = "scores"
    when: Literal["before", "after"]
    new: dict[str, float | None]
    """On the held-out part of the new data, 0 to 1 by name; None: no such question."""

    old: dict[str, float | None]
    """On the benchmark of old skills; empty where there is none."""


class NoteEvent(_RunEvent):
    """Something that people should know."""

    event: Literal["note"] = "note"
    text: str


Outcome = Literal["finished", "lost", "stopped", "failed"]
"""How a run ended: lost means that old skills lost more than they may, so it is not on the menu."""


class EndEvent(_RunEvent):
    """The run is over."""

    event: Literal["end"] = "end"
    outcome: Outcome
    text: str
    """What happened and what to do, in sentences."""

    folder: str = ""
    """Where what there is lies; "": nothing is there."""

    name: str = ""
    """Name of the model on the menu; "": it is not there."""


RunEvent = Annotated[
    StageEvent | StartEvent | StepEvent | CheckpointEvent | ScoresEvent | NoteEvent | EndEvent,
    Field(discriminator="event"),
]
"""One line of the log."""

EVENT: TypeAdapter[RunEvent] = TypeAdapter(RunEvent)
"""Reads and checks one."""
