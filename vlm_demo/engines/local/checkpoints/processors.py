"""Loads a checkpoint's processor, even where torchvision is not installed.

Several processors have a video processor that needs torchvision, and AutoProcessor loads it even if
only images are processed (https://github.com/huggingface/transformers/issues/48558). Without
torchvision it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoConfig, AutoProcessor, FuyuProcessor, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from vlm_demo.engines.local.checkpoints.folders import PROCESSOR_CLASS_FILES, read_json
from vlm_demo.engines.local.checkpoints.fuyu import CorrectedFuyuProcessor

VIDEO_PART = "video_processor"
"""Name of the part of a processor that prepares videos."""


def load_processor(folder: Path, *, trust_remote_code: bool) -> Any:
    """Load the processor from a folder; raise whatever transformers raises."""
    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, trust_remote_code=trust_remote_code
        )
    except (ImportError, ValueError, OSError) as error:
        if "orchvision" not in str(error) and "ideo processor" not in str(error):
            raise
        processor = without_videos(processor_class(folder)).from_pretrained(folder)
    if isinstance(processor, FuyuProcessor):
        return CorrectedFuyuProcessor(processor.image_processor, processor.tokenizer)
    return processor


def processor_class(folder: Path) -> Any:
    """Return the class of a folder's processor: the one that its files name, or its model type's.

    Raises:
        KeyError: neither says it.
    """
    for name in PROCESSOR_CLASS_FILES:
        if (folder / name).is_file():
            named = getattr(
                transformers, str(read_json(folder / name).get("processor_class")), None
            )
            if named is not None:
                return named
    return PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(folder))]


def number_tags(processor: Any) -> Mapping[str, str]:
    """Return the pairs of tokens, opening to closing, between which each token is a number."""
    return processor.number_tags if isinstance(processor, CorrectedFuyuProcessor) else {}


def without_videos(processor: Any) -> Any:
    """Return a subclass of a processor class that needs no `video_processor`."""
    parts = processor.get_attributes()
    if VIDEO_PART not in parts:
        return processor
    index = parts.index(VIDEO_PART)

    class PartsByName(ProcessorMixin):
        """Stands between the class and ProcessorMixin, which would assign parts by their order."""

        def __init__(self, *args: Any, **options: Any) -> None:
            named = dict(zip(parts, args, strict=False)) | options
            named.pop(VIDEO_PART, None)
            super().__init__(**named)  # type: ignore[no-untyped-call]  # of transformers

    class ImagesOnly(processor, PartsByName):  # type: ignore[misc]  # a class that is found at run time
        @property
        def video_processor(self) -> Any:
            """Stands in where a class looks up settings that both parts have (MiniCPM-V)."""
            return self.image_processor

        @classmethod
        def get_attributes(cls) -> list[str]:
            return [part for part in parts if part != VIDEO_PART]

        @classmethod
        def from_args_and_dict(cls, args: Any, processor_dict: Any, **options: Any) -> Any:
            rest = {key: value for key, value in processor_dict.items() if key != VIDEO_PART}
            args = [*args[:index], None, *args[index:]]
            return super().from_args_and_dict(args, rest, **options)

    if processor.__name__ == "SmolVLMProcessor":
        # Its own asks the video processor for frame counts, even for images.
        ImagesOnly.apply_chat_template = ProcessorMixin.apply_chat_template  # type: ignore[method-assign]
    ImagesOnly.__name__ = ImagesOnly.__qualname__ = processor.__name__
    ImagesOnly.__module__ = processor.__module__
    return ImagesOnly
