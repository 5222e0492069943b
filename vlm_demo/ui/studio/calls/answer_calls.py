"""The calls behind the actions of an answer: download, check, compare, score, feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Annotated, Any

import gradio as gr
from pydantic import Field

from vlm_demo.analysis.checking import check_against_image, grounding_models
from vlm_demo.analysis.consensus import ModelAnswer, compare_answers
from vlm_demo.analysis.correction import correct_answer, rewrite_answer
from vlm_demo.analysis.ground_truth import score_answer
from vlm_demo.analysis.verdicts import AnswerCheck, Finding, Verdict
from vlm_demo.backend import Backend
from vlm_demo.engines.channel import HEARTBEAT_S, PACE_S, Channel
from vlm_demo.errors import InputError, UnsupportedTaskError
from vlm_demo.markup.region_json import MarkedRegions, region_to_json
from vlm_demo.rendering.export import FILE_FORMATS
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.ui.calls import error_data, explain_errors
from vlm_demo.ui.components.answer_actions.exports import export_answers
from vlm_demo.ui.components.uploaded_images import file_url
from vlm_demo.ui.studio.answering.events import Differ, Event, text_data
from vlm_demo.ui.studio.answering.protocol import Sent, read_sent
from vlm_demo.ui.studio.calls.documents import SentAnswer, SentAnswers
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.ui.visitors import read_owner
from vlm_demo.values import Mention

MAX_COMPARED = 6
"""Largest number of answers that are compared at a time."""


class SentScoring(Sent):
    """What should have been found, and an answer."""

    truth: Annotated[MarkedRegions, Field(min_length=1)]
    answer: SentAnswer


@dataclass(frozen=True)
class AnswerCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    images: ImageStore

    def studio_export(self, form: str, answers: list[Any], request: gr.Request) -> dict[str, Any]:
        """Write answers to a file.

        Args:
            form: one of `FILE_FORMATS`; "numbered" is another name of "marks".
            answers: `SentAnswer`s, without what is not to be written.
            request: who asks.

        Returns:
            `{url, name}` of the file.
        """

        def export() -> dict[str, Any]:
            wanted = "marks" if form == "numbered" else form
            known = next((one for one in FILE_FORMATS if one == wanted), None)
            if known is None:
                raise InputError("There is no such format.")
            owner = read_owner(request)
            sent = read_sent(SentAnswers, {"answers": answers}).answers
            pairs = [(one.to_reply(), one.find_images(self.images, owner)) for one in sent]
            file = export_answers(pairs, known, owner)
            return {"url": file_url(file), "name": file.name}

        return explain_errors(export)

    def studio_check(
        self, answer: dict[str, Any], checker: str, request: gr.Request
    ) -> Iterator[Event]:
        """Look for each thing that an answer names; yield the findings as they come.

        Each has the `checker` that looks. The last one has the answer with what is wrong struck
        out, `corrected`: `[{text, struck}]`, and a draft of it without that, `rewritten`.

        Args:
            answer: a `SentAnswer`.
            checker: the model that looks; "": the best one.
            request: who asks.
        """
        yield {"findings": [], "summary": text_data(message("Looking for what it names…"))}
        try:
            sent = read_sent(SentAnswer, answer)
            owner = read_owner(request)
            image = sent.newest_image(self.images, owner)
            pixels = image.open()
            names = grounding_models(self.backend, sent.text, other_than=sent.model, image=pixels)
            model = str(checker) or next(iter(names), "")
            if not model:
                raise UnsupportedTaskError("No model on the menu can locate objects.")
            channel: Channel[AnswerCheck] = Channel()
            check = partial(
                check_against_image, self.backend, model, pixels, sent.text, visitor=owner
            )
            shown: Event = {}
            with (
                self.backend.quota.admit(owner),
                closing(channel.iterate(HEARTBEAT_S, newest_only=True, pace_s=PACE_S)) as checks,
            ):
                channel.feed(check, "check of an answer")
                for newest in checks:
                    shown = _check_event(newest) if newest else shown
                    yield {**shown, "checker": model}
        except Exception as error:  # whatever it is, the visitor is told
            yield error_data(error)

    def studio_correct(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Write an answer that a person has corrected as the page shows answers.

        Args:
            answer: a `SentAnswer`; phrases that its text does not name are left out.

        Returns:
            `{events}`: of an answer, its mentions and its text.
        """

        def correct() -> dict[str, Any]:
            sent = read_sent(SentAnswer, answer)
            reply = sent.to_reply()
            placed = tuple(_place_phrases(sent.text, reply.mentions))
            return {
                "events": Differ(range(len(sent.images))).events(
                    replace(reply, raw=sent.text, mentions=placed), is_complete=True
                )
            }

        return explain_errors(correct)

    def studio_consensus(self, answers: list[Any]) -> dict[str, Any]:
        """Say how far answers agree, two by two, and which boxes are of one thing.

        Returns:
            `{pairs: [{one, other, iou}], groups: [{phrase, seen_by, box, iou}]}`; the numbers are
            indices of the answers, and a box is the mean of those of a group.
        """

        def compare() -> dict[str, Any]:
            sent = read_sent(SentAnswers, {"answers": answers}).answers
            if not 2 <= len(sent) <= MAX_COMPARED:
                raise InputError("Choose 2 to {max_compared} answers.", max_compared=MAX_COMPARED)
            compared = compare_answers(
                [ModelAnswer(one.model, one.to_reply()) for one in sent], sent[0].task
            )
            pairs = [
                {"one": one, "other": other, "iou": compared.agreement[one][other]}
                for one in range(len(sent))
                for other in range(one + 1, len(sent))
            ]
            groups = [
                {
                    "phrase": group.phrase,
                    "seen_by": list(group.answers),
                    "box": [
                        fmean(values)
                        for values in zip(
                            *(_corners(detection.box) for detection in group.detections),
                            strict=True,
                        )
                    ],
                    "iou": group.iou,
                }
                for group in compared.groups
            ]
            return {"pairs": pairs, "groups": groups}

        return explain_errors(compare)

    def studio_score(self, truth: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        """Score an answer by regions that a person drew.

        Returns:
            `{precision, recall, mean_iou, regions: [{iou, hit, found}]}`; null where there is
            nothing to divide by.
        """

        def score() -> dict[str, Any]:
            sent = read_sent(SentScoring, {"truth": truth, "answer": answer})
            expected = tuple(model.to_region() for model in sent.truth)
            found = sent.answer.regions()
            scored = score_answer(expected, found)
            matches = [match for match in scored.matches if match.expected is not None]
            return {
                "precision": scored.hits / len(found) if found else None,
                "recall": scored.hits / len(expected),
                "mean_iou": fmean(scored.overlaps),
                "regions": [
                    {
                        "iou": match.overlap,
                        "hit": match.is_hit,
                        "found": match.found is not None,
                    }
                    for match in matches
                ],
            }

        return explain_errors(score)


def _corners(box: Any) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def _place_phrases(text: str, mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Yield the mentions whose phrases are in the text, each with its place, in that order."""
    found: list[Mention] = []
    taken: dict[str, int] = {}  # where to look for a phrase that comes again
    for mention in mentions:
        start = text.find(mention.phrase, taken.get(mention.phrase, 0)) if mention.phrase else -1
        if start >= 0:
            end = taken[mention.phrase] = start + len(mention.phrase)
            found.append(replace(mention, span=(start, end)))
    yield from sorted(found, key=lambda one: one.span)


def _check_event(check: AnswerCheck) -> Event:
    return {
        "findings": [_finding(finding) for finding in check.findings],
        "summary": text_data(_summarize(check)),
        "done": check.is_done,
        "corrected": [
            {"text": part.text, "struck": part.is_struck}
            for part in (correct_answer(check) if check.is_done else ())
        ],
        "rewritten": rewrite_answer(check) if check.is_done else "",
    }


def _finding(finding: Finding) -> Event:
    reason = finding.reason
    values: dict[str, str | int] = dict(finding.blanks)
    return {
        "phrase": finding.phrase.text,
        "span": list(finding.phrase.span),
        "verdict": _VERDICTS[finding.verdict] if finding.verdict or not reason else "unchecked",
        "reason": reason and text_data(TranslatableText(reason.template, values)),
        "count": len(finding.evidence.regions),
        "denied": finding.phrase.negated,
        "regions": [region_to_json(region) for region in finding.evidence.regions],
    }


_VERDICTS = {
    Verdict.SUPPORTED: "supported",
    Verdict.CONTRADICTED: "contradicted",
    Verdict.NOT_FOUND: "uncertain",
    None: "pending",
}
"""What the browser calls each verdict."""


def _summarize(check: AnswerCheck) -> TranslatableText:
    total = len(check.findings)
    if not total:
        return TranslatableText("This answer names nothing to look for.")
    if not check.is_done:
        return TranslatableText(
            "Looking for what it names: {done} of {total}",
            {"done": total - check.count(None), "total": total},
        )
    return TranslatableText(
        "{supported} of {total} confirmed, {contradicted} contradicted.",
        {
            "supported": check.count(Verdict.SUPPORTED),
            "total": total,
            "contradicted": check.count(Verdict.CONTRADICTED),
        },
    )
