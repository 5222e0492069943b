"""Tiny checkpoints with program code of their own, which leaves a mark when it runs."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

MARK = "code_ran.txt"
"""File beside the folder of a checkpoint in which its code leaves a mark when it runs."""

CODE = """
from pathlib import Path
with Path({mark!r}).open("a") as file:
    file.write("it ran")
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor


class MiniConfig(LlavaConfig):
    model_type = "mini_vlm"


class MiniVlm(LlavaForConditionalGeneration):
    config_class = MiniConfig


class MiniTower(MiniVlm):
    generate = property()


class MiniProcessor(LlavaProcessor):
    pass
"""


def save_with_own_code(
    llava: Path, folder: Path, auto_map: dict[str, str], *, code: str = CODE
) -> Path:
    """Save a tiny LLaVA as a type that transformers does not know, with the code that does.

    Args:
        llava: folder of the tiny LLaVA.
        folder: to be made.
        auto_map: of its config.json, beside the configuration class.
        code: of `mini.py`, where "{mark!r}" stands for the path of the mark.
    """
    from transformers import AutoModelForImageTextToText

    shutil.copytree(llava, folder)
    weights = AutoModelForImageTextToText.from_pretrained(llava).state_dict()
    tensors = {name: tensor.clone() for name, tensor in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    change_json(
        folder / "config.json",
        model_type="mini_vlm",
        architectures=["MiniVlm"],
        transformers_version="4.31.0",
        auto_map={"AutoConfig": "mini.MiniConfig", **auto_map},
    )
    mark = str(folder.parent / MARK)
    (folder / "mini.py").write_text(code.replace("{mark!r}", repr(mark)))
    return folder


def change_json(path: Path, **values: Any) -> None:
    """Change keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
