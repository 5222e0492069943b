"""Examples of a data set as a model will read them, written by what writes rows for training."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from PIL.Image import Image

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines.local.inputs.encoding import PromptEncoder
from vlm_demo.families import get_family
from vlm_demo.training.data import RowError, TrainingExample, describe_refusals
from vlm_demo.training.finetuning.options import FinetuneOptions, Method
from vlm_demo.training.finetuning.pairs import TrainingPair, read_pairs
from vlm_demo.training.preview.values import DataPreview, PreviewPart, RowPreview
from vlm_demo.training.rows import TrainingRow, write_rows
from vlm_demo.training.rows.encoders import open_encoder
from vlm_demo.training.scoring.held_out import read_new_examples

_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class _RowWriter:
    spec: ModelSpec
    encoder: PromptEncoder

    def write(self, example: TrainingExample) -> list[TrainingRow]:
        family, space = get_family(self.spec.family), self.spec.coordinate_space
        return write_rows(family, self.encoder, example, space=space)


def write_preview(spec: ModelSpec, options: FinetuneOptions, count: int) -> DataPreview:
    """Return some examples of what a run would learn from, and what should be known of the data.

    Args:
        spec: of the model, whose files are on this computer.
        options: of the run.
        count: how many examples are written.

    Raises:
        InputError: nothing in the data can be used; the message says why.
        LoadError: the files of the model are not here, or cannot be used.
    """
    if options.method is Method.DPO:
        pairs, refused = read_pairs(Path(options.data).expanduser())
        writer = _RowWriter(spec, open_encoder(spec))
        note = describe_refusals(refused)
        rows = [_preview_pair(writer, pair) for pair in _choose(pairs, count)]
        return DataPreview(len(pairs), (note,) if note else (), tuple(rows))
    new = read_new_examples(options)
    writer = _RowWriter(spec, open_encoder(spec))
    rows = [_preview_example(writer, one) for one in _choose(new.learned, count)]
    return DataPreview(len(new.learned), new.notes, tuple(rows))


def _choose(examples: Sequence[_One], count: int) -> list[_One]:
    """Return examples from the whole set, in its order, the same each time."""
    if len(examples) <= count:
        return list(examples)
    places = sorted(random.Random(0).sample(range(len(examples)), count))
    return [examples[place] for place in places]


def _preview_example(writer: _RowWriter, example: TrainingExample) -> RowPreview:
    try:
        rows = writer.write(example)
    except RowError as error:
        return RowPreview(example.source, problem=f"{error.reason}: {error}")
    parts = tuple(part for row in rows for part in _split_row(row))
    return RowPreview(example.source, _open_images(rows[-1]), parts)


def _preview_pair(writer: _RowWriter, pair: TrainingPair) -> RowPreview:
    source = pair.example.source
    try:
        *_, better = writer.write(pair.example)
        *_, worse = writer.write(pair.worse)
    except RowError as error:
        return RowPreview(source, problem=f"{error.reason}: {error}")
    last = better.steps[-1]
    parts = (
        PreviewPart(last.prompt, "prompt"),
        PreviewPart(f"{last.answer}{last.end}", "learned"),
        PreviewPart(f"{worse.steps[-1].answer}{worse.steps[-1].end}", "avoided"),
    )
    return RowPreview(source, _open_images(better), parts)


def _split_row(row: TrainingRow) -> Iterator[PreviewPart]:
    """Yield the text of a row: what the model is given, and what it learns to write."""
    at = 0
    for step in row.steps:
        yield PreviewPart(step.prompt[at:], "prompt")
        role: Literal["prompt", "learned"] = "learned" if step.is_learned else "prompt"
        yield PreviewPart(f"{step.answer}{step.end}", role)
        at = len(step.whole)


def _open_images(row: TrainingRow) -> tuple[Image, ...]:
    return tuple(image for message in row.open_prompt().messages for image in message.images)
