"""The two sides of a comparison: the program as it is, and the usual way to run a model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, TextIteratorStreamer

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.engines import Serving
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.families import get_family
from vlm_demo.values import Prompt, Request

SILENCE_S = 600.0  # longer than any answer here takes


class Program:
    """A model behind the program's one path, from a request to what people read."""

    def __init__(self, folder: Path, family: str, serving: Serving) -> None:
        self._name = folder.name
        spec = ModelSpec(name=self._name, family=family, checkpoint=str(folder))
        self._backend = Backend((spec,), device="cpu", serving=serving)
        for _ in self._backend.load(self._name):
            pass

    def answer(self, request: Request) -> Iterator[str]:
        """Yield the model's own text so far."""
        with closing(self._backend.answer(self._name, request)) as replies:
            for reply in replies:
                yield reply.raw

    def prompt_tokens(self, request: Request) -> int:
        """Return the length of the prompt that the model is given."""
        return self._backend.inspect(self._name, request).tokens

    @property
    def reused(self) -> str:
        """How much of all prompts did not have to be computed."""
        usage = self._backend.usage(self._name)
        if usage is None or not usage.prompt_tokens:
            return ""
        return f"{usage.reused_tokens / usage.prompt_tokens:.0%} of prompt tokens reused"

    def close(self) -> None:
        """Unload the model."""
        self._backend.close()


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

    def inputs(self, prompt: Prompt) -> Any:
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
        pictures = [picture for message in prompt.messages for picture in message.images]
        inputs = self._processor(text=[text], images=pictures or None, return_tensors="pt")
        return inputs.to(self._model.device, dtype=self._model.dtype)

    def answer(self, prompt: Prompt, new_tokens: int) -> Iterator[str]:
        """Yield the model's own text so far."""
        inputs = self.inputs(prompt)
        streamer: Any = TextIteratorStreamer(
            self._processor.tokenizer,
            skip_prompt=True,
            timeout=SILENCE_S,
            skip_special_tokens=not prompt.keep_special_tokens,
        )

        def ended(running: Future[Any]) -> None:
            if running.exception():  # `generate` did not say that nothing follows
                streamer.on_finalized_text("", stream_end=True)

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(
                self._model.generate,
                **inputs,
                streamer=streamer,
                max_new_tokens=new_tokens,
                do_sample=False,
            )
            running.add_done_callback(ended)
            text = prompt.answer_prefix
            for piece in streamer:
                text += piece
                yield text.removesuffix(self._processor.tokenizer.eos_token)
            running.result()

    @torch.inference_mode()
    def whole_answer(self, prompt: Prompt, new_tokens: int) -> Iterator[str]:
        """Yield the text once, when `generate`, called for nothing else, has returned."""
        inputs = self.inputs(prompt)
        output = self._model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False)
        new = output[0, inputs["input_ids"].shape[1] :]
        yield self._processor.decode(new, skip_special_tokens=not prompt.keep_special_tokens)


def prompt_of(family: str, request: Request) -> Prompt:
    """Write the prompt that the program writes for a request."""
    return get_family(family).prompt(request)


def same_text(one: str, other: str) -> bool:
    """Whether two answers agree; blanks at the ends are the streamers' own."""
    return one.strip() == other.strip()
