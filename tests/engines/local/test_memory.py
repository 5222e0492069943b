"""What models and requests take: estimates against the real thing, and where models go."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.tiny_checkpoints import CHECKPOINTS, save
from transformers import AutoConfig, DynamicCache, PreTrainedModel

from vlm_demo.engines import Progress
from vlm_demo.engines.local.checkpoints import loading, memory
from vlm_demo.engines.local.checkpoints.loading import load
from vlm_demo.engines.local.checkpoints.memory import (
    check_request,
    footprint,
    kv_bytes,
    precision,
    request_bytes,
    weights_memory,
    weights_memory_by_format,
)
from vlm_demo.engines.local.checkpoints.placement import (
    offered_formats,
    pick_device_map,
    pick_dtype,
)
from vlm_demo.engines.local.checkpoints.weights import StoredTensor, StoredWeights, read_weights
from vlm_demo.errors import LoadError, OutOfMemoryError

GB = 1_000_000_000

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Save a tiny checkpoint once."""
    saved: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in saved:
            saved[name] = save(CHECKPOINTS[name], tmp_path_factory.mktemp(name))
        return saved[name]

    return get


def loaded(path: Path, told: list[Progress] | None = None, **options: Any) -> Any:
    wanted = {"dtype": "auto", "quantization": "none", **options}
    hear = [] if told is None else told
    _, model = load(path, trust_remote_code=False, device="cpu", on_progress=hear.append, **wanted)
    return model


# What a model takes


@pytest.mark.parametrize("name", ["llava", "qwen2_vl", "gemma3", "smolvlm", "internvl"])
@pytest.mark.parametrize(
    ("dtype", "quantization"),
    [("auto", "none"), ("bfloat16", "none"), ("auto", "8bit"), ("auto", "4bit")],
)
def test_the_estimate_is_what_is_taken(
    name: str, dtype: Any, quantization: Any, folder: Folder
) -> None:
    if (dtype, quantization) not in weights_memory_by_format(str(folder(name)), None, "cpu"):
        assert name in ("qwen2_vl", "internvl")  # rows that are no whole blocks
        return
    estimate = weights_memory(str(folder(name)), None, dtype, quantization, "cpu")
    model = loaded(folder(name), dtype=dtype, quantization=quantization)
    assert footprint(model) == pytest.approx(estimate, rel=0.03)
    wanted = {"none": "float32" if dtype == "auto" else dtype, "8bit": "8-bit", "4bit": "4-bit"}
    assert precision(model) == wanted[quantization]


def test_shared_weights_are_counted_once(folder: Folder) -> None:
    weights = read_weights(folder("gemma3"))
    model = loaded(folder("gemma3"))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert weights.memory(4) == pytest.approx(footprint(model), rel=0.01)


def test_four_bits_are_offered_only_where_rows_are_whole_blocks(folder: Folder) -> None:
    assert ("auto", "4bit") in weights_memory_by_format(str(folder("llava")), None, "cpu")
    assert ("auto", "4bit") not in weights_memory_by_format(str(folder("qwen2_vl")), None, "cpu")


def test_what_is_not_there_or_damaged_is_not_measured(folder: Folder, tmp_path: Path) -> None:
    assert weights_memory("nobody/no-such-model", None, "auto", "none", "cpu") is None
    (tmp_path / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0nulls")
    assert weights_memory(str(tmp_path), None, "auto", "none", "cpu") is None
    for junk in (b"", b"\xff" * 8, b"\x04\0\0\0\0\0\0\0null", b'\x02\0\0\0\0\0\0\0{"'):
        (tmp_path / "model.safetensors").write_bytes(junk)
        if junk:
            with pytest.raises(LoadError, match="damaged or cut off"):
                read_weights(tmp_path)


def test_only_the_files_of_the_index_count(folder: Folder, tmp_path: Path) -> None:
    model = loaded(folder("llava"))
    model.save_pretrained(tmp_path, max_shard_size="300KB")
    whole = read_weights(tmp_path)
    assert len(whole.files) > 2
    (tmp_path / "consolidated.safetensors").write_bytes(
        (folder("llava") / "model.safetensors").read_bytes()
    )
    assert read_weights(tmp_path) == whole
    assert whole.stored_bytes == read_weights(folder("llava")).stored_bytes


def test_the_progress_tells_bytes_and_shards(folder: Folder, tmp_path: Path) -> None:
    loaded(folder("llava")).save_pretrained(tmp_path, max_shard_size="300KB")
    for file in folder("llava").glob("*.json"):
        if file.name != "config.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    for file in folder("llava").glob("*.jinja"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told: list[Progress] = []
    loaded(tmp_path, told)
    files = len(read_weights(tmp_path).files)
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert {shards for shards, _ in (progress.shards for progress in told)} == {*range(files + 1)}
    assert told[-1] == Progress(
        "loading", told[-1].done, told[-1].done, "bytes", shards=(files, files)
    )
    # Nearly everything has been told before the end.
    assert told[-2].done > 0.9 * told[-1].done


def test_two_loads_at_once_tell_only_their_own(folder: Folder) -> None:
    told: dict[str, list[Progress]] = {"llava": [], "smolvlm": []}
    threads = [Thread(target=loaded, args=(folder(name), heard)) for name, heard in told.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name, heard in told.items():
        total = read_weights(folder(name)).stored_bytes
        assert {progress.total for progress in heard} == {total}
        assert max(progress.done for progress in heard) == total
    assert PreTrainedModel.tie_weights.__qualname__ == "PreTrainedModel.tie_weights"


def test_what_the_listener_raises_ends_the_loading(folder: Folder) -> None:
    def stop(progress: Progress) -> None:
        if progress.done:
            raise LoadError("stopped")

    with pytest.raises(LoadError, match="stopped"):
        load(
            folder("llava"),
            dtype="auto",
            quantization="none",
            trust_remote_code=False,
            device="cpu",
            on_progress=stop,
        )


def test_weights_that_do_not_fit_are_refused_with_their_size(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "free_on_device", lambda _: [loading.SPARE_BYTES + 600_000])
    with pytest.raises(OutOfMemoryError, match=r"1\.1 MB of weights.*600 kB"):
        loaded(folder("llava"))
    assert loaded(folder("llava"), dtype="bfloat16")
    with pytest.raises(OutOfMemoryError):
        loaded(folder("llava"), quantization="8bit")
    assert loaded(folder("llava"), quantization="4bit")


# Where it goes, and how


def weights(gigabytes: float, dtype: str = "BF16") -> StoredWeights:
    size = 4 if dtype == "F32" else 2
    numbers = round(gigabytes * GB / size)
    tensor = StoredTensor("layer.q_proj.weight", "f", dtype, (numbers // 64, 64), numbers * size)
    return StoredWeights({tensor.name: tensor})


@pytest.mark.parametrize(
    ("own", "wanted", "quantization", "device", "free", "chosen"),
    [
        (torch.bfloat16, "auto", "none", "cpu", 30, torch.float32),
        (torch.bfloat16, "auto", "none", "cpu", 15, torch.bfloat16),
        (torch.float16, "auto", "none", "cpu", 15, torch.float32),
        (torch.float32, "auto", "none", "cpu", 1, torch.float32),
        (None, "auto", "none", "cpu", 1, torch.float32),
        (torch.bfloat16, "float16", "none", "cpu", 30, torch.float16),
        (torch.bfloat16, "auto", "4bit", "cpu", 30, torch.float32),
        (torch.bfloat16, "bfloat16", "4bit", "cpu", 30, torch.bfloat16),
        (torch.float16, "auto", "none", "cuda", 1, torch.float16),
        (None, "auto", "none", "cuda", 1, None),
        (torch.float16, "auto", "8bit", "cuda", 1, torch.bfloat16),
    ],
)
def test_the_number_format(
    own: Any, wanted: Any, quantization: Any, device: str, free: int, chosen: Any
) -> None:
    given = pick_dtype(weights(10), own, wanted, quantization, device=device, free=free * GB)
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
        loading._check_place(spread, weights(10))
    spread.hf_device_map["model.layers.1"] = 1
    loading._check_place(spread, weights(10))


def test_formats_that_make_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlm_demo.engines.local.checkpoints import placement

    monkeypatch.setattr(placement, "_computes_bfloat16", lambda: False)
    assert ("bfloat16", "none") in offered_formats("cpu")
    assert ("float16", "none") not in offered_formats("cpu")
    assert ("bfloat16", "none") not in offered_formats("cuda")
    assert ("float16", "none") in offered_formats("cuda")
    assert all(quantization == "none" for _, quantization in offered_formats("mps"))
    monkeypatch.setattr(placement, "find_spec", lambda _: None)
    assert all(quantization == "none" for _, quantization in offered_formats("cpu"))


# What a request takes

DECODERS = [
    "llava",
    "qwen2_vl",
    "gemma3",
    "smolvlm",
    *("kosmos2", "git", "llava_next", "llava_onevision", "qwen2_5_vl", "qwen3_vl", "glm4v"),
    *("internvl", "ovis2", "idefics3", "deepseek_vl", "deepseek_vl_hybrid", "fuyu", "paligemma"),
]


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keys_and_values_are_known_exactly(name: str, dtype: torch.dtype, folder: Folder) -> None:
    model = loaded(folder(name), dtype=str(dtype).removeprefix("torch."))
    ids = torch.arange(10, 31).unsqueeze(0)
    cache = DynamicCache()  # without a config: no layer forgets what slides out of its window
    with torch.inference_mode():
        model.get_decoder()(input_ids=ids, past_key_values=cache, use_cache=True)
    real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert cache.get_seq_length() == 21
    assert real == kv_bytes(model.config, 21, dtype)


def config(name: str, folder: Folder) -> Any:
    return AutoConfig.from_pretrained(folder(name))


def test_grouped_heads_keep_less(folder: Folder) -> None:
    grouped = config("qwen2_vl", folder)
    text = grouped.get_text_config()
    assert text.num_key_value_heads < text.num_attention_heads
    before = kv_bytes(grouped, 100, torch.float32)
    text.num_key_value_heads *= 2
    assert kv_bytes(grouped, 100, torch.float32) == 2 * before


def test_layers_that_keep_no_keys_do_not_count(folder: Folder) -> None:
    hybrid = config("gemma3", folder)
    text = hybrid.get_text_config()
    before = kv_bytes(hybrid, 100, torch.float32)
    text.layer_types = ["linear_attention", *text.layer_types[1:]]
    assert kv_bytes(hybrid, 100, torch.float32) == before * (1 - 1 / text.num_hidden_layers)


def big(folder: Folder, name: str = "qwen2_vl") -> Any:
    """The shape of a model of seven billion parameters."""
    shape = config(name, folder)
    text = shape.get_text_config()
    text.update(
        {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}
        | {"num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}
        | {"layer_types": None, "head_dim": None}
    )
    return shape


def check(shape: Any, free: int, **tokens: int) -> None:
    wanted = {"prompt_tokens": 3000, "picture_tokens": 2800, "new_tokens": 512, **tokens}
    check_request(shape, free=free, dtype=torch.bfloat16, **wanted)


def test_a_request_that_fits_passes(folder: Folder) -> None:
    shape = big(folder)
    needed = request_bytes(
        shape, prompt_tokens=3000, picture_tokens=2800, new_tokens=512, dtype=torch.bfloat16
    )
    assert kv_bytes(shape, 3512, torch.bfloat16) < needed < 2 * GB
    check(shape, needed)
    with pytest.raises(OutOfMemoryError, match=r"This request needs about .* MB .* are free"):
        check(shape, needed - 1)


def test_only_remedies_that_fit_are_proposed(folder: Folder) -> None:
    shape = big(folder)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 400_000_000, history_tokens=1000)
    assert "take a picture half as wide and high" in str(refusal.value)
    assert (refusal.value.smaller_picture, refusal.value.new_tokens) == (True, 0)
    assert "clear the conversation" not in str(refusal.value)
    assert "new tokens" not in str(refusal.value)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 600_000_000, prompt_tokens=9000, picture_tokens=200, history_tokens=8000)
    assert "clear the conversation" in str(refusal.value)
    assert "picture" not in str(refusal.value)
    with pytest.raises(OutOfMemoryError, match="Please choose a smaller model"):
        check(shape, 1000)


def test_the_longest_answer_that_fits_is_named(folder: Folder) -> None:
    shape = big(folder)
    with pytest.raises(OutOfMemoryError) as refusal:
        check(shape, 2 * GB, new_tokens=100_000)
    words = str(refusal.value).split()
    most = int(words[words.index("new") - 1].replace(",", ""))
    check(shape, 2 * GB, new_tokens=most)
    with pytest.raises(OutOfMemoryError):
        check(shape, 2 * GB, new_tokens=round(most * 1.2))


def test_a_smaller_picture_is_no_remedy_where_all_are_resized(folder: Folder) -> None:
    with pytest.raises(OutOfMemoryError) as refusal:
        check(big(folder, "llava"), 400_000_000)
    assert "half as wide" not in str(refusal.value)


@pytest.mark.parametrize("name", list(CHECKPOINTS))
def test_every_family_can_be_estimated(name: str, folder: Folder) -> None:
    shape = AutoConfig.from_pretrained(folder(name))
    few, many = (
        request_bytes(
            shape, prompt_tokens=n, picture_tokens=n // 2, new_tokens=8, dtype=torch.float32
        )
        for n in (100, 1000)
    )
    assert 0 < few < many


def test_free_memory_leaves_some_to_the_rest() -> None:
    (raw,) = memory.free_on_device("cpu")
    free = memory.free_memory("cpu")
    assert free.gpu is None
    assert free.ram == pytest.approx(raw - memory.SPARE_BYTES, abs=2_000_000_000)
    memory.release_memory()


def test_the_dtype_of_config_and_weights_are_the_same_here(folder: Folder) -> None:
    """Estimates are made from the weights' own format, loading goes by the config's."""
    stated = json.loads((folder("llava") / "config.json").read_text())["dtype"]
    assert {"F32": "float32"}[read_weights(folder("llava")).main_dtype] == stated
