"""Whether a model can be given a system prompt: instructions before the conversation."""

from __future__ import annotations

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import chat_template
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import writes_system_messages


def takes_system_prompt(spec: ModelSpec) -> bool:
    """Whether the template of a model writes system messages.

    Of a checkpoint that is on this machine its own template tells, of others what the family
    documents. A server with OpenAI's API takes them, unless the family's template is known not to.
    """
    family = get_family(spec.family)
    if family.chat_template is not None:
        return writes_system_messages(family.chat_template)
    if spec.folder is not None:
        return writes_system_messages(chat_template(spec.checkpoint, spec.revision))
    known = family.documented_template or next(iter(family.published_templates), None)
    return writes_system_messages(known) if known else spec.engine == "remote"


def check_system_prompt(spec: ModelSpec, system: str) -> None:
    """Refuse a system prompt for a model that takes none.

    Raises:
        InputError: it takes none.
    """
    if system.strip() and not takes_system_prompt(spec):
        raise InputError("{name} takes no system prompt. Leave it out.", name=spec.name)
