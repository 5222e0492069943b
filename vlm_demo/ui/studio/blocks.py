"""An answer as blocks of safe HTML, with a mark around each phrase that has regions."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from vlm_demo.ui.studio.mentions import Style
from vlm_demo.values import Mention

_PARAGRAPH = re.compile(r"\n\s*\n")


def render_blocks(text: str, mentions: Sequence[Mention], styles: Sequence[Style]) -> list[str]:
    """Return the blocks of an answer.

    Args:
        text: the answer.
        mentions: its phrases, with their spans in the text.
        styles: the colours of the mentions, in their order.
    """
    spans = sorted(
        (*mention.span, index)
        for index, mention in enumerate(mentions)
        if mention.span[0] < mention.span[1] and mention.regions
    )
    blocks, start = [], 0
    for match in [*_PARAGRAPH.finditer(text), None]:
        end = match.start() if match else len(text)
        if text[start:end].strip():
            inside = "".join(_mark(text, start, end, spans, styles))
            blocks.append(f"<p>{inside}</p>")
        start = match.end() if match else end
    return blocks


def open_mark(index: int, style: Style) -> str:
    """Return the tag that begins a phrase."""
    return (
        f'<mark class="phrase" data-mention="{index}" tabindex="0" role="button" '
        f'style="--colour:{style.colour}">'
    )


def _mark(
    text: str,
    start: int,
    end: int,
    spans: Sequence[tuple[int, int, int]],
    styles: Sequence[Style],
) -> Iterator[str]:
    position = start
    for first, last, index in spans:
        if first < position or last > end:
            continue
        yield html.escape(text[position:first], quote=False)
        phrase = html.escape(text[first:last], quote=False)
        yield f"{open_mark(index, styles[index])}{phrase}</mark>"
        position = last
    yield html.escape(text[position:end], quote=False)
