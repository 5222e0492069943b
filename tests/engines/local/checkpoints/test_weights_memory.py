"""What models take in memory: estimates against the real thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engines import load_options

from vlm_demo.engines import NumberFormat, ignore_progress
from vlm_demo.engines.local.checkpoints import loading, memory
from vlm_demo.engines.local.checkpoints.loading import load
from vlm_demo.engines.local.checkpoints.memory import (
    footprint,
    precision,
    weights_memory,
    weights_memory_by_format,
)
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.errors import LoadError, OutOfMemoryError

Folder = Callable[[str], Path]


def load_model(path: Path, **options: Any) -> Any:
    return load(path, load_options(path, **options), ignore_progress).model


@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "gemma3", "smolvlm", "internvl"])
@pytest.mark.parametrize(
    "number_format",
    [NumberFormat.AUTO, NumberFormat.BFLOAT16, NumberFormat.EIGHT_BIT, NumberFormat.FOUR_BIT],
)
def test_the_estimate_is_what_is_taken(
    name: str, number_format: NumberFormat, folder_of: Folder
) -> None:
    options = load_options(folder_of(name), number_format=number_format)
    if number_format not in weights_memory_by_format(options):
        assert name in ("qwen2_vl", "internvl")  # rows that are no whole blocks
        return
    model = load_model(folder_of(name), number_format=number_format)
    assert footprint(model) == pytest.approx(weights_memory(options), rel=0.03)
    expected = NumberFormat.FLOAT32 if number_format is NumberFormat.AUTO else number_format
    assert precision(model) == expected


def test_shared_weights_are_counted_once(folder_of: Folder) -> None:
    weights = read_weights(folder_of("gemma3"))
    model = load_model(folder_of("gemma3"))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert weights.memory_bytes(4) == pytest.approx(footprint(model), rel=0.01)


def test_four_bits_are_offered_only_where_rows_are_whole_blocks(folder_of: Folder) -> None:
    assert NumberFormat.FOUR_BIT in weights_memory_by_format(load_options(folder_of("llava")))
    assert NumberFormat.FOUR_BIT not in weights_memory_by_format(
        load_options(folder_of("qwen2_vl"))
    )


def test_what_is_not_there_or_damaged_is_not_measured(folder_of: Folder, tmp_path: Path) -> None:
    assert weights_memory(load_options("nobody/no-such-model")) is None
    (tmp_path / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0nulls")
    assert weights_memory(load_options(tmp_path)) is None
    for junk in (b"", b"\xff" * 8, b"\x04\0\0\0\0\0\0\0null", b'\x02\0\0\0\0\0\0\0{"'):
        (tmp_path / "model.safetensors").write_bytes(junk)
        if junk:
            with pytest.raises(LoadError, match="damaged or cut off"):
                read_weights(tmp_path)


def test_only_the_files_of_the_index_count(folder_of: Folder, tmp_path: Path) -> None:
    model = load_model(folder_of("llava"))
    model.save_pretrained(tmp_path, max_shard_size="300KB")
    whole = read_weights(tmp_path)
    assert len(whole.files) > 2
    (tmp_path / "consolidated.safetensors").write_bytes(
        (folder_of("llava") / "model.safetensors").read_bytes()
    )
    assert read_weights(tmp_path) == whole
    assert whole.disk_bytes == read_weights(folder_of("llava")).disk_bytes


def test_the_dtype_of_config_and_weights_are_the_same_here(folder_of: Folder) -> None:
    """Estimates are made from the weights' own format, loading goes by the config's."""
    stated = json.loads((folder_of("llava") / "config.json").read_text())["dtype"]
    assert {"F32": "float32"}[read_weights(folder_of("llava")).main_dtype] == stated


def test_weights_that_do_not_fit_are_refused_with_their_size(
    folder_of: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "free_on_device", lambda _: [loading.SPARE_BYTES + 600_000])
    with pytest.raises(OutOfMemoryError, match=r"1\.1 MB of weights.*600 kB"):
        load_model(folder_of("llava"))
    assert load_model(folder_of("llava"), number_format=NumberFormat.BFLOAT16)
    with pytest.raises(OutOfMemoryError):
        load_model(folder_of("llava"), number_format=NumberFormat.EIGHT_BIT)
    assert load_model(folder_of("llava"), number_format=NumberFormat.FOUR_BIT)


def test_free_memory_leaves_some_to_the_rest() -> None:
    (raw,) = memory.free_on_device("cpu")
    free = memory.free_memory("cpu")
    assert free.gpu is None
    assert free.ram == pytest.approx(raw - memory.SPARE_BYTES, abs=2_000_000_000)
    memory.release_memory()
