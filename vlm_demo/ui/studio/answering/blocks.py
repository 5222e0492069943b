"""An answer as blocks of safe HTML, whose phrases with regions are marks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from vlm_demo.ui.components.answer.markdown_blocks import MarkdownBlocks
from vlm_demo.ui.components.answer.phrase_marks import PhraseMark
from vlm_demo.ui.studio.answering.mentions import Style
from vlm_demo.values import Mention, Reply


class AnswerBlocks:
    """The blocks of one growing answer."""

    def __init__(self) -> None:
        self._markdown = MarkdownBlocks()

    def update(self, reply: Reply, styles: Sequence[Style], *, is_complete: bool) -> list[str]:
        """Return the blocks of the answer so far.

        A mention with regions that no phrase of the text names has a mark of its own in a last
        block, unless several things were looked for: these are listed anyway.

        Args:
            reply: the answer.
            styles: how each mention is drawn.
            is_complete: whether nothing more comes.
        """
        marks = [
            PhraseMark(*mention.span, index, _tag(index, style), _tag(index, style, is_more=True))
            for index, (mention, style) in enumerate(zip(reply.mentions, styles, strict=True))
            if mention.regions and mention.span[0] < mention.span[1]
        ]
        blocks = self._markdown.update(reply.text, marks, is_complete=is_complete)
        unnamed = (
            [] if reply.targets or not is_complete else list(self._loose_phrases(reply, styles))
        )
        return [*blocks, f'<p class="phrases">{" ".join(unnamed)}</p>'] if unnamed else blocks

    def _loose_phrases(self, reply: Reply, styles: Sequence[Style]) -> Iterator[str]:
        for index, mention in enumerate(reply.mentions):
            if mention.regions and index not in self._markdown.marked:
                yield f"{_tag(index, styles[index])}{_name(mention, index)}</mark>"


def _tag(index: int, style: Style, *, is_more: bool = False) -> str:
    control = "" if is_more else ' tabindex="0" role="button"'
    return f'<mark class="phrase" data-mention="{index}"{control} style="--colour:{style.colour}">'


def _name(mention: Mention, index: int) -> str:
    return html.escape(mention.phrase.strip()) or str(index + 1)
