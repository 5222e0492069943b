"""What the Inspector says about an output and about a prompt, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL.Image import Image

from vlm_demo.analysis.diagnosis import (
    AlternativeReading,
    ConversionStep,
    ConversionTrace,
    OutputDiagnosis,
    ReadingWarning,
)
from vlm_demo.engines import RenderedPrompt
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.rendering.palette import colour_of
from vlm_demo.ui.components.uploaded_images import file_url
from vlm_demo.ui.html_values import DisplayText, TranslatableText, translatable_html
from vlm_demo.values import ReplyState

MAX_TRACES = 8
"""Number of places whose conversion is shown at once; the others follow in a fold-out."""

MAX_FAMILIES = 4
"""Number of families named in one row of the table; the others follow in a fold-out."""

_STATES = {
    ReplyState.NONE: TranslatableText(
        "The answer names no place: it has no markup, or says that there is nothing."
    ),
    ReplyState.PARTLY_UNREADABLE: TranslatableText("Some of the markup for places cannot be read."),
    ReplyState.UNREADABLE: TranslatableText(
        "There is markup for places, but none of it can be read."
    ),
    ReplyState.SPACE_UNKNOWN: TranslatableText(
        "There are places, but not what their numbers count: please choose it above."
    ),
}


def diagnosis_html(diagnosis: OutputDiagnosis, others: Sequence[AlternativeReading]) -> str:
    """HTML of the warnings, of how each place was read, and of the alternative readings."""
    return "".join(
        [
            *map(_reading_warning_html, diagnosis.warnings),
            _outcome_html(diagnosis),
            _traces_html(diagnosis.traces),
            _table(others),
        ]
    )


def hint_html(text: DisplayText) -> str:
    """HTML of a line that says why there is nothing to show, or what to do."""
    return f'<p class="told">{translatable_html(text)}</p>'


def warning_html(text: DisplayText, *more: str) -> str:
    """HTML of a line about something that is wrong; `more` is HTML that follows in it."""
    return f'<p class="notice" role="status">{" ".join((translatable_html(text), *more))}</p>'


def _reading_warning_html(warning: ReadingWarning) -> str:
    titles = [translatable_html(SPACES[name].title) for name in warning.better_spaces]
    better = "<span data-say>Likelier:</span> " + " / ".join(titles)
    return warning_html(warning.message, *([better] if titles else []))


def _outcome_html(diagnosis: OutputDiagnosis) -> str:
    if diagnosis.space is None:
        return hint_html(TranslatableText("This family writes no places, only text."))
    return hint_html(_STATES[state]) if (state := diagnosis.reply.state) in _STATES else ""


def _traces_html(traces: Sequence[ConversionTrace]) -> str:
    if not traces:
        return ""
    first, rest = traces[:MAX_TRACES], traces[MAX_TRACES:]
    more = (
        f"<details><summary data-say>{len(rest)} more places</summary>{_list(rest)}</details>"
        if rest
        else ""
    )
    return f"<h3 data-say>From the output to the picture</h3>{_list(first)}{more}"


def _list(traces: Iterable[ConversionTrace]) -> str:
    return f'<ul class="strips">{"".join(map(_trace_html, traces))}</ul>'


def _trace_html(trace: ConversionTrace) -> str:
    colour = colour_of(trace.mention) if trace.mention is not None else "transparent"
    name = html.escape(trace.phrase) or "<span data-say>unnamed</span>"
    steps = "".join(map(_step_html, trace.steps))
    return (
        f'<li><b><i style="background:{colour}"></i>{name}</b><ol class="strip">{steps}</ol></li>'
    )


def _step_html(step: ConversionStep) -> str:
    numbers = ", ".join(map(_format_number, step.numbers))
    value = f"<code>{numbers}</code>" if numbers else ""
    # The raw text is the only detail without numbers.
    detail = html.escape(step.detail)
    detail = f"<small data-say>{detail}</small>" if numbers else f"<code>{detail}</code>"
    return f"<li><span data-say>{html.escape(step.title)}</span>{value}{detail}</li>"


def _format_number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if abs(number) >= 10 else f"{number:.4g}"


def _table(others: Sequence[AlternativeReading]) -> str:
    if not others:
        return ""
    rows = "".join(map(_row, sorted(others, key=lambda other: not other.is_same)))
    return (
        '<h3 data-say>Other readings</h3><div class="table"><table><thead><tr>'
        "<th data-say>Read by</th><th data-say>Coordinate space</th><th data-say>Places</th>"
        "<th data-say>Where</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(other: AlternativeReading) -> str:
    titles = ", ".join(map(html.escape, other.titles[:MAX_FAMILIES]))
    if rest := other.titles[MAX_FAMILIES:]:
        others = html.escape(", ".join(rest))
        titles += f"<details><summary data-say>and {len(rest)} more</summary>{others}</details>"
    where = TranslatableText("the same") if other.is_same else TranslatableText("elsewhere")
    space = other.space or TranslatableText("several things")
    return (
        f"<tr><td>{titles}</td><td>{translatable_html(space)}</td>"
        f"<td>{other.places}</td><td>{translatable_html(where)}</td></tr>"
    )


def prompt_facts_html(rendered: RenderedPrompt, family_reason: str) -> str:
    """HTML of how long a prompt is, as which family it is asked, and what is special about it."""
    prompt, tokens = rendered.prompt, f"{rendered.image_tokens:,}"
    facts = [TranslatableText("{count} tokens", {"count": f"{rendered.tokens:,}"})]
    if any(message.images for message in prompt.messages):
        facts.append(TranslatableText("{count} of them for the picture", {"count": tokens}))
    if prompt.answer_prefix:
        facts.append(TranslatableText("the beginning of the answer is given"))
    note = warning_html(prompt.note) if prompt.note else ""
    facts.append(TranslatableText(family_reason))
    return f'<p class="facts">{" · ".join(map(translatable_html, facts))}</p>{note}'


def _figure(file: Path, image: Image) -> str:
    sides = f"{image.width} \N{MULTIPLICATION SIGN} {image.height}"
    return (
        f'<figure><img src="{html.escape(file_url(file))}" data-say="alt" '
        f'alt="{sides}, as the model sees it">'
        f"<figcaption>{sides}</figcaption></figure>"
    )


def tiles_html(files: Sequence[Path], rendered: RenderedPrompt) -> str:
    """HTML of the pictures as the model sees them, tile by tile."""
    if not files:
        return hint_html(rendered.note or TranslatableText("There is no picture in this prompt."))
    tiles = len(files)
    heading = (
        TranslatableText("What the model sees: one picture")
        if tiles == 1
        else TranslatableText("What the model sees: {count} tiles", {"count": tiles})
    )
    figures = "".join(map(_figure, files, rendered.images))
    return f'<h3>{translatable_html(heading)}</h3><div class="tiles">{figures}</div>'
