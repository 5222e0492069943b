"""What the operator browses: answers that visitors flagged, and answers that failed."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from vlm_demo.arena import Feedback
from vlm_demo.server.failed_answers import FailedAnswer
from vlm_demo.translatable_text import DisplayText, message
from vlm_demo.ui.operations.view_html import table_html
from vlm_demo.ui.plain_page import Say, plain_page, translate_to_html

PAGE_SIZE = 50
"""Number of flagged answers on a page."""

LONGEST = 4_000
"""Number of characters of a question or an answer that are shown."""

TITLE = message("Flagged and failed answers")

_TIME = "%Y-%m-%d %H:%M UTC"


def answers_html(
    language: str,
    page: int,
    flags: Sequence[Feedback] | DisplayText,
    failed: Sequence[FailedAnswer],
) -> str:
    """Return the lists, with a button at each entry that deletes it.

    Args:
        language: of the visitor.
        page: number of the page of flagged answers; 0: the newest.
        flags: those of the page, and one more where there is a next page; or why they are unknown.
        failed: the newest.
    """
    say = translate_to_html(language)
    links = f"<nav><a href='operations'>{say('Operations')}</a></nav>"
    if isinstance(flags, Sequence) and not isinstance(flags, str):
        listed = _flags(say, flags[:PAGE_SIZE]) + _pages(say, page, len(flags) > PAGE_SIZE)
    else:
        listed = f"<p role='alert'>{say(flags)}</p>"
    return plain_page(language, TITLE, links + listed + _failures(say, failed))


def _flags(say: Say, flags: Sequence[Feedback]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for one in flags:
            yield (
                one.given_at.strftime(_TIME),
                html.escape(f"{one.model} ({one.task})"),
                _words(one.reason),
                _words(one.question),
                _words(one.reply),
                _delete_button(say, {"voter": one.voter, "answer": one.answer}),
            )

    heads = (say("Time"), say("Model"), say("Reason"), say("Question"), say("Answer"), "")
    return table_html(say, say("Flagged answers"), heads, rows())


def _failures(say: Say, failed: Sequence[FailedAnswer]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for one in failed:
            images = ", ".join(f"{width} x {height}" for width, height in one.images)
            yield (
                one.time.strftime(_TIME),
                html.escape(f"{one.model} ({one.task})"),
                f"{one.characters:,}",
                images,
                _words(one.error),
                _delete_button(say, {"failure": str(one.number)}),
            )

    asked = say("Characters"), say("Images")
    heads = (say("Time"), say("Model"), *asked, say("What happened"), "")
    return table_html(say, say("Failed answers"), heads, rows())


def _words(text: str) -> str:
    return f"<pre>{html.escape(text[:LONGEST])}{'…' if len(text) > LONGEST else ''}</pre>"


def _delete_button(say: Say, fields: Mapping[str, str]) -> str:
    hidden = "".join(
        f"<input type='hidden' name='{name}' value='{html.escape(value)}'>"
        for name, value in fields.items()
    )
    button = f"<button name='act' value='delete'>{say('Delete')}</button>"
    return f"<form method='post' action='operations'>{hidden}{button}</form>"


def _pages(say: Say, page: int, has_next: bool) -> str:
    link = "<a href='operations?show=answers&amp;page={page}'>{words}</a>"
    newer = link.format(page=page - 1, words=say("Newer")) if page else ""
    older = link.format(page=page + 1, words=say("Older")) if has_next else ""
    return f"<nav>{newer} {older}</nav>"
