"""The engine that answers with fixed wording. It is no language model, and says so.

It is given the same prompts as any engine. Its answers mark phrases and their boxes as InternVL
does, `<ref>a dog</ref><box>[[x1, y1, x2, y2]]</box>` in thousandths of the image, and the
probability that a box is right is that of its chunk: confidences need no path of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from PIL.Image import Image
from safetensors import SafetensorError

from vlm_demo.engines.base import (
    ImageKind,
    OnProgress,
    Progress,
    RenderedPrompt,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.cache_budget import CacheBudget, CachedItem
from vlm_demo.engines.detector import nanodet, scores
from vlm_demo.engines.detector.answers import Photograph, answer_question, describe_region
from vlm_demo.engines.detector.image_kind import ImageKindProbe, is_blank
from vlm_demo.engines.detector.photo_nets import (
    CLASSIFIER_FILE,
    DETECTOR_FILE,
    DetectedObject,
    Observation,
    PhotoNets,
)
from vlm_demo.engines.detector.questions import (
    QuestionKind,
    UserQuestion,
    detect_language,
    read_names,
    read_question,
)
from vlm_demo.engines.detector.sight import Classification, estimate_confidence
from vlm_demo.engines.detector.text_reading import TextLine, TextReader, write_lines
from vlm_demo.engines.detector.vocabulary import Language
from vlm_demo.engines.detector.wording import WORDINGS, Sentence, SentencePart
from vlm_demo.errors import EngineError, LoadError, NoScoresError
from vlm_demo.translatable_text import message
from vlm_demo.values import Box, Prompt, Sampling, TextChunk

_REGION = re.compile(r"<box>\[\[(\d+), (\d+), (\d+), (\d+)\]\]</box>")
_SEARCH = "Find: "
"""How the family's wording for a search begins."""

_SEEN_BYTES = 40_000
"""What is seen in an image takes this in the cache: features, and up to 180 detections."""


@dataclass(slots=True)
class _Seen:
    """What the nets say about an image."""

    observation: Observation
    whole: Classification | None = None
    """What the classifier says about all of it; None: it was not asked yet."""

    text: tuple[TextLine, ...] | None = None
    """What is written in it; None: it was not read yet."""


class DetectorEngine:
    """Answers requests one by one; each takes about a tenth of a second."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(
        self, nets: PhotoNets, probe: ImageKindProbe, cache: CacheBudget, weight_bytes: int = 0
    ) -> None:
        self._nets = nets
        self._probe = probe
        self._cache = cache
        self._weight_bytes = weight_bytes
        self._reader = TextReader()
        self._seen: dict[bytes, tuple[_Seen, CachedItem]] = {}
        self._lock = Lock()
        self._requests = self._images = self._reused = 0
        self._is_closed = False

    @classmethod
    def load(
        cls,
        folder: Path,
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> DetectorEngine:
        """Load both nets from a folder.

        Raises:
            LoadError: a file is missing or damaged.
        """
        on_progress(Progress("loading", 0, 2, "steps"))
        try:
            nets, probe = PhotoNets.load(folder), ImageKindProbe.load(folder)
            sizes = [(folder / name).stat().st_size for name in (DETECTOR_FILE, CLASSIFIER_FILE)]
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise LoadError(
                "The detector in {folder} could not be loaded: {problem}",
                folder=folder,
                problem=error,
            ) from error
        on_progress(Progress("loading", 2, 2, "steps"))
        return cls(nets, probe, (serving or Serving()).cache, 2 * sum(sizes))

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield the answer, a sentence at a time.

        Raises:
            EngineError: the answer must have a form that only a language model can write, text is
                to be read without the package for that, or the model was unloaded.
        """
        self._require_open()
        if prompt.pattern or prompt.schema:
            raise EngineError(
                "The detector answers in fixed phrases. Choose a language model for answers "
                "that follow a pattern or a JSON schema."
            )
        if prompt.choices:
            yield TextChunk(_best_choice(self.score(prompt, prompt.choices), prompt.choices))
            return
        if lines := self._read_text(prompt):
            yield from write_lines(lines)
            return
        for index, sentence in enumerate(self._answer(prompt)):
            if index:
                yield TextChunk(" ")
            for part in sentence:
                yield from _write_part(part)

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice, from the scores of what is seen.

        Raises:
            NoScoresError: the question or a choice is not about what the detector can see.
            EngineError: the model was unloaded.
        """
        self._require_open()
        image = _newest_image(prompt)
        if image is None:
            raise NoScoresError("The detector needs a photograph for that.")
        question = read_question(prompt.messages[-1].text)
        return scores.score_choices(self._observe(image), question, choices)

    def recognize(self, image: Image) -> ImageKind | None:
        """Return what kind of picture an image is; None: it shows nothing.

        Raises:
            EngineError: the model was unloaded.
        """
        self._require_open()
        if is_blank(image):
            return None
        kinds = self._probe.recognize(self._look_at(image.convert("RGB")).observation.features)
        return max(kinds, key=kinds.__getitem__)

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Return the text that rules read, and the image as the detector sees it."""
        image = _newest_image(prompt)
        images = () if image is None else (nanodet.fit_image(image),)
        return RenderedPrompt(
            prompt=prompt,
            text=prompt.messages[-1].text,
            token_text="",
            tokens=0,
            image_tokens=0,
            images=images,
            note=message(
                "There is no prompt: rules parse the question and answer in fixed phrases."
            ),
        )

    def usage(self) -> Usage:
        """Return what has been done so far."""
        with self._lock:
            return Usage(
                requests=self._requests,
                images=self._images,
                reused_images=self._reused,
                cached_bytes=_SEEN_BYTES * len(self._seen),
                cache_limit=self._cache.limit,
                weight_bytes=self._weight_bytes,
                number_format="float32",
            )

    def close(self) -> None:
        """Forget everything."""
        self._is_closed = True
        for _, item in list(self._seen.values()):
            self._cache.remove(item)
        self._seen.clear()

    def _answer(self, prompt: Prompt) -> Iterator[Sentence]:
        with self._lock:
            self._requests += 1
        text = prompt.messages[-1].text.strip()
        image = _newest_image(prompt)
        if image is None:
            yield (WORDINGS[detect_language(text)].no_image,)
        elif region := _REGION.search(text):
            box = Box.normalize(*map(float, region.groups()), by=(1000, 1000))
            yield describe_region(self._observe(image), box, Language.ENGLISH)
        else:
            question = _read(text)
            yield from answer_question(self._observe(image), question)

    def _read_text(self, prompt: Prompt) -> tuple[TextLine, ...]:
        """Return the lines in the picture where they are asked for, or ()."""
        image = _newest_image(prompt)
        if image is None or _read(prompt.messages[-1].text.strip()).kind is not QuestionKind.READ:
            return ()
        seen = self._look_at(image)
        if seen.text is None:
            seen.text = self._reader.read(image)
        return seen.text

    def _observe(self, image: Image) -> Photograph:
        """Return what the nets see in an image, from the cache where it is there."""
        seen = self._look_at(image)
        if seen.whole is None:
            seen.whole = Classification.of(self._nets.classify(image))
        return Photograph(image, seen.observation, seen.whole, self._nets.classify)

    def _look_at(self, image: Image) -> _Seen:
        """Return what the detector sees, and the classifier too if it was asked before."""
        digest = blake2b(f"{image.size}".encode() + image.tobytes(), digest_size=16).digest()
        with self._lock:
            self._images += 1
            known = self._seen.get(digest)
            self._reused += known is not None
        if known:
            seen, item = known
            self._cache.touch(item)
            return seen
        seen = _Seen(self._nets.detect(image))
        item = CachedItem(_SEEN_BYTES, lambda _: self._forget(digest))
        if self._cache.add(item):
            self._seen[digest] = seen, item
        return seen

    def _forget(self, digest: bytes) -> None:
        self._seen.pop(digest, None)

    def _require_open(self) -> None:
        if self._is_closed:
            raise EngineError("The detector was unloaded. Ask again.")


def _read(text: str) -> UserQuestion:
    return (
        read_names(text.removeprefix(_SEARCH)) if text.startswith(_SEARCH) else read_question(text)
    )


def _newest_image(prompt: Prompt) -> Image | None:
    images = [image for message in prompt.messages for image in message.images]
    return images[-1].convert("RGB") if images else None


def _best_choice(logprobs: Sequence[float], choices: Sequence[str]) -> str:
    return choices[max(range(len(choices)), key=logprobs.__getitem__)]


def _write_part(part: str | SentencePart) -> Iterator[TextChunk]:
    """Yield a part of a sentence in the family's markup, a chunk a box."""
    if isinstance(part, str):
        yield TextChunk(part)
    elif not part.detections:
        yield TextChunk(part.text)
    else:
        yield TextChunk(f"<ref>{part.text}</ref><box>[")
        for index, detection in enumerate(part.detections):
            if index:
                yield TextChunk(", ")
            yield TextChunk(
                _write_box(detection), logprobs=(math.log(estimate_confidence(detection.score)),)
            )
        yield TextChunk("]</box>")


def _write_box(detection: DetectedObject) -> str:
    return str([round(value) for value in detection.box.to_pixels((1000, 1000))])
