"""What a trainer is given: rows that are written, their order, and how it is set up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.setting_declarations import Device
from vlm_demo.training.data import RefusalCounter, RowError, TrainingExample, describe_refusals
from vlm_demo.training.finetuning.adapters import freeze_tower, make_adapter
from vlm_demo.training.finetuning.events import NoteEvent, Stage
from vlm_demo.training.finetuning.loading import LoadedModel
from vlm_demo.training.finetuning.log import Report
from vlm_demo.training.finetuning.memory import fitting_rows, row_bytes
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.plan import (
    Plan,
    batch_size,
    default_at_once,
    order_rows,
    sort_steps,
)
from vlm_demo.training.finetuning.trainer import make_trainer, training_arguments
from vlm_demo.training.rows import TrainingCollator, TrainingRow, write_rows

OnStage = Callable[[Stage, int, int], None]
"""Is told of a stage how much of how much is done."""

_SAMPLED_ROWS = 64
"""Rows of which the longest tells how much memory a step takes."""


@dataclass(frozen=True, slots=True)
class Trainee:
    """The model that is trained, how, and who is told of it."""

    model: LoadedModel
    spec: ModelSpec
    options: FinetuneOptions
    report: Report
    on_stage: OnStage


class Course(Protocol):
    """Rows of a run, and the trainer that learns from them."""

    @property
    def new_rows(self) -> int:
        """Number of rows of the new data."""

    @property
    def old_rows(self) -> int:
        """Number of rows of old questions."""

    def make_trainer(self, plan: Plan, folder: Path, device: Device, *, bf16: bool) -> Any:
        """Return a trainer that is ready to start.

        Args:
            plan: of the run.
            folder: of the run.
            device: that was chosen for the program.
            bf16: whether steps are computed in bfloat16.

        Raises:
            OutOfMemoryError: a step would not fit into memory.
        """


class SupervisedCourse:
    """Examples to be answered as they are answered in the data."""

    def __init__(
        self,
        trained: LoadedModel,
        new: Sequence[TrainingRow],
        old: Sequence[TrainingRow],
        options: FinetuneOptions,
    ) -> None:
        """Keep the model and the rows."""
        self._trained, self._options = trained, options
        self._rows = (*new, *old)
        self._collator = TrainingCollator(trained.encoder, self._rows)
        self.new_rows, self.old_rows = len(new), len(old)

    def make_trainer(self, plan: Plan, folder: Path, device: Device, *, bf16: bool) -> Any:
        """Return a trainer that is ready to start; see `Course`."""
        options, trained = self._options, self._trained
        collator = self._collator
        at_once = self._rows_at_once(collator, device, bf16=bf16)
        order = order_rows(
            range(self.new_rows),
            range(self.new_rows, len(self._rows)),
            count=plan.steps * batch_size(options),
            replay=options.replay,
            seed=options.seed,
        )
        order = sort_steps(order, batch_size(options), [len(row.text) for row in self._rows])
        return make_trainer(
            trained,
            order,
            training_arguments(plan, options, folder, trained.device, at_once, bf16=bf16),
            collator,
            adapter_or_freeze(trained, options),
        )

    def _rows_at_once(self, collator: TrainingCollator, device: Device, *, bf16: bool) -> int:
        """Return how many rows are computed at a time: as many as the memory holds."""
        options, trained = self._options, self._trained
        chosen = range(0, len(self._rows), max(1, len(self._rows) // _SAMPLED_ROWS))
        longest = max(collator([{"images": one}])["input_ids"].shape[1] for one in chosen)
        batch = batch_size(options)
        wanted = options.at_once or default_at_once(batch, trained.device)
        if batch % wanted:
            raise InputError("--at-once must divide --batch ({batch}) evenly.", batch=batch)
        return fitting_rows(
            wanted,
            trained=trained.parameters if options.method is Method.FULL else 0,
            row=row_bytes(trained.model.config, longest, 2 if bf16 else 4),
            device=device,
        )


def open_course(
    trainee: Trainee, learned: Sequence[TrainingExample], replayed: Sequence[TrainingExample]
) -> SupervisedCourse:
    """Write the rows of examples; those that cannot be written are left out, with a note.

    Raises:
        InputError: not one can be written.
    """
    spec, refused = trainee.spec, RefusalCounter()
    family = get_family(spec.family)
    new: list[TrainingRow] = []
    old: list[TrainingRow] = []
    examples = [(new, one) for one in learned] + [(old, one) for one in replayed]
    for number, (rows, example) in enumerate(examples):
        trainee.on_stage(Stage.WRITING, number, len(examples))
        try:
            space, encoder = spec.coordinate_space, trainee.model.encoder
            rows += write_rows(family, encoder, example, space=space)
        except RowError as error:
            refused.add(example.source, error)
    note = describe_refusals(refused.refusals())
    if note:
        trainee.report(NoteEvent(text=note))
    if not new:
        raise InputError("The model cannot learn from any of these examples. {why}", why=note)
    return SupervisedCourse(trainee.model, new, old, trainee.options)


def adapter_or_freeze(trained: LoadedModel, options: FinetuneOptions) -> Any:
    """Return the settings of the adapter that is trained; None: the model itself is."""
    if options.method is not Method.FULL:
        return make_adapter(options.rank, tower=options.tower)
    if not options.tower:
        freeze_tower(trained.model)
    return None
