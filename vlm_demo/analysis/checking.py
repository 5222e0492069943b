"""Check an answer: is each thing that it names in the picture, and where?

Every noun phrase of the answer is looked for by a model that can ground, and where it can answer
questions too, it is asked whether there is such a thing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from contextvars import copy_context
from dataclasses import replace
from threading import Event

from PIL.Image import Image

from vlm_demo.analysis.evidence import EvidenceFinder
from vlm_demo.analysis.phrases import Language, Phrase, noun_phrases
from vlm_demo.analysis.verdicts import AnswerCheck, Evidence, Finding, Reason, judge
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, MissingTextError
from vlm_demo.prompting.request_checks import check_text
from vlm_demo.values import Request, Task

MAX_CONCURRENT = 4
"""Number of phrases that are looked for at the same time; the engine answers them in one batch."""

MAX_THINGS = 60
"""Largest number of different things that are looked for in one text; more would take minutes."""


def check_against_image(
    backend: Backend, model: str, image: Image, text: str, *, visitor: str = ""
) -> Generator[AnswerCheck, None, None]:
    """Look for every noun phrase of `text` in `image`; yield the check as it proceeds.

    The first yield, which comes at once, holds every phrase without a verdict; a text without
    phrases yields only that. Closing the iterator stops the model.

    Args:
        backend: what asks the model.
        model: one that can ground.
        image: what the text is about.
        text: the answer of any model, or of a person.
        visitor: who asks: see `Request.visitor`.

    Raises:
        MissingTextError, InputError, TooLongError: there is no text, it is broken or too long.
        InputError: none of the models that automatic stands for knows such pictures.
        VlmDemoError: the model cannot ground, or failed.
    """
    route = backend.route(model, Request(Task.GROUNDING, "thing", (image,)))
    if route.refusal:
        raise InputError(route.refusal)
    spec = route.spec
    if not text.strip():
        raise MissingTextError("Enter the answer to check.")
    check_text(text)
    findings = list(_pending_findings(text))
    yield AnswerCheck(text, tuple(findings))
    things = {f.thing: f.phrase for f in reversed(findings) if f.reason is None}
    finder = EvidenceFinder(
        backend,
        model,
        image,
        Event(),
        can_answer=Task.VQA in spec.tasks,
        is_detector=spec.engine == "detector",
        visitor=visitor,
    )
    with closing(_gather_evidence(finder, things)) as gathered:
        for thing, evidence in gathered:
            findings = [_with_verdict(f, evidence) if f.thing == thing else f for f in findings]
            yield AnswerCheck(text, tuple(findings))


def _pending_findings(text: str) -> Iterator[Finding]:
    """Yield a finding without a verdict for each phrase; those that say the same are one thing."""
    things: dict[tuple[str, int | None], int] = {}
    for phrase in noun_phrases(text):
        thing = things.setdefault((phrase.text.casefold(), phrase.count), len(things))
        yield Finding(phrase, thing, reason=None if thing < MAX_THINGS else Reason.NOT_CHECKED)


def _gather_evidence(
    finder: EvidenceFinder, things: dict[int, Phrase]
) -> Generator[tuple[int, Evidence], None, None]:
    """Yield the evidence for each thing as it arrives; a few are looked for at a time."""
    pool = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="check")
    try:
        # The context tells whose visit it is for: ZeroGPU counts by visitor.
        running: dict[Future[Evidence], int] = {
            pool.submit(copy_context().run, finder.look_for, phrase): thing
            for thing, phrase in things.items()
        }
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        finder.stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _with_verdict(finding: Finding, evidence: Evidence) -> Finding:
    verdict, reason = judge(finding.phrase, evidence)
    return replace(finding, verdict=verdict, reason=reason, evidence=evidence)


_LANGUAGES: dict[Language, str] = {"en": "English", "ja": "Japanese", "zh": "Chinese"}
"""Names of the languages in the menu."""


def grounding_models(
    backend: Backend, text: str = "", other_than: str = "", image: Image | None = None
) -> list[str]:
    """Return the models that can check an answer, the best choice first.

    Models on this computer come first; among them those that know the languages of `text` and
    pictures such as `image`; then others than `other_than`, which wrote it, since a model shares
    its own mistakes; then the larger ones.
    """
    languages = {_LANGUAGES[phrase.language] for phrase in noun_phrases(text)}
    kind = None if image is None else backend.recognize(image)

    def rank(name: str) -> tuple[bool, bool, bool, bool, int]:
        spec = backend.spec(name)
        foreign = bool(spec.languages) and not languages <= set(spec.languages)
        is_lost = spec.made_for not in (None, kind)
        size = -(spec.parameters or 0)
        return not spec.is_here, foreign, is_lost, name == other_than, size

    able = (spec for spec in backend.menu if spec.runs_here and spec.supports(Task.GROUNDING))
    return sorted((spec.name for spec in able), key=rank)
