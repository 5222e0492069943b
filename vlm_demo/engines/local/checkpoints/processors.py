"""Loads a checkpoint's processor, even where torchvision is not installed.

Several processors have a video processor that needs torchvision, and AutoProcessor loads it even if
only images are processed (https://github.com/huggingface/transformers/issues/48558). Without
torchvision it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor, FuyuProcessor, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from vlm_demo.engines.local.checkpoints.fuyu import CorrectedFuyuProcessor


def load_processor(folder: Path, *, trust_remote_code: bool) -> Any:
    """Load the processor from a folder; raise whatever transformers raises."""
    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, trust_remote_code=trust_remote_code
        )
    except (ImportError, ValueError, OSError) as error:
        if "orchvision" not in str(error) and "ideo processor" not in str(error):
            raise
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        processor = without_videos(PROCESSOR_MAPPING[type(config)]).from_pretrained(folder)
    if isinstance(processor, FuyuProcessor):
        return CorrectedFuyuProcessor(processor.image_processor, processor.tokenizer)
    return processor


def number_tags(processor: Any) -> Mapping[str, str]:
    """Return the pairs of tokens, opening to closing, between which each token is a number."""
    return processor.number_tags if isinstance(processor, CorrectedFuyuProcessor) else {}


def without_videos(processor: Any) -> Any:
    """Return a subclass of a processor class that needs no `video_processor`."""
    parts = processor.get_attributes()
    if "video_processor" not in parts:
        return processor
    index = parts.index("video_processor")

    class ImagesOnly(processor):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [part for part in parts if part != "video_processor"]

        @classmethod
        def from_args_and_dict(cls, args: Any, processor_dict: Any, **options: Any) -> Any:
            rest = {key: value for key, value in processor_dict.items() if key != "video_processor"}
            args = [*args[:index], None, *args[index:]]
            return super().from_args_and_dict(args, rest, **options)

    if processor.__name__ == "SmolVLMProcessor":
        # Its own asks the video processor for frame counts, even for images.
        ImagesOnly.apply_chat_template = ProcessorMixin.apply_chat_template
    ImagesOnly.__name__ = ImagesOnly.__qualname__ = processor.__name__
    ImagesOnly.__module__ = processor.__module__
    return ImagesOnly
