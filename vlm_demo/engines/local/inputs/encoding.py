"""From a prompt to what a model is given: text, tokens, and tensors of pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from threading import Lock
from typing import Any

from vlm_demo.engines.base import RenderedPrompt
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.inputs.pictures import Digests, Remembered, RememberingProcessor, digest
from vlm_demo.engines.local.inputs.rendered_prompt import inspection, picture_places
from vlm_demo.errors import EngineError
from vlm_demo.values import Prompt

OPEN_THOUGHT = re.compile(r"<think>\s*\Z")
"""How prompts end whose template begins the draft that the model writes before its answer."""

_TAG = re.compile(r"[<\[|].*[>\]|]", re.DOTALL)
"""Added tokens of this form are controls; others ("0.25") are words of the checkpoint."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as tensors on the CPU, and what tells it from others."""

    text: str  # as the template writes it
    inputs: Any  # the processor's output: input_ids (1, tokens), pixel_values and so on
    ids: list[int]
    pictures: Digests
    past_pictures: int  # index of the first token after the last picture; 0: there is none
    picture_tokens: int  # how many tokens stand for pictures
    history_tokens: int  # about how many are of earlier turns, without their pictures


class Encoder:
    """A checkpoint's template, tokenizer and picture processor. Safe in every thread."""

    def __init__(self, processor: Any, model: Any, budget: CacheBudget) -> None:
        self._remembered = Remembered(budget)
        processor.image_processor = RememberingProcessor(
            processor.image_processor, self._remembered
        )
        self.tokenizer = processor.tokenizer
        self.processor = processor
        self.reads_apart = is_encoder_decoder(model.config)
        self.picture_tokens = _picture_tokens(model.config, self.tokenizer)
        self._model_inputs = frozenset(signature(model.forward).parameters)
        self._beginning = self.tokenizer.bos_token or self.tokenizer.cls_token
        self._forced_first = model.generation_config.forced_bos_token_id
        self._lock = Lock()  # tokenizers are not to be used by two threads at a time

    @property
    def kept_bytes(self) -> int:
        """Pictures that are kept ready."""
        return self._remembered.size

    def close(self) -> None:
        """Free what is kept."""
        self._remembered.clear()

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        added = (token for token in self.tokenizer.get_added_vocab() if _TAG.fullmatch(token))
        return frozenset((*self.tokenizer.all_special_tokens, *added))

    def render(self, prompt: Prompt) -> str:
        """Return the text that the model is given, before pictures take their places in it.

        Raises:
            EngineError: neither the prompt nor the checkpoint has a chat template.
        """
        if prompt.chat_template is None and not self.processor.chat_template:
            raise EngineError("This checkpoint has no chat template, so it cannot be asked.")
        messages = [
            {
                "role": message.role,
                "content": [
                    *({"type": "image"} for _ in message.images),
                    {"type": "text", "text": message.text},
                ],
            }
            for message in prompt.messages
        ]
        text = self.processor.apply_chat_template(
            messages,
            chat_template=prompt.chat_template,
            add_generation_prompt=True,
            tokenize=False,
        )
        if (prompt.choices or prompt.pattern or prompt.schema) and OPEN_THOUGHT.search(text):
            text += "</think>"  # what is asked for is an answer, not a draft
        return f"{text}{prompt.answer_prefix}"

    def encode(self, prompt: Prompt) -> Encoded:
        """Render the prompt and turn it, with its pictures, into tensors.

        Raises:
            EngineError: the prompt cannot be rendered.
        """
        text = self.render(prompt)
        images = [image for message in prompt.messages for image in message.images]
        options: dict[str, Any] = {}
        if self._beginning and text.startswith(self._beginning):
            options["add_special_tokens"] = False  # it must stand there once
        pictures = tuple(map(digest, images))
        with self._lock:
            self._remembered.show(pictures)
            inputs = self.processor(
                text=[text], images=images or None, return_tensors="pt", **options
            )
        inputs.pop("labels", None)
        if "token_type_ids" not in self._model_inputs:
            inputs.pop("token_type_ids", None)
        ids = inputs["input_ids"][0].tolist()
        places = picture_places(inputs, ids, self.picture_tokens)
        past = len(places) - places[::-1].index(True) if True in places else 0
        return Encoded(
            text, inputs, ids, pictures, past, sum(places), self._history(prompt, len(ids), places)
        )

    def _history(self, prompt: Prompt, tokens: int, places: Sequence[bool]) -> int:
        if len(prompt.messages) < 3:  # question, answer, question
            return 0
        with self._lock:
            newest = self.tokenizer.encode(prompt.messages[-1].text, add_special_tokens=False)
        return max(tokens - sum(places) - len(newest), 0)

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Say what exactly the model is given for a prompt."""
        encoded = self.encode(prompt)
        return inspection(prompt, encoded.text, encoded.inputs, self.processor, self.picture_tokens)

    def continuation(self, prompt_text: str, answer: str) -> list[int]:
        """Return an answer's tokens as the model would write them after a prompt."""
        with self._lock:
            encode = self.tokenizer.encode
            if self.reads_apart:
                first = self._forced_first
                begun = [] if first is None else [first]
                return [*begun, *encode(answer, add_special_tokens=False)]
            words = prompt_text.split()
            before = words[-1] if words else ""
            start = encode(before, add_special_tokens=False)
            whole = encode(f"{before} {answer.strip()}", add_special_tokens=False)
            if whole[: len(start)] == start and len(whole) > len(start):
                return list(whole[len(start) :])
            return list(encode(answer, add_special_tokens=False))


def is_encoder_decoder(config: Any) -> bool:
    """Whether prompt and answer are two texts, and not one that goes on."""
    return bool(config.is_encoder_decoder or config.get_text_config().is_encoder_decoder)


def _picture_tokens(config: Any, tokenizer: Any) -> Sequence[int]:
    """Return the tokens that stand for pictures."""
    names = ("image_token_id", "image_token_index", "image_patch_id", "video_token_id")
    ids = {getattr(config, name, None) for name in names}
    ids.add(getattr(tokenizer, "image_token_id", None))
    return sorted(token for token in ids if isinstance(token, int))
