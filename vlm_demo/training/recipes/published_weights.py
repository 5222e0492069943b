"""Weights as they are published: half precision, and the tensor names of the Hub's checkpoints.

transformers maps old names to new ones when it loads, and saves a model that was built here under
names that it alone knows. Other programs, such as vLLM, read the names of the Hub's checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file


def publish_weights(file: Path, hub_prefixes: Mapping[str, str]) -> None:
    """Rewrite a safetensors file; its weights still load as the float32 of the configuration.

    Args:
        file: weights that `save_pretrained` has written. To publish them again changes nothing.
        hub_prefixes: the beginning of a tensor's name on the Hub, by that of the saved name.
    """
    tensors = {
        _hub_name(name, hub_prefixes): tensor.half().contiguous()
        for name, tensor in load_file(file).items()
    }
    save_file(tensors, file, metadata={"format": "pt"})
    file.chmod(0o644)


def _hub_name(name: str, hub_prefixes: Mapping[str, str]) -> str:
    for saved, hub in hub_prefixes.items():
        if name.startswith(saved) and not name.startswith(hub):
            return hub + name.removeprefix(saved)
    return name
