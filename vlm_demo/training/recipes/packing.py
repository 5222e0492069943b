"""Many questions about one picture in one sequence.

The picture is encoded once. Each question or conversation after it attends to the picture and to
itself, not to its neighbours, and its positions start at the end of the picture. So a step learns
from many answers at the cost of one picture, and no answer can be copied from another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

IGNORED_LABEL = -100  # the loss skips it
_SHORT = 4  # tokens; answers this short weigh more, or captions and boxes would outweigh them
_SHORT_WEIGHT = 2.0
_ROUND = 256  # numbers of targets are multiples of this
_SMALLEST = 8  # tokens of a question and its answer; less room stays empty


@dataclass(frozen=True, slots=True)
class TokenizedTurn:
    """Tokens of a question, as the model gets it, and of its answer with the end token."""

    question: Sequence[int]
    answer: Sequence[int]
    is_word: bool  # the answer is a word or two, not a box


def pack(
    prefix: Sequence[int], dialogues: Iterable[Sequence[TokenizedTurn]], length: int, pad: int
) -> dict[str, np.ndarray]:
    """Put dialogues after the prefix until `length` tokens are full.

    Returns arrays of `length`: ids, labels (the next token, or IGNORED_LABEL if it is not learnt),
    weights, positions, and segments (0: picture, 1 and up: dialogues, -1: padding).
    """
    start = len(prefix)
    ids = np.full(length, pad, np.int64)
    labels = np.full(length, IGNORED_LABEL, np.int64)
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
            at = _write_turn(turn, at, ids, labels, weights)
        segments[first:at] = segment
        positions[first:at] = np.arange(start, start + at - first)
    return {
        "ids": ids,
        "labels": labels,
        "weights": weights,
        "positions": positions,
        "segments": segments,
    }


def _write_turn(
    turn: TokenizedTurn, at: int, ids: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> int:
    answer_at = at + len(turn.question)
    end = answer_at + len(turn.answer)
    ids[at:answer_at], ids[answer_at:end] = turn.question, turn.answer
    labels[answer_at - 1 : end - 1] = turn.answer
    weights[answer_at - 1 : end - 1] = _SHORT_WEIGHT if turn.is_word else 1.0
    return end


def is_word(answer: Sequence[int]) -> bool:
    """Whether an answer, with its end token, is so short that it gets more weight."""
    return len(answer) <= _SHORT


def select_targets(labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return flat indices, labels and weights of the positions from which something is learnt.

    Their number is rounded up, with weight 0, so that matrix products have few different shapes:
    on a CPU each new shape costs time and memory.
    """
    index = torch.nonzero(labels.flatten() != IGNORED_LABEL)[:, 0]
    count = len(index)
    index = torch.cat([index, index[:1].expand(-count % _ROUND)])
    weights = weights.flatten()[index]
    weights[count:] = 0
    return index, labels.flatten()[index], weights


def attention_mask(segments: Tensor) -> Tensor:
    """Return an additive mask (n, 1, length, length): earlier tokens of picture and own segment."""
    count, length = segments.shape
    past = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    same = segments[:, :, None] == segments[:, None, :]
    to_image = segments[:, None, :] == 0
    visible = past & (same | to_image)
    mask = torch.zeros(
        count, 1, length, length, dtype=torch.bfloat16, device=segments.device
    )  # the number format of the autocast region; attention scores are small
    return mask.masked_fill_(~visible[:, None], -1e9)
