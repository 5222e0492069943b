r"""Formulas in Markdown: `$..$`, `$$..$$`, `\(..\)` and `\[..\]` become MathML.

A formula that cannot be read stays the text that it is, and so do the dollars of prices: as in
Pandoc's Markdown (https://pandoc.org/MANUAL.html, "Math"), an opening dollar has no space after it,
a closing one no space before it and no digit after it.

What the converter returns is not trusted: it lets HTML through. Only elements and attributes of
MathML Core (https://www.w3.org/TR/mathml-core/) that draw formulas are written, and none that could
load something or cover the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from vlm_demo.ui.components.answer.phrase_marks import remove_signs

MAX_FORMULA = 2_000
"""Longest formula that is drawn, in characters."""

MAX_ELEMENTS = 3_000
"""Largest number of elements of a formula."""

_DELIMITERS = (("$$", "$$", "block"), ("\\[", "\\]", "block"), ("\\(", "\\)", "inline"))
"""Opening and closing delimiter of a formula, and how it is drawn; the dollar has rules besides."""

_ELEMENTS = frozenset(
    {
        *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
        *("mstyle", "mpadded", "mphantom", "msub", "msup", "msubsup", "munder", "mover"),
        *("munderover", "mtable", "mtr", "mtd", "menclose"),
    }
)
_LENGTH = re.compile(r"[+-]?\d{0,2}(?:\.\d{1,6})?(?:em|ex|px|pt|mu|%)?")
_WORD = re.compile(r"[a-z0-9 .#-]{1,40}", re.IGNORECASE)
_WORDS = (
    *("display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form"),
    *("separator", "accent", "accentunder", "movablelimits", "symmetric", "largeop"),
    *("columnalign", "rowalign", "notation", "mathcolor"),
)
_LENGTHS = (
    *("width", "height", "depth", "voffset", "lspace", "rspace", "linethickness", "mathsize"),
    *("minsize", "maxsize", "rowspacing", "columnspacing"),
)
_ATTRIBUTES = dict.fromkeys(_WORDS, _WORD) | dict.fromkeys(_LENGTHS, _LENGTH)
"""Attributes that are written, and what their values look like."""

_DEFINITION = re.compile(r"\\(?:(?:re)?new|provide)command|\\def|\\let|\\newenvironment")
_PRICE = re.compile(r"\d[\d.,]*\s+[^\W\d_]{2,}")  # 5 dollars and


def add_math(markdown: MarkdownIt) -> None:
    """Let a parser read formulas and write MathML."""
    markdown.inline.ruler.before("escape", "math", _read_inline)
    markdown.block.ruler.before(
        "fence", "math", _read_block, {"alt": ["paragraph", "blockquote", "list"]}
    )


@lru_cache(maxsize=2_000)
def formula_html(source: str, display: str) -> str | None:
    """Return a formula as MathML that is safe in a page; None: it cannot be read.

    Args:
        source: LaTeX without its delimiters.
        display: "inline" or "block".
    """
    source = remove_signs(source)
    is_plain = 0 < len(source.strip()) <= MAX_FORMULA and not _DEFINITION.search(source)
    if not is_plain:
        return None
    try:
        tree = Converter(display=display).convert_to_element(source)
        if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
            return None
        return "".join(_write(tree))
    except Exception:  # a library that is given anything: what it cannot read stays text
        return None


def _write(element: Element) -> Iterator[str]:
    """Write an element as HTML; of one that is not known, only what is in it."""
    is_known = element.tag in _ELEMENTS
    if is_known:
        attributes = "".join(
            f' {name}="{html.escape(value)}"'
            for name, value in element.attrib.items()
            if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
        )
        yield f"<{element.tag}{attributes}>"
    # The converter writes references such as &#x02009; into the text.
    yield html.escape(html.unescape(element.text or ""), quote=False)
    for child in element:
        yield from _write(child)
    if is_known:
        yield f"</{element.tag}>"
    yield html.escape(html.unescape(element.tail or ""), quote=False)


def _read_inline(state: StateInline, silent: bool) -> bool:
    """Read a formula in a line; False: there is none here."""
    found = _find_formula(state.src, state.pos, state.posMax)
    if found is None:
        return False
    content, end, display = found
    written = formula_html(content, display)
    if written is None:
        return False
    if not silent:
        token = state.push("html_inline", "", 0)
        token.content = written
    state.pos = end
    return True


def _find_formula(text: str, start: int, limit: int) -> tuple[str, int, str] | None:
    """Return the formula that begins at a place, where it ends, and how it is drawn."""
    for opening, closing, display in _DELIMITERS:
        if text.startswith(opening, start):
            begin = start + len(opening)
            end = text.find(closing, begin, min(limit, begin + MAX_FORMULA + len(closing)))
            if end < 0 or not text[begin:end].strip():
                return None
            return text[begin:end], end + len(closing), display
    if not text.startswith("$", start) or (start and text[start - 1].isalnum()):
        return None
    end = _closing_dollar(text, start + 1, min(limit, start + MAX_FORMULA))
    return None if end < 0 else (text[start + 1 : end], end + 1, "inline")


def _closing_dollar(text: str, begin: int, limit: int) -> int:
    """Return where the dollar is that closes a formula; -1: this is the dollar of a price."""
    if begin >= limit or text[begin].isspace():
        return -1
    end = begin
    while (end := text.find("$", end, limit)) >= 0:
        if text[end - 1] == "\\":
            end += 1
            continue
        follows = text[end + 1 : end + 2]
        is_price = bool(_PRICE.match(text, begin, end))
        is_open = text[end - 1].isspace() or follows.isalnum() or end == begin or is_price
        return -1 if is_open else end
    return -1


def _read_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a formula that has lines of its own; False: there is none here.

    What is inside would else be read as lists and headings.
    """
    start = state.bMarks[start_line] + state.tShift[start_line]
    for opening, closing, _ in _DELIMITERS[:2]:
        if not state.src.startswith(opening, start):
            continue
        begin = start + len(opening)
        end = state.src.find(closing, begin, begin + MAX_FORMULA + len(closing))
        if end < 0 or end >= state.eMarks[end_line - 1]:
            return False
        last_line = start_line
        while state.eMarks[last_line] < end:
            last_line += 1
            if state.sCount[last_line] < state.blkIndent and not state.isEmpty(last_line):
                return False
        if state.src[end + len(closing) : state.eMarks[last_line]].strip():
            return False
        written = formula_html(state.src[begin:end], "block")
        if written is None:
            return False
        if not silent:
            token = state.push("html_block", "", 0)
            token.content = f'<div class="formula">{written}</div>'
            token.map = [start_line, last_line + 1]
        state.line = last_line + 1
        return True
    return False
