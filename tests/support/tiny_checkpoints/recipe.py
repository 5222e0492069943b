"""What the builder must know of a tiny checkpoint besides the defaults of its model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the tiny checkpoint of a model type differs from the default one, made small.

    Attributes:
        model_type: as transformers calls it.
        family: that it is asked as; "": the generic one, in the template that it ships.
        tokenizer: makes the tokenizer; None: one of bytes, with all special tokens that stand in
            the source of the processor.
        tokens: special tokens of that tokenizer besides these.
        named_tokens: special tokens that it knows by a name, such as image_token.
        bos: the token that begins a text, if any.
        processor, image_processor, video_processor, feature_extractor: names of classes in
            transformers; "": as its tables say.
        processor_options: arguments of the processor.
        image_options: arguments of the image processor.
        image_token: stands for a picture in the text; "": as the processor says.
        config_image_token: stands for it in the configuration; "": the same.
        image_text: what the template writes for a picture; "": the image token.
        ships_template: whether the checkpoint has a chat template.
        config: values of the shrunken configuration by dotted path; `...` removes one. A function
            is given the tokenizer.
        end_tokens: that end an answer; empty: the tokenizer's own.
        scale: standard deviation of the random weights; large enough that picture and prompt
            visibly change the answer. 0: as the model initializes itself.
    """

    model_type: str
    family: str = ""
    tokenizer: Callable[[], Any] | None = None
    tokens: Sequence[str] = ()
    named_tokens: Mapping[str, str] = field(default_factory=dict)
    bos: str = ""
    processor: str = ""
    image_processor: str = ""
    video_processor: str = ""
    feature_extractor: str = ""
    processor_options: Options = field(default_factory=dict)
    image_options: Options = field(default_factory=dict)
    image_token: str = ""
    config_image_token: str = ""
    image_text: str = ""
    ships_template: bool = True
    config: Options = field(default_factory=dict)
    end_tokens: Sequence[str] = ()
    scale: float = 0.1
