"""At which resolutions a model can be shown pictures."""

from __future__ import annotations

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.families import get_family


def list_visual_tokens(spec: ModelSpec) -> tuple[int, ...]:
    """Return the numbers of visual tokens to choose from, fewest first; (): there is no choice.

    Of a model on a server, those that a picture has by its size alone: its processor is not
    reached.
    """
    is_remote = spec.engine == "remote"
    known = get_family(spec.family).resolutions
    return tuple(one.tokens for one in known if one.seen_size or not is_remote)


def check_visual_tokens(spec: ModelSpec, tokens: int | None) -> None:
    """Refuse a resolution that a model does not have.

    Raises:
        InputError: it has others, or there is no choice.
    """
    offered = list_visual_tokens(spec)
    if tokens is None or tokens in offered:
        return
    if not offered:
        raise InputError(
            "{name} does not let you choose the image resolution. Leave that to the model.",
            name=spec.name,
        )
    known = ", ".join(map(str, offered))
    raise InputError(
        "{name} does not support {tokens} visual tokens per image. Choose one of {known}.",
        name=spec.name,
        tokens=tokens,
        known=known,
    )
