"""Answers as Markdown that is safe to show."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from vlm_demo.rendering.palette import colour_of
from vlm_demo.ui.html_values import DisplayText
from vlm_demo.values import Mention, Reply

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_IMAGE = re.compile(r"!(?=\[)")


def escape_markdown(text: str) -> str:
    """Make text safe to be shown as Markdown: tags become words, and pictures become links.

    Code is left as it is: nothing in it is read as a tag.
    """
    parts = _CODE.split(text)
    parts[::2] = [_IMAGE.sub("", html.escape(part, quote=False)) for part in parts[::2]]
    return "".join(parts)


def mentions_markdown(reply: Reply, id_prefix: str, first: int = 0) -> str:
    """Write an answer as Markdown, safe to be shown, whose phrases are marks with an id.

    A mention with regions that no phrase of the text names gets a mark of its own below the text.
    Gradio lets class, id, style and tabindex through, but no attribute of our own.

    Args:
        reply: the answer.
        id_prefix: the beginning of the ids; the number of the mention follows.
        first: the number of the first mention.
    """
    marks = {
        index: _mark(mention, f"{id_prefix}-{first + index}", colour_of(index))
        for index, mention in enumerate(reply.mentions)
    }
    parts, position = [], 0
    for start, end, index in _find_phrases(reply):
        if start < position:
            continue  # of phrases that overlap, the first counts
        phrase = escape_markdown(reply.text[start:end])
        parts += [escape_markdown(reply.text[position:start]), marks.pop(index), phrase, "</mark>"]
        position = end
    parts.append(escape_markdown(reply.text[position:]))
    unnamed = [
        f"{mark}{html.escape(reply.mentions[index].phrase) or index + 1}</mark>"
        for index, mark in marks.items()
        if reply.mentions[index].regions
    ]
    return "\n\n".join(block for block in ("".join(parts), " ".join(unnamed)) if block.strip())


def _mark(mention: Mention, elem_id: str, colour: str) -> str:
    if not mention.regions:
        return '<mark class="phrase placeless">'
    look = f'style="--colour:{colour}" tabindex="0" role="button"'
    return f'<mark class="phrase" id="{elem_id}" {look}>'


def _find_phrases(reply: Reply) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and index of the phrases that can be marked, in the order of the text.

    A mark in code would be read as code, and one around several lines would tear them apart.
    """
    code = [match.span() for match in _CODE.finditer(reply.text)]
    spans = [(*mention.span, index) for index, mention in enumerate(reply.mentions)]
    for start, end, index in sorted(spans):
        phrase = reply.text[start:end]
        within = any(start < last and first < end for first, last in code)
        if phrase.strip() and "\n" not in phrase and not within:
            yield start, end, index


def note_html(text: DisplayText, kind: str) -> str:
    """Write a text as HTML of a class whose texts the page's script translates (page.js)."""
    return f'<small class="said {kind}">{html.escape(str(text))}</small>'
