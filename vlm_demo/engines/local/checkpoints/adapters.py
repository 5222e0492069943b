"""Merges adapters of PEFT into a model as it is loaded, so that answers take no longer for them.

Only weights are taken, and of the settings only what says where these belong: others could have
the library import modules, change the base, or look something up.

Source of the files: https://huggingface.co/docs/peft/developer_guides/checkpoint.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from vlm_demo.engines.local.checkpoints.folders import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    is_hub_id,
    read_json,
)
from vlm_demo.errors import LoadError

# PEFT 0.21 asks transformers 5.23 for it by its former name, once for each layer.
warnings.filterwarnings("ignore", ".is_gradient_checkpointing", FutureWarning)

KINDS = ("LORA", "LOHA", "LOKR")
"""Kinds of adapters that become a part of the weights they belong to, by `peft_type`."""

SETTINGS = frozenset(
    {
        *("r", "lora_alpha", "alpha", "target_modules", "exclude_modules", "layers_to_transform"),
        *("layers_pattern", "rank_pattern", "alpha_pattern", "modules_to_save", "bias"),
        *("use_rslora", "use_dora", "fan_in_fan_out", "lora_bias", "target_parameters"),
        *("use_effective_conv2d", "decompose_both", "decompose_factor", "rank_dropout"),
        *("trainable_token_indices", "ensure_weight_tying"),
    }
)
"""Settings of an adapter that say where its weights belong; all others are left out."""

_VARIANTS = ("-unsloth-bnb-4bit", "-bnb-4bit", "-unsloth", "-4bit", "-hf")
"""Ends of names under which the weights of a model are published again."""


def check_adapter(folder: Path, checkpoint: str) -> None:
    """Refuse an adapter that cannot be merged into a checkpoint, before that is fetched.

    Args:
        folder: of the adapter.
        checkpoint: Hub id or folder of the model.

    Raises:
        LoadError: it is no such adapter, holds no safe weights, or says that it is for another
            model.
    """
    settings = read_json(folder / ADAPTER_CONFIG)
    kind = settings.get("peft_type")
    if kind not in KINDS or settings.get("alora_invocation_tokens"):
        raise LoadError(
            "The adapter in {folder} is of a kind that cannot be merged ({kind}); those that "
            "can are {kinds}. Choose another adapter.",
            folder=folder,
            kind=kind,
            kinds=", ".join(KINDS),
        )
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise LoadError(
            "The adapter in {folder} has no {adapter_weights}. Weights in the old .bin format "
            "can contain code and are not opened: save it again as safetensors.",
            folder=folder,
            adapter_weights=ADAPTER_WEIGHTS,
        )
    base = str(settings.get("base_model_name_or_path") or "")
    are_known = is_hub_id(base) and is_hub_id(checkpoint) and not Path(checkpoint).is_dir()
    if are_known and _plain_name(base) != _plain_name(checkpoint):
        raise LoadError(
            "The adapter in {folder} was made for {base}, and the menu has it with {model}. "
            "Give {base} as the checkpoint, or choose another adapter.",
            folder=folder,
            base=base,
            model=checkpoint,
        )
    if find_spec("peft") is None:
        raise LoadError(
            "Adapters need the package peft. Install it (pip install peft) and restart."
        )


def merge_adapter(model: Any, folder: Path) -> None:
    """Add the weights of an adapter to those of a model, which stays of its class.

    Raises:
        LoadError: the adapter is damaged, or does not fit the model.
    """
    peft: Any = importlib.import_module("peft")
    settings = read_json(folder / ADAPTER_CONFIG)
    config = _adapter_config(peft, settings)
    try:
        weights = load_file(folder / ADAPTER_WEIGHTS)
    except SafetensorError as error:
        raise LoadError(
            "The weights of the adapter in {folder} are damaged or cut off. Save or download "
            "them again.",
            folder=folder,
        ) from error
    try:
        named = {_full_name(name): one for name, one in weights.items()}
        report = model.load_adapter(peft_config=config, adapter_state_dict=named)
        _check_report(report, folder)
        _merge_layers(model)
    except (ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
        why = " ".join(str(error).split())[:300].rstrip(".")
        if "ignore_mismatched_sizes" in why:  # transformers has logged which
            why = "its weights have other sizes"
        raise _misfit(folder, why) from error
    model.peft_config, model._hf_peft_config_loaded = {}, False


def _adapter_config(peft: Any, settings: Mapping[str, Any]) -> Any:
    config_class = peft.PEFT_TYPE_TO_CONFIG_MAPPING[settings["peft_type"]]
    known = SETTINGS & {field.name for field in fields(config_class)}
    given = {name: value for name, value in settings.items() if name in known}
    return config_class(inference_mode=True, **given)


def _full_name(name: str) -> str:
    """Return the name of a weight as it is in the model: PEFT saves DoRA's lengths without one."""
    return f"{name}.weight" if name.endswith(".lora_magnitude_vector") else name


def _check_report(report: Any, folder: Path) -> None:
    """Refuse an adapter of which not everything has found its place."""
    strays = sorted(map(str, report.unexpected_keys))
    gaps = sorted(map(str, report.missing_keys))
    misfits = [str(one[0] if isinstance(one, tuple) else one) for one in report.mismatched_keys]
    for names, what in ((misfits, "another size"), (strays, "no place"), (gaps, "no weights")):
        if names:
            raise _misfit(folder, f"{names[0]} has {what} there")


def _merge_layers(model: Any) -> None:
    """Put what the adapter adds into the weights, and the layers back in its place.

    Raises:
        ValueError: a weight is no number.
    """
    tuners: Any = importlib.import_module("peft.tuners.tuners_utils")
    wrappers: Any = importlib.import_module("peft.utils.other")
    for name, module in list(model.named_modules()):
        if isinstance(module, wrappers.AuxiliaryTrainingWrapper):
            layer = module.unload_and_optionally_merge_module(
                merge=True, safe_merge=True, adapter_names=None
            )
        elif isinstance(module, tuners.BaseTunerLayer):
            module.merge(safe_merge=True)
            layer = module.get_base_layer()
        else:
            continue
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, layer)


def _misfit(folder: Path, why: str) -> LoadError:
    return LoadError(
        "The adapter in {folder} does not fit this model: {why}. Choose the model that it was "
        "made for.",
        folder=folder,
        why=why,
    )


def _plain_name(checkpoint: str) -> str:
    """Return the name of a model without its owner and the form of its weights."""
    name = checkpoint.rpartition("/")[2].casefold()
    for variant in _VARIANTS:
        name = name.removesuffix(variant)
    return name
