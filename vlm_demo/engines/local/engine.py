"""A checkpoint run on this machine with transformers."""

from __future__ import annotations

import copy
import gc
import re
from collections.abc import Generator, Sequence
from inspect import signature
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from vlm_demo.engines.base import (
    Dtype,
    Inspection,
    OnProgress,
    Quantization,
    unheard,
)
from vlm_demo.engines.local.fetching import checkpoint_config, fetch, folder_on_disk
from vlm_demo.engines.local.generation import (
    ChoiceTree,
    Draw,
    IncrementalText,
    OnlyChoices,
    StopStrings,
    StopWhenSet,
    TokenSink,
)
from vlm_demo.engines.local.inspecting import inspection
from vlm_demo.engines.local.loading import load, require_known
from vlm_demo.engines.local.processors import number_tags
from vlm_demo.errors import EngineError, OutOfMemoryError, TooLongError, VlmDemoError
from vlm_demo.settings import Device
from vlm_demo.types import Prompt, Sampling

_OPEN_THOUGHT = re.compile(r"<think>\s*\Z")
"""How prompts end whose template begins the draft that the model writes before its answer."""

_TAG = re.compile(r"[<\[|].*[>\]|]", re.DOTALL)
"""Added tokens of this form are controls; others ("0.25") are words of the checkpoint."""


class LocalEngine:
    """Holds one loaded checkpoint and the one thread that runs it, request after request."""

    def __init__(
        self, processor: Any, model: Any, *, context: int | None = None, threads: int | None = None
    ) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._model = model
        self._context = _context(model.config, context)
        self._reads_apart = _is_encoder_decoder(model.config)
        self._inputs = frozenset(signature(model.forward).parameters)
        self._beginning = self._tokenizer.bos_token or self._tokenizer.cls_token
        self._end_tokens = _end_tokens(model, self._tokenizer)
        self._threads = threads
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()  # guards `_waiting` and `_closed`
        self._waiting: set[_Job] = set()  # every job that is not finished
        self._closed = False
        self._worker = Thread(target=self._work, name="vlm_demo model", daemon=True)
        self._worker.start()

    @classmethod
    def load(
        cls,
        checkpoint: str,
        *,
        revision: str | None = None,
        dtype: Dtype = "auto",
        quantization: Quantization = "none",
        trust_remote_code: bool = False,
        context: int | None = None,
        device: Device = "auto",
        threads: int | None = None,
        on_progress: OnProgress = unheard,
    ) -> LocalEngine:
        """Load a Hub id or a folder, fetching it first where it is not on disk.

        Raises:
            LoadError: it cannot be fetched or loaded.
            OutOfMemoryError: it does not fit into memory.
        """
        if folder_on_disk(checkpoint, revision) is None:  # find out before gigabytes are fetched
            config = checkpoint_config(checkpoint, revision)
            require_known(config, trust_remote_code=trust_remote_code)
        folder = fetch(checkpoint, revision, on_progress, with_code=trust_remote_code)
        processor, model = load(
            folder,
            dtype=dtype,
            quantization=quantization,
            trust_remote_code=trust_remote_code,
            device=device,
            on_progress=on_progress,
        )
        return cls(processor, model, context=context, threads=threads)

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        added = (token for token in self._tokenizer.get_added_vocab() if _TAG.fullmatch(token))
        return frozenset((*self._tokenizer.all_special_tokens, *added))

    def render(self, prompt: Prompt) -> str:
        """Return the text that the model is given, before pictures take their places in it.

        Raises:
            EngineError: neither the prompt nor the checkpoint has a chat template.
        """
        if prompt.chat_template is None and not self._processor.chat_template:
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
        text = self._processor.apply_chat_template(
            messages,
            chat_template=prompt.chat_template,
            add_generation_prompt=True,
            tokenize=False,
        )
        if prompt.choices and _OPEN_THOUGHT.search(text):
            text += "</think>"  # a choice is an answer, not a draft
        return f"{text}{prompt.answer_prefix}"

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the length of the prompt in tokens, those of its pictures included."""
        return int(self._encoded(prompt)["input_ids"].shape[1])

    def inspect(self, prompt: Prompt) -> Inspection:
        """Say what exactly the model is given for a prompt; only the processor works.

        Raises:
            EngineError: the prompt cannot be rendered, or the model was unloaded.
        """
        if self._closed:
            raise EngineError("This model was unloaded. Please try again.")
        pictures = _picture_tokens(self._model.config, self._tokenizer)
        inputs = self._encoded(prompt)
        return inspection(prompt, self.render(prompt), inputs, self._processor, pictures)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[str, None, None]:
        """Yield pieces of text as they are produced.

        Requests are answered one after the other. Closing the iterator stops the generation
        after the token that is being computed.

        Raises:
            EngineError: the model failed, or was closed.
            TooLongError: the prompt does not fit.
            OutOfMemoryError: the answer does not fit into memory.
        """
        job = _Job(prompt, sampling)
        with self._lock:
            if self._closed:
                raise EngineError("This model was unloaded. Please try again.")
            self._waiting.add(job)
            self._jobs.put(job)
        try:
            yield from job.pieces()
        finally:
            job.stop.set()

    def close(self) -> None:
        """Stop what is running, end all streams with an EngineError, and free the memory."""
        with self._lock:
            self._closed = True
            for job in self._waiting:
                job.stop.set()
        self._jobs.put(None)
        self._worker.join()
        self._model = self._processor = self._tokenizer = None
        gc.collect()
        _free_device_memory()

    def _work(self) -> None:
        """Run the jobs in order; the only place where the model computes."""
        if self._threads:
            torch.set_num_threads(self._threads)
        while job := self._jobs.get():
            error: BaseException | None = None
            try:
                if not job.stop.is_set():
                    self._answer(job)
            except Exception as failure:  # raised again, typed, where the answer is read
                error = _typed(failure)
            with self._lock:
                self._waiting.discard(job)
                if self._closed and error is None:
                    error = EngineError("This model was unloaded while it answered.")
            job.finish(error)

    @torch.inference_mode()
    def _answer(self, job: _Job) -> None:
        inputs = self._encoded(job.prompt)
        length = int(inputs["input_ids"].shape[1])
        if self._context is not None and length >= self._context:
            raise TooLongError(
                f"This is too long for the model: {length:,} tokens, and it can take "
                f"{self._context - 1:,}. Please shorten it, or clear the conversation."
            )
        room = self._context or length + job.sampling.max_new_tokens
        if not self._reads_apart:
            room -= length
        if job.prompt.choices:
            self._choose(job, inputs, room)
        else:
            self._write(job, inputs, min(job.sampling.max_new_tokens, room))

    def _write(self, job: _Job, inputs: Any, max_new_tokens: int) -> None:
        """Let the model write freely."""
        prompt_ids = inputs["input_ids"][0].tolist()
        text = IncrementalText(
            self._tokenizer,
            [] if self._reads_apart else prompt_ids,
            keep_special=job.prompt.keep_special_tokens,
            number_tags=number_tags(self._processor),
        )
        until = StopStrings(job.prompt.stop)

        def on_token(token: int) -> None:
            if token not in self._end_tokens:
                job.write(until.add(text.add(token)))
                if until.reached:
                    job.stop.set()

        if thought := _OPEN_THOUGHT.search(self.render(job.prompt)):
            job.write(thought[0])  # it is part of what the model has written
        processors = [Draw(job.sampling, inputs["input_ids"].device)] if _draws(job) else []
        self._generate(job, inputs, on_token, processors, max_new_tokens)
        job.write(until.add(text.rest()))
        job.write(until.rest())

    def _choose(self, job: _Job, inputs: Any, room: int) -> None:
        """Let the model write one of the choices; it is yielded whole."""
        choices = job.prompt.choices
        ids = [self._continuation(job.prompt, choice) for choice in choices]
        end_token = next(iter(self._end_tokens), 0)
        tree = ChoiceTree(ids, end_token)
        longest = max(map(len, ids)) + 1
        if longest > room:
            raise TooLongError("The choices are too long for this model. Please shorten them.")

        def on_token(token: int) -> None:
            tree.follow(token)
            if tree.made is not None:
                job.chosen.set()

        processors: list[Any] = [OnlyChoices(tree)]
        if _draws(job):
            processors.append(Draw(job.sampling, inputs["input_ids"].device))
        if tree.made is None:
            self._generate(job, inputs, on_token, processors, longest)
        if tree.made is not None and not job.stop.is_set():
            job.write(choices[tree.made])

    def _generate(
        self, job: _Job, inputs: Any, on_token: Any, processors: Sequence[Any], max_new_tokens: int
    ) -> None:
        if job.stop.is_set():
            return
        self._model.generate(
            **inputs,
            generation_config=self._generation_config(job, max_new_tokens),
            streamer=TokenSink(on_token),
            logits_processor=LogitsProcessorList(processors),
            stopping_criteria=StoppingCriteriaList(
                [StopWhenSet(job.stop), StopWhenSet(job.chosen)]
            ),
        )

    def _generation_config(self, job: _Job, max_new_tokens: int) -> Any:
        """Take the checkpoint's own settings, but for how tokens are drawn."""
        config = copy.deepcopy(self._model.generation_config)
        config.max_length = None
        config.max_new_tokens = max_new_tokens
        config.do_sample, config.num_beams = False, 1
        config.temperature = config.top_p = config.top_k = config.min_p = config.typical_p = None
        config.repetition_penalty = job.sampling.repetition_penalty  # None: the checkpoint's
        config.eos_token_id = sorted(self._end_tokens) or None
        if config.pad_token_id is None:
            config.pad_token_id = self._tokenizer.pad_token_id
        if config.pad_token_id is None:
            config.pad_token_id = next(iter(self._end_tokens), 0)
        # A picture token in an answer has no picture, and would break every later turn.
        pictures = _picture_tokens(self._model.config, self._tokenizer)
        config.suppress_tokens = sorted({*(config.suppress_tokens or ()), *pictures}) or None
        return config

    def _encoded(self, prompt: Prompt) -> Any:
        """Render the prompt and turn it, with its pictures, into tensors on the model's device."""
        text = self.render(prompt)
        images = [image for message in prompt.messages for image in message.images]
        options: dict[str, Any] = {}
        if self._beginning and text.startswith(self._beginning):
            options["add_special_tokens"] = False  # it must stand there once
        inputs = self._processor(text=[text], images=images or None, return_tensors="pt", **options)
        inputs.pop("labels", None)
        if "token_type_ids" not in self._inputs:
            inputs.pop("token_type_ids", None)
        return inputs.to(self._model.device, dtype=self._model.dtype)

    def _continuation(self, prompt: Prompt, choice: str) -> list[int]:
        """Return a choice's tokens as the model would write them after the prompt."""
        if self._reads_apart:
            first = self._model.generation_config.forced_bos_token_id
            begun = [] if first is None else [first]
            return [*begun, *self._tokenizer.encode(choice, add_special_tokens=False)]
        words = self.render(prompt).split()
        before = words[-1] if words else ""
        encode = self._tokenizer.encode
        start = encode(before, add_special_tokens=False)
        whole = encode(f"{before} {choice.strip()}", add_special_tokens=False)
        if whole[: len(start)] == start and len(whole) > len(start):
            return list(whole[len(start) :])
        return list(encode(choice, add_special_tokens=False))


class _Job:
    """One request, from its reader's thread to the model's and back."""

    def __init__(self, prompt: Prompt, sampling: Sampling) -> None:
        self.prompt = prompt
        self.sampling = sampling
        self.stop = Event()  # the reader has gone, or the text is complete
        self.chosen = Event()
        self._pieces: SimpleQueue[str | BaseException | None] = SimpleQueue()

    def write(self, piece: str) -> None:
        if piece:
            self._pieces.put(piece)

    def finish(self, error: BaseException | None) -> None:
        self._pieces.put(error)

    def pieces(self) -> Generator[str, None, None]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


def _draws(job: _Job) -> bool:
    return job.sampling.temperature > 0


def _typed(error: Exception) -> VlmDemoError:
    """Turn what came out of the model into an error with a remedy."""
    if isinstance(error, VlmDemoError):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in text:
        _free_device_memory()
        typed: EngineError = OutOfMemoryError(
            "There is not enough memory for this answer. Please try a smaller picture, a shorter "
            "conversation or a smaller model."
        )
    else:
        typed = EngineError(f"The model failed while answering: {text or type(error).__name__}")
    typed.__cause__ = error
    return typed


def _free_device_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _is_encoder_decoder(config: Any) -> bool:
    """Whether prompt and answer are two texts, and not one that goes on."""
    return bool(config.is_encoder_decoder or config.get_text_config().is_encoder_decoder)


def _context(config: Any, wanted: int | None) -> int | None:
    """Return how many tokens prompt and answer may have together, or each in encoder-decoders."""
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min((limit for limit in (own, wanted) if limit), default=None)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer."""
    own = model.generation_config.eos_token_id
    several = own if isinstance(own, list) else [own]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)


def _picture_tokens(config: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that stand for pictures."""
    names = ("image_token_id", "image_token_index", "image_patch_id", "video_token_id")
    ids = {getattr(config, name, None) for name in names}
    ids.add(getattr(tokenizer, "image_token_id", None))
    return {token for token in ids if isinstance(token, int)}
