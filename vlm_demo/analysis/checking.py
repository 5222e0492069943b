"""Check an answer: is each thing that it names in the picture, and where?

Every noun phrase of the answer is looked for by a model that can ground, and where it can answer
questions too, it is asked whether there is such a thing: many grounding models draw a box for
whatever they are asked, and the two kinds of evidence err differently.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Event

from PIL.Image import Image

from vlm_demo.analysis.multiple_choice import Ranking
from vlm_demo.analysis.phrases import Language, Phrase, noun_phrases
from vlm_demo.analysis.verdicts import Check, Evidence, Finding, Why, judge
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, MissingTextError, NoScoresError, TooLongError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.prompting.family import MAX_CHARACTERS
from vlm_demo.values import Reply, ReplyState, Request, Task

AT_A_TIME = 4
"""Phrases that are looked for at the same time; the engine answers them in one batch."""

MOST_THINGS = 60
"""Different things that are looked for in one text; it takes minutes for more."""


def check(backend: Backend, model: str, picture: Image, text: str) -> Generator[Check, None, None]:
    """Look for every noun phrase of `text` in `picture`; yield how far that has come.

    The first yield, which comes at once, holds every phrase without a verdict; a text without
    phrases yields only that. Closing the iterator stops the model.

    Args:
        backend: what asks the model.
        model: one that can ground.
        picture: what the text is about.
        text: the answer of any model, or of a person.

    Raises:
        MissingTextError, TooLongError: there is no text, or it is too long.
        VlmDemoError: the model cannot ground, or failed.
    """
    backend.check(model, Request(Task.GROUNDING, "thing", (picture,)))
    findings = list(_pending(_checked_text(text)))
    yield Check(text, tuple(findings))
    things = {f.thing: f.phrase for f in reversed(findings) if f.why is None}
    stopped = Event()
    asks = Task.VQA in backend.spec(model).tasks
    with closing(_looked_for(backend, model, picture, things, stopped, asks=asks)) as arrived:
        for thing, evidence in arrived:
            findings = [_judged(f, evidence) if f.thing == thing else f for f in findings]
            yield Check(text, tuple(findings))


def _checked_text(text: str) -> str:
    if not text.strip():
        raise MissingTextError("Please write the answer that is to be checked.")
    if len(text) > MAX_CHARACTERS:
        raise TooLongError(
            f"This text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are checked. "
            "Please shorten it."
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("This text has broken characters. Please type it again.")
    return text


def _pending(text: str) -> Iterator[Finding]:
    """Yield a finding without a verdict for each phrase; those that say the same are one thing."""
    things: dict[tuple[str, int | None], int] = {}
    for phrase in noun_phrases(text):
        thing = things.setdefault((phrase.text.casefold(), phrase.count), len(things))
        yield Finding(phrase, thing, why=None if thing < MOST_THINGS else Why.NOT_CHECKED)


def _looked_for(
    backend: Backend,
    model: str,
    picture: Image,
    things: dict[int, Phrase],
    stopped: Event,
    *,
    asks: bool,
) -> Generator[tuple[int, Evidence], None, None]:
    """Yield the evidence for each thing as it comes; a few are looked for at a time."""
    looker = _Looker(backend, model, picture, stopped, asks=asks)
    pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="check")
    try:
        # In a thread that knows whose visit it is for: ZeroGPU counts by visitor.
        running: dict[Future[Evidence], int] = {
            pool.submit(copy_context().run, looker.look_for, phrase): thing
            for thing, phrase in things.items()
        }
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Looker:
    """Asks one model about one picture."""

    backend: Backend
    model: str
    picture: Image
    stopped: Event
    asks: bool  # it can answer questions

    def look_for(self, phrase: Phrase) -> Evidence:
        """Gather all evidence for a phrase."""
        reply = self._answer(Task.GROUNDING, phrase.text)
        sure = region_confidences(reply)
        evidence = Evidence(
            tuple(region for mention in reply.mentions for region in mention.regions),
            tuple(confidence for confidences in sure for confidence in confidences),
            denied=denies(reply),
        )
        if not self.asks or self.stopped.is_set():
            return evidence
        evidence = replace(evidence, presence=self._presence(phrase))
        if phrase.count and evidence.regions and len(evidence.regions) != phrase.count:
            evidence = replace(evidence, counted=self._counted(phrase))
        return evidence

    def _presence(self, phrase: Phrase) -> float | None:
        """Return the probability of "yes", among "yes" and "no"; None for another answer."""
        question, *choices = _QUESTIONS[phrase.language]
        thing = phrase.text if phrase.language != "en" else _with_article(phrase)
        question = question.replace("{thing}", thing)
        if phrase.language == "en" and phrase.plural:
            question = question.replace("Is there", "Are there")
        request = Request(Task.VQA, question, (self.picture,), choices=tuple(choices))
        with suppress(NoScoresError):
            return Ranking.of(choices, self.backend.score(self.model, request)).probabilities[0]
        answer = self._answer(Task.VQA, question).text.strip().casefold()
        said = [answer.startswith(choice) for choice in choices]
        return float(said[0]) if any(said) else None

    def _counted(self, phrase: Phrase) -> int | None:
        question = _HOW_MANY[phrase.language].replace("{thing}", phrase.text)
        number = re.search(r"\d{1,3}", self._answer(Task.VQA, question).text)
        return int(number[0]) if number else None

    def _answer(self, task: Task, text: str) -> Reply:
        reply = Reply("", "")
        with closing(self.backend.answer(self.model, Request(task, text, (self.picture,)))) as new:
            for newest in new:
                reply = newest
                if self.stopped.is_set():
                    break
        return reply


_QUESTIONS: dict[Language, tuple[str, str, str]] = {
    "en": ("Is there {thing} in the picture?", "yes", "no"),
    "ja": ("{thing}はありますか?", "はい", "いいえ"),
    "zh": ("图片中有{thing}吗?", "有", "没有"),
}
"""The question, then its answers: yes, no."""

_HOW_MANY: dict[Language, str] = {
    "en": "How many {thing} are in the picture?",
    "ja": "{thing}はいくつありますか?",
    "zh": "图片中有多少{thing}?",
}

_DENIAL = re.compile(
    r"\b(?:no|not|none|nothing|cannot|isn't|aren't|doesn't|absent)\b"
    r"|ありません|いません|ない|見つかり?ませ|没有|不存在|未找到"
    r"|^\s*(?:```(?:json)?)?\s*\[\s*\]",  # an empty list, from those that answer in JSON
    re.IGNORECASE,
)


def denies(reply: Reply) -> bool:
    """Whether an answer to a search says in words, or with an empty list, that there is nothing."""
    if reply.mentions or reply.state is ReplyState.UNREADABLE:
        return False
    return bool(_DENIAL.search(reply.text) or _DENIAL.match(reply.raw))


def _with_article(phrase: Phrase) -> str:
    if phrase.plural:
        return phrase.text
    return f"{'an' if phrase.text[0].lower() in 'aeiou' else 'a'} {phrase.text}"


def _judged(finding: Finding, evidence: Evidence) -> Finding:
    verdict, why = judge(finding.phrase, evidence)
    return replace(finding, verdict=verdict, why=why, evidence=evidence)


_LANGUAGES: dict[Language, str] = {"en": "English", "ja": "Japanese", "zh": "Chinese"}
"""What the menu calls them."""


def grounding_models(backend: Backend, text: str = "", other_than: str = "") -> list[str]:
    """Return the models that can check an answer, the best choice first.

    Those that are on this computer come first; of them those that know the languages of `text`;
    then others than `other_than`, which wrote it, since a model shares its own mistakes; then the
    larger ones.
    """
    languages = {_LANGUAGES[phrase.language] for phrase in noun_phrases(text)}

    def rank(name: str) -> tuple[bool, bool, bool, int]:
        spec = backend.spec(name)
        foreign = bool(spec.languages) and not languages <= set(spec.languages)
        return not spec.is_here, foreign, name == other_than, -(spec.parameters or 0)

    return sorted(backend.models_for(Task.GROUNDING), key=rank)
