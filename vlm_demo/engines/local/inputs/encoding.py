"""Turns a prompt into what a model is given: text, tokens, and tensors of images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import Any

from jinja2 import TemplateError
from PIL.Image import Image

from vlm_demo.engines.base import RenderedPrompt
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.checkpoints.fuyu import CorrectedFuyuProcessor
from vlm_demo.engines.local.failures import to_vlm_demo_error
from vlm_demo.engines.local.inputs.films import (
    film_arguments,
    film_part,
    find_films,
    takes_films,
)
from vlm_demo.engines.local.inputs.image_cache import (
    CachedImageProcessor,
    ImageDigests,
    ImageResultCache,
    digest_image,
)
from vlm_demo.engines.local.inputs.model_inputs import (
    add_token_types,
    drop_unknown_inputs,
    list_input_names,
)
from vlm_demo.engines.local.inputs.rendered_prompt import describe_prompt, find_image_tokens
from vlm_demo.errors import EngineError, MissingImageError, VlmDemoError
from vlm_demo.prompting.architecture import FilmInput
from vlm_demo.prompting.templates import (
    find_thinking_argument,
    fit_labels,
    template_message,
)
from vlm_demo.values import Message, Prompt, Size

OPEN_REASONING = re.compile(r"<think>\s*\Z")
"""Pattern of the end of prompts whose template opens the reasoning before the answer."""

_IMAGE = re.compile("image|pixel|picture", re.IGNORECASE)
"""Pattern of words in a processor's error which says that it misses a picture."""

_CONTEXT = 48
"""Characters of a prompt that decide how the text behind them is cut into tokens."""

_TAG = re.compile(r"[<\[|].*[>\]|]", re.DOTALL)
"""Pattern of added tokens that are control tokens; others ("0.25") are words."""


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt as tensors on the CPU, and what identifies it in caches."""

    text: str  # as the template writes it
    inputs: Any  # the processor's output: input_ids (1, tokens), pixel_values and so on
    ids: list[int]
    images: ImageDigests
    images_end: int  # index of the first token after the last image; 0: there is none
    image_tokens: int  # how many tokens stand for images
    history_tokens: int  # about how many are of earlier turns, without their images


class PromptEncoder:
    """Encodes prompts with a checkpoint's template, tokenizer and image processor.

    Safe in every thread.
    """

    def __init__(
        self,
        processor: Any,
        model: Any,
        budget: CacheBudget,
        *,
        film_input: FilmInput | None = None,
    ) -> None:
        self._image_cache = ImageResultCache(budget)
        processor.image_processor = CachedImageProcessor(
            processor.image_processor, self._image_cache
        )
        self.tokenizer = processor.tokenizer
        self.processor = processor
        self.is_encoder_decoder = _is_encoder_decoder(model.config)
        self.image_token_ids = _image_token_ids(model.config, self.tokenizer)
        self._input_names = list_input_names(model)
        self._needs_gaps = hasattr(getattr(model, "model", model), "get_rope_index")
        self._bos_token = self.tokenizer.bos_token or self.tokenizer.cls_token
        self._forced_first = model.generation_config.forced_bos_token_id
        self.end_tokens = _end_tokens(model, self.tokenizer)
        self._film_input = film_input if takes_films(processor) else None
        self._lock = Lock()  # tokenizers are not thread-safe

    @property
    def cache_bytes(self) -> int:
        """Bytes that the image cache takes."""
        return self._image_cache.size

    def close(self) -> None:
        """Free the image cache."""
        self._image_cache.clear()

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        added = (token for token in self.tokenizer.get_added_vocab() if _TAG.fullmatch(token))
        return frozenset((*self.tokenizer.all_special_tokens, *added))

    def render(self, prompt: Prompt) -> str:
        """Return the text that the model is given, before images are inserted.

        Raises:
            EngineError: neither the prompt nor the checkpoint has a chat template, or it cannot
                be used.
        """
        return self._render(prompt)[0]

    def _render(self, prompt: Prompt) -> tuple[str, frozenset[int]]:
        """Render a prompt; return also which of its messages are given as films.

        Where the template writes no place for a film, its frames are pictures.
        """
        if prompt.chat_template is None and not self.processor.chat_template:
            raise EngineError("This checkpoint has no chat template, so it cannot be prompted.")
        films = find_films(prompt.messages) if self._film_input else frozenset[int]()
        if films:
            with suppress(EngineError):
                text = self._write(prompt, films)
                if text.count(self.processor.video_token) == len(films):
                    return text, films
        return self._write(prompt, frozenset()), frozenset()

    def _write(self, prompt: Prompt, films: frozenset[int]) -> str:
        template = prompt.chat_template or self._own_template
        messages = [
            film_part(message, self._film_input)
            if self._film_input and index in films
            else template_message(message)
            for index, message in enumerate(fit_labels(template, prompt.messages))
        ]
        try:
            text = self.processor.apply_chat_template(
                messages,
                chat_template=prompt.chat_template,
                add_generation_prompt=True,
                tokenize=False,
                **self._thinking(prompt),
            )
        except TemplateError as error:
            raise EngineError(
                "The chat template of this checkpoint cannot be used: {problem}. Choose "
                "another model, or another version of this one.",
                problem=error,
            ) from error
        if (prompt.choices or prompt.pattern or prompt.schema) and OPEN_REASONING.search(text):
            text += "</think>"  # an answer is wanted, without reasoning
        if self._needs_gaps:
            text = self._separate_images(text, len(_list_images(prompt, films)))
        return f"{text}{prompt.answer_prefix}"

    @property
    def _own_template(self) -> str:
        """The chat template of the checkpoint; "": it has none."""
        template = self.processor.chat_template or ""
        own = template.get("default", "") if isinstance(template, dict) else template
        return str(own)

    def _thinking(self, prompt: Prompt) -> dict[str, bool]:
        """Return the argument that turns reasoning on or off, where that was chosen.

        Raises:
            EngineError: the template has none.
        """
        if prompt.thinking is None:
            return {}
        argument = find_thinking_argument(prompt.chat_template or self._own_template)
        if not argument:
            raise EngineError(
                "The template of this checkpoint cannot turn reasoning on or off. Leave that "
                "to the model."
            )
        return {argument: prompt.thinking}

    def _separate_images(self, text: str, count: int) -> str:
        """Put a line break between images that a template writes without anything between them.

        M-RoPE numbers an unbroken run of image tokens as one image (`get_rope_index`).
        """
        token = getattr(self.processor, "image_token", None)
        if not token or count < 2 or text.count(token) != count:
            return text
        image = re.escape(token)
        return re.sub(f"{image}(?={image})", lambda match: f"{match[0]}\n", text)

    def encode(self, prompt: Prompt) -> EncodedPrompt:
        """Render a prompt, and turn it and its images into tensors.

        Raises:
            MissingImageError: the model answers only with a picture, and there is none.
            EngineError: the prompt cannot be rendered, or the processor fails.
        """
        try:
            return self._encode(prompt)
        except VlmDemoError:
            raise
        except Exception as error:  # whatever a processor makes of a prompt
            if not any(message.images for message in prompt.messages) and _IMAGE.search(str(error)):
                raise MissingImageError("This model needs an image. Add one.") from error
            raise to_vlm_demo_error(error) from error

    def _encode(self, prompt: Prompt) -> EncodedPrompt:
        text, film_indices = self._render(prompt)
        images = _list_images(prompt, film_indices)
        films = [prompt.messages[index] for index in sorted(film_indices)]
        digests = tuple(digest_image(image, prompt.image_options) for image in images)
        frames = tuple(
            digest_image(image, {"film_s": seconds})
            for film in films
            for image, seconds in zip(film.images, film.film_times, strict=True)
        )
        inputs = self.encode_text(text, images, digests, prompt.image_options, films)
        ids = inputs["input_ids"][0].tolist()
        is_image = find_image_tokens(inputs, ids, self.image_token_ids)
        return EncodedPrompt(
            text,
            inputs,
            ids,
            digests + frames,
            images_end=len(ids) - is_image[::-1].index(True) if True in is_image else 0,
            image_tokens=sum(is_image),
            history_tokens=self._history_tokens(prompt, len(ids) - sum(is_image)),
        )

    def encode_text(
        self,
        text: str,
        images: Sequence[Image],
        digests: ImageDigests,
        image_options: Mapping[str, Any] = MappingProxyType({}),
        films: Sequence[Message] = (),
    ) -> Any:
        """Return what the model is given for a rendered text; raise whatever the processor raises.

        Args:
            text: as `render` returns it.
            images: of the text, in order.
            digests: of the images with these options.
            image_options: arguments of the image processor; {}: its own.
            films: messages whose images the text has as films, in order.
        """
        options: dict[str, Any] = {**film_arguments(films)}
        if self._bos_token and text.startswith(self._bos_token):
            options["add_special_tokens"] = False  # it must not be added again
        if images and image_options:
            options["images_kwargs"] = dict(image_options)
        with self._lock:
            self._image_cache.use_images(digests)
            inputs = self.processor(
                text=[text], images=list(images) or None, return_tensors="pt", **options
            )
        drop_unknown_inputs(inputs, self._input_names)
        add_token_types(inputs, self.processor, self._input_names)
        return inputs

    def _history_tokens(self, prompt: Prompt, text_tokens: int) -> int:
        if len(prompt.messages) < 3:  # question, answer, question
            return 0
        with self._lock:
            newest = self.tokenizer.encode(prompt.messages[-1].text, add_special_tokens=False)
        return max(text_tokens - len(newest), 0)

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Return what exactly the model is given for a prompt.

        Raises:
            EngineError: as `encode` does.
        """
        encoded = self.encode(prompt)
        return describe_prompt(
            prompt, encoded.text, encoded.inputs, self.processor, self.image_token_ids
        )

    def continuation_tokens(
        self, prompt_text: str, answer: str, image_size: Size | None = None
    ) -> list[int]:
        """Return the tokens of a text that stands right behind a prompt, blanks included.

        Those of an encoder-decoder begin with the token that its answers must begin with.

        Args:
            prompt_text: as `render` returns it.
            answer: the text behind it.
            image_size: of the image that regions in the answer are on; None: there is none.
        """
        with self._lock:
            if isinstance(self.processor, CorrectedFuyuProcessor):
                return self.processor.encode_answer(answer, image_size or (1, 1))
            encode = partial(self.tokenizer.encode, add_special_tokens=False)
            if self.is_encoder_decoder:
                first = [] if self._forced_first is None else [self._forced_first]
                return [*first, *encode(answer)]
            for context in (prompt_text[-_CONTEXT:], "\n"):
                start, whole = encode(context), encode(context + answer)
                if whole[: len(start)] == start:
                    return list(whole[len(start) :])
            return list(encode(answer))

    def answer_tokens(self, prompt_text: str, answer: str) -> list[int]:
        """Return an answer's tokens as the model would write them after a prompt."""
        with self._lock:
            encode = self.tokenizer.encode
            if self.is_encoder_decoder:
                first = [] if self._forced_first is None else [self._forced_first]
                return [*first, *encode(answer, add_special_tokens=False)]
            words = prompt_text.split()
            before = words[-1] if words else ""
            start = encode(before, add_special_tokens=False)
            whole = encode(f"{before} {answer.strip()}", add_special_tokens=False)
            if whole[: len(start)] == start and len(whole) > len(start):
                return list(whole[len(start) :])
            return list(encode(answer, add_special_tokens=False))


def _list_images(prompt: Prompt, films: frozenset[int]) -> list[Image]:
    """Return the images of a prompt, in order, without the frames of films."""
    turns = enumerate(prompt.messages)
    return [image for index, message in turns if index not in films for image in message.images]


def _is_encoder_decoder(config: Any) -> bool:
    """Whether prompt and answer are separate texts, and not one continued."""
    return bool(config.is_encoder_decoder or config.get_text_config().is_encoder_decoder)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer."""
    own = model.generation_config.eos_token_id
    several = own if isinstance(own, list) else [own]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)


def _image_token_ids(config: Any, tokenizer: Any) -> Sequence[int]:
    """Return the ids of tokens that stand for images."""
    names = ("image_token_id", "image_token_index", "image_patch_id", "video_token_id")
    ids = {getattr(config, name, None) for name in names}
    ids.add(getattr(tokenizer, "image_token_id", None))
    return sorted(token for token in ids if isinstance(token, int))
