"""Adapters of PEFT, merged into tiny checkpoints as they are loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.engines import ask, drawing, load_engine, load_options, write
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.backend import Backend
from vlm_demo.catalog.added_model import spec_for_checkpoint
from vlm_demo.catalog.menu import load_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.engines.local.checkpoints.adapters import check_adapter
from vlm_demo.errors import LoadError, SettingsError
from vlm_demo.values import Request, Task

peft = pytest.importorskip("peft", reason="Adapters need the package peft.")

# PEFT 0.21 asks transformers 5.23 for an attribute by its former name.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")

Weights = Mapping[str, torch.Tensor]


def train(base: Path, folder: Path, seed: int = 0, **settings: Any) -> Weights:
    """Save an adapter with random weights; return what the base has once it is merged by PEFT."""
    with closing(load_engine(base)) as engine:
        given = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"} | settings
        model = peft.get_peft_model(engine._model, peft.LoraConfig(**given))
        torch.manual_seed(seed)
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weights, std=0.1)
        model.save_pretrained(folder)
        merged = model.merge_and_unload()
        return {name: weights.clone() for name, weights in merged.named_parameters()}


@pytest.fixture(scope="module")
def adapter(tiny_llava15: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "shapes"
    train(tiny_llava15, folder)
    return folder


@pytest.fixture
def own(adapter: Path, tmp_path: Path) -> Path:
    """A copy of the adapter, to be spoilt."""
    return shutil.copytree(adapter, tmp_path / "own")


def change(folder: Path, **settings: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llava", {}),
        ("llava", {"use_rslora": True, "use_dora": True}),
        ("llava", {"target_modules": ["q_proj"], "modules_to_save": ["multi_modal_projector"]}),
        ("qwen2_vl", {"exclude_modules": ".*visual.*"}),
        ("smolvlm", {"rank_pattern": {"q_proj": 2}}),
        ("gemma3", {}),
        ("kosmos2", {"target_modules": ["k_proj", "v_proj"]}),
    ],
)
def test_an_adapter_is_merged_as_its_own_library_does(
    kind: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    base = save(CHECKPOINTS[kind], tmp_path / "base")
    expected = train(base, tmp_path / "adapter", **settings)
    with closing(load_engine(base)) as engine:
        plain = dict(engine._model.named_parameters())
        kind_of_model = type(engine._model)
    with closing(load_engine(base, adapter=str(tmp_path / "adapter"))) as engine:
        merged = dict(engine._model.named_parameters())
        assert type(engine._model) is kind_of_model
        assert not [name for name, _ in engine._model.named_modules() if "lora" in name]

    assert merged.keys() <= expected.keys()
    for name, weights in merged.items():
        torch.testing.assert_close(weights, expected[name])
    assert any(not torch.equal(merged[name], plain[name]) for name in merged)


def test_several_adapters_on_one_base_are_models_of_their_own(
    tiny_llava15: Path, tmp_path: Path
) -> None:
    for seed, name in enumerate(("first", "second")):
        train(tiny_llava15, tmp_path / name, seed)
    (tmp_path / "menu.toml").write_text(
        "".join(
            f'[[model]]\nname = "{name}"\nfamily = "llava15"\n'
            f'checkpoint = "{tiny_llava15}"\n{more}\n'
            for name, more in {
                "plain": "",
                "first": 'adapter = "first"',
                "second": 'adapter = "second"',
            }.items()
        )
    )
    backend = Backend(load_menu(tmp_path / "menu.toml"))
    try:
        request = Request(Task.CHAT, "what is it?", (drawing(),))
        texts = {
            spec.name: list(backend.answer(spec.name, request))[-1].raw for spec in backend.menu
        }
        assert len(set(texts.values())) == 3
        assert len({weights_revision(spec) for spec in backend.menu}) == 3
        assert all(spec.is_here for spec in backend.menu)
    finally:
        backend.close()


def test_an_adapter_is_added_by_name_where_its_base_is_on_the_menu(
    tiny_llava15: Path, adapter: Path
) -> None:
    base = ModelSpec(name="base", family="llava15", checkpoint=str(tiny_llava15), licence="MIT")
    backend = Backend([base])
    try:
        added = backend.add_checkpoint(str(adapter))
        assert (added.checkpoint, added.adapter) == (str(tiny_llava15), str(adapter))
        assert (added.family, added.licence) == ("llava15", "")
        assert backend.add_checkpoint(str(adapter)) is added
        assert backend.add_checkpoint(str(tiny_llava15)) is base
    finally:
        backend.close()


def test_a_path_of_another_machine_is_found_by_the_name_of_its_folder(
    tiny_llava15: Path, own: Path
) -> None:
    menu = [ModelSpec(name="base", family="llava15", checkpoint=str(tiny_llava15))]
    change(own, base_model_name_or_path=f"/home/somebody/models/{tiny_llava15.name}")
    assert spec_for_checkpoint(str(own), menu).checkpoint == str(tiny_llava15)


@pytest.mark.parametrize("base", ["somebody/model-that-is-not-here", "/etc", "", "../base"])
def test_the_base_of_a_stranger_is_not_fetched(own: Path, base: str) -> None:
    change(own, base_model_name_or_path=base)
    with pytest.raises(LoadError, match="not downloaded automatically"):
        spec_for_checkpoint(str(own))


def to_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()


def cut_off(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:200])


def shrink(folder: Path) -> None:
    """The weights of a model with narrower layers."""
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name: one[..., :-1].contiguous() for name, one in weights.items()}, path)


def rename_layers(folder: Path) -> None:
    """The weights of a model with other layers."""
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name.replace("q_proj", "query"): one for name, one in weights.items()}, path)


def lose_half(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file(dict(list(weights.items())[::2]), path)


def write_nan(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name: torch.full_like(one, torch.nan) for name, one in weights.items()}, path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (to_pickle, "can contain code"),
        (cut_off, "damaged or cut off"),
        (shrink, "does not fit this model"),
        (rename_layers, "does not fit this model"),
        (lose_half, "does not fit this model"),
        (write_nan, "does not fit this model"),
        (lambda folder: change(folder, peft_type="PROMPT_TUNING"), "cannot be merged"),
        (lambda folder: change(folder, peft_type=None), "cannot be merged"),
        (lambda folder: change(folder, target_modules=["zebra"]), "does not fit this model"),
        (lambda folder: change(folder, r="eight"), "does not fit this model"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "no adapter_config.json"),
    ],
)
def test_an_adapter_that_does_not_do_is_refused_in_words(
    tiny_llava15: Path, own: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(own)
    with pytest.raises(LoadError, match=words):
        load_engine(tiny_llava15, adapter=str(own))


def test_the_settings_of_an_adapter_import_nothing(tiny_llava15: Path, own: Path) -> None:
    change(
        own,
        megatron_config={},
        megatron_core="antigravity",
        auto_mapping={"base_model_class": "x", "parent_library": "antigravity"},
        init_lora_weights="pissa",
        layer_replication=[[0, 1], [0, 1]],
    )
    with closing(load_engine(tiny_llava15, adapter=str(own))) as engine:
        assert write(engine, ask("llava15", drawing()))


def test_an_adapter_for_another_model_of_the_hub_is_refused_before_that_is_fetched(
    own: Path,
) -> None:
    change(own, base_model_name_or_path="llava-hf/llava-1.5-7b-hf")
    with pytest.raises(LoadError, match=r"made for llava-hf/llava-1\.5-7b-hf"):
        check_adapter(own, "Qwen/Qwen2-VL-2B-Instruct")
    check_adapter(own, "somebody/LLaVA-1.5-7B")


def test_an_adapter_that_is_not_here_makes_its_model_one_that_is_not(tiny_llava15: Path) -> None:
    spec = ModelSpec(
        name="x", family="llava15", checkpoint=str(tiny_llava15), adapter="somebody/adapter"
    )
    assert not spec.is_here
    with pytest.raises(LoadError, match="somebody/adapter"):
        load_engine(tiny_llava15, adapter="somebody/adapter")
    assert load_options(tiny_llava15, adapter="a") != load_options(tiny_llava15)


def test_a_server_merges_its_adapters_itself(tmp_path: Path) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_text(
        '[[model]]\nname = "x"\nfamily = "llava15"\ncheckpoint = "m"\nadapter = "a"\n'
        'engine = "remote"\nbase_url = "http://127.0.0.1:1/v1"\n'
    )
    with pytest.raises(SettingsError, match="adapter has no meaning"):
        load_menu(menu)
