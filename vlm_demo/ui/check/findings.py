"""A checked answer as the page shows it: every phrase with its verdict, and a table of the grounds.

A factory around gr.HTML: gradio writes a stub file beside a module that subclasses it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from vlm_demo.analysis.verdicts import Check, Finding, Verdict, Why
from vlm_demo.rendering.palette import colour_of, dash_of
from vlm_demo.ui import browser_files
from vlm_demo.ui.html_values import Said, as_value

_SCRIPT = browser_files.read("check/findings.js")

_TEMPLATE = """
<div class="findings answer" data-board="%BOARD%" hidden>
  <p class="findings-summary" role="status"></p>
  <p class="findings-text" dir="auto"></p>
  <table class="findings-table" hidden><caption class="sr-only"></caption>
    <thead><tr><th scope="col"></th><th scope="col"></th><th scope="col"></th></tr></thead>
    <tbody></tbody></table>
</div>
"""

NOTHING = as_value({})

NO_PHRASES = Said(
    "This text names nothing that could be looked for. Check one that names things, like "
    "“A dog sits beside a red chair.”"
)


def findings(elem_id: str, board: str) -> gr.HTML:
    """Build the component; its value is what `checked` returns.

    A phrase and its places on the picture whose elem_id is `board` point at each other.
    """
    return gr.HTML(
        NOTHING,
        html_template=_TEMPLATE.replace("%BOARD%", board),
        js_on_load=_SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )


def checked(check: Check, *, busy: bool, waiting: Said | None = None) -> str:
    """Value of the component for a check that may still be running (`busy`).

    `waiting` says what it waits for, where that is not the phrases themselves.
    """
    return as_value(
        {
            "parts": _parts(check),
            "findings": [_entry(finding) for finding in check.findings],
            "summary": [waiting] if waiting else summary(check, busy=busy),
            "busy": busy,
        }
    )


def summary(check: Check, *, busy: bool) -> list[Said]:
    """Say in a line what became of the phrases."""
    total = len(check.findings)
    if not total:
        return [NO_PHRASES]
    if busy and not check.is_done:
        done = total - check.count(None)
        return [Said("Looking for what it names: {done} of {total}", _n(done=done, total=total))]
    supported = check.count(Verdict.SUPPORTED)
    one = "{n} of {total} phrases supported" if total > 1 else "{n} of 1 phrase supported"
    said = [Said(one, _n(n=supported, total=total))]
    for verdict, words in (
        (Verdict.CONTRADICTED, "{n} contradicted"),
        (Verdict.NOT_FOUND, "{n} not found"),
        (None, "{n} not looked for"),
    ):
        if count := check.count(verdict):
            said.append(Said(words, _n(n=count)))
    return said


def _n(**values: int) -> dict[str, str | int]:
    return {**values}


def _parts(check: Check) -> list[dict[str, Any]]:
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
    skipped = finding.why is Why.NOT_CHECKED
    return {
        "phrase": phrase.text,
        "negated": phrase.negated,
        "count": phrase.count or 0,
        "verdict": "skipped" if skipped else (finding.verdict or "pending"),
        "why": Said(finding.why.value, finding.blanks) if finding.why else "",
        "thing": finding.thing,
        "placed": bool(finding.evidence.regions),
        "colour": colour_of(finding.thing),
        "dash": dash_of(finding.thing),
    }
