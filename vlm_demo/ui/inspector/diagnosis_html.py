"""What the Inspector says about an output and about a prompt, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL.Image import Image

from vlm_demo.analysis.inspection import Doubt, OtherReading, OutputDiagnosis, Step, Strip
from vlm_demo.engines import RenderedPrompt
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.rendering.palette import colour_of
from vlm_demo.ui.components.picture_input.pictures import file_url
from vlm_demo.ui.html_values import Said, Words, as_html
from vlm_demo.values import ReplyState

MOST_STRIPS = 8
"""Places whose way is shown at once; the others follow in a fold-out."""

MOST_NAMES = 4
"""Families that are named in one row of the table."""

_STATES = {
    ReplyState.NONE: Said("No place was read, and there is no markup."),
    ReplyState.UNREADABLE: Said("There is markup for places, and none of it can be read."),
}


def findings(examination: OutputDiagnosis, others: Sequence[OtherReading]) -> str:
    """Say what was read, how, what speaks against it, and who would read it otherwise."""
    return "".join(
        [
            *(_doubt(doubt) for doubt in examination.doubts),
            _outcome(examination),
            _strips(examination.strips),
            _table(others),
        ]
    )


def told(words: Words) -> str:
    """One line, where there is nothing to show."""
    return f'<p class="told">{as_html(words)}</p>'


def warned(words: Words, *more: str) -> str:
    """One line about something that is wrong, and what else is to be said, as HTML."""
    return f'<p class="notice" role="status">{" ".join((as_html(words), *more))}</p>'


def _doubt(doubt: Doubt) -> str:
    titles = [as_html(SPACES[name].title) for name in doubt.spaces]
    better = "<span data-say>Likelier:</span> " + " / ".join(titles)
    return warned(doubt.words, *([better] if titles else []))


def _outcome(examination: OutputDiagnosis) -> str:
    if examination.space is None:
        return told(Said("This family writes no places: its text is all there is to read."))
    return told(_STATES[state]) if (state := examination.reply.state) in _STATES else ""


def _strips(strips: Sequence[Strip]) -> str:
    if not strips:
        return ""
    first, rest = strips[:MOST_STRIPS], strips[MOST_STRIPS:]
    more = (
        f"<details><summary data-say>{len(rest)} more places</summary>{_list(rest)}</details>"
        if rest
        else ""
    )
    return f"<h3 data-say>From the output to the picture</h3>{_list(first)}{more}"


def _list(strips: Iterable[Strip]) -> str:
    return f'<ul class="strips">{"".join(map(_strip, strips))}</ul>'


def _strip(strip: Strip) -> str:
    colour = colour_of(strip.mention) if strip.mention is not None else "transparent"
    name = html.escape(strip.phrase) or "<span data-say>unnamed</span>"
    steps = "".join(map(_step, strip.steps))
    return (
        f'<li><b><i style="background:{colour}"></i>{name}</b><ol class="strip">{steps}</ol></li>'
    )


def _step(step: Step) -> str:
    numbers = ", ".join(map(_shown, step.numbers))
    value = f"<code>{numbers}</code>" if numbers else ""
    # The raw text is the only detail that stands alone.
    detail = html.escape(step.detail)
    detail = f"<small data-say>{detail}</small>" if numbers else f"<code>{detail}</code>"
    return f"<li><span data-say>{html.escape(step.title)}</span>{value}{detail}</li>"


def _shown(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if abs(number) >= 10 else f"{number:.4g}"


def _table(others: Sequence[OtherReading]) -> str:
    if not others:
        return ""
    rows = "".join(map(_row, sorted(others, key=lambda other: not other.same)))
    return (
        '<h3 data-say>Other readings</h3><div class="table"><table><thead><tr>'
        "<th data-say>Read by</th><th data-say>Its numbers count</th><th data-say>Places</th>"
        "<th data-say>Where</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(other: OtherReading) -> str:
    named = ", ".join(map(html.escape, other.titles[:MOST_NAMES]))
    if rest := other.titles[MOST_NAMES:]:
        everybody = html.escape(", ".join(rest))
        named += f"<details><summary data-say>and {len(rest)} more</summary>{everybody}</details>"
    where = Said("the same") if other.same else Said("elsewhere")
    counted = other.space or Said("several things")
    return (
        f"<tr><td>{named}</td><td>{as_html(counted)}</td>"
        f"<td>{other.places}</td><td>{as_html(where)}</td></tr>"
    )


def prompt_facts(inspection: RenderedPrompt) -> str:
    """Say how long a prompt is, and how it came about."""
    tokens, pictures = inspection.tokens, inspection.image_tokens
    facts = [Said("{count} tokens", {"count": f"{tokens:,}"})]
    if inspection.prompt.messages and any(m.images for m in inspection.prompt.messages):
        facts.append(Said("{count} of them for the picture", {"count": f"{pictures:,}"}))
    if inspection.prompt.answer_prefix:
        facts.append(Said("the answer is begun for the model"))
    note = warned(inspection.prompt.note) if inspection.prompt.note else ""
    return f'<p class="facts">{" · ".join(map(as_html, facts))}</p>{note}'


def _figure(file: Path, image: Image) -> str:
    sides = f"{image.width} \N{MULTIPLICATION SIGN} {image.height}"
    return (
        f'<figure><img src="{html.escape(file_url(file))}" data-say="alt" '
        f'alt="{sides}, as the model sees it">'
        f"<figcaption>{sides}</figcaption></figure>"
    )


def pictures_seen(files: Sequence[Path], inspection: RenderedPrompt) -> str:
    """Show the pictures as the model sees them, tile by tile."""
    if not files:
        return told(inspection.remark or Said("There is no picture in this prompt."))
    tiles = len(files)
    what = (
        Said("What the model sees: one picture")
        if tiles == 1
        else Said("What the model sees: {count} tiles", {"count": tiles})
    )
    figures = "".join(map(_figure, files, inspection.pictures))
    return f'<h3>{as_html(what)}</h3><div class="tiles">{figures}</div>'
