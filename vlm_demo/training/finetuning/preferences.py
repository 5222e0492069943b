"""Learns from pairs of answers by DPO (https://arxiv.org/abs/2305.18290).

The loss of the better answers stands beside that of the pairs: alone, DPO moves a model to answers
that nobody prefers. What it then writes is what is scored, never the rewards.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset  # type: ignore[import-untyped]  # it has no types
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.setting_declarations import Device
from vlm_demo.training.data import RefusalCounter, RowError, describe_refusals
from vlm_demo.training.finetuning.course import Trainee, adapter_or_freeze
from vlm_demo.training.finetuning.events import NoteEvent, Stage
from vlm_demo.training.finetuning.loading import LoadedModel
from vlm_demo.training.finetuning.memory import fitting_rows, row_bytes
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.finetuning.pairs import TrainingPair, read_pairs
from vlm_demo.training.finetuning.plan import Plan, batch_size
from vlm_demo.training.finetuning.trainer import PlainCheckpoints, training_arguments
from vlm_demo.training.rows import TrainingCollator, TrainingRow, write_rows
from vlm_demo.training.rows.collator import IGNORED
from vlm_demo.training.scoring.comparison import AGREED
from vlm_demo.training.scoring.measures import Tally
from vlm_demo.training.scoring.old_skills import OldSkills, Scores, find_old_skills
from vlm_demo.training.scoring.questions import AT_ONCE, HeldOutQuestion, OnDone, ask

LOSSES = ("sigmoid", "sft")
"""Losses that are added, by TRL's names: of the pairs, and of the better answers."""


@dataclass(frozen=True, slots=True)
class PreferenceLesson:
    """Pairs of answers."""

    learned: tuple[TrainingPair, ...]
    held_out: tuple[TrainingPair, ...]
    old: OldSkills
    refused: int
    notes: tuple[str, ...]

    def find_known(self, *_: object) -> list[str]:
        """Return nothing: pairs are about answers, not about things."""
        return []

    def focus(self, known: Collection[str], options: FinetuneOptions) -> PreferenceLesson:
        """Return the lesson as it is."""
        return self

    def open_course(self, trainee: Trainee) -> PreferenceCourse:
        """Write both answers of each pair as rows; see `Lesson`."""
        encoder, spec = trainee.model.encoder, trainee.spec
        if encoder.is_encoder_decoder:
            raise InputError("DPO is for models that continue their prompt; this one has encoders.")
        family, refused = get_family(spec.family), RefusalCounter()
        better: list[TrainingRow] = []
        worse: list[TrainingRow] = []
        for number, pair in enumerate(self.learned):
            trainee.on_stage(Stage.WRITING, number, len(self.learned))
            try:
                space = spec.coordinate_space
                *_, chosen = write_rows(family, encoder, pair.example, space=space)
                *_, rejected = write_rows(family, encoder, pair.worse, space=space)
            except RowError as error:
                refused.add(pair.example.source, error)
            else:
                better.append(chosen)
                worse.append(rejected)
        note = describe_refusals(refused.refusals())
        if note:
            trainee.report(NoteEvent(text=note))
        if not better:
            raise InputError("The model cannot learn from any of these pairs. {why}", why=note)
        return PreferenceCourse(trainee.model, better, worse, trainee.options)

    def score(
        self, backend: Backend, model: str, options: FinetuneOptions, on_done: OnDone
    ) -> Scores:
        """Return how answers to held-out questions compare with the pair of each.

        preferred: share of those that are more like the better answer. agreed: share of the words
        on which both answers of a pair agree, such as things that both name, that are in the
        model's answers, too.
        """
        pairs = self.held_out[: options.questions]
        preferred, agreed = Tally(), Tally()
        questions = [HeldOutQuestion.of_last_turn(pair.example) for pair in pairs]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            replies = threads.map(partial(ask, backend, model), questions)
            for number, (pair, reply) in enumerate(zip(pairs, replies, strict=True), start=1):
                chosen = pair.example.turns[-1].answer_text
                likeness = _likeness(reply.text, chosen), _likeness(reply.text, pair.rejected)
                preferred.add(likeness[0] > likeness[1], 1)
                common = _words(chosen) & _words(pair.rejected)
                agreed.add(len(common & _words(reply.text)), len(common))
                on_done(number, len(pairs))
        return {"preferred": preferred.share, AGREED: agreed.share}


class PreferenceTrainer(PlainCheckpoints, DPOTrainer):
    """Learns from pairs; the reference is the same model without the adapter."""


class PreferenceCollator:
    """Makes batches of pairs: the better answers first, then the worse ones, as TRL wants them."""

    def __init__(self, collator: TrainingCollator, pairs: int) -> None:
        """Take the collator of all better rows and, behind them, all worse rows."""
        self._collator, self._pairs = collator, pairs

    def __call__(self, chosen: Sequence[Mapping[str, int]]) -> dict[str, Any]:
        """Return the inputs of both answers, and in `completion_mask` which tokens are answers."""
        numbers = [one["images"] for one in chosen]
        rows = [*numbers, *(number + self._pairs for number in numbers)]
        batch = self._collator([{"images": number} for number in rows])
        labels = batch.pop("labels")
        return {**batch, "completion_mask": (labels != IGNORED).long()}


class PreferenceCourse:
    """Rows of pairs, and the trainer that learns from them; see `Course`."""

    old_rows = 0

    def __init__(
        self,
        trained: LoadedModel,
        better: Sequence[TrainingRow],
        worse: Sequence[TrainingRow],
        options: FinetuneOptions,
    ) -> None:
        """Keep the model and the rows, the worse answers in the order of the better."""
        self._trained, self._options = trained, options
        self._rows, self.new_rows = (*better, *worse), len(better)

    def make_trainer(self, plan: Plan, folder: Path, device: Device, *, bf16: bool) -> Any:
        """Return a trainer that is ready to start; see `Course`."""
        options, trained = self._options, self._trained
        rows = TrainingCollator(trained.encoder, self._rows)
        collator = PreferenceCollator(rows, self.new_rows)
        longest = max(
            rows([{"images": one}])["input_ids"].shape[1] for one in range(len(self._rows))
        )
        # Both answers go through the model, and through the reference.
        row = 2 * row_bytes(trained.model.config, longest, 2 if bf16 else 4)
        wanted = options.at_once or batch_size(options)
        at_once = fitting_rows(wanted, trained=0, row=row, device=device)
        order = list(range(self.new_rows))
        random.Random(options.seed).shuffle(order)
        arguments = training_arguments(plan, options, folder, trained.device, at_once, bf16=bf16)
        return PreferenceTrainer(
            model=trained.model,
            args=DPOConfig(**arguments, beta=options.beta, loss_type=list(LOSSES)),
            train_dataset=Dataset.from_dict({"images": order}),
            processing_class=trained.processor,
            data_collator=collator,
            peft_config=adapter_or_freeze(trained, options),
        )


def read_preferences(options: FinetuneOptions, spec: ModelSpec) -> PreferenceLesson:
    """Read pairs, and hold a part of them out.

    Raises:
        InputError: there are too few.
    """
    pairs, refused = read_pairs(Path(options.data).expanduser())
    if len(pairs) < _FEWEST:
        raise InputError(
            "There are {count} pairs in {data}, and at least {fewest} are needed. {reasons}",
            count=len(pairs),
            data=options.data,
            fewest=_FEWEST,
            reasons=describe_refusals(refused),
        )
    random.Random(options.seed).shuffle(pairs)
    held = round(options.held_out * len(pairs))
    note = describe_refusals(refused)
    return PreferenceLesson(
        tuple(pairs[held:]),
        tuple(pairs[:held]),
        find_old_skills(options, spec, wanted=0),
        sum(one.count for one in refused),
        (note,) if note else (),
    )


_FEWEST = 4
"""Fewest pairs that anything can be learned from."""


def _words(text: str) -> set[str]:
    """Return the words that say something: those of three letters and more."""
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 2}


def _likeness(text: str, other: str) -> float:
    """Return how much of two texts is the same, word for word and in order, 0 to 1."""
    return SequenceMatcher(None, text.split(), other.split(), autojunk=False).ratio()
