"""Conversion: the result computes what the original does, answers, and is whole or not there."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conversion.conftest import PUBLISH, Published
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.engines import load_engine
from support.tiny_checkpoints.recipes.shared import PICTURE as SIDE
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlm_demo.conversion import convert, writing
from vlm_demo.conversion.systems import all_systems
from vlm_demo.engines import Progress
from vlm_demo.errors import ConversionError, FileError, LoadError, VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.values import Request, Sampling, Task


def run(published: Published, target: Path, **changes: Any) -> Path:
    convert(str(published.source), target, **{**published.options, **changes})
    return target


@pytest.fixture(scope="session")
def converted(
    published: Callable[[str], Published], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return the folder that a system was converted to."""
    root, done = tmp_path_factory.mktemp("converted"), {}

    def folder(name: str) -> Path:
        if name not in done:
            done[name] = run(published(name), root / name)
        return done[name]

    return folder


def test_every_system_is_tested() -> None:
    assert set(all_systems()) == set(PUBLISH)


@pytest.mark.parametrize("name", PUBLISH)
def test_a_converted_model_computes_what_the_original_does(
    name: str, published: Callable[[str], Published], converted: Callable[[str], Path]
) -> None:
    one = published(name)
    model = AutoModelForImageTextToText.from_pretrained(converted(name)).eval()
    image = AutoProcessor.from_pretrained(converted(name)).tokenizer.convert_tokens_to_ids(
        one.image_token
    )
    ids = torch.tensor([[1, 40, *[image] * one.tokens_per_image, 77, 300, 12]])
    pixels = torch.randn(1, 3, SIDE, SIDE)
    with torch.no_grad():
        expected = one.original.logits(ids, pixels, image)
        actual = model(input_ids=ids, pixel_values=pixels).logits
        other = model(input_ids=ids, pixel_values=-pixels).logits
    actual, other = (logits[..., : expected.shape[-1]] for logits in (actual, other))
    assert torch.allclose(actual, expected, atol=2e-5), (actual - expected).abs().max()
    assert not torch.allclose(other, expected, atol=1e-3), "the picture matters"


@pytest.mark.parametrize("name", PUBLISH)
def test_a_converted_model_answers_in_the_way_of_its_family(
    name: str, converted: Callable[[str], Path], picture: Image.Image
) -> None:
    folder = converted(name)
    config = json.loads((folder / "config.json").read_text())
    family = get_family(config["vlm_demo_family"])
    assert config["_name_or_path"] in family.checkpoints
    engine = load_engine(folder)
    try:
        request = Request(Task.CHAT, "What is it?", images=(picture,))
        prompt = family.prompt(request, control_tokens=engine.control_tokens)
        assert len("".join(engine.stream(prompt, Sampling(max_new_tokens=5)))) > 0
        inspected = engine.inspect(prompt)
        assert inspected.text.count(all_systems()[name].image_token) == 1
    finally:
        engine.close()


# What is read and written


def test_weights_are_written_in_shards_under_the_names_of_the_hub(
    published: Callable[[str], Published], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SHARD_BYTES", 200_000)
    told: list[Progress] = []
    folder = run(published("shikra"), tmp_path / "out", on_progress=told.append)
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) > 3
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    names = set()
    for file in files:
        with safe_open(file, framework="pt") as opened:
            names |= set(opened.keys())
    assert names == set(index)
    assert "vision_tower.vision_model.embeddings.class_embedding" in names
    assert "language_model.model.embed_tokens.weight" in names
    assert "language_model.lm_head.weight" in names
    AutoModelForImageTextToText.from_pretrained(folder)
    assert (told[-1].stage, told[-1].done) == ("converting", told[-1].total)


def test_only_a_few_tensors_are_in_memory_at_a_time(
    published: Callable[[str], Published], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SHARD_BYTES", 100_000)
    held: list[int] = []
    real = writing.save_file

    def save(tensors: dict[str, torch.Tensor], *rest: Any, **options: Any) -> None:
        held.append(sum(tensor.nbytes for tensor in tensors.values()))
        real(tensors, *rest, **options)

    monkeypatch.setattr(writing, "save_file", save)
    run(published("yi_vl"), tmp_path / "out")
    largest = 1000 * 64 * 4  # the embeddings
    assert max(held) < max(writing.SHARD_BYTES, largest)


def test_the_format_of_torch_before_1_6_is_read(
    published: Callable[[str], Published], tmp_path: Path
) -> None:
    one = published("yi_vl")
    source = Path(shutil.copytree(one.source, tmp_path / "source"))
    tensors = torch.load(source / "pytorch_model.bin", weights_only=True)
    torch.save(tensors, source / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    run(replace(one, source=source), tmp_path / "out")


def test_minigpt4_takes_the_eye_of_blip_2_from_the_hub_too(
    published: Callable[[str], Published], converted: Callable[[str], Path], tmp_path: Path
) -> None:
    first = converted("minigpt4")
    blip_2 = tmp_path / "blip2-flan-t5-xxl"
    blip_2.mkdir()
    shutil.copy(first / "config.json", blip_2)
    stored = read_tensors(first)
    others = {"language_model.decoder.x": torch.ones(2), "language_projection.bias": torch.ones(2)}
    save_file({**without_language(stored), **others}, blip_2 / "model.safetensors")
    again = run(published("minigpt4"), tmp_path / "again", vision_tower=str(blip_2))
    for name, tensor in read_tensors(again).items():
        assert torch.equal(tensor, stored[name]), name


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def without_language(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if "language" not in name}


def test_an_added_token_has_the_mean_embedding(
    converted: Callable[[str], Path], published: Callable[[str], Published]
) -> None:
    rows = published("yi_vl").original.model.embed_tokens.weight
    model = AutoModelForImageTextToText.from_pretrained(converted("yi_vl"))
    added = model.get_input_embeddings().weight[len(rows) :]
    assert torch.allclose(added, rows.mean(0).expand_as(added), atol=1e-6)


# What is refused


def refuse(published: Published, target: Path, match: str, **changes: Any) -> None:
    """Check that a conversion fails with one line, and leaves nothing behind."""
    before = set(target.parent.iterdir())
    with pytest.raises(VlmDemoError, match=match) as caught:
        run(published, target, **changes)
    assert isinstance(caught.value, ConversionError | FileError | LoadError)
    assert "\n" not in str(caught.value)
    assert set(target.parent.iterdir()) == before


def test_what_is_missing_is_told(published: Callable[[str], Published], tmp_path: Path) -> None:
    shikra, minigpt4, yi = map(published, ("shikra", "minigpt4", "yi_vl"))
    target = tmp_path / "out"
    refuse(shikra, target, "needs a language model.*differences.*LLaMA-7B with --base", base="")
    refuse(shikra, target, "gone/clip.*cannot be downloaded", vision_tower="")
    refuse(minigpt4, target, "needs a language model.*hold none.*Vicuna", base="")
    refuse(minigpt4, target, "needs a vision tower.*blip2-flan-t5-xxl", vision_tower="")
    refuse(yi, target, "takes no --base", base=shikra.options["base"])
    refuse(yi, target, "'gpt' cannot be converted. Known: evovlm_jp", family="gpt")
    refuse(replace(yi, source=tmp_path / "gone"), target, "There is no folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    refuse(replace(yi, source=empty), target, "has no weights")


def test_a_checkpoint_of_no_system_is_refused(
    folder_of_llava: Path, published: Callable[[str], Published], tmp_path: Path
) -> None:
    llava = replace(published("yi_vl"), source=folder_of_llava)
    refuse(llava, tmp_path / "out", "of no system that can be converted.*--family")


def test_weights_that_do_not_fit_are_refused(
    published: Callable[[str], Published], tmp_path: Path
) -> None:
    one = published("japanese_stable_vlm")
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "model"
    tensors = one.original.state_dict()

    def publish(change: dict[str, torch.Tensor | None]) -> Published:
        source = Path(shutil.copytree(one.source, tmp_path / str(len(list(tmp_path.iterdir())))))
        for file in source.glob("model*"):
            file.unlink()
        changed = {k: v for k, v in {**tensors, **change}.items() if v is not None}
        torch.save(changed, source / "pytorch_model.bin")
        return replace(one, source=source)

    norm = "model.layers.1.input_layernorm.weight"
    refuse(publish({norm: None}), target, r"incomplete: model\.language_model\.layers\.1\.input")
    refuse(publish({"model.surprise": torch.ones(2)}), target, r"no tensor called model\.surprise")
    extra = "model.layers.7.input_layernorm.weight"
    refuse(publish({extra: tensors[norm]}), target, r"layers\.7.* would be left over")
    refuse(publish({norm: torch.ones(3)}), target, r"shape \[3\] where \[64\] was expected")


def test_damaged_and_dangerous_files_are_refused(
    published: Callable[[str], Published], tmp_path: Path
) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    one = published("yi_vl")
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "model"
    source = Path(shutil.copytree(one.source, tmp_path / "source"))
    weights = source / "pytorch_model.bin"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    refuse(replace(one, source=source), target, "damaged or cut off")
    weights.write_bytes(b"")
    refuse(replace(one, source=source), target, "damaged or cut off")
    weights.write_bytes(pickle.dumps({"x": Bomb()}, protocol=2))
    refuse(replace(one, source=source), target, "holds more than weights, and is not opened")
    torch.save({"model": Bomb()}, weights)
    refuse(replace(one, source=source), target, "holds more than weights, and is not opened")
    assert not (tmp_path / "ran").exists()
    torch.save([torch.ones(2)], weights)
    refuse(replace(one, source=source), target, "holds no weights by name")
    (source / "config.json").write_text("{")
    refuse(replace(one, source=source), target, r"config\.json is damaged")


def test_a_full_disk_is_noticed_before_anything_is_written(
    published: Callable[[str], Published], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: usage)
    refuse(published("yi_vl"), tmp_path / "out", r"take .* and 1 kB are free")


def test_an_interrupted_conversion_leaves_nothing(
    published: Callable[[str], Published], tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "converting" and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(published("yi_vl"), tmp_path / "out", on_progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(
    published: Callable[[str], Published], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    refuse(published("yi_vl"), tmp_path / "out", "already exists")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.fixture
def folder_of_llava(tiny_llava15: Path) -> Path:
    return tiny_llava15
