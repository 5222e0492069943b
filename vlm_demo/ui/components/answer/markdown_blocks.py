"""An answer in Markdown as blocks of safe HTML, while it grows.

No HTML of the answer is read as HTML, a picture becomes a link to it, and a link goes only to the
web or to a mail program: nothing that a model writes makes a browser load anything.

Appended text can change only the last block of a Markdown text, since definitions of links are not
read. So earlier blocks are written once. A last block that has become very long is written anew
only when it has grown by a share of its length, so that the work stays in proportion to the text.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from vlm_demo.ui.components.answer.markdown_math import add_math
from vlm_demo.ui.components.answer.phrase_marks import (
    PhraseMark,
    clean_text,
    insert_signs,
    remove_signs,
    replace_signs,
    trim_mark,
)

SHORT_TAIL = 4_000
"""Length in characters up to which the last block is written anew whenever it has changed."""

GROWTH = 8
"""A longer last block is written anew when it has grown by one part in this many."""

MAX_DEPTH = 20
"""How deeply quotations, lists and emphasis may be nested; what is deeper stays text."""

MAX_PARSED = 50_000
"""Length in characters of text without an empty line from which on it is not read as Markdown."""

MAX_SECONDS = 5.0
"""Time of a processor for one answer: where more was needed, what follows is not read as Markdown.
Quotations within quotations take 70 microseconds a character, and are read anew as they grow."""

_LINK_ATTRIBUTES = {"rel": "noopener noreferrer nofollow", "target": "_blank"}


class MarkdownBlocks:
    """The blocks of one growing answer."""

    def __init__(self) -> None:
        self.characters_written = 0  # over all updates: the work that was done
        self._seconds = 0.0  # that it took
        self.marked: set[int] = set()  # the mentions that have a mark in the blocks
        self._settled = ""  # the text of the blocks that do not change any more
        self._settled_marks: tuple[PhraseMark, ...] = ()
        self._settled_blocks: list[str] = []
        self._settled_marked: set[int] = set()
        self._tail: tuple[str, tuple[PhraseMark, ...]] = "", ()
        self._tail_blocks: list[str] = []

    def update(self, text: str, marks: Sequence[PhraseMark], *, is_complete: bool) -> list[str]:
        """Return the blocks of the answer so far.

        Args:
            text: all of it.
            marks: its phrases; of those that overlap, the first counts.
            is_complete: whether it is whole, so that nothing may be left for later.
        """
        text = clean_text(text)
        usable = tuple(_select_marks(text, marks))
        settled = tuple(mark for mark in usable if mark.start < len(self._settled))
        if not text.startswith(self._settled) or settled != self._settled_marks:
            self._settled, self._settled_marks, self._settled_blocks = "", (), []
            self._settled_marked, settled = set(), ()
        offset = len(self._settled)
        tail = text[offset:], usable[len(settled) :]
        if not is_complete and not self._is_due(*tail):
            return [*self._settled_blocks, *self._tail_blocks]
        if tail != self._tail or not self._tail_blocks:
            self._write_tail(*tail, offset)
        return [*self._settled_blocks, *self._tail_blocks]

    def _is_due(self, text: str, marks: tuple[PhraseMark, ...]) -> bool:
        """Whether the last block is to be written anew: it is short, or has grown enough."""
        before, _ = self._tail
        if len(text) <= SHORT_TAIL or not text.startswith(before):
            return True
        return len(text) - len(before) >= len(text) // GROWTH

    def _write_tail(self, text: str, marks: tuple[PhraseMark, ...], offset: int) -> None:
        """Write the text behind the settled blocks; all of it but the last block then is settled.

        Args:
            text: that text.
            marks: the phrases in it.
            offset: where it begins.
        """
        self.characters_written += len(text)
        start = time.thread_time()
        blocks = list(self._read_blocks(insert_signs(text, marks, offset)))
        self._seconds += time.thread_time() - start
        written = [replace_signs(block, marks) for _, block in blocks]
        line_starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        split = line_starts[blocks[-1][0]] if len(blocks) > 1 else 0
        is_cut = any(mark.start < offset + split < mark.end for mark in marks)
        if split and not is_cut:
            self._settled += text[:split]
            self._settled_blocks += [block for block, _ in written[:-1]]
            self._settled_marked |= {index for _, marked in written[:-1] for index in marked}
            inner = tuple(mark for mark in marks if mark.start < offset + split)
            self._settled_marks += inner
            text, marks, written = text[split:], marks[len(inner) :], written[-1:]
        self._tail = text, marks
        self._tail_blocks = [block for block, _ in written]
        self.marked = self._settled_marked.union(*(marked for _, marked in written))

    def _read_blocks(self, source: str) -> Iterator[tuple[int, str]]:
        """Yield the first line of each block, and its HTML; what would take too long stays text."""
        first_line, start = 0, time.thread_time()
        for piece in _split(source):
            used = self._seconds + time.thread_time() - start
            is_parsed = len(piece) <= MAX_PARSED and used < MAX_SECONDS
            for line, block in _parse_blocks(piece) if is_parsed else _write_lines(piece):
                yield first_line + line, block
            first_line += piece.count("\n")


def _split(source: str) -> Iterator[str]:
    """Yield a text in pieces that are short enough to be parsed, if it has empty lines."""
    while len(source) > MAX_PARSED and (end := source.rfind("\n\n", 0, MAX_PARSED)) >= 0:
        yield source[: end + 2]
        source = source[end + 2 :]
    yield source


def _write_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield a text as one block of HTML, as it is written."""
    lines = html.escape(source, quote=False).strip("\n").split("\n")
    yield 0, f"<p>{'<br>'.join(lines)}</p>"


def _select_marks(text: str, marks: Sequence[PhraseMark]) -> Iterator[PhraseMark]:
    """Yield the phrases that can be marked, in order."""
    position = 0
    for mark in sorted(marks, key=lambda mark: (mark.start, mark.end, mark.index)):
        start, end = trim_mark(text, max(mark.start, 0), min(mark.end, len(text)))
        if position <= start < end:
            yield PhraseMark(start, end, mark.index, mark.tag, mark.more_tag)
            position = end


def _parse_blocks(source: str) -> Iterator[tuple[int, str]]:
    """Yield the first line of each block of a Markdown text, and its HTML."""
    markdown = _parser()
    group: list[Token] = []
    for token in markdown.parse(source):
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            first_line = next((one.map[0] for one in group if one.map), 0)
            written = markdown.renderer.render(group, markdown.options, {})
            yield first_line, written.strip()
            group = []


@cache
def _parser() -> MarkdownIt:
    """Build the parser: CommonMark with tables, strikethrough and formulas, without HTML."""
    options = {"html": False, "breaks": True, "maxNesting": MAX_DEPTH}
    markdown = MarkdownIt("commonmark", options)
    markdown.enable(["table", "strikethrough"])
    # Definitions would change earlier blocks; indented lines of models are seldom meant as code.
    markdown.disable(["reference", "code"])
    add_math(markdown)
    markdown.core.ruler.push("safe_links", _secure)
    markdown.validateLink = _is_safe_address  # type: ignore[method-assign, assignment]
    return markdown


def _is_safe_address(address: str) -> bool:
    """Whether a link may go there: to the web, or to a mail program."""
    try:
        parts = urlsplit(remove_signs(address).strip())
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or parts.scheme == "mailto"


def _secure(state: StateCore) -> None:
    """Make pictures links, tell browsers how to open links, and move headings below the page's."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"
        if token.children:
            token.children = list(_without_images(token.children))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrs = {"href": child.attrs["href"], **_LINK_ATTRIBUTES}


def _without_images(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type.startswith("link_") else 0
        if token.type != "image":
            yield token
            continue
        address = str(token.attrs.get("src", ""))
        name = Token("text", "", 0, content=token.content or address)
        if depth:  # a picture in a link: the link stays
            yield name
            continue
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield name
        yield Token("link_close", "a", -1)
