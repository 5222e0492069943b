"""A run from labelled pictures to a model in a folder: read, score, train, save, score again."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Literal

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Serving, release_memory
from vlm_demo.errors import TrainingStoppedError
from vlm_demo.settings import Settings
from vlm_demo.training.finetuning.card import CardFacts, write_card
from vlm_demo.training.finetuning.course import Course, Trainee
from vlm_demo.training.finetuning.events import (
    NoteEvent,
    ScoresEvent,
    Stage,
    StageEvent,
    StartEvent,
)
from vlm_demo.training.finetuning.lesson import Lesson, read_lesson
from vlm_demo.training.finetuning.loading import LoadedModel, load_trainable
from vlm_demo.training.finetuning.log import Report
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.plan import Plan, make_plan
from vlm_demo.training.finetuning.run_folder import RunState, make_entry
from vlm_demo.training.finetuning.saving import check_disk, save_adapter, save_whole
from vlm_demo.training.finetuning.trainer import (
    CHECKPOINTS,
    checkpoint_step,
    computes_in_bfloat16,
    last_checkpoint,
    train,
)
from vlm_demo.training.scoring.comparison import ScoreComparison, ScorePair

_REPORTS = 20
"""About how often a stage says how far it is."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a run has made."""

    spec: ModelSpec  # an entry for the menu
    folder: Path
    comparison: ScoreComparison | None  # None: it was stopped, and not scored
    steps: int  # that were done
    planned: int

    @property
    def is_complete(self) -> bool:
        """Whether all steps were done."""
        return self.steps >= self.planned


class FinetuneRun:
    """One run; its parts are called in order by `train`."""

    def __init__(
        self,
        state: RunState,
        spec: ModelSpec,
        name: str,
        folder: Path,
        settings: Settings,
        report: Report,
        stop: Event,
    ) -> None:
        """Prepare.

        Args:
            state: what it was started with.
            spec: of the base.
            name: of the result on the menu.
            folder: of the run.
            settings: of the program; its device and batch are used.
            report: takes what happens.
            stop: ends the training after a step once it is set.
        """
        self._state, self._spec, self._name, self._folder = state, spec, name, folder
        self._settings, self._report, self._stop = settings, report, stop

    @property
    def _options(self) -> FinetuneOptions:
        return self._state.options

    def train(self) -> TrainedModel:
        """Do it all, and return what was made.

        Raises:
            VlmDemoError: something cannot be used or broke off; what there is stays.
        """
        self._stage(Stage.READING)
        lesson = read_lesson(self._options, self._spec)
        for note in lesson.notes:
            self._report(NoteEvent(text=note))
        before = self._state.before or self._score(self._spec, lesson, "before")
        self._keep(before=before)
        known = self._find_known(lesson) if self._state.known is None else self._state.known
        self._keep(known=known)
        if known:
            text = "The model finds {count} things already: questions about them are fewer."
            self._report(NoteEvent(text=text.format(count=len(known))))
        done, facts = self._teach(lesson.focus(known, self._options))
        release_memory()
        made = make_entry(self._spec, self._options, self._name, self._folder)
        after = self._score(made, lesson, "after") if done >= self._plan_steps else None
        comparison = ScoreComparison(before, after, lesson.old.title) if after else None
        write_card(self._folder, facts, comparison)
        if comparison:
            about = {"model": self._name, "base": self._spec.name, "steps": done}
            comparison.write(self._folder, {**about, "data": self._options.data})
        return TrainedModel(made, self._folder, comparison, done, self._plan_steps)

    @property
    def _plan_steps(self) -> int:
        return self._state.plan.steps if self._state.plan else 0

    def _teach(self, lesson: Lesson) -> tuple[int, CardFacts]:
        """Train and save; return the steps that were done, and what the card says."""
        self._stage(Stage.LOADING)
        trained = load_trainable(self._spec, self._options.method, self._settings.device)
        course = lesson.open_course(
            Trainee(trained, self._spec, self._options, self._report, self._stage)
        )
        plan = self._make_plan(trained, course.new_rows)
        trainer = course.make_trainer(
            plan, self._folder, self._settings.device, bf16=self._state.bf16
        )
        self._announce(lesson, course, trainer, plan)
        whole = 2 * trained.parameters if self._options.method is Method.FULL else 0
        check_disk(self._folder, _count_trained(trainer.model), full_bytes=whole)
        self._stage(Stage.TRAINING)
        steps = train(trainer, self._report, self._stop)
        self._stage(Stage.SAVING)
        if self._options.method is Method.FULL:
            save_whole(trained, self._folder)
        else:
            save_adapter(trainer.model, self._folder, self._spec)
        return steps, self._facts(lesson, plan, steps, course.old_rows)

    def _make_plan(self, trained: LoadedModel, new_rows: int) -> Plan:
        """Return the plan: that of an earlier start of this run, if there was one."""
        if self._state.plan is not None:
            return self._state.plan
        plan = make_plan(self._options, new_rows=new_rows, parameters=trained.parameters)
        self._keep(plan=plan, bf16=computes_in_bfloat16(trained.device))
        return plan

    def _announce(self, lesson: Lesson, course: Course, trainer: Any, plan: Plan) -> None:
        checkpoint = last_checkpoint(self._folder / CHECKPOINTS)
        self._report(
            StartEvent(
                model=self._spec.name,
                method=self._options.method,
                steps=plan.steps,
                first_step=checkpoint_step(checkpoint) if checkpoint else 0,
                examples=len(lesson.learned),
                held_out=len(lesson.held_out),
                rows=course.new_rows + course.old_rows,
                old_rows=course.old_rows,
                refused=lesson.refused,
                trained_parameters=_count_trained(trainer.model),
                learning_rate=plan.learning_rate,
                at_once=trainer.args.per_device_train_batch_size,
                folder=str(self._folder),
                process=os.getpid(),
            )
        )

    def _score(
        self, spec: ModelSpec, lesson: Lesson, when: Literal["before", "after"]
    ) -> ScorePair:
        """Score a model on what is held out and on old questions."""
        stage = Stage.SCORING_BEFORE if when == "before" else Stage.SCORING_AFTER
        self._stage(stage)
        on_done = partial(self._stage, stage)
        with closing(self._open(spec)) as backend:
            new = lesson.score(backend, spec.name, self._options, on_done)
            answers = self._folder / f"old-{when}"
            old = lesson.old.measure(backend, spec.name, answers, on_done)
        self._report(ScoresEvent(when=when, new=new, old=old))
        return ScorePair(new, old)

    def _find_known(self, lesson: Lesson) -> list[str]:
        self._stage(Stage.SEARCHING)
        with closing(self._open(self._spec)) as backend:
            on_done = partial(self._stage, Stage.SEARCHING)
            return lesson.find_known(backend, self._spec.name, self._options, on_done)

    def _open(self, spec: ModelSpec) -> Backend:
        serving = Serving(batch=self._settings.batch, threads=self._settings.threads)
        return Backend([spec], device=self._settings.device, serving=serving)

    def _facts(self, lesson: Lesson, plan: Plan, steps: int, old: int) -> CardFacts:
        unfinished = f"Training was stopped after {steps} of {plan.steps} steps."
        return CardFacts(
            name=self._name,
            base=self._spec,
            method=self._options.method,
            data=self._options.data,
            learned=len(lesson.learned),
            held_out=len(lesson.held_out),
            replayed=old,
            steps=steps,
            learning_rate=plan.learning_rate,
            seed=self._options.seed,
            notes=[unfinished] if steps < plan.steps else [],
        )

    def _keep(self, **changes: Any) -> None:
        """Remember something in the folder, for a start that goes on."""
        self._state = replace(self._state, **changes)
        self._state.write(self._folder)

    def _stage(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Report how far a stage is, some twenty times in all.

        Raises:
            TrainingStoppedError: somebody wants the run to end; a step of training is left to the
                trainer, and what was learned is saved first.
        """
        if self._stop.is_set() and stage not in (Stage.TRAINING, Stage.SAVING):
            raise TrainingStoppedError(
                "Stopped while {stage}. Go on with: --resume --out {folder}.",
                stage=stage,
                folder=self._folder,
            )
        if done in (0, total) or done % max(1, total // _REPORTS) == 0:
            self._report(StageEvent(stage=stage, done=done, total=total or None))


def _count_trained(model: Any) -> int:
    return sum(one.numel() for one in model.parameters() if one.requires_grad)
