"""Many questions about one picture in one sequence.

The picture is encoded once; each question (or conversation) after it sees the picture and itself,
not its neighbours, and counts its positions from the end of the picture. So a step learns from
many answers at the cost of one picture, and no answer can be copied from another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

UNUSED = -100  # label that the loss skips
_SHORT = 4  # tokens; answers this short weigh more, or captions and places would drown them
_SHORT_WEIGHT = 2.0
_ROUND = 256
_SMALLEST = 8  # tokens of a question with its answer: less room than this stays empty


@dataclass(frozen=True, slots=True)
class Turn:
    """Tokens of a question as the model is asked, and of its answer with the end token."""

    question: Sequence[int]
    answer: Sequence[int]
    is_word: bool  # a word or two, not a place


Encode = Callable[[Sequence[str]], list[list[int]]]


def pack(
    prefix: Sequence[int], dialogues: Iterable[Sequence[Turn]], length: int, pad: int
) -> dict[str, np.ndarray]:
    """Lay dialogues behind the prefix until `length` tokens are full.

    Returns arrays of `length`: ids, labels (of the next token, UNUSED where none is learnt),
    weights, positions, and segments (0: picture, then 1 and on, -1: padding).
    """
    start = len(prefix)
    ids = np.full(length, pad, np.int64)
    labels = np.full(length, UNUSED, np.int64)
    weights = np.zeros(length, np.float32)
    positions = np.zeros(length, np.int64)
    segments = np.full(length, -1, np.int64)
    ids[:start], positions[:start], segments[:start] = prefix, np.arange(start), 0
    at, segment = start, 0
    for dialogue in dialogues:
        room, used = length - at, 0
        if room < _SMALLEST:
            break
        fitting = []
        for turn in dialogue:
            used += len(turn.question) + len(turn.answer)
            if used > room:
                break
            fitting.append(turn)
        if not fitting:
            continue
        segment += 1
        first = at
        for turn in fitting:
            at = _lay(turn, at, ids, labels, weights)
        segments[first:at] = segment
        positions[first:at] = np.arange(start, start + at - first)
    return {
        "ids": ids,
        "labels": labels,
        "weights": weights,
        "positions": positions,
        "segments": segments,
    }


def _lay(turn: Turn, at: int, ids: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> int:
    answer_at = at + len(turn.question)
    end = answer_at + len(turn.answer)
    ids[at:answer_at], ids[answer_at:end] = turn.question, turn.answer
    labels[answer_at - 1 : end - 1] = turn.answer
    weights[answer_at - 1 : end - 1] = _SHORT_WEIGHT if turn.is_word else 1.0
    return end


def is_word(answer: Sequence[int]) -> bool:
    """Whether an answer (with its end token) is so short that it gets more weight."""
    return len(answer) <= _SHORT


def learnt_tokens(labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return flat indices, labels and weights of the positions where something is learnt.

    Their number is rounded up, with weight 0, so that matrix products meet few different shapes:
    on a CPU each new shape costs time and memory.
    """
    index = torch.nonzero(labels.flatten() != UNUSED)[:, 0]
    count = len(index)
    index = torch.cat([index, index[:1].expand(-count % _ROUND)])
    weights = weights.flatten()[index]
    weights[count:] = 0
    return index, labels.flatten()[index], weights


def attention_mask(segments: Tensor) -> Tensor:
    """Additive mask (n, 1, length, length): back in time, to the picture and one's own segment."""
    count, length = segments.shape
    past = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    same = segments[:, :, None] == segments[:, None, :]
    to_picture = segments[:, None, :] == 0
    seen = past & (same | to_picture)
    blocked = torch.zeros(
        count, 1, length, length, dtype=torch.bfloat16, device=segments.device
    )  # in the precision of the autocast region: attention scores stay small
    return blocked.masked_fill_(~seen[:, None], -1e9)
