"""Loading: progress, number formats, and what is wrong with damaged checkpoints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import torch
from PIL import Image
from support.engines import ask, load_engine, load_options
from transformers import AutoModelForImageTextToText, PreTrainedModel

from vlm_demo.engines import NumberFormat, Progress, open_engine
from vlm_demo.engines.local.checkpoints import loading, runnable
from vlm_demo.engines.local.checkpoints.loading import load
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.errors import LoadError, OutOfMemoryError
from vlm_demo.values import Sampling


@pytest.fixture
def broken(tiny_llava15: Path, tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be damaged."""
    return Path(shutil.copytree(tiny_llava15, tmp_path / "broken"))


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


# What is loaded


def test_progress_of_loading_is_told(tiny_llava15: Path) -> None:
    told: list[Progress] = []
    open_engine(load_options(tiny_llava15), on_progress=told.append).close()
    stored = sum(tensor.disk_bytes for tensor in read_weights(tiny_llava15).tensors.values())
    assert {(p.stage, p.total, p.unit) for p in told} == {("loading", stored, "bytes")}
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[0].done, told[-1].done) == (0, stored)
    assert len({p.done for p in told}) > 20
    assert (told[0].shards, told[-1].shards) == ((0, 1), (1, 1))


def load_model(path: Path, on_progress: Callable[[Progress], None]) -> None:
    load(path, load_options(path), on_progress)


def test_the_progress_tells_bytes_and_shards(
    folder_of: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = AutoModelForImageTextToText.from_pretrained(folder_of("llava"))
    whole.save_pretrained(tmp_path, max_shard_size="300KB")
    for file in folder_of("llava").glob("*.json"):
        if file.name != "config.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    for file in folder_of("llava").glob("*.jinja"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told: list[Progress] = []
    load_model(tmp_path, told.append)
    files = len(read_weights(tmp_path).files)
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert {shards for shards, _ in (progress.shards for progress in told)} == {*range(files + 1)}
    assert told[-1] == Progress(
        "loading", told[-1].done, told[-1].done, "bytes", shards=(files, files)
    )
    # Nearly everything has been told before the end.
    assert told[-2].done > 0.9 * told[-1].done


def test_two_loads_at_once_tell_only_their_own(folder_of: Callable[[str], Path]) -> None:
    told: dict[str, list[Progress]] = {"llava": [], "smolvlm": []}
    threads = [
        Thread(target=load_model, args=(folder_of(name), heard.append))
        for name, heard in told.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name, heard in told.items():
        total = read_weights(folder_of(name)).disk_bytes
        assert {progress.total for progress in heard} == {total}
        assert max(progress.done for progress in heard) == total
    assert PreTrainedModel.tie_weights.__qualname__ == "PreTrainedModel.tie_weights"


def test_what_the_listener_raises_ends_the_loading(folder_of: Callable[[str], Path]) -> None:
    def stop(progress: Progress) -> None:
        if progress.done:
            raise LoadError("stopped")

    with pytest.raises(LoadError, match="stopped"):
        load_model(folder_of("llava"), stop)


def test_half_precision_is_widened_on_a_cpu(
    tiny_llava15: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load_engine(tiny_llava15, number_format=NumberFormat.FLOAT16)
    assert engine._model.dtype == torch.float16
    engine._model.save_pretrained(tmp_path)
    engine._encoder.processor.save_pretrained(tmp_path)
    engine.close()
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    again = load_engine(tmp_path)
    assert again._model.dtype == torch.float32
    again.close()


@pytest.mark.parametrize("number_format", [NumberFormat.FOUR_BIT, NumberFormat.EIGHT_BIT])
@pytest.mark.filterwarnings("ignore:MatMul8bitLt:UserWarning")
def test_quantised_weights_answer(
    number_format: NumberFormat, tiny_llava15: Path, picture: Image.Image
) -> None:
    pytest.importorskip("bitsandbytes")
    engine = load_engine(tiny_llava15, number_format=number_format)
    try:
        assert engine._model.is_quantized
        list(engine.stream(ask("llava15", picture), Sampling(max_new_tokens=2)))
    finally:
        engine.close()


# What is refused


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no folder .*nothing.*Give a folder"):
        load_engine(tmp_path / "nothing")


def test_folder_that_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no config\.json in"):
        load_engine(tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff"])
def test_damaged_config(content: str, broken: Path) -> None:
    (broken / "config.json").write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(LoadError, match=r"config\.json is damaged"):
        load_engine(broken)


def test_damaged_processor_file(broken: Path) -> None:
    (broken / "processor_config.json").write_text("{")
    with pytest.raises(LoadError, match="could not be loaded"):
        load_engine(broken)


def test_unknown_kind_of_model(broken: Path) -> None:
    change(broken / "config.json", model_type="llava_next_century")
    with pytest.raises(LoadError, match="does not know this kind of model"):
        load_engine(broken)


def test_truncated_weights(broken: Path) -> None:
    weights = broken / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:50_000])
    with pytest.raises(LoadError, match="damaged or cut off"):
        load_engine(broken)


def test_missing_weights(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    with pytest.raises(LoadError, match=r"has no model\.safetensors"):
        load_engine(broken)


def test_weights_that_can_hold_programs_are_refused(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    torch.save({}, broken / "pytorch_model.bin")
    with pytest.raises(LoadError, match=r"\.bin form.*\.safetensors"):
        load_engine(broken)


def test_a_checkpoint_that_does_not_say_how_pictures_are_prepared(broken: Path) -> None:
    (broken / "processor_config.json").unlink()
    with pytest.raises(LoadError, match=r"has no preprocessor_config\.json.*preprocess images"):
        load_engine(broken)


def test_a_tower_of_a_package_that_is_not_installed(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runnable, "find_spec", lambda name: None)
    change(broken / "config.json", vision_config={"model_type": "timm_wrapper"})
    with pytest.raises(LoadError, match=r"needs the package timm.*pip install timm"):
        load_engine(broken)


def test_missing_shard(tiny_llava15: Path, tmp_path: Path) -> None:
    engine = load_engine(tiny_llava15)
    engine._model.save_pretrained(tmp_path, max_shard_size="300KB")
    engine._encoder.processor.save_pretrained(tmp_path)
    engine.close()
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1
    load_engine(tmp_path).close()
    shards[-1].unlink()
    with pytest.raises(LoadError, match=f"has no {shards[-1].name}"):
        load_engine(tmp_path)


def test_missing_key_is_refused_not_drawn_at_random(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    gone = sorted(weights)[3]
    del weights[gone]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(LoadError, match="incomplete: 1 are missing"):
        load_engine(broken)


def test_weights_of_another_size(broken: Path) -> None:
    config = json.loads((broken / "config.json").read_text())
    config["text_config"]["hidden_size"] = 96
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(LoadError, match="do not fit"):
        load_engine(broken)


def test_text_only_checkpoint(tmp_path: Path, tiny_llava15: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=50, num_attention_heads=2, **sizes)).save_pretrained(
        tmp_path
    )
    with pytest.raises(LoadError, match="llama model, which takes no images"):
        load_engine(tmp_path)


def test_no_tokenizer(broken: Path) -> None:
    (broken / "tokenizer.json").unlink()
    with pytest.raises(LoadError, match=r"could not be loaded|needs a library"):
        load_engine(broken)


def test_programs_of_a_checkpoint_are_not_run(broken: Path) -> None:
    change(
        broken / "config.json",
        model_type="own",
        auto_map={"AutoConfig": "own.Own", "AutoModelForImageTextToText": "own.Model"},
    )
    (broken / "own.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(LoadError, match="own code, which does not run"):
        load_engine(broken)


def test_weights_larger_than_the_memory(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(loading, "SPARE_BYTES", 10**15)
    with pytest.raises(OutOfMemoryError, match="does not fit into the free memory"):
        load_engine(broken)


def test_a_device_that_is_not_there(tiny_llava15: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(LoadError, match="no cuda device"):
        load_engine(tiny_llava15, device="cuda")
