"""Program code that a checkpoint brings: what it names is looked at before any of it runs.

`auto_map` in config.json, and in the files of the processor, names each class by the automatic
class of transformers that it stands for: {"AutoModelForCausalLM": "modeling_x.XForCausalLM"}.
Source: https://huggingface.co/docs/transformers/custom_models
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import CONFIG_MAPPING, AutoModelForImageTextToText
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.code_files import code_files, code_revision
from vlm_demo.errors import LoadError, VlmDemoError
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message

MODEL_CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForMultimodalLM",
    "AutoModelForVision2Seq",
    "AutoModelForCausalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModel",
)
"""Automatic classes under which a model that writes text may be named, the most telling first."""

PROCESSOR_FILES = (
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "tokenizer_config.json",
)
"""Files that may name the class of a processor, in the order in which transformers reads them."""

MIN_REVISION_DIGITS = 7
"""Fewest hexadecimal digits that name a commit, as Git abbreviates them."""

_ADVICE = message("Choose another model, or run this one on a server that knows it.")

Json = Mapping[str, Any]


def needs_own_code(config: Json) -> bool:
    """Whether a model, given by its config.json, can only be run with code that it brings."""
    return "auto_map" in config and not _is_native(config)


def _is_native(config: Json) -> bool:
    kind = str(config.get("model_type"))
    return kind in CONFIG_MAPPING and (
        CONFIG_MAPPING[kind] in AutoModelForImageTextToText._model_mapping
    )


def model_reference(config: Json) -> str:
    """Return the class of the model that config.json names, as "module.Class"; "" without one."""
    auto_map = config.get("auto_map")
    if not isinstance(auto_map, dict):
        return ""
    named = (auto_map.get(name) for name in MODEL_CLASSES)
    return next((reference for reference in named if isinstance(reference, str)), "")


def find_problem(config: Json, processor_files: Json) -> DisplayText:
    """Say why a model could not be asked even if its code were run; "" where it could.

    Args:
        config: the content of its config.json, with an `auto_map`.
        processor_files: the content of those of `PROCESSOR_FILES` that it has, by name.
    """
    auto_map = config.get("auto_map")
    if not isinstance(auto_map, dict):
        return join_texts(message("The auto_map in its config.json is damaged."), _ADVICE)
    if others := sorted(_other_repositories((config, *processor_files.values()))):
        elsewhere = TranslatableText(
            "Part of its code is in another repository ({name}), which its revision does not pin.",
            {"name": others[0]},
        )
        return join_texts(elsewhere, _ADVICE)
    if "AutoConfig" not in auto_map and str(config.get("model_type")) not in CONFIG_MAPPING:
        return join_texts(
            message("Its auto_map names no configuration class (AutoConfig)."), _ADVICE
        )
    if not model_reference(config):
        no_writer = TranslatableText(
            "Its auto_map names no model class that generates text, only: {names}.",
            {"names": ", ".join(sorted(map(str, auto_map))) or "-"},
        )
        return join_texts(no_writer, _ADVICE)
    if not _names_processor((config, *processor_files.values())):
        own_way = message("It has no processor for images and text, only an interface of its own.")
        return join_texts(own_way, _ADVICE)
    return ""


def _other_repositories(files: tuple[Json, ...]) -> Iterator[str]:
    """Yield the repositories that references lead to: "owner/name--module.Class"."""
    for file in files:
        auto_map = file.get("auto_map")
        for value in auto_map.values() if isinstance(auto_map, dict) else ():
            for reference in value if isinstance(value, list) else [value]:
                if isinstance(reference, str) and "--" in reference:
                    yield reference.split("--")[0]


def _names_processor(files: tuple[Json, ...]) -> bool:
    for file in files:
        auto_map = file.get("auto_map")
        if isinstance(auto_map, dict) and "AutoProcessor" in auto_map:
            return True
        if hasattr(transformers, str(file.get("processor_class"))):
            return True
    return False


def check_code(folder: Path, config: Json, options: LoadOptions) -> None:
    """Refuse code that is not the code which is trusted, or is not all there.

    Raises:
        LoadError: it has another revision, or lacks the module of the model.
    """
    module = model_reference(config).rsplit(".", 1)[0].replace(".", "/")
    if module and "--" not in module and not (folder / f"{module}.py").is_file():
        raise LoadError(
            "There is no {module}.py in {folder}, which its config.json names. Download or "
            "save the model again.",
            module=module,
            folder=folder,
        )
    revision, trusted = code_revision(folder), options.revision or ""
    if len(trusted) < MIN_REVISION_DIGITS or not revision.startswith(trusted):
        raise LoadError(
            "The code in {folder} ({files}) is not the code that is trusted: its revision is "
            "{revision}, not {trusted}. If you have read it and trust it, set this revision in "
            "the menu; otherwise choose another model.",
            folder=folder,
            files=", ".join(code_files(folder)) or "-",
            revision=revision,
            trusted=repr(trusted),
        )


def load_own_class(folder: Path, config: Json) -> Any:
    """Run the code of a checkpoint that is trusted; return the class of its model.

    Raises:
        LoadError: the class cannot write text.
        Exception: whatever its code raises; see `own_code_errors`.
    """
    reference = model_reference(config)
    model: Any = get_class_from_dynamic_module(reference, str(folder))
    if not hasattr(model, "generate"):
        raise LoadError(
            "{reference} in {folder} cannot generate text: it has no generate method. {advice}",
            reference=reference,
            folder=folder,
            advice=TranslatableText(_ADVICE),
        )
    return model


@contextmanager
def own_code_errors(folder: Path, config: Json) -> Iterator[None]:
    """Turn whatever the code of a checkpoint raises into a LoadError.

    Most such code was written for an older transformers; config.json says for which.
    """
    try:
        yield
    except (VlmDemoError, MemoryError, torch.OutOfMemoryError, SafetensorError):
        raise
    except (Exception, SystemExit) as error:
        version = str(config.get("transformers_version") or "")
        saved = TranslatableText("It was saved with transformers {version}.", {"version": version})
        failed = TranslatableText(
            "The code of the model in {folder} fails with transformers {version} ({problem}).",
            {
                "folder": str(folder),
                "version": transformers.__version__,
                "problem": f"{type(error).__name__}: {' '.join(str(error).split())}",
            },
        )
        raise LoadError(join_texts(failed, saved if version else "", _ADVICE)) from error
