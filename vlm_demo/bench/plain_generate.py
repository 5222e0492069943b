"""The usual way to run a model, which the program is compared with: `generate` in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, TextIteratorStreamer

from vlm_demo.bench.near_ties import Divergence
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.values import Prompt

MAX_SILENCE_S = 600.0
"""Seconds without text after which a streamer gives up; longer than any answer here takes."""


class PlainGenerate:
    """transformers as the usual demo runs it: `generate` in a thread, read through a streamer.

    Source: https://huggingface.co/docs/transformers/internal/generation_utils, the example of
    TextIteratorStreamer.
    """

    def __init__(self, processor: Any, model: Any) -> None:
        self._processor = processor
        self._model = model

    @classmethod
    def load(cls, folder: Path) -> PlainGenerate:
        """Load a checkpoint from its folder."""
        model: Any = AutoModelForImageTextToText.from_pretrained(folder)
        return cls(load_processor(folder, trust_remote_code=False), model.eval())

    def encode(self, prompt: Prompt) -> Any:
        """Turn the whole conversation and its pictures into tensors."""
        text = self._processor.apply_chat_template(
            [
                {
                    "role": message.role,
                    "content": [
                        *({"type": "image"} for _ in message.images),
                        {"type": "text", "text": message.text},
                    ],
                }
                for message in prompt.messages
            ],
            chat_template=prompt.chat_template,
            add_generation_prompt=True,
        )
        text += prompt.answer_prefix
        images = [image for message in prompt.messages for image in message.images]
        inputs = self._processor(text=[text], images=images or None, return_tensors="pt")
        return inputs.to(self._model.device, dtype=self._model.dtype)

    def answer(self, prompt: Prompt, new_tokens: int) -> Iterator[str]:
        """Yield the raw text of the answer so far."""
        inputs = self.encode(prompt)
        streamer: Any = TextIteratorStreamer(
            self._processor.tokenizer,
            skip_prompt=True,
            timeout=MAX_SILENCE_S,
            skip_special_tokens=not prompt.keep_special_tokens,
        )

        def end_stream(running: Future[Any]) -> None:
            if running.exception():  # `generate` did not tell the streamer that nothing follows
                streamer.on_finalized_text("", stream_end=True)

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(
                self._model.generate,
                **inputs,
                streamer=streamer,
                max_new_tokens=new_tokens,
                do_sample=False,
            )
            running.add_done_callback(end_stream)
            text = prompt.answer_prefix
            for chunk in streamer:
                text += chunk
                yield text.removesuffix(self._processor.tokenizer.eos_token)
            running.result()

    @torch.inference_mode()
    def answer_at_once(self, prompt: Prompt, new_tokens: int) -> Iterator[str]:
        """Yield the complete text once, when `generate` without a streamer has returned."""
        inputs = self.encode(prompt)
        output = self._model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False)
        new = output[0, inputs["input_ids"].shape[1] :]
        yield self._processor.decode(new, skip_special_tokens=not prompt.keep_special_tokens)

    @torch.inference_mode()
    def measure_divergence(self, prompt: Prompt, one: str, other: str) -> Divergence | None:
        """Measure how far apart two answers to a prompt are for the model where they part.

        None: the answers differ in text, but not in tokens.
        """
        first, second = (self._answer_tokens(text, prompt) for text in (one, other))
        pairs = enumerate(zip(first, second, strict=False))
        at = next((index for index, (a, b) in pairs if a != b), None)
        if at is None:
            return None
        inputs = _extend(self.encode(prompt), first[:at])
        rough = self._model(**inputs).logits[0, -1].double()
        fine = self._fine_logits(inputs)
        margin = (fine[first[at]] - fine[second[at]]).abs()
        return Divergence(at, margin.item(), (rough - fine).abs().max().item())

    def _answer_tokens(self, text: str, prompt: Prompt) -> list[int]:
        """Return the tokens of an answer, and the one that ends it."""
        tokenizer = self._processor.tokenizer
        answer = text.removeprefix(prompt.answer_prefix)
        return [*tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]

    def _fine_logits(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Return the logits of the next token, computed in float64."""
        model = deepcopy(self._model).double()
        fine = {
            name: value.double() if value.is_floating_point() else value
            for name, value in inputs.items()
        }
        return model(**fine).logits[0, -1]  # type: ignore[no-any-return]  # a tensor


def _extend(inputs: Any, tokens: list[int]) -> dict[str, Any]:
    """Append the tokens of an answer to an encoded prompt, whose pictures all come before."""
    ids = inputs["input_ids"]
    more = torch.tensor([tokens], dtype=ids.dtype, device=ids.device)
    extended = {"input_ids": torch.cat([ids, more], dim=1)}
    for name, value in inputs.items():
        if name not in extended and value.shape == ids.shape:  # what is said of each token
            each = torch.full_like(more, int(name == "attention_mask"), dtype=value.dtype)
            extended[name] = torch.cat([value, each], dim=1)
    return {**inputs, **extended}
