"""Corrects Fuyu's processor (transformers/models/fuyu/processing_fuyu.py, 5.23)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from transformers import FuyuProcessor

_REGION = re.compile(r"<(box|point)>([0-9., ]+)</\1>")
_TAGS = {"box": ("<0x00>", "<0x01>"), "point": ("<0x02>", "<0x03>")}


class CorrectedFuyuProcessor(FuyuProcessor):
    """Cuts images into patches without torchvision, and reads regions in prompts.

    Upstream passes a tensor to `patchify_image` and expects one for a batch; the version that works
    without torchvision takes and returns arrays of one image.

    Each number of a region in a prompt (`<box>388, 426, 404, 488</box>`, in pixels) must become a
    token of its own, between tags; upstream runs the numbers together and then drops the result.
    Here the text is encoded with empty tags, and the numbers' tokens are inserted between them.
    """

    number_tags: ClassVar[Mapping[str, str]] = dict(_TAGS.values())
    """Pairs of tokens, opening to closing, between which each token is a number."""

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:
        super().__init__(image_processor, tokenizer)  # type: ignore[no-untyped-call]
        if type(image_processor).__name__.endswith("Pil"):
            cut = image_processor.patchify_image

            def patchify_image(image: Any, patch_size: Any = None) -> torch.Tensor:
                return torch.from_numpy(cut(np.asarray(image), patch_size)).unsqueeze(0)

            image_processor.patchify_image = patchify_image

    def __call__(self, images: Any = None, text: Any = None, **options: Any) -> Any:
        """Encode one text with one image."""
        [prompt], numbers = text, []
        if images:
            numbers = [
                self._number_tokens(match[2], images[0].size) for match in _REGION.finditer(prompt)
            ]
            prompt = _REGION.sub(lambda match: "".join(_TAGS[match[1]]), prompt)
        inputs = super().__call__(images=images, text=[prompt], **options)
        if numbers:
            ids = self._insert_numbers(inputs["input_ids"][0].tolist(), numbers)
            inputs["input_ids"] = torch.tensor([ids])
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        return inputs

    def encode_answer(self, text: str, size: tuple[int, int]) -> list[int]:
        """Return the tokens of an answer, whose regions count pixels of an image of this size.

        As in prompts, each of their numbers becomes a token, in steps of two pixels.
        """
        ids: list[int] = []
        at = 0
        for match in _REGION.finditer(text):
            ids += self._words(text[at : match.start()])
            opening, closing = self.tokenizer.convert_tokens_to_ids(list(_TAGS[match[1]]))
            ids += [opening, *self._number_tokens(match[2], size), closing]
            at = match.end()
        return [*ids, *self._words(text[at:])]

    def _words(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False)) if text else []

    def _number_tokens(self, text: str, size: tuple[int, int]) -> list[int]:
        """Return the tokens of a region's numbers, in steps of two pixels of the resized image."""
        limit = self.image_processor.size
        scale = min(1.0, limit["width"] / size[0], limit["height"] / size[1])
        steps = (round(float(number) / 2 * scale) for number in text.split(","))
        return [self.tokenizer.convert_tokens_to_ids(str(step)) for step in steps]

    def _insert_numbers(self, ids: list[int], numbers: list[list[int]]) -> list[int]:
        """Insert the numbers of each region between its tags."""
        tags = [self.tokenizer.convert_tokens_to_ids(list(pair)) for pair in _TAGS.values()]
        result, remaining = [], iter(numbers)
        for token, following in zip(ids, [*ids[1:], None], strict=True):
            result.append(token)
            if [token, following] in tags:
                result += next(remaining)
        return result
