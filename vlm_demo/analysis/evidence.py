"""Gathers the evidence for a thing: the regions that a model finds, and what it answers when asked.

Many grounding models draw a box for whatever they are asked; a question whether there is such a
thing is a second kind of evidence, which errs differently.
"""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from threading import Event

from PIL.Image import Image

from vlm_demo.analysis.multiple_choice import Ranking
from vlm_demo.analysis.phrases import Language, Phrase
from vlm_demo.analysis.verdicts import Evidence
from vlm_demo.backend import Backend
from vlm_demo.engines.detector.nouns import read_noun
from vlm_demo.engines.detector.vocabulary import Language as DetectorLanguage
from vlm_demo.errors import NoScoresError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.prompting.targets import quote_target
from vlm_demo.values import Reply, ReplyState, Request, Task


@dataclass(frozen=True, slots=True)
class EvidenceFinder:
    """Asks one model about one picture, until `stopped` is set."""

    backend: Backend
    model: str
    image: Image
    stopped: Event
    can_answer: bool  # questions too
    is_detector: bool = False  # it knows 80 kinds of things, and nothing about them but places
    visitor: str = ""  # who asks: see `Request.visitor`

    def look_for(self, phrase: Phrase) -> Evidence:
        """Gather all evidence for a phrase."""
        if not self.is_detector:
            return self._ask_about(phrase)
        noun = read_noun(phrase.text, DetectorLanguage(phrase.language))
        if noun.class_index is None:
            return Evidence(is_known=False)
        evidence = self._ask_about(replace(phrase, text=noun.words))
        return replace(evidence, ignored=noun.modifier)

    def _ask_about(self, phrase: Phrase) -> Evidence:
        reply = self._answer(Task.GROUNDING, quote_target(phrase.text))
        confidences = region_confidences(reply)
        evidence = Evidence(
            tuple(region for mention in reply.mentions for region in mention.regions),
            tuple(confidence for own in confidences for confidence in own),
            denied=denies(reply),
        )
        if not self.can_answer or self.stopped.is_set():
            return evidence
        evidence = replace(evidence, presence=self._ask_presence(phrase))
        if phrase.count and evidence.regions and len(evidence.regions) != phrase.count:
            evidence = replace(evidence, count_answer=self._ask_count(phrase))
        return evidence

    def _ask_presence(self, phrase: Phrase) -> float | None:
        """Return the probability of "yes", among "yes" and "no"; None for another answer."""
        question, *choices = _QUESTIONS[phrase.language]
        thing = phrase.text if phrase.language != "en" else _with_article(phrase)
        question = question.replace("{thing}", thing)
        if phrase.language == "en" and phrase.plural:
            question = question.replace("Is there", "Are there")
        request = Request(
            Task.VQA, question, (self.image,), choices=tuple(choices), visitor=self.visitor
        )
        with suppress(NoScoresError):
            return Ranking.of(choices, self.backend.score(self.model, request)).probabilities[0]
        answer = self._answer(Task.VQA, question).text.strip().casefold()
        is_yes, is_no = (answer.startswith(choice) for choice in choices)
        return float(is_yes) if is_yes or is_no else None

    def _ask_count(self, phrase: Phrase) -> int | None:
        """Return how many there are by the model's own words; None: it names no number."""
        question = _HOW_MANY[phrase.language].replace("{thing}", phrase.text)
        number = re.search(r"\d{1,3}", self._answer(Task.VQA, question).text)
        return int(number[0]) if number else None

    def _answer(self, task: Task, text: str) -> Reply:
        reply = Reply("", "")
        request = Request(task, text, (self.image,), visitor=self.visitor)
        with closing(self.backend.answer(self.model, request)) as replies:
            for newest in replies:
                reply = newest
                if self.stopped.is_set():
                    break
        return reply


_QUESTIONS: dict[Language, tuple[str, str, str]] = {
    "en": ("Is there {thing} in the picture?", "yes", "no"),
    "ja": ("{thing}はありますか?", "はい", "いいえ"),
    "zh": ("图片中有{thing}吗?", "有", "没有"),
}
"""Is there such a thing? The question, then its answers: yes, no."""

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
    """Whether an answer says that there is nothing, in words or with an empty list."""
    if reply.mentions or reply.state in (ReplyState.UNREADABLE, ReplyState.SPACE_UNKNOWN):
        return False
    return bool(_DENIAL.search(reply.text) or _DENIAL.match(reply.raw))


def _with_article(phrase: Phrase) -> str:
    if phrase.plural:
        return phrase.text
    return f"{'an' if phrase.text[0].lower() in 'aeiou' else 'a'} {phrase.text}"
