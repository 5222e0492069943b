"""From scenes to training batches, with a family's own prompts and markup."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

from vlm_demo.prompting.family import Family
from vlm_demo.scenes.dialogues import ENGLISH, JAPANESE, TASKS, TEXT_TASKS, Asker, ask, converse
from vlm_demo.scenes.exchange import Exchange, GroundedPhrase
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.scenes.scene import Scene
from vlm_demo.scenes.splits import RANGES
from vlm_demo.training.recipes import packing, vision_tower
from vlm_demo.training.recipes.loop import Batch
from vlm_demo.values import Message, Prompt, Request

_MAX_DIALOGUES = 16  # about one picture; rarely do so many fit
_MANY_OBJECTS = 3  # mistakes are made with this many objects or more
_OTHER_SCENE = 1 << 38  # offset to seeds of the training range that no step reaches


@dataclass(frozen=True, kw_only=True)
class DialogueWriter:
    """Writes questions about scenes in a family's prompts, and what its model should answer."""

    family: Family
    tokenizer: PreTrainedTokenizerFast
    image_text: str  # what precedes the first question, the picture's token included
    phrase_pattern: str  # how a phrase is written before its boxes
    lead: str = ""  # what the processor inserts between picture and text
    absent: str | None = None  # the answer to a search that finds nothing; None: that of the scene
    tasks: Sequence[tuple[Asker, float]] = TASKS
    conversations: bool = True
    japanese: bool = True

    def dialogues(self, rng: random.Random, scene: Scene) -> Iterator[list[packing.TokenizedTurn]]:
        """Yield questions and conversations about a scene without end."""
        if self.conversations and rng.random() < 0.1:  # one long conversation
            words = JAPANESE if self.japanese and rng.random() < 0.25 else ENGLISH
            yield self._turns(scene, itertools.islice(converse(rng, scene, words), 14))
        seen: set[tuple[str, ...]] = set()
        while True:
            exchanges = tuple(self._exchanges(rng, scene))
            key = tuple(exchange.text + exchange.task for exchange in exchanges)
            if key not in seen or exchanges[0].region:
                seen.add(key)
                yield self._turns(scene, iter(exchanges))

    def _exchanges(self, rng: random.Random, scene: Scene) -> Iterator[Exchange]:
        japanese = self.japanese and rng.random() < 0.25
        words = JAPANESE if japanese else ENGLISH
        if self.conversations and rng.random() < 0.35:
            return itertools.islice(converse(rng, scene, words), rng.choice((1, 1, 2, 3)))
        return iter((ask(rng, scene, words, TEXT_TASKS if japanese else self.tasks),))

    def _turns(self, scene: Scene, exchanges: Iterator[Exchange]) -> list[packing.TokenizedTurn]:
        """Write a conversation as the model gets it, and split it into questions and answers."""
        history: tuple[Message, ...] = ()
        texts: list[str] = []
        seen = self.image_text
        for exchange in exchanges:
            prompt = self._prompt(scene, exchange, history)
            rendered = self.render(prompt)
            assert rendered.startswith(seen), (rendered, seen)
            answer = self._answer(exchange, prompt)
            texts += [self.lead + rendered.removeprefix(seen), answer]
            seen = rendered + answer + self.end
            history = (
                *history,
                Message("user", exchange.text, () if history else (scene.image,)),
                Message("assistant", answer),
            )
        ids = self._encode(texts)
        return [
            packing.TokenizedTurn(question, [*answer, self.end_id], packing.is_word([*answer, 0]))
            for question, answer in zip(ids[::2], ids[1::2], strict=True)
        ]

    def _prompt(self, scene: Scene, exchange: Exchange, history: tuple[Message, ...]) -> Prompt:
        request = Request(
            exchange.task,
            exchange.text,
            images=() if history else (scene.image,),
            regions=(exchange.region,) if exchange.region else (),
            history=history,
        )
        return replace(self.family, prepare_image=lambda image: image).prompt(request)

    def render(self, prompt: Prompt) -> str:
        """Return the text of a prompt, up to where the model continues."""
        template = prompt.chat_template
        assert template is not None
        conversation = [
            {
                "role": message.role,
                "content": [
                    *({"type": "image"} for _ in message.images),
                    {"type": "text", "text": message.text},
                ],
            }
            for message in prompt.messages
        ]
        rendered = render_jinja_template(
            [conversation], chat_template=template, add_generation_prompt=True
        )[0]
        return str(rendered[0]) + prompt.answer_prefix

    def _answer(self, exchange: Exchange, prompt: Prompt) -> str:
        markup, frame = self.family.markup, prompt.frame
        assert markup is not None and frame is not None
        beginning = prompt.answer_prefix
        if exchange.subject == "absent" and self.absent is not None:
            return self.absent

        def write(grounded: GroundedPhrase) -> str:
            boxes = markup.write_regions(grounded.boxes, frame)
            return self._write_phrase(grounded.phrase, boxes)

        if beginning and not beginning.endswith((">", ":")):
            text = exchange.answer_text()
            if exchange.text and text.startswith(exchange.text):
                return text.removeprefix(exchange.text)
            exchange = exchange.decapitalize()
        grounded = exchange.subject != "detailed_caption" or "<grounding>" in beginning
        text = exchange.answer_text(write if grounded else None)
        return text if text.startswith("<") else f" {text}"

    def _write_phrase(self, phrase: str, boxes: str) -> str:
        return self.phrase_pattern.replace("{phrase}", phrase) + boxes if phrase else boxes

    @property
    def end(self) -> str:
        """The text that ends an answer."""
        return str(self.tokenizer.eos_token)

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self.tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]


@dataclass(frozen=True, slots=True)
class BatchMaker:
    """Makes the batch of a step from its number alone."""

    writer: DialogueWriter
    prefix: Sequence[int]
    padded: bool  # whether the family pads pictures to a square; else it squashes them
    batch_size: int
    text_length: int
    crowded: bool = False  # whether half of the scenes with one or two objects are replaced

    def __call__(self, step: int) -> Batch:
        return vision_tower.stack_samples(
            [
                self._sample(RANGES["train"][step * self.batch_size + offset])
                for offset in range(self.batch_size)
            ]
        )

    def _sample(self, seed: int) -> dict[str, np.ndarray]:
        rng = random.Random(seed)
        scene = draw_scene(seed)
        if self.crowded and len(scene.objects) < _MANY_OBJECTS and rng.random() < 0.5:
            scene = draw_scene(seed + _OTHER_SCENE)
        dialogues = itertools.islice(self.writer.dialogues(rng, scene), _MAX_DIALOGUES)
        packed = packing.pack(
            self.prefix,
            dialogues,
            len(self.prefix) + self.text_length,
            int(self.writer.tokenizer.pad_token_id),
        )
        pixels = vision_tower.model_input(scene.image, padded=self.padded)
        return {"pixels": pixels, **packed, **vision_tower.dense_targets(scene, padded=self.padded)}
