"""How many tokens a model can take."""

from __future__ import annotations

from typing import Any

from vlm_demo.errors import TooLongError


def context_limit(config: Any, wanted: int | None) -> int | None:
    """Return how many tokens prompt and answer may have together, or each in encoder-decoders."""
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min((limit for limit in (own, wanted) if limit), default=None)


def check_length(length: int, limit: int | None) -> None:
    """Refuse a prompt that leaves no room for an answer.

    Raises:
        TooLongError: it is as long as the limit, or longer.
    """
    if limit is not None and length >= limit:
        excess = length - limit + 1
        raise TooLongError(
            "This is too long for the model: {length} tokens, {excess} over its limit of "
            "{limit}. Shorten it, or clear the conversation.",
            length=f"{length:,}",
            excess=f"{excess:,}",
            limit=f"{limit - 1:,}",
            excess_tokens=excess,
        )
