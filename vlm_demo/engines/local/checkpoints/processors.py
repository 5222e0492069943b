"""Loads a checkpoint's processor, also where torchvision is not installed.

Several processors have a part for videos that only works with torchvision, and AutoProcessor loads
it even for pictures (https://github.com/huggingface/transformers/issues/48558). Without torchvision
that part is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor, FuyuProcessor, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from vlm_demo.engines.local.checkpoints.fuyu import MendedFuyu


def load_processor(folder: Path, *, trust_remote_code: bool) -> Any:
    """Load the processor from a folder; raises whatever transformers raises."""
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
        return MendedFuyu(processor.image_processor, processor.tokenizer)
    return processor


def number_tags(processor: Any) -> Mapping[str, str]:
    """Tokens between which each token of an answer is a number: opening to closing."""
    return processor.number_tags if isinstance(processor, MendedFuyu) else {}


def without_videos(processor: Any) -> Any:
    """Derive a processor class that never asks for its `video_processor`."""
    parts = processor.get_attributes()
    if "video_processor" not in parts:
        return processor
    place = parts.index("video_processor")

    class PicturesOnly(processor):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [part for part in parts if part != "video_processor"]

        @classmethod
        def from_args_and_dict(cls, args: Any, processor_dict: Any, **options: Any) -> Any:
            kept = {key: value for key, value in processor_dict.items() if key != "video_processor"}
            args = [*args[:place], None, *args[place:]]
            return super().from_args_and_dict(args, kept, **options)

    if processor.__name__ == "SmolVLMProcessor":
        # Its own asks the video processor for frame counts, for pictures too.
        PicturesOnly.apply_chat_template = ProcessorMixin.apply_chat_template
    PicturesOnly.__name__ = PicturesOnly.__qualname__ = processor.__name__
    PicturesOnly.__module__ = processor.__module__
    return PicturesOnly
