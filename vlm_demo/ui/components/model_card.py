"""What Gradio's views say about a model: its size and terms, and how loading goes."""

from __future__ import annotations

import html

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Progress
from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text, message
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.units import describe_parameters


def facts_html(spec: ModelSpec, languages: str = "") -> str:
    """Return HTML that says how large a model is, its licence, and where it runs."""
    size = TranslatableText(
        "{size} parameters", {"size": as_text(describe_parameters(spec.parameters))}
    )
    facts = [
        translatable_html(size) if spec.parameters else "",
        html.escape(spec.licence),
        languages,
        translatable_html(describe_location(spec)),
    ]
    return " · ".join(fact for fact in facts if fact)


def describe_location(spec: ModelSpec) -> str:
    """Say where the weights of a model that runs here are."""
    if spec.engine == "remote":
        return message("runs on a server")
    if spec.embedded:
        return message("built in")
    return message("downloaded") if spec.is_here else message("downloads on first use")


STAGES = {
    "connecting": message("Connecting"),
    "fetching": message("Downloading"),
    "loading": message("Loading"),
}
"""What the page calls each stage of loading."""


def progress_html(progress: Progress | None) -> str:
    """Return HTML that shows the progress of loading."""
    if progress is None:
        return ""
    share = f' value="{progress.done}" max="{progress.total}"' if progress.total else ""
    return (
        f'<div class="loading"><progress{share} aria-label="Loading the model" '
        f'data-say="aria-label"></progress><span>{translatable_html(STAGES[progress.stage])}'
        f"{_amount_html(progress)}</span></div>"
    )


def _amount_html(progress: Progress) -> str:
    """Return HTML that says how much is loaded."""
    if not progress.total:
        return "…"
    if progress.unit != "bytes":
        return f" {translatable_html(_describe_part(progress.done, progress.total))}"
    megabytes = _describe_part(f"{progress.done / 1e6:,.0f}", f"{progress.total / 1e6:,.0f} MB")
    loaded, files = progress.shards
    shards = TranslatableText("{part} of {whole} shards", {"part": loaded, "whole": files})
    more = f", {translatable_html(shards)}" if files > 1 else ""
    return f" {translatable_html(megabytes)}{more}"


def _describe_part(part: int | str, whole: int | str) -> TranslatableText:
    return TranslatableText("{part} of {whole}", {"part": part, "whole": whole})


def problem_html(problem: DisplayText) -> str:
    """Return HTML of a message that something cannot be done."""
    if not problem:
        return ""
    return f'<p class="notice" role="alert">{translatable_html(problem)}</p>'
