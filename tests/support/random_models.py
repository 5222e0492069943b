"""Random models of real classes, without an engine around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from PIL import Image
from transformers import LogitsProcessorList

from support.tiny_checkpoints import CHECKPOINTS, build
from vlm_demo.engines.local.decoding.grammars import GrammarCompiler, GrammarConstraint
from vlm_demo.families import get_family
from vlm_demo.values import Request, Task

KINDS = ("llava", "qwen2_vl", "smolvlm", "kosmos2", "gemma3", "blip_2_t5", "florence2")
"""Byte-level, SentencePiece with bytes, unigrams with and without a decoder; encoder-decoders."""


@dataclass
class RandomModel:
    """A random model of real classes, asked one question about one picture."""

    model: Any
    tokenizer: Any
    inputs: Any
    grammars: GrammarCompiler

    @property
    def end_token(self) -> int:
        return int(self.tokenizer.eos_token_id)

    def write(self, *processors: Any, seed: int = 0, length: int = 120) -> list[int]:
        """Sample an answer; return its tokens."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            out = self.model.generate(
                **self.inputs,
                do_sample=True,
                top_k=0,
                max_new_tokens=length,
                eos_token_id=self.end_token,
                pad_token_id=self.end_token,
                logits_processor=LogitsProcessorList(processors),
            )[0]
        asked = 1 if self.model.config.is_encoder_decoder else self.inputs["input_ids"].shape[1]
        return out[asked if len(out) > asked or asked == 1 else 0 :].tolist()

    def text(self, grammar: GrammarConstraint, seed: int = 0) -> str:
        """Sample an answer by a grammar; return its text."""
        tokens = self.write(grammar, seed=seed)
        assert tokens[-1] == self.end_token, "it was cut off"
        # As a text goes on: decoders take a blank away where one begins.
        word = self.tokenizer.encode("yes", add_special_tokens=False)
        text = self._decode([*word, *tokens]).removeprefix(self._decode(word))
        return text[1:] if grammar.blank_first and text.startswith(" ") else text

    def _decode(self, tokens: list[int]) -> str:
        return str(
            self.tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


@cache
def random_model(kind: str) -> RandomModel:
    """Return a random model of a tiny checkpoint, asked one question."""
    checkpoint = CHECKPOINTS[kind]
    model, processor = build(checkpoint)
    family = get_family(checkpoint.family)
    picture = Image.new("RGB", (56, 56), "red")
    task = Task.VQA if Task.VQA in family.instructions else Task.CAPTION
    prompt = family.prompt(Request(task, "What is" if task is Task.VQA else "", (picture,)))
    message = prompt.messages[-1]
    content = [*({"type": "image"} for _ in message.images), {"type": "text", "text": message.text}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=prompt.chat_template,
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = processor(text=[text], images=[picture], return_tensors="pt")
    model.eval()
    tokenizer = processor.tokenizer
    vocabulary = model.get_output_embeddings().weight.shape[0]
    grammars = GrammarCompiler(tokenizer, vocabulary, {tokenizer.eos_token_id})
    return RandomModel(model, tokenizer, inputs, grammars)
