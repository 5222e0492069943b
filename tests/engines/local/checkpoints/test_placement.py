"""Where models go, and in which number format."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vlm_demo.engines import NumberFormat
from vlm_demo.engines.local.checkpoints import loading, placement
from vlm_demo.engines.local.checkpoints.placement import (
    available_formats,
    pick_device_map,
    pick_dtype,
)
from vlm_demo.engines.local.checkpoints.weights import StoredTensor, StoredWeights
from vlm_demo.errors import OutOfMemoryError

GB = 1_000_000_000
AUTO = NumberFormat.AUTO


def weights(gigabytes: float, dtype: str = "BF16") -> StoredWeights:
    size = 4 if dtype == "F32" else 2
    numbers = round(gigabytes * GB / size)
    tensor = StoredTensor("layer.q_proj.weight", "f", dtype, (numbers // 64, 64), numbers * size)
    return StoredWeights({tensor.name: tensor})


@pytest.mark.parametrize(
    ("own", "number_format", "compute_format", "device", "free", "chosen"),
    [
        (torch.bfloat16, AUTO, AUTO, "cpu", 30, torch.float32),
        (torch.bfloat16, AUTO, AUTO, "cpu", 15, torch.bfloat16),
        (torch.float16, AUTO, AUTO, "cpu", 15, torch.float32),
        (torch.float32, AUTO, AUTO, "cpu", 1, torch.float32),
        (None, AUTO, AUTO, "cpu", 1, torch.float32),
        (torch.bfloat16, NumberFormat.FLOAT16, AUTO, "cpu", 30, torch.float16),
        (torch.bfloat16, NumberFormat.FOUR_BIT, AUTO, "cpu", 30, torch.float32),
        (torch.bfloat16, NumberFormat.FOUR_BIT, NumberFormat.BFLOAT16, "cpu", 30, torch.bfloat16),
        (torch.float16, AUTO, AUTO, "cuda", 1, torch.float16),
        (None, AUTO, AUTO, "cuda", 1, None),
        (torch.float16, NumberFormat.EIGHT_BIT, AUTO, "cuda", 1, torch.bfloat16),
    ],
)
def test_the_number_format(
    own: Any,
    number_format: NumberFormat,
    compute_format: NumberFormat,
    device: str,
    free: int,
    chosen: Any,
) -> None:
    given = pick_dtype(
        weights(10), own, number_format, compute_format, device=device, free=free * GB
    )
    assert given is chosen


def test_one_gpu_takes_what_fits_and_several_share_what_does_not() -> None:
    assert pick_device_map("cpu", 10, [5]) == {"device_map": {"": "cpu"}}
    assert pick_device_map("mps", 10, [50]) == {"device_map": {"": "mps"}}
    assert pick_device_map("cuda", 10, [12, 40, 30]) == {"device_map": {"": 1}}
    shared = pick_device_map("cuda", 60, [12, 40, -3, 30])
    assert shared == {"device_map": "auto", "max_memory": {0: 10, 1: 36, 3: 27}}
    assert "cpu" not in shared["max_memory"]


def test_a_model_that_several_gpus_cannot_take_is_refused() -> None:
    spread = SimpleNamespace(hf_device_map={"model.layers.0": 0, "model.layers.1": "disk"})
    with pytest.raises(OutOfMemoryError, match="does not fit"):
        loading._check_placement(spread, weights(10))
    spread.hf_device_map["model.layers.1"] = 1
    loading._check_placement(spread, weights(10))


def test_formats_that_make_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "_computes_bfloat16", lambda: False)
    assert NumberFormat.BFLOAT16 in available_formats("cpu")
    assert NumberFormat.FLOAT16 not in available_formats("cpu")
    assert NumberFormat.BFLOAT16 not in available_formats("cuda")
    assert NumberFormat.FLOAT16 in available_formats("cuda")
    assert not any(one.is_quantized for one in available_formats("mps"))
    monkeypatch.setattr(placement, "find_spec", lambda _: None)
    assert not any(one.is_quantized for one in available_formats("cpu"))
