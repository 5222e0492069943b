"""Values of the generation settings: what they stand for, and what people may not expect."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.ui.html_values import Said
from vlm_demo.values import Sampling

MOST_DIGITS = 18
"""Of a seed: PyTorch takes 64 bits."""

Values = tuple[Any, ...]
"""Temperature, top p, most new tokens, repetition penalty and seed, as the page holds them."""


def sampled(
    own: Sampling,
    temperature: float | None,
    top_p: float | None,
    max_new_tokens: float | None,
    repetition_penalty: float | None,
    seed: str | float | None,
) -> Sampling:
    """Return a sampling with the values of the components that set it, and others of its `own`.

    A field that was emptied stands for its own value too; without a seed, words are drawn anew.

    Raises:
        InputError: the seed is none.
    """
    return replace(
        own,
        temperature=own.temperature if temperature is None else temperature,
        top_p=own.top_p if top_p is None else top_p,
        max_new_tokens=int(own.max_new_tokens if max_new_tokens is None else max_new_tokens),
        repetition_penalty=(
            own.repetition_penalty if repetition_penalty is None else repetition_penalty
        ),
        seed=_read_seed("" if seed is None else str(seed)),
    )


def _read_seed(words: str) -> int | None:
    """Read a seed; None where there is none.

    Raises:
        InputError: it is not a whole number, or too large.
    """
    words = words.strip().removesuffix(".0")
    if not words:
        return None
    if not words.isdecimal() or len(words) > MOST_DIGITS:
        raise InputError(
            f"The seed is a whole number of at most {MOST_DIGITS} digits. Leave it empty to draw "
            "anew each time."
        )
    return int(words)


def written_seed(seed: int | None) -> str:
    return "" if seed is None else str(seed)


def own_values(backend: Backend, model: str) -> Values:
    """Return the settings that a model's family comes with.

    Raises:
        UnknownModelError: there is no such model on the menu.
    """
    own = get_family(backend.spec(model).family).sampling
    return (
        own.temperature,
        own.top_p,
        own.max_new_tokens,
        own.repetition_penalty,
        written_seed(own.seed),
    )


def hints(sampling: Sampling) -> Iterator[Said]:
    """Explain the values that do what people may not expect."""
    if sampling.temperature == 0 and (sampling.top_p < 1 or sampling.seed is not None):
        yield Said(
            "At temperature 0 the likeliest word is always taken: top p and the seed change "
            "nothing."
        )
    if sampling.temperature > 1:
        yield Said("Above a temperature of 1, answers wander off, and places often go wrong.")
    if sampling.temperature > 0 and sampling.top_p < 0.3:
        yield Said("With so small a top p, hardly anything but the likeliest word is drawn.")
    if sampling.repetition_penalty > 1.2:
        yield Said("So high a repetition penalty also keeps numbers from coming again: of places.")
    if sampling.max_new_tokens < 32:
        yield Said(
            "Answers break off after {count} tokens, in the middle of a sentence if need be.",
            {"count": sampling.max_new_tokens},
        )


def differ(value: float | str | None, own: float | str | None) -> bool:
    """Whether a setting is not the model's own, as far as people see."""
    if isinstance(value, int | float) and isinstance(own, int | float):
        return not math.isclose(value, own)
    return str(value or "").strip() != str(own or "")
