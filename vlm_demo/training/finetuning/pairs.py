"""Reads pairs of a better and a worse answer, as `vlm-demo votes export --format dpo` writes them.

The columns are TRL's for vision (https://huggingface.co/docs/trl/dataset_formats): `images`, and
`prompt`, `chosen` and `rejected` as messages. They come as preferences.jsonl with a folder of
pictures, or as one Parquet file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets import Dataset, Image, List  # type: ignore[import-untyped]  # it has no types

from vlm_demo.errors import InputError
from vlm_demo.markup.any_notation import read_any_notation
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.training.data import (
    Refusal,
    RefusalCounter,
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.values import Frame, Task

_FRAME = Frame((1000, 1000), (1000, 1000))


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A conversation whose last answer is the better one, and a worse one."""

    example: TrainingExample
    rejected: str

    @property
    def worse(self) -> TrainingExample:
        """The same conversation with the worse answer."""
        *earlier, last = self.example.turns
        turns = (*earlier, replace(last, answer=(self.rejected,)))
        return replace(self.example, turns=turns)


def read_pairs(path: Path) -> tuple[list[TrainingPair], tuple[Refusal, ...]]:
    """Return the pairs of a folder or file, and what was left out.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    counter, pairs = RefusalCounter(), []
    for number, row, folder in _read_rows(path):
        source = f"{path.name}, pair {number}"
        try:
            pairs.append(_to_pair(row, folder, source))
        except RowError as error:
            counter.add(source, error)
        except (KeyError, TypeError, AttributeError) as error:
            counter.add(source, RowError(RefusalReason.UNREADABLE_ROW, str(error)))
    return pairs, counter.refusals()


def _read_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any], Path]]:
    file = path / "preferences.jsonl" if path.is_dir() else path
    if not file.is_file():
        raise InputError(
            "There are no pairs in {path}: a file preferences.jsonl or a Parquet file of vlm-demo "
            "votes export --format dpo is needed.",
            path=path,
        )
    if file.suffix == ".parquet":
        rows = Dataset.from_parquet(str(file)).cast_column("images", List(Image(decode=False)))
        for number, row in enumerate(rows, start=1):
            yield number, row, file.parent
        return
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _parse(line, file, number), file.parent


def _parse(line: str, file: Path, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(
            "Line {number} of {file} is not JSON.", number=number, file=file
        ) from error
    return row if isinstance(row, dict) else {}


def _to_pair(row: Mapping[str, Any], folder: Path, source: str) -> TrainingPair:
    images = [_to_image(one, folder) for one in row["images"]]
    task = Task(row.get("task") or Task.CHAT)
    chosen, rejected = _only_answer(row["chosen"]), _only_answer(row["rejected"])
    if chosen == rejected:
        raise RowError(RefusalReason.NO_ANSWER, "both answers are the same")
    turns = list(_to_turns(row["prompt"], images, task, chosen))
    return TrainingPair(TrainingExample(tuple(turns), source), rejected)


def _to_image(image: Any, folder: Path) -> TrainingImage:
    if isinstance(image, dict):
        return TrainingImage(image["bytes"])
    file = folder / str(image)
    if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
        raise RowError(RefusalReason.MISSING_IMAGE, str(image))
    return TrainingImage(file)


def _only_answer(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the one answer of a side.

    Raises:
        RowError: there are more messages, or it has places in the markup of some family.
    """
    if len(messages) != 1 or messages[0]["role"] != "assistant":
        raise RowError(RefusalReason.WRONG_ROLES, "a side is more than one answer")
    answer = _text(messages[0])
    if not answer:
        raise RowError(RefusalReason.NO_ANSWER)
    if read_any_notation(answer, _FRAME, N1000).mentions:
        raise RowError(
            RefusalReason.UNSUPPORTED, "an answer has places, in the markup of another model"
        )
    return answer


def _to_turns(
    messages: Sequence[Mapping[str, Any]],
    images: list[TrainingImage],
    task: Task,
    chosen: str,
) -> Iterator[TrainingTurn]:
    answers = [*(_text(one) for one in messages[1::2]), chosen]
    questions = messages[::2]
    roles = [one["role"] for one in messages]
    if len(messages) % 2 == 0 or roles != ["user", "assistant"] * (len(messages) // 2) + ["user"]:
        raise RowError(RefusalReason.WRONG_ROLES)
    rest = iter(images)
    for question, answer in zip(questions, answers, strict=True):
        count = sum(part["type"] == "image" for part in question["content"])
        own = tuple(image for image, _ in zip(rest, range(count), strict=False))
        yield TrainingTurn(task, _text(question), (answer,), images=own)
    if next(rest, None) is not None:
        raise RowError(RefusalReason.LEFTOVER_IMAGES)


def _text(message: Mapping[str, Any]) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content.strip()
    return "".join(part["text"] for part in content if part["type"] == "text").strip()
