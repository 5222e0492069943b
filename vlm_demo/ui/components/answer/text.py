"""What the tabs share: words for what became of the places, and text made safe to show."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from vlm_demo.rendering.palette import colour_of
from vlm_demo.ui.components.answer.view import Tone
from vlm_demo.ui.html_values import Said
from vlm_demo.values import Mention, Reply, ReplyState

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_PICTURE = re.compile(r"!(?=\[)")


def as_markdown(text: str) -> str:
    """Make text safe to be shown as Markdown: tags become words, and pictures become links.

    Code is left as it is: nothing in it is read as a tag.
    """
    parts = _CODE.split(text)
    parts[::2] = [_PICTURE.sub("", html.escape(part, quote=False)) for part in parts[::2]]
    return "".join(parts)


def linked_markdown(reply: Reply, place: str, first: int = 0) -> str:
    """Write an answer as Markdown, safe to be shown, whose phrases are marks with an id.

    A place that no phrase of the text names gets a mark of its own below it. Gradio lets class, id,
    style and tabindex through, but no attribute of our own.

    Args:
        reply: the answer.
        place: how ids begin; behind it comes the index of the mention.
        first: what is added to that index.
    """
    marks = {
        index: _mark(mention, f"{place}-{first + index}", colour_of(index))
        for index, mention in enumerate(reply.mentions)
    }
    pieces, at = [], 0
    for start, end, index in _phrases(reply):
        if start < at:
            continue  # of phrases that overlap, the first counts
        phrase = as_markdown(reply.text[start:end])
        pieces += [as_markdown(reply.text[at:start]), marks.pop(index), phrase, "</mark>"]
        at = end
    pieces.append(as_markdown(reply.text[at:]))
    unnamed = [
        f"{mark}{html.escape(reply.mentions[index].phrase) or index + 1}</mark>"
        for index, mark in marks.items()
        if reply.mentions[index].regions
    ]
    return "\n\n".join(block for block in ("".join(pieces), " ".join(unnamed)) if block.strip())


def _mark(mention: Mention, name: str, colour: str) -> str:
    if not mention.regions:
        return '<mark class="phrase placeless">'
    return f'<mark class="phrase" id="{name}" style="--colour:{colour}" tabindex="0" role="button">'


def _phrases(reply: Reply) -> Iterator[tuple[int, int, int]]:
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


def said(words: Said | str, kind: str) -> str:
    """Write words as HTML of a class whose words the page's script translates (page.js)."""
    return f'<small class="said {kind}">{html.escape(in_english(words))}</small>'


def in_english(words: Said | str) -> str:
    """Fill the values in."""
    return words if isinstance(words, str) else words.words.format(**words.values)


def places_found(reply: Reply) -> tuple[str, Tone]:
    """Say what became of the places in a complete answer; three outcomes, told apart."""
    match reply.state:
        case ReplyState.FOUND:
            count = sum(len(mention.regions) for mention in reply.mentions)
            return f"Found {count} {'place' if count == 1 else 'places'}", "found"
        case ReplyState.NONE:
            return "Not found: the answer names no place.", "none"
        case ReplyState.UNREADABLE:
            return (
                "The answer holds places that cannot be read. See the raw output below.",
                "unreadable",
            )
