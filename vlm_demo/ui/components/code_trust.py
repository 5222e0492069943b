"""The question whether the program code that a checkpoint brings may run on this computer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from vlm_demo.catalog.own_code import list_files
from vlm_demo.errors import InputError, UntrustedCodeError
from vlm_demo.settings import is_loopback
from vlm_demo.ui.html_values import TranslatableText, translatable_html
from vlm_demo.ui.i18n import say

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that a proxy adds to what it passes on (RFC 7239 and its forerunners)."""


@dataclass(frozen=True, slots=True)
class CodeTrust:
    """The components of the question, and the code that it is about."""

    code: gr.State  # (checkpoint, revision) of the code in question; None: there is none
    column: gr.Column
    facts: gr.HTML
    agreement: gr.Checkbox
    confirm: gr.Button

    @property
    def components(self) -> list[Any]:
        """The components that `ask` and `hide` give values for."""
        return [self.code, self.column, self.facts, self.agreement]

    def ask(self, error: UntrustedCodeError) -> dict[Any, Any]:
        """Show the question about the code that was not trusted."""
        return {
            self.code: (error.checkpoint, error.revision),
            self.column: gr.Column(visible=True),
            self.facts: facts_html(error),
            self.agreement: False,
        }

    def hide(self) -> dict[Any, Any]:
        """Hide the question, once it is answered or another model is asked for."""
        return {
            self.code: None,
            self.column: gr.Column(visible="hidden"),
            self.facts: "",
            self.agreement: False,
        }


def comes_from_here(request: gr.Request) -> bool:
    """Whether a request comes from this computer itself: through no proxy, under no other name.

    A page behind a proxy may be open to everybody, although it listens on loopback.
    """
    headers = {name.lower() for name in request.headers}
    client = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return is_loopback(client) and is_loopback(named) and headers.isdisjoint(_FORWARDED)


def require_trust(code: tuple[str, str] | None, has_agreed: bool) -> tuple[str, str]:
    """Return checkpoint and revision of the code that a person trusts.

    Raises:
        InputError: the question was not asked, or not agreed to.
    """
    if code is None or not has_agreed:
        raise InputError("Please read the code first, and then tick the box above the button.")
    return code


def build_code_trust() -> CodeTrust:
    """Lay the question out, hidden until it is asked."""
    with gr.Column(visible="hidden", elem_id="code-trust") as column:
        facts = gr.HTML(apply_default_css=False)
        agreement = gr.Checkbox(
            label=say("I have read these files and trust them, in this revision.")
        )
        confirm = gr.Button(
            say("Run this code and add the model"),
            variant="stop",
            size="md",
            elem_id="code-trust-confirm",
        )
    return CodeTrust(gr.State(None), column, facts, agreement, confirm)


def facts_html(error: UntrustedCodeError) -> str:
    """Return HTML that says what would run, and what that means."""
    warning = TranslatableText(
        "{name} brings program code of its own. Once it runs, it can do whatever you can do on "
        "this computer: read and delete files, use the network, start programs. Please read it "
        "first.",
        {"name": error.checkpoint},
    )
    files = TranslatableText("Files: {files}", {"files": list_files(error.files)})
    revision = TranslatableText("Revision: {revision}", {"revision": error.revision})
    return (
        f'<div class="notice" role="alert"><p>{translatable_html(warning)}</p>'
        f"<p>{translatable_html(files)}</p><p>{translatable_html(revision)}</p></div>"
    )
