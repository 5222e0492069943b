"""Reads what the small files of a checkpoint say of it, without its weights.

The model card's `base_model`: https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vlm_demo.engines.checkpoint_description import CheckpointDescription
from vlm_demo.engines.local.checkpoints.chat_templates import chat_template
from vlm_demo.engines.local.checkpoints.fetching import fetch_json_files, fetch_small_files
from vlm_demo.engines.local.checkpoints.folders import (
    ADAPTER_CONFIG,
    adapter_on_disk,
    damaged_file_error,
    folder_on_disk,
    is_hub_id,
    read_json,
)

FILES = (
    *("config.json", "processor_config.json", "chat_template.json", "chat_template.jinja"),
    *("tokenizer_config.json", "special_tokens_map.json", "README.md"),
)
"""Names of the files that are read."""

MAX_CARD_CHARACTERS = 20_000
"""Characters of a model card in which its front matter is looked for."""

_CACHED = re.compile(r"models--([^/\\]+)--([^/\\]+)")
_FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_BASE_MODEL = re.compile(
    r"^base_model:[ \t]*(?P<inline>[^\n]*)(?P<items>(?:\n[ \t]*-[ \t]+[^\n]*)*)", re.MULTILINE
)


def describe_checkpoint(checkpoint: str, revision: str | None = None) -> CheckpointDescription:
    """Describe a folder, or a Hub id, of which only small files are fetched.

    Raises:
        LoadError: there is no such checkpoint, it cannot be reached, or a file is damaged.
    """
    folder = folder_on_disk(checkpoint, revision)
    is_folder = Path(checkpoint).expanduser().is_dir()
    if folder is None:
        folder = fetch_small_files(checkpoint, revision, FILES)
    name = _name(folder if is_folder else None, checkpoint)
    config = read_json(folder / "config.json")
    tokenizer = _read_optional(folder / "tokenizer_config.json")
    return CheckpointDescription(
        name=name,
        is_hub_id=is_hub_id(name) and (not is_folder or name != checkpoint),
        config=config,
        chat_template=chat_template(str(folder)),
        special_tokens=dict(_special_tokens(folder, tokenizer)),
        base_models=tuple(_base_models(folder / "README.md")),
        vocabulary=frozenset(_read_added_tokens(folder, tokenizer)),
    )


def find_adapter_base(checkpoint: str) -> str | None:
    """Return for which model an adapter is, as it says itself; None: it is no adapter.

    Of a repository on the Hub, only small files are fetched.

    Raises:
        LoadError: there is no such folder or repository, or it cannot be reached.
    """
    found = adapter_on_disk(checkpoint) or folder_on_disk(checkpoint)
    if found is None:
        files = fetch_json_files(checkpoint, None, ("config.json", ADAPTER_CONFIG))
    else:
        there = (name for name in ("config.json", ADAPTER_CONFIG) if (found / name).is_file())
        files = {name: read_json(found / name) for name in there}
    if "config.json" in files or ADAPTER_CONFIG not in files:
        return None
    return str(files[ADAPTER_CONFIG].get("base_model_name_or_path") or "")


def _name(folder: Path | None, checkpoint: str) -> str:
    """Return the Hub id, which the path of a folder in the Hub's cache gives away, or its name."""
    if folder is None:
        return checkpoint
    path = folder.absolute()  # a link keeps its own name
    for part in reversed(path.parts):
        if cached := _CACHED.fullmatch(part):
            return f"{cached[1]}/{cached[2]}"
    return path.name if path.name != ".." else path.resolve().name


def _special_tokens(folder: Path, tokenizer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for source in (_read_optional(folder / "special_tokens_map.json"), tokenizer):
        for name, value in source.items():
            token = value.get("content") if isinstance(value, dict) else value
            if name.endswith("_token") and isinstance(token, str):
                yield name, token


def _read_added_tokens(folder: Path, tokenizer: Mapping[str, Any]) -> Iterator[str]:
    entries = tokenizer.get("added_tokens_decoder")
    found = list(entries.values()) if isinstance(entries, dict) else []
    if not found and (folder / "tokenizer.json").is_file():
        found = read_json(folder / "tokenizer.json").get("added_tokens") or []
    for entry in found:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str):
            yield entry["content"]
    more = tokenizer.get("additional_special_tokens")
    yield from (token for token in more or () if isinstance(token, str))


def _base_models(card: Path) -> Iterator[str]:
    """Yield the Hub ids under `base_model` in the front matter of a model card."""
    front = _FRONT_MATTER.match(_read_text(card)[:MAX_CARD_CHARACTERS])
    entry = _BASE_MODEL.search(front[1]) if front else None
    if entry is None:
        return
    inline = re.sub(r"\s#.*", "", entry["inline"]).strip().strip("[]")
    items = [*inline.split(","), *entry["items"].split("\n")]
    for item in items:
        name = item.strip().removeprefix("-").strip().strip("\"'")
        if is_hub_id(name):
            yield name


def _read_optional(path: Path) -> Mapping[str, Any]:
    return read_json(path) if path.is_file() else {}


def _read_text(path: Path) -> str:
    """Return the text of a file; "" where there is none.

    Raises:
        LoadError: it is damaged.
    """
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise damaged_file_error(path, error) from error
