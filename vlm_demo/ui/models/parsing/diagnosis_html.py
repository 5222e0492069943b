"""What the Inspector says about an output and about a prompt, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from vlm_demo.analysis.diagnosis import (
    AlternativeReading,
    ConversionStep,
    ConversionTrace,
    OutputDiagnosis,
    ReadingWarning,
)
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.rendering.palette import colour_of
from vlm_demo.translatable_text import DisplayText, TranslatableText
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.values import ReplyState

MAX_TRACES = 8
"""Number of places whose conversion is shown at once; the others follow in a fold-out."""

MAX_FAMILIES = 4
"""Number of families named in one row of the table; the others follow in a fold-out."""

_STATES = {
    ReplyState.NONE: TranslatableText(
        "The answer has no boxes: it contains no markup, or says that there is nothing."
    ),
    ReplyState.PARTLY_UNREADABLE: TranslatableText(
        "Some of the coordinate markup cannot be parsed."
    ),
    ReplyState.UNREADABLE: TranslatableText(
        "There is coordinate markup, but none of it can be parsed."
    ),
    ReplyState.SPACE_UNKNOWN: TranslatableText(
        "There are coordinates, but their format is not known. Choose it above."
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
    return warning_html(warning.text, *([better] if titles else []))


def _outcome_html(diagnosis: OutputDiagnosis) -> str:
    if diagnosis.space is None:
        return hint_html(TranslatableText("This family writes no coordinates, only text."))
    return hint_html(_STATES[state]) if (state := diagnosis.reply.state) in _STATES else ""


def _traces_html(traces: Sequence[ConversionTrace]) -> str:
    if not traces:
        return ""
    first, rest = traces[:MAX_TRACES], traces[MAX_TRACES:]
    more_places = TranslatableText("{count} more regions", {"count": len(rest)})
    more = (
        f"<details><summary>{translatable_html(more_places)}</summary>{_list(rest)}</details>"
        if rest
        else ""
    )
    return f"<h3 data-say>From the output to the image</h3>{_list(first)}{more}"


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
    detail = f"<code>{html.escape(str(step.detail))}</code>"
    if numbers:
        detail = f"<small>{translatable_html(step.detail)}</small>"
    return f"<li>{translatable_html(step.title)}{value}{detail}</li>"


def _format_number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if abs(number) >= 10 else f"{number:.4g}"


def _table(others: Sequence[AlternativeReading]) -> str:
    if not others:
        return ""
    rows = "".join(map(_row, sorted(others, key=lambda other: not other.is_same)))
    return (
        '<h3 data-say>Other readings</h3><div class="table"><table><thead><tr>'
        "<th data-say>Read by</th><th data-say>Coordinate space</th><th data-say>Regions</th>"
        "<th data-say>Where</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(other: AlternativeReading) -> str:
    titles = ", ".join(map(html.escape, other.titles[:MAX_FAMILIES]))
    if rest := other.titles[MAX_FAMILIES:]:
        others = html.escape(", ".join(rest))
        more = translatable_html(TranslatableText("and {count} more", {"count": len(rest)}))
        titles += f"<details><summary>{more}</summary>{others}</details>"
    where = TranslatableText("the same") if other.is_same else TranslatableText("elsewhere")
    space = other.space or TranslatableText("several things")
    return (
        f"<tr><td>{titles}</td><td>{translatable_html(space)}</td>"
        f"<td>{other.places}</td><td>{translatable_html(where)}</td></tr>"
    )
