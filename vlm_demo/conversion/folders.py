"""The checkpoints that a conversion reads, and the small files of the folder that it makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, LlamaConfig

from vlm_demo.catalog.family_choice import FAMILY_KEY
from vlm_demo.conversion.system import Json, SourceCheckpoint, SourceCheckpoints, System
from vlm_demo.conversion.systems import all_systems
from vlm_demo.conversion.tensors import list_tensors
from vlm_demo.engines import OnProgress, fetch_original
from vlm_demo.errors import ConversionError
from vlm_demo.families import get_family

IMAGE_PROCESSOR = "preprocessor_config.json"
"""File that says how pictures are prepared."""


def find_part(checkpoint: str, on_progress: OnProgress) -> SourceCheckpoint:
    """Return a checkpoint, given by its Hub id, folder or weight file; fetch it first if need be.

    Raises:
        ConversionError: it has no weights, or they are damaged.
        LoadError: it cannot be fetched.
    """
    path = Path(checkpoint).expanduser()
    if not path.exists():
        path = fetch_original(checkpoint, on_progress)
    return SourceCheckpoint(path, read_config(path), list_tensors(path))


def read_config(path: Path) -> Json:
    """Return the content of the config.json in a folder; {}: there is none.

    Raises:
        ConversionError: it is damaged.
    """
    file = path / "config.json"
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConversionError(f"{file} is damaged. Download the model again.") from error
    if not isinstance(content, dict):
        raise ConversionError(f"{file} is damaged. Download the model again.")
    return content


def find_system(source: str, part: SourceCheckpoint, family: str = "") -> System:
    """Return the system that a published checkpoint is of.

    Args:
        source: what the person called it.
        part: the checkpoint.
        family: name of a system or of the family that asks it; "": it is found out.

    Raises:
        ConversionError: there is no such system, or it is of none.
    """
    systems = all_systems().values()
    known = ", ".join(sorted(system.name for system in systems))
    if family:
        for system in systems:
            if family in (system.name, *system.families):
                return system
        raise ConversionError(f"{family!r} cannot be converted. Known: {known}.")
    for system in systems:
        if source in system.checkpoints:
            return system
    for system in systems:
        if system.is_source(part.config, part.tensors):
            return system
    raise ConversionError(
        f"{source} is of no system that can be converted. Known: {known}. If it is one of these, "
        "name it with --family."
    )


def find_vision(
    system: System, source: SourceCheckpoint, vision_tower: str, on_progress: OnProgress
) -> SourceCheckpoint | None:
    """Return the vision tower: the one that was given, or that config.json names; None: neither.

    Raises:
        ConversionError: the system needs one, and neither says which.
        LoadError: it cannot be fetched.
    """
    if not system.vision_renames:
        return None
    named = str(source.config.get("mm_vision_tower") or "")
    beside = source.path / named
    if vision_tower:
        return find_part(vision_tower, on_progress)
    if named and beside.is_dir():
        return find_part(str(beside), on_progress)
    if named and not named.startswith((".", "/")):
        return find_part(named, on_progress)
    raise ConversionError(
        f"{system.title} needs a vision tower: give {system.vision} with --vision-tower."
    )


def load_tokenizer(system: System, parts: SourceCheckpoints) -> tuple[Any, int]:
    """Load the tokenizer of the language model; return it with the id of the image token.

    Raises:
        ConversionError: there is none.
    """
    places = [part.path for part in (parts.source, parts.base) if part and part.path.is_dir()]
    place = next((path for path in places if any(path.glob("tokenizer*"))), None)
    if place is None:
        raise ConversionError(
            f"There are no files of a tokenizer in {' or '.join(map(str, places)) or 'a folder'}. "
            "Download the whole model."
        )
    try:
        # Where nothing names the class, it is that of LLaMA and Mistral.
        tokenizer: Any = AutoTokenizer.from_pretrained(
            place, config=LlamaConfig(), trust_remote_code=False
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ConversionError(f"The tokenizer in {place} cannot be loaded: {reason}") from error
    if system.image_token not in tokenizer.get_vocab():
        tokenizer.add_special_tokens({"additional_special_tokens": [system.image_token]})
    return tokenizer, int(tokenizer.convert_tokens_to_ids(system.image_token))


def write_small_files(
    folder: Path, system: System, family: str, parts: SourceCheckpoints, config: Any, tokenizer: Any
) -> None:
    """Write all files of a converted model but its weights."""
    config.save_pretrained(folder)
    tokenizer.chat_template = None  # made for words alone
    tokenizer.save_pretrained(folder)
    if template := get_family(family).chat_template:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    origin = _origin(system, parts)
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _write_json(folder / "config.json", {**content, "_name_or_path": origin, FAMILY_KEY: family})
    _write_json(
        folder / "processor_config.json",
        {**system.build_processor(config), "image_token": system.image_token},
    )
    _write_json(folder / IMAGE_PROCESSOR, _image_processor_settings(system, parts, config))
    (folder / "README.md").write_text(
        f"---\nbase_model: {origin}\n---\n\n{system.title}, converted by vlm-demo from {origin}.\n",
        encoding="utf-8",
    )


def _origin(system: System, parts: SourceCheckpoints) -> str:
    """Return the Hub id of the published checkpoint that a folder has the name of, or the first."""
    names = {parts.source.path.name, Path(str(parts.source.config.get("_name_or_path"))).name}
    named = (known for known in system.checkpoints if Path(known).name in names)
    return next(named, system.checkpoints[0])


def _image_processor_settings(system: System, parts: SourceCheckpoints, config: Any) -> Json:
    """Return how pictures are prepared: as the published files say, or else the declared way."""
    for part in (parts.vision, parts.source):
        if part and (part.path / IMAGE_PROCESSOR).is_file():
            settings = json.loads((part.path / IMAGE_PROCESSOR).read_text(encoding="utf-8"))
            declared = system.build_image_processor(config)
            classes = {key: declared[key] for key in ("image_processor_type", "processor_class")}
            return {**declared, **settings, **classes}
    return system.build_image_processor(config)


def _write_json(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
