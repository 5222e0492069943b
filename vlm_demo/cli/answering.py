"""One request from the command line: ask, show the answer while it grows, return it."""

from __future__ import annotations

import sys
from functools import partial

from vlm_demo.analysis.multiple_choice import Ranking, ranked
from vlm_demo.cli.options import Chosen
from vlm_demo.cli.terminal import GrowingText, print_note, show_progress
from vlm_demo.errors import NoScoresError
from vlm_demo.families import get_family
from vlm_demo.values import Reply, ReplyState, Request


def answer(chosen: Chosen, request: Request, *, quiet: bool = False) -> Reply:
    """Return the complete answer; show its text on the way, unless `quiet`.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    family = get_family(chosen.spec.family)
    family.check(request, max_characters=chosen.settings.max_characters)
    load(chosen)
    text = GrowingText()
    reply = Reply("", "")
    for reply in chosen.backend.answer(chosen.spec.name, request):
        if not quiet:
            text.grow(reply.text)
    if not quiet:
        text.end(reply.text)
    if reply.note:
        print_note(reply.note)
    if reply.state is ReplyState.UNREADABLE:
        print_note(f"The answer holds places that cannot be read: {reply.raw}")
    return reply


def rank(chosen: Chosen, request: Request) -> Ranking | None:
    """Compare the choices of a request; None where the model's engine cannot.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    family = get_family(chosen.spec.family)
    family.check(request, max_characters=chosen.settings.max_characters)
    load(chosen)
    try:
        return ranked(request, partial(chosen.backend.score, chosen.spec.name))
    except NoScoresError:
        return None


def load(chosen: Chosen) -> None:
    """Load the model, with a progress bar.

    Raises:
        LoadError: it cannot be fetched or loaded.
    """
    spec = chosen.spec
    if spec.embedded and sys.stderr.isatty():
        print_note(f"{spec.name}: {spec.note}")
    show_progress(chosen.backend.load(spec.name), spec.name)
