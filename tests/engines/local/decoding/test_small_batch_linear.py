"""Linear layers on a CPU for the few rows of a batch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from vlm_demo.engines.local.decoding import small_batch_linear
from vlm_demo.engines.local.decoding.small_batch_linear import speed_up_small_batches


@pytest.mark.parametrize(
    "rows", [(1,), (4, 1), (8, 1), (1, 20), (1, 64), (1, 65), (1, 128), (1, 129), (2, 300)]
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "share", [small_batch_linear.COPY_MEMORY_SHARE, 0.0], ids=["copied", "no memory"]
)
def test_few_rows_give_the_same_product(
    rows: tuple[int, ...], bias: bool, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_batch_linear, "COPY_MEMORY_SHARE", share)
    layer = torch.nn.Linear(512, 640, bias=bias)
    inputs = torch.randn(*rows, 512)
    with torch.inference_mode():
        wanted = layer(inputs)
        speed_up_small_batches(torch.nn.Sequential(layer))
        result = layer(inputs)
        again = layer(inputs)
    torch.testing.assert_close(result, wanted)
    assert torch.equal(result, again)
    assert result.is_contiguous(), "attention falls back to a slow way otherwise"


def test_inputs_that_lie_apart_give_the_same_product() -> None:
    layer = torch.nn.Linear(512, 640)
    inputs = torch.randn(8, 3, 512)[:, -1:]  # as the newest column of a batch
    with torch.inference_mode():
        wanted = layer(inputs)
        speed_up_small_batches(torch.nn.Sequential(layer))
        torch.testing.assert_close(layer(inputs), wanted)


def test_weights_are_copied_when_needed_and_while_there_is_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[torch.Tensor] = []
    reorder = torch.ops.mkldnn._reorder_linear_weight

    def noted(weight: torch.Tensor, rows: int) -> torch.Tensor:
        copied.append(weight)
        return reorder(weight, rows)

    layers = torch.nn.ModuleList([torch.nn.Linear(512, 640, bias=False) for _ in range(3)])
    memory = SimpleNamespace(
        available=2.5 * layers[0].weight.nbytes / small_batch_linear.COPY_MEMORY_SHARE
    )
    monkeypatch.setattr(small_batch_linear.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", noted)
    with torch.inference_mode():
        speed_up_small_batches(layers)
        for rows in (1, 300):
            for layer in layers:
                layer(torch.randn(rows, 512))
        assert copied == []
        for _ in range(2):
            for layer in layers:
                layer(torch.randn(8, 512))
    assert len(copied) == 2


def test_only_large_layers_of_numbers_as_they_are_take_the_other_way() -> None:
    large, small = torch.nn.Linear(512, 640), torch.nn.Linear(64, 64)
    half = torch.nn.Linear(512, 640, dtype=torch.bfloat16)
    speed_up_small_batches(torch.nn.ModuleList([large, small, half]))
    assert "forward" in vars(large)
    assert "forward" not in vars(small)
    assert "forward" not in vars(half)
