"""Whether a model's reasoning can be turned on and off."""

from __future__ import annotations

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import chat_template
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import find_thinking_argument


def has_thinking_switch(spec: ModelSpec) -> bool:
    """Whether the template of a model takes an argument for that.

    Of a checkpoint that is on this machine its own template tells, of others the family.
    """
    family = get_family(spec.family)
    if family.chat_template is not None:
        return bool(find_thinking_argument(family.chat_template))
    if spec.folder is None:
        return family.has_thinking_switch
    return bool(find_thinking_argument(chat_template(spec.checkpoint, spec.revision)))


def check_thinking(spec: ModelSpec, thinking: bool | None) -> None:
    """Refuse to turn the reasoning of a model on or off that has no switch for it.

    Raises:
        InputError: it has none.
    """
    if thinking is not None and not has_thinking_switch(spec):
        raise InputError(
            "The reasoning of {name} cannot be turned on or off. Leave that to the model, or "
            "choose another one.",
            name=spec.name,
        )
