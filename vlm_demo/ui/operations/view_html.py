"""Operations as HTML, in the visitor's language: how the page is doing, or the way in."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from vlm_demo.server.figures import Figures, ModelFigures
from vlm_demo.server.monitor import Monitor
from vlm_demo.translatable_text import message
from vlm_demo.ui.plain_page import Say, plain_page, translate_to_html
from vlm_demo.units import format_bytes

MAX_EVENTS = 50
"""Number of warnings and errors that are shown."""

TITLE = message("Operations")

Rows = Iterable[tuple[str, ...]]
"""Cells of a table, as HTML."""


def sign_in_html(
    language: str, problem: str = "", *, has_password: bool, has_hub_login: bool
) -> str:
    """Return the ways in.

    Args:
        language: of the visitor.
        problem: what was wrong with the last attempt; "": nothing.
        has_password: whether a password is one.
        has_hub_login: whether the login of the Hub is one.
    """
    say = translate_to_html(language)
    if not (has_password or has_hub_login):
        words = say("This page has no operator. Start it with VLM_DEMO_OPERATOR_PASSWORD.")
        return plain_page(language, TITLE, f"<p>{words}</p>")
    address = "login/huggingface?_target_url=/operations"
    hub = f"<p><a href='{address}'>{say('Sign in at the Hub')}</a></p>"
    parts = (_password_form(say, problem) if has_password else "", hub if has_hub_login else "")
    return plain_page(language, TITLE, "".join(parts))


def _password_form(say: Say, problem: str) -> str:
    alert = f'<p role="alert">{say(problem)}</p>' if problem else ""
    label = say("Password of the operator")
    return (
        f"{alert}<form method='post'><label>{label} "
        "<input type='password' name='password' autocomplete='current-password' required "
        f"autofocus></label> <button name='act' value='enter'>{say('Sign in')}</button></form>"
    )


def overview_html(
    language: str, figures: Figures, monitor: Monitor, flags: str, *, is_public: bool
) -> str:
    """Return how the page is doing.

    Args:
        language: of the visitor.
        figures: what the program is doing now.
        monitor: requests, warnings and errors since it started.
        flags: how many answers visitors have flagged, or why that is not known.
        is_public: whether the operator has signed in, and can sign out.
    """
    say = translate_to_html(language)
    form = f"<form method='post'><button name='act' value='leave'>{say('Sign out')}</button></form>"
    links = (
        f"<nav><a href='operations'>{say('Refresh')}</a> "
        f"<a href='./?view=models'>{say('Load and unload models')}</a> "
        f"<a href='operations?show=answers'>{say('Flagged and failed answers')}</a> "
        f"<a href='metrics'>/metrics</a>{form if is_public else ''}</nav>"
    )
    tables = (
        _numbers(say, figures, monitor, flags),
        _models(say, figures.models),
        _answers(say, monitor),
        _events(say, monitor),
    )
    return plain_page(language, TITLE, links + "".join(tables))


def _numbers(say: Say, figures: Figures, monitor: Monitor, flags: str) -> str:
    up = str(datetime.now(UTC) - monitor.started).partition(".")[0]
    rows = [
        (say("Running for"), up),
        (say("Answers being written"), str(figures.answering)),
        (say("Requests that wait"), str(figures.waiting)),
        (say("HTTP requests in the last minute"), str(monitor.requests_last_minute())),
        (say("Answers that visitors flagged"), html.escape(flags)),
        (say("Answers that failed"), f"{monitor.failed.count:,}"),
        (say("Memory of the program"), format_bytes(figures.resident_memory)),
        (say("Free memory"), format_bytes(figures.free_memory)),
        (say("Free disk space"), format_bytes(figures.free_disk)),
    ]
    if figures.free_gpu_memory is not None:
        rows.append((say("Free GPU memory"), format_bytes(figures.free_gpu_memory)))
    return table_html(say, say("Now"), (), rows)


def _models(say: Say, models: Iterable[ModelFigures]) -> str:
    heads = (
        say("Model"),
        say("Answers being written"),
        say("Requests that wait"),
        say("Requests"),
        say("Memory"),
    )
    rows = (
        (
            html.escape(model.name),
            str(model.usage.answering),
            str(model.usage.waiting),
            f"{model.usage.requests:,}",
            format_bytes(model.usage.weight_bytes + model.usage.cached_bytes),
        )
        for model in models
    )
    return table_html(say, say("Models in memory"), heads, rows)


def _answers(say: Say, monitor: Monitor) -> str:
    counts: Counter[int] = Counter()
    for key, (count, _) in monitor.requests().items():
        counts[key.status] += count
    rows = ((str(status), f"{count:,}") for status, count in sorted(counts.items()))
    return table_html(say, say("HTTP answers"), (say("Status"), say("Requests")), rows)


def _events(say: Say, monitor: Monitor) -> str:
    heads = (say("Time"), say("Level"), say("Part"), say("What happened"))
    rows = (
        (
            event.time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            html.escape(event.level),
            html.escape(event.source.removeprefix("vlm_demo.")),
            html.escape(event.message[:500]),
        )
        for event in monitor.events()[:MAX_EVENTS]
    )
    return table_html(say, say("Newest refusals and errors"), heads, rows)


def table_html(say: Say, title: str, heads: Iterable[str], rows: Rows) -> str:
    """Return a table under a heading, both as HTML; without rows, the word for none."""
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<h2>{title}</h2>{table if body else say('None')}"
