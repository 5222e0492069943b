"""A checked answer as the page shows it: each phrase with its verdict, and a table of reasons."""

from __future__ import annotations

from typing import Any

import gradio as gr

from vlm_demo.analysis.verdicts import AnswerCheck, Finding, Reason, Verdict
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.html_values import TranslatableText, encode_value

_SCRIPT = browser_files.read("check/findings_view.js")

_TEMPLATE = """
<div class="findings answer" data-canvas="%CANVAS%" hidden>
  <p class="findings-summary" role="status"></p>
  <p class="findings-text" dir="auto"></p>
  <table class="findings-table" hidden><caption class="sr-only"></caption>
    <thead><tr><th scope="col"></th><th scope="col"></th><th scope="col"></th></tr></thead>
    <tbody></tbody></table>
</div>
"""

NO_FINDINGS = encode_value({})

NO_PHRASES = TranslatableText(
    "This text names nothing to look for. Check one that names things, like "
    "“A dog sits beside a red chair.”"
)


def findings_view(elem_id: str, canvas: str) -> gr.HTML:
    """Build the component; its value is what `findings_value` returns.

    A phrase and its places on the canvas of this id point at each other.
    """
    template = browser_files.fill(_TEMPLATE, canvas=canvas)
    return build_html_component(NO_FINDINGS, template, _SCRIPT, elem_id)


def findings_value(
    check: AnswerCheck, *, busy: bool, waiting: TranslatableText | None = None
) -> str:
    """Value of the component for a check that may still be running (`busy`).

    `waiting` takes the place of the summary, and says what is done before the first phrase.
    """
    return encode_value(
        {
            "parts": _parts(check),
            "findings": [_entry(finding) for finding in check.findings],
            "summary": [waiting] if waiting else summarize(check, busy=busy),
            "busy": busy,
        }
    )


def summarize(check: AnswerCheck, *, busy: bool) -> list[TranslatableText]:
    """Say in one line how many phrases the picture supports."""
    total = len(check.findings)
    if not total:
        return [NO_PHRASES]
    if busy and not check.is_done:
        done = total - check.count(None)
        return [
            TranslatableText(
                "Looking for what it names: {done} of {total}", _n(done=done, total=total)
            )
        ]
    supported = check.count(Verdict.SUPPORTED)
    one = "{n} of {total} phrases supported" if total > 1 else "{n} of 1 phrase supported"
    said = [TranslatableText(one, _n(n=supported, total=total))]
    for verdict, words in (
        (Verdict.CONTRADICTED, "{n} contradicted"),
        (Verdict.NOT_FOUND, "{n} not found"),
        (None, "{n} not looked for"),
    ):
        if count := check.count(verdict):
            said.append(TranslatableText(words, _n(n=count)))
    return said


def _n(**values: int) -> dict[str, str | int]:
    return {**values}


def _parts(check: AnswerCheck) -> list[dict[str, Any]]:
    """Cut the text at its phrases."""
    parts: list[dict[str, Any]] = []
    position = 0
    for index, finding in enumerate(check.findings):
        start, end = finding.phrase.span
        if start > position:
            parts.append({"text": check.text[position:start]})
        parts.append({"text": check.text[start:end], "finding": index})
        position = end
    if position < len(check.text):
        parts.append({"text": check.text[position:]})
    return parts


def _entry(finding: Finding) -> dict[str, Any]:
    phrase = finding.phrase
    skipped = finding.reason is Reason.NOT_CHECKED
    return {
        "phrase": phrase.text,
        "negated": phrase.negated,
        "count": phrase.count or 0,
        "verdict": "skipped" if skipped else (finding.verdict or "pending"),
        "why": TranslatableText(finding.reason.template, finding.blanks) if finding.reason else "",
        "thing": finding.thing,
        "placed": bool(finding.evidence.regions),
        "colour": colour_of(finding.thing),
        "dash": dash_of(finding.thing),
    }
