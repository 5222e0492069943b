"""Reads the chat template of a checkpoint, without loading anything else of it.

Where a template stands: `ProcessorMixin` and `PreTrainedTokenizerBase` of transformers 5.23.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vlm_demo.engines.local.checkpoints.folders import folder_on_disk

_JSON_FILES = ("processor_config.json", "chat_template.json", "tokenizer_config.json")
"""Files whose key `chat_template` may hold one; the first that has one counts."""


def chat_template(checkpoint: str, revision: str | None = None) -> str:
    """Return the chat template of a Hub id or folder; "": it is not on this machine, or has none.

    Of several named templates it is the default one.
    """
    folder = folder_on_disk(checkpoint, revision)
    if folder is None:
        return ""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8", errors="replace")
    return next(filter(None, (_from_json(folder / name) for name in _JSON_FILES)), "")


def _from_json(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
        RecursionError,
    ):  # there is none, or loading will say that it is damaged
        return ""
    return _default(content.get("chat_template")) if isinstance(content, dict) else ""


def _default(templates: Any) -> str:
    if isinstance(templates, list):  # [{"name": ..., "template": ...}, ...]
        named = {one.get("name"): one.get("template") for one in templates if isinstance(one, dict)}
        templates = named.get("default")
    return templates if isinstance(templates, str) else ""
