"""Local engines on tiny checkpoints, opened as the program opens them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from vlm_demo.engines import LoadOptions, OnProgress, Serving, ignore_progress
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory
from vlm_demo.families import architectures, get_family
from vlm_demo.prompting.family import Family
from vlm_demo.values import Message, Prompt, Request, Sampling, Task

COLOURS = ("red", "blue", "green")
SHORT = Sampling(max_new_tokens=12)
LONG = Sampling(max_new_tokens=3900)  # as many as a tiny model can take


def load_engine(
    checkpoint: Path | str,
    *,
    serving: Serving | None = None,
    on_progress: OnProgress = ignore_progress,
    **options: Any,
) -> LocalEngine:
    """Load a checkpoint on the CPU, with what the families declare of its architecture."""
    return LocalEngine.load(load_options(checkpoint, **options), serving, on_progress)


def load_options(checkpoint: Path | str, **options: Any) -> LoadOptions:
    """Return options for the CPU, with what the families declare of architectures."""
    given = {"architectures": architectures(), "device": "cpu", **options}
    return LoadOptions(checkpoint=str(checkpoint), **given)


def drawing(number: int = 0) -> Image.Image:
    """A disc on white; pictures of other numbers have another size or colour."""
    image = Image.new("RGB", (96 + 16 * number, 64), "white")
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill=COLOURS[number % 3])
    return image


def ask(family: str, picture: Image.Image | None, task: Task = Task.CHAT, **more: Any) -> Prompt:
    """Write a family's prompt for a question about a picture."""
    images = (picture,) if picture else ()
    return get_family(family).prompt(Request(task, "what is it?", images, **more))


def write(engine: LocalEngine, prompt: Prompt, sampling: Sampling = SHORT) -> str:
    """Return the whole answer to a prompt."""
    return "".join(engine.stream(prompt, sampling))


@dataclass
class TinyEngine:
    """An engine on a tiny checkpoint, and the family that asks it."""

    engine: LocalEngine
    family: Family

    def prompt(
        self, text: str = "what is it?", picture: int | None = 0, history: tuple[Message, ...] = ()
    ) -> Prompt:
        """Write a prompt for the first of some tasks that the family can do."""
        tasks = (Task.CHAT, Task.VQA, Task.CAPTION, Task.DETECT)
        task = next(task for task in tasks if task in self.family.instructions)
        images = () if picture is None else (drawing(picture),)
        words = "" if task is Task.CAPTION else text
        return self.family.prompt(Request(task, words, images, history=history))

    def tokens(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        """Return the tokens of an answer that went through the engine's queue."""
        encoded = self.engine._encoder.encode(prompt)
        job = self.engine._job(encoded, self.engine._free_text_answer(prompt, encoded), sampling)
        self.engine._worker.submit(job, always=True)
        for _ in job.chunks():
            pass
        return job.tokens

    def tokens_alone(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        """Return what the model's own `generate` writes, with nothing cached from before."""
        encoder, model = self.engine._encoder, self.engine._model
        encoded = encoder.encode(prompt)
        rules = LogitsProcessorFactory(
            model, encoder.tokenizer, encoder.image_token_ids, self.engine._end_tokens
        )
        with torch.inference_mode():
            ids = model.generate(
                **encoded.inputs,
                generation_config=rules.generation_config(sampling, sampling.max_new_tokens),
            )[0].tolist()
        return ids[1:] if encoder.is_encoder_decoder else ids[len(encoded.ids) :]

    @property
    def is_idle(self) -> bool:
        """Whether no request is answered or waits."""
        usage = self.engine.usage()
        return not usage.answering and not usage.waiting


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come to be, however slow the machine is."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 60, "it never came to be"
        time.sleep(0.005)


def raising(error: BaseException) -> Any:
    """Return a function that takes anything and raises an error."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
