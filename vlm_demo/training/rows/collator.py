"""Turns rows into batches whose loss is on the answers alone.

A row is what the engine gives the model for its last prompt, and behind it the tokens of the
answer. Processors write things of their own behind a prompt (Fuyu, PaliGemma), and give it to other
parts of the model too (InstructBLIP), so an answer never goes through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PaliGemmaProcessor

from vlm_demo.engines.local.inputs.encoding import PromptEncoder
from vlm_demo.engines.local.inputs.image_cache import digest_image
from vlm_demo.training.rows.writing import TrainingRow
from vlm_demo.values import Prompt

IGNORED = -100
"""The label of tokens that are not learned (`ignore_index` of torch's cross entropy)."""

PATCH_INDICES = "image_patches_indices"
"""Which patch a token of Fuyu stands for; -1: none (transformers/models/fuyu, 5.23)."""

PACKED_SIZES = "target_sizes"
"""The input beside which the pictures of all rows stand in a line, on the last dimension of
`pixel_values` (transformers/models/minicpmv4_6, 5.23)."""

_ANSWER_VALUES = {"attention_mask": 1, PATCH_INDICES: -1}
"""What stands at the tokens of an answer in inputs that have one value a token; elsewhere 0."""

_REPEATED = frozenset({"cross_attention_mask"})
"""Inputs whose last value also holds for the tokens of the answer."""

Row = dict[str, Any]
"""The inputs of one row, each with a first dimension of 1 or of its pictures."""


class TrainingCollator:
    """Makes batches: `Dataset.from_dict({"images": numbers})` names the rows.

    By that name of the column TRL takes rows for pictures, and prepares nothing itself.
    """

    def __init__(self, encoder: PromptEncoder, rows: Sequence[TrainingRow]) -> None:
        """Keep the rows.

        Args:
            encoder: of the model that is trained.
            rows: as `write_rows` returns them.
        """
        self._encoder, self._rows = encoder, rows

    def __call__(self, chosen: Sequence[Mapping[str, int]]) -> dict[str, Any]:
        """Return the inputs and `labels` of the rows whose numbers stand under "images".

        Raises:
            ImageError: a picture cannot be opened any more.
        """
        examples = [self.encode(self._rows[one["images"]]) for one in chosen]
        fill = {"input_ids": self._pad_token, "labels": IGNORED, PATCH_INDICES: -1}
        names = [name for name in examples[0] if all(name in example for example in examples)]
        packed = {"pixel_values"} if PACKED_SIZES in names else set()
        return {
            name: torch.cat([example[name] for example in examples], dim=-1)
            if name in packed
            else _stack([example[name] for example in examples], fill.get(name, 0))
            for name in names
        }

    @property
    def _pad_token(self) -> int:
        tokenizer = self._encoder.tokenizer
        token = tokenizer.pad_token_id
        return int(tokenizer.eos_token_id or 0) if token is None else int(token)

    def encode(self, row: TrainingRow) -> Row:
        """Return the inputs and labels of one row, without padding.

        Raises:
            ImageError: a picture cannot be opened any more.
        """
        prompt = row.open_prompt()
        inputs = dict(self._encode_prompt(row, prompt))
        answer = torch.tensor([self._answer_tokens(row, prompt)])
        if self._encoder.is_encoder_decoder:
            return {**inputs, "labels": answer}
        labels = self._label_earlier_answers(row, prompt, inputs["input_ids"])
        length = inputs["input_ids"].shape[1]
        inputs = {name: self._extend(name, value, length, answer) for name, value in inputs.items()}
        return {**inputs, "labels": torch.cat((labels, answer), dim=1)}

    def _encode_prompt(self, row: TrainingRow, prompt: Prompt, step: int = -1) -> Any:
        return self._encode_text(row.steps[step].prompt, prompt, row.steps[step].image_count)

    def _encode_text(self, text: str, prompt: Prompt, image_count: int) -> Any:
        images = [image for message in prompt.messages for image in message.images]
        images = images[:image_count]
        digests = tuple(digest_image(image, prompt.image_options) for image in images)
        return self._encoder.encode_text(text, images, digests, prompt.image_options)

    def _answer_tokens(self, row: TrainingRow, prompt: Prompt) -> list[int]:
        """Return the tokens of the last answer, and the one that ends it."""
        last = row.steps[-1]
        size = prompt.frame.original if prompt.frame else None
        tokens = self._encoder.continuation_tokens(last.prompt, last.answer, size)
        if last.end:
            tokens.append(self._encoder.tokenizer.convert_tokens_to_ids(last.end))
        return tokens

    def _label_earlier_answers(self, row: TrainingRow, prompt: Prompt, ids: Tensor) -> Tensor:
        """Return labels for the last prompt, in which earlier answers stand.

        They are found by the longest common beginning of token sequences: nothing is assumed about
        how a text is cut into tokens, nor how many stand for a picture.
        """
        labels = torch.full_like(ids, IGNORED)
        whole = ids[0].tolist()
        for step in row.steps[:-1]:
            if not step.is_learned:
                continue
            begin, end = (
                _common_length(whole, self._encode_text(text, prompt, step.image_count))
                for text in (step.prompt, step.whole)
            )
            labels[0, begin:end] = ids[0, begin:end]
        return labels

    def _extend(self, name: str, value: Any, length: int, answer: Tensor) -> Any:
        """Add the tokens of the answer to an input that has one value for each token."""
        if name == "input_ids":
            return torch.cat((value, answer), dim=1)
        if not isinstance(value, Tensor) or value.dim() < 2 or value.shape[:2] != (1, length):
            return value
        count = answer.shape[1]
        if name in _REPEATED:
            return torch.cat((value, *[value[:, -1:]] * count), dim=1)
        added = value.new_full((1, count, *value.shape[2:]), self._answer_value(name))
        return torch.cat((value, added), dim=1)

    def _answer_value(self, name: str) -> int:
        """Return what stands at the tokens of an answer.

        PaliGemma's `token_type_ids` tell the question, of which each token sees all others, from
        the answer (transformers/models/paligemma/modeling_paligemma.py, 5.23).
        """
        is_paligemma = isinstance(self._encoder.processor, PaliGemmaProcessor)
        if name == "token_type_ids" and is_paligemma:
            return 1
        return _ANSWER_VALUES.get(name, 0)


def _common_length(whole: Sequence[int], inputs: Any) -> int:
    """Return how many tokens a text shares with the beginning of the whole one."""
    pairs = zip(whole, inputs["input_ids"][0].tolist(), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _stack(values: Sequence[Any], fill: int) -> Any:
    """Join the inputs of rows on the first dimension; shorter ones are filled up on the right."""
    if not isinstance(values[0], Tensor):
        return [item for value in values for item in value]
    sizes = [max(sides) for sides in zip(*(value.shape[1:] for value in values), strict=True)]
    return torch.cat([_pad(value, sizes, fill) for value in values])


def _pad(value: Tensor, sizes: Sequence[int], fill: int) -> Tensor:
    missing = [side - own for side, own in zip(sizes, value.shape[1:], strict=True)]
    if not any(missing):
        return value
    widths = [width for count in reversed(missing) for width in (0, count)]
    return functional.pad(value, widths, value=fill)
