"""Values of the generation settings: what they mean, and what people may not expect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.values import Sampling

MAX_SEED_DIGITS = 18
"""Longest seed, in digits: PyTorch takes 64 bits."""

SettingValues = tuple[Any, ...]
"""Temperature, top p, most new tokens, repetition penalty, seed and thinking, as the page holds
them."""

THINKING_VALUES: Mapping[bool | None, str] = {None: "", True: "on", False: "off"}
"""How the page writes whether a model reasons first; "": as it does by itself."""


def build_sampling(
    own: Sampling,
    temperature: float | None,
    top_p: float | None,
    max_new_tokens: float | None,
    repetition_penalty: float | None,
    seed: str | float | None,
    thinking: str | None = "",
) -> Sampling:
    """Return a sampling with the values of the components, and those of `own` for all others.

    An empty field stands for the value of `own` too; without a seed, each answer is drawn anew.

    Raises:
        InputError: the seed is not a whole number.
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
        thinking={"on": True, "off": False}.get(thinking or ""),
    )


def _read_seed(words: str) -> int | None:
    """Read a seed; None where there is none.

    Raises:
        InputError: it is not a whole number, or too large.
    """
    words = words.strip().removesuffix(".0")
    if not words:
        return None
    if not words.isdecimal() or len(words) > MAX_SEED_DIGITS:
        raise InputError(
            "The seed is a whole number of at most {max_seed_digits} digits. Leave it empty to "
            "draw anew each time.",
            max_seed_digits=MAX_SEED_DIGITS,
        )
    return int(words)


def format_seed(seed: int | None) -> str:
    """Write a seed as its field holds it."""
    return "" if seed is None else str(seed)


def own_settings(backend: Backend, model: str) -> SettingValues:
    """Return the settings that a model's family comes with.

    Raises:
        UnknownModelError: there is no such model on the menu.
    """
    return setting_values(get_family(backend.spec(model).family).sampling)


def setting_values(sampling: Sampling) -> SettingValues:
    """Return a sampling as the values of the components that set it."""
    return (
        sampling.temperature,
        sampling.top_p,
        sampling.max_new_tokens,
        sampling.repetition_penalty,
        format_seed(sampling.seed),
        THINKING_VALUES[sampling.thinking],
    )


def find_hints(sampling: Sampling) -> Iterator[TranslatableText]:
    """Explain the values that do what people may not expect."""
    if sampling.temperature == 0 and (sampling.top_p < 1 or sampling.seed is not None):
        yield TranslatableText(
            "At temperature 0 the most likely token is always taken, so top p and the seed "
            "change nothing."
        )
    if sampling.temperature > 1:
        yield TranslatableText(
            "Above a temperature of 1, answers wander off, and boxes often go wrong."
        )
    if sampling.temperature > 0 and sampling.top_p < 0.3:
        yield TranslatableText(
            "With a top p this small, almost only the most likely token is drawn."
        )
    if sampling.repetition_penalty > 1.2:
        yield TranslatableText(
            "A repetition penalty this high also suppresses repeated numbers, such as coordinates."
        )
    if sampling.max_new_tokens < 32:
        yield TranslatableText(
            "Answers stop after {count} tokens, even in the middle of a sentence.",
            {"count": sampling.max_new_tokens},
        )


def differs(value: float | str | None, own: float | str | None) -> bool:
    """Tell whether a setting differs from the model's own, as far as people can see."""
    if isinstance(value, int | float) and isinstance(own, int | float):
        return not math.isclose(value, own)
    return str(value or "").strip() != str(own or "")
