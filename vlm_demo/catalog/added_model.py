"""Menu entries for checkpoints that a person names: a Hub id or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vlm_demo.catalog.family_choice import GENERIC, choose_family
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import (
    CheckpointDescription,
    describe_checkpoint,
    find_adapter_base,
    folder_on_disk,
)
from vlm_demo.errors import LoadError, NotRunnableError, quote_name
from vlm_demo.families import get_family
from vlm_demo.prompting.template_matching import CheckpointTemplate
from vlm_demo.values import Prompt


def spec_for_checkpoint(checkpoint: str, menu: Sequence[ModelSpec] = ()) -> ModelSpec:
    """Return the catalogue's entry for a Hub id, or make one from the checkpoint's small files.

    Args:
        checkpoint: Hub id or folder of a checkpoint, or of an adapter.
        menu: where the base of an adapter may be, beside the catalogue and this machine.

    Raises:
        LoadError: there is no such checkpoint, or it cannot be reached.
        NotRunnableError: no family lists it, and its chat template is missing or takes no pictures.
    """
    checkpoint = checkpoint.strip()
    if not checkpoint:
        raise LoadError("Enter a Hub ID, such as HuggingFaceTB/SmolVLM-256M-Instruct.")
    for known in default_menu():
        if known.checkpoint == checkpoint:
            return known
    base = find_adapter_base(checkpoint)
    if base is not None:
        return _spec_for_adapter(checkpoint, base, (*menu, *default_menu()))
    description = describe_checkpoint(checkpoint)
    choice = choose_family(description)
    if choice.family == GENERIC:
        _require_template(description)
    return ModelSpec(
        name=Path(description.name).name,
        family=choice.family,
        checkpoint=checkpoint,
        family_choice=choice,
        note=choice.reason,
    )


def _spec_for_adapter(adapter: str, base: str, menu: Sequence[ModelSpec]) -> ModelSpec:
    """Return an entry for an adapter on its base.

    Raises:
        LoadError: its base is neither on the menu nor on this machine.
    """
    found = next((spec for spec in menu if _is_base(spec, base)), None)
    if found is None and not Path(base).is_dir() and folder_on_disk(base):
        found = spec_for_checkpoint(base)
    name = Path(adapter).name
    if found is None:
        raise LoadError(
            "{name} is an adapter for {base}, which is neither on the menu nor on this "
            "computer, and is not downloaded automatically. Add that model first, or write a "
            "menu entry with its checkpoint and this adapter.",
            name=name,
            base=quote_name(base),
        )
    return replace(
        found,
        name=name,
        adapter=adapter,
        embedded=False,
        licence="",
        commercial="unknown",
        source="",
        note=f"An adapter on {found.name}.",
    )


def _is_base(spec: ModelSpec, base: str) -> bool:
    """Whether an entry is the model that an adapter names.

    An adapter that was trained on a folder names it as a path, perhaps of another machine: then the
    name of the folder has to do. Whether the weights fit is seen when they are loaded.
    """
    if spec.engine != "local" or spec.adapter or not spec.checkpoint or not base:
        return False
    if spec.checkpoint.casefold() == base.casefold():
        return True
    folder = Path(spec.checkpoint)
    return folder.is_dir() and folder.name == base.replace("\\", "/").rstrip("/").rpartition("/")[2]


def render_prompt(spec: ModelSpec, prompt: Prompt) -> str:
    """Return the whole text of a prompt, one token an image, without loading the model.

    It is that of the checkpoint's own template where it is asked in that and is on this machine,
    and otherwise the one that its family documents.

    Raises:
        InputError: the template cannot take such a conversation.
        NotRunnableError: neither the family nor the checkpoint on this machine has a template.
    """
    family = get_family(spec.family)
    if prompt.chat_template is None and spec.is_here:
        description = describe_checkpoint(spec.checkpoint, spec.revision)
        if description.chat_template:
            template = CheckpointTemplate(description.chat_template, description.special_tokens)
            return template.render(prompt.messages, prompt.thinking) + prompt.answer_prefix
    if not (prompt.chat_template or family.documented_template):
        raise NotRunnableError(
            "{name} uses its own chat template, which is not on this computer. Give a folder "
            "with the template, or load the model first.",
            name=spec.name,
        )
    return family.render(prompt)


def _require_template(description: CheckpointDescription) -> None:
    """Refuse a checkpoint that cannot be asked about pictures in its own template.

    Raises:
        NotRunnableError: it has none, or one without a place for pictures.
    """
    if not description.chat_template:
        raise NotRunnableError(
            "{name} has no chat template, and no family knows how to prompt models of type "
            "{model_type}. Choose a version of it with a chat template (chat_template.jinja), "
            "which instruction-tuned models have.",
            name=description.name,
            model_type=repr(description.model_type),
        )
    template = CheckpointTemplate(description.chat_template, description.special_tokens)
    if not template.takes_images:
        raise NotRunnableError(
            "{name} takes no images: its chat template has no place for them. Choose a "
            "vision-language model.",
            name=description.name,
        )
