"""Writes votes as preference pairs, on which models are trained by TRL's DPOTrainer.

The format is TRL's conversational one for pictures: `images`, and `prompt`, `chosen` and `rejected`
as messages whose content is a list of parts; {"type": "image"} stands for the next of the images.
Sources: https://huggingface.co/docs/trl/dataset_formats,
https://huggingface.co/datasets/HuggingFaceH4/rlaif-v_formatted, and in TRL
DataCollatorForVisionPreference, which puts all images into the prompt, none into an answer.

A pair holds what the models wrote, raw: places stand in it in the markup of each one's family.
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

from vlm_demo.arena.votes.vote import Contender, Turn, Vote, Winner
from vlm_demo.values import Task

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two answers to the same words and pictures, of which a person preferred one."""

    images: tuple[bytes, ...]  # encoded files: PNG
    prompt: tuple[Message, ...]  # what both answered; it ends with a question
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    task: Task
    language: str
    chosen_model: str
    rejected_model: str


@dataclass(slots=True)
class Pairs:
    """The pairs in some votes, and how many votes give none, and why."""

    votes: Iterable[Vote]
    left_out: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Pair]:
        for vote in self.votes:
            if why := _useless(vote):
                self.left_out[why] += 1
            else:
                yield _pair(vote)


def _useless(vote: Vote) -> str:
    """Say why a vote prefers no answer that may be shown; "": it does."""
    if not vote.conversation:
        return "not agreed to be kept"
    if vote.exclusion is not None:
        return "excluded from ratings"
    if vote.winner not in (Winner.A, Winner.B):
        return "undecided"
    if not len(vote.conversation) == len(vote.a.outputs) == len(vote.b.outputs):
        return "incomplete"
    if vote.a.outputs == vote.b.outputs:
        return "the same answers"
    if any(turn.pictures for turn in vote.conversation[_common(vote) + 1 :]):
        return "a picture after the first answers"
    return ""


def _common(vote: Vote) -> int:
    """Return how many turns both answered in the same words, from the first on."""
    for index, (a, b) in enumerate(zip(vote.a.outputs, vote.b.outputs, strict=True)):
        if a != b:
            return index
    return len(vote.a.outputs)


def _pair(vote: Vote) -> Pair:
    """Part the two conversations where they part: before it is the prompt, after it the answers.

    Whoever votes after several turns judges two conversations, so the later questions stand in
    `chosen` and `rejected`, as in TRL's preferences with an implicit prompt.
    """
    better, worse = (vote.a, vote.b) if vote.winner is Winner.A else (vote.b, vote.a)
    end = 2 * _common(vote) + 1
    chosen, rejected = _messages(vote.conversation, better), _messages(vote.conversation, worse)
    return Pair(
        images=tuple(picture for turn in vote.conversation for picture in turn.pictures),
        prompt=chosen[:end],
        chosen=chosen[end:],
        rejected=rejected[end:],
        task=vote.task,
        language=vote.language,
        chosen_model=better.model,
        rejected_model=worse.model,
    )


def _messages(turns: Sequence[Turn], side: Contender) -> tuple[Message, ...]:
    messages: list[Message] = []
    for turn, output in zip(turns, side.outputs, strict=True):
        asked = [{"type": "image", "text": None}] * len(turn.pictures)
        messages.append({"role": "user", "content": [*asked, {"type": "text", "text": turn.text}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": output}]})
    return tuple(messages)


def write_folder(pairs: Iterable[Pair], folder: Path) -> int:
    """Write preferences.jsonl, with the pictures as files in images/; return how many pairs.

    The paths of pictures are relative to the folder; a picture of several pairs is one file.
    """
    (folder / "images").mkdir()
    count = 0
    with (folder / "preferences.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for pair in pairs:
            images = [_saved(picture, folder) for picture in pair.images]
            file.write(json.dumps(_row(pair, images), ensure_ascii=False) + "\n")
            count += 1
    return count


def _saved(picture: bytes, folder: Path) -> str:
    name = f"images/{hashlib.sha256(picture).hexdigest()}.png"
    if not (folder / name).exists():
        (folder / name).write_bytes(picture)
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
_TALK = [{"role": _STRING, "content": [{"type": _STRING, "text": _STRING}]}]
_FEATURES = {
    "images": [{"_type": "Image"}],
    "prompt": _TALK,
    "chosen": _TALK,
    "rejected": _TALK,
    **dict.fromkeys(_TEXTS, _STRING),
}
# What `datasets` reads to open the pictures. Source: its Features and its arrow_writer.
SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
        *((name, _MESSAGES) for name in ("prompt", "chosen", "rejected")),
        *((name, pa.string()) for name in _TEXTS),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)

_PAIRS = 1_000
_BYTES = 32_000_000
"""A row group, which is held in memory, has at most so many pairs and bytes of pictures."""


def write_parquet(pairs: Iterable[Pair], file: BinaryIO) -> int:
    """Write one Parquet file with the pictures in it; return how many pairs there were."""
    count = 0
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd") as table:
        for group in _groups(pairs):
            rows = [_row(pair, [_held(picture) for picture in pair.images]) for pair in group]
            table.write_table(pa.Table.from_pylist(rows, SCHEMA))
            count += len(group)
    return count


def _held(picture: bytes) -> dict[str, Any]:
    return {"bytes": picture, "path": None}


def _groups(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    group: list[Pair] = []
    size = 0
    for pair in pairs:
        group.append(pair)
        size += sum(map(len, pair.images))
        if len(group) == _PAIRS or size > _BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _row(pair: Pair, images: Sequence[Any]) -> dict[str, Any]:
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
