"""What the page says about a model: its abilities, its size and terms, and how loading goes."""

from __future__ import annotations

import html

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Progress
from vlm_demo.ui.components.task_form import TASK_LABELS
from vlm_demo.ui.html_values import TranslatableText, translatable_html
from vlm_demo.units import format_parameters
from vlm_demo.values import Task


def model_card_html(
    spec: ModelSpec,
    *,
    progress: Progress | None = None,
    problem: str = "",
    is_ready: bool = False,
) -> str:
    """Return HTML that says what a model can do, what it is, and how its loading goes."""
    chips = "".join(
        f'<span class="ability" data-say>{words}</span>'
        for task, words in TASK_LABELS.items()
        if spec.supports(task) and task is not Task.DETAILED_CAPTION  # "Caption" says enough
    )
    line = facts_html(spec, ", ".join(map(translatable_html, spec.languages)))
    note = f'<span class="note" data-say>{html.escape(spec.note)}</span>' if spec.note else ""
    state = _state_html(progress, problem, is_ready)
    return (
        f'<div class="model-card"><div class="abilities">{chips}</div>'
        f'<div class="facts">{line}{state}</div>{note}'
        f"{progress_html(progress)}{problem_html(problem)}</div>"
    )


def facts_html(spec: ModelSpec, languages: str = "") -> str:
    """Return HTML that says how large a model is, its licence, and where it runs."""
    size = format_parameters(spec.parameters, long=True)
    facts = [
        translatable_html(TranslatableText("{size} parameters", {"size": size})) if size else "",
        html.escape(spec.licence),
        languages,
        translatable_html(describe_location(spec)),
    ]
    return " · ".join(fact for fact in facts if fact)


def describe_location(spec: ModelSpec) -> str:
    """Say where the weights of a model that runs here are."""
    if spec.engine == "remote":
        return "runs on another server"
    if spec.embedded:
        return "comes with this program"
    return "on this computer" if spec.is_here else "fetched when chosen"


def _state_html(progress: Progress | None, problem: str, is_ready: bool) -> str:
    if problem or not (progress or is_ready):
        return ""
    if is_ready:
        return ' · <b class="ready" data-say>ready</b>'
    return " · <b data-say>loading…</b>"


def progress_html(progress: Progress | None) -> str:
    """Return HTML that shows the progress of loading."""
    if progress is None:
        return ""
    share = f' value="{progress.done}" max="{progress.total}"' if progress.total else ""
    return (
        f'<div class="loading"><progress{share} aria-label="Loading the model" '
        f'data-say="aria-label"></progress><span>{translatable_html(progress.stage.capitalize())}'
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


def problem_html(problem: str) -> str:
    """Return HTML of a message that something cannot be done."""
    if not problem:
        return ""
    return f'<p class="notice" role="alert" data-say>{html.escape(problem)}</p>'
