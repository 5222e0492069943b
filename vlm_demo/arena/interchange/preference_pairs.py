"""Writes votes as preference pairs, on which TRL's DPOTrainer trains models.

The format is TRL's conversational one for vision: `images`, and `prompt`, `chosen` and `rejected`
as messages whose content is a list of parts; {"type": "image"} stands for the next of the images.
Sources: https://huggingface.co/docs/trl/dataset_formats,
https://huggingface.co/datasets/HuggingFaceH4/rlaif-v_formatted, and in TRL
DataCollatorForVisionPreference, which puts all images into the prompt and none into an answer.

A pair holds the raw outputs of the models, with regions in the markup of each model's family.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

from vlm_demo.arena.votes.vote import Contender, UserTurn, Vote, Winner
from vlm_demo.values import Task

MessageDict = dict[str, Any]
"""A message with the fields `role` and `content`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencePair:
    """Two answers to the same words and pictures, one of which a person preferred."""

    images: tuple[bytes, ...]  # encoded files: PNG
    prompt: tuple[MessageDict, ...]  # what both answered; ends with a question
    chosen: tuple[MessageDict, ...]
    rejected: tuple[MessageDict, ...]
    task: Task
    language: str
    chosen_model: str
    rejected_model: str


@dataclass(slots=True)
class PreferencePairs:
    """The pairs in some votes, and a count of the votes that give none, by reason."""

    votes: Iterable[Vote]
    left_out: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[PreferencePair]:
        for vote in self.votes:
            if reason := _reason_for_no_pair(vote):
                self.left_out[reason] += 1
            else:
                yield _to_pair(vote)


def _reason_for_no_pair(vote: Vote) -> str:
    """Return why a vote gives no pair; "" if it gives one."""
    if not vote.conversation:
        return "without consent"
    if vote.exclusion is not None:
        return "excluded from ratings"
    if vote.winner not in (Winner.A, Winner.B):
        return "undecided"
    if not len(vote.conversation) == len(vote.a.outputs) == len(vote.b.outputs):
        return "incomplete"
    if vote.a.outputs == vote.b.outputs:
        return "the same answers"
    if any(turn.images for turn in vote.conversation[_count_common_turns(vote) + 1 :]):
        return "an image after the first answers"
    return ""


def _count_common_turns(vote: Vote) -> int:
    """Return how many turns, from the first, both sides answered in the same words."""
    for index, (a, b) in enumerate(zip(vote.a.outputs, vote.b.outputs, strict=True)):
        if a != b:
            return index
    return len(vote.a.outputs)


def _to_pair(vote: Vote) -> PreferencePair:
    """Split both conversations where they diverge: the prompt before, the answers after it.

    A vote after several turns judges two conversations, so the later questions are in `chosen` and
    `rejected`, as in TRL's preferences with an implicit prompt.
    """
    better, worse = (vote.a, vote.b) if vote.winner is Winner.A else (vote.b, vote.a)
    end = 2 * _count_common_turns(vote) + 1
    chosen, rejected = _messages(vote.conversation, better), _messages(vote.conversation, worse)
    return PreferencePair(
        images=tuple(image for turn in vote.conversation for image in turn.images),
        prompt=chosen[:end],
        chosen=chosen[end:],
        rejected=rejected[end:],
        task=vote.task,
        language=vote.language,
        chosen_model=better.model,
        rejected_model=worse.model,
    )


def _messages(turns: Sequence[UserTurn], side: Contender) -> tuple[MessageDict, ...]:
    messages: list[MessageDict] = []
    for turn, output in zip(turns, side.outputs, strict=True):
        images = [{"type": "image", "text": None}] * len(turn.images)
        question = [*images, {"type": "text", "text": turn.text}]
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": output}]})
    return tuple(messages)


def write_folder(pairs: Iterable[PreferencePair], folder: Path) -> int:
    """Write preferences.jsonl and the pictures in images/; return the number of pairs.

    The paths of pictures are relative to the folder; a picture of several pairs is one file.
    """
    (folder / "images").mkdir()
    count = 0
    with (folder / "preferences.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for pair in pairs:
            images = [_save_image(image, folder) for image in pair.images]
            file.write(json.dumps(_to_row(pair, images), ensure_ascii=False) + "\n")
            count += 1
    return count


def _save_image(image: bytes, folder: Path) -> str:
    """Write an image unless it is there; return its path within the folder."""
    name = f"images/{hashlib.sha256(image).hexdigest()}.png"
    if not (folder / name).exists():
        (folder / name).write_bytes(image)
    return name


_MESSAGES = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))),
        ]
    )
)
_TEXTS = ("task", "language", "chosen_model", "rejected_model")
_STRING = {"dtype": "string", "_type": "Value"}
_CONVERSATION = [{"role": _STRING, "content": [{"type": _STRING, "text": _STRING}]}]
_FEATURES = {
    "images": [{"_type": "Image"}],
    "prompt": _CONVERSATION,
    "chosen": _CONVERSATION,
    "rejected": _CONVERSATION,
    **dict.fromkeys(_TEXTS, _STRING),
}
"""Features by which `datasets` opens the pictures. Source: its Features and its arrow_writer."""

SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
        *((name, _MESSAGES) for name in ("prompt", "chosen", "rejected")),
        *((name, pa.string()) for name in _TEXTS),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)
"""Columns of a pair in their order, and their types in Parquet."""

_GROUP_PAIRS = 1_000
"""Largest number of pairs in a row group of Parquet, which is held in memory."""

_GROUP_BYTES = 32_000_000
"""Size of pictures that ends a row group."""


def write_parquet(pairs: Iterable[PreferencePair], file: BinaryIO) -> int:
    """Write one Parquet file that holds the pictures too; return the number of pairs."""
    count = 0
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd") as table:
        for group in _group_pairs(pairs):
            rows = [_to_row(pair, [_embed_image(image) for image in pair.images]) for pair in group]
            table.write_table(pa.Table.from_pylist(rows, SCHEMA))
            count += len(group)
    return count


def _embed_image(image: bytes) -> dict[str, Any]:
    return {"bytes": image, "path": None}


def _group_pairs(pairs: Iterable[PreferencePair]) -> Iterator[list[PreferencePair]]:
    group: list[PreferencePair] = []
    size = 0
    for pair in pairs:
        group.append(pair)
        size += sum(map(len, pair.images))
        if len(group) == _GROUP_PAIRS or size > _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _to_row(pair: PreferencePair, images: Sequence[Any]) -> dict[str, Any]:
    return {
        "images": list(images),
        "prompt": list(pair.prompt),
        "chosen": list(pair.chosen),
        "rejected": list(pair.rejected),
        "task": str(pair.task),
        "language": pair.language,
        "chosen_model": pair.chosen_model,
        "rejected_model": pair.rejected_model,
    }
