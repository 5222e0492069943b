"""The usual way to run a model, which the program is compared with: `generate` in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, TextIteratorStreamer

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
