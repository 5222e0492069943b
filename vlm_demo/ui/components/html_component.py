"""Components of the page's own: a template and a script around `gr.HTML`.

They come from a function, as Gradio writes a stub file beside a module that subclasses a component.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def build_html_component(
    value: str | None,
    template: str,
    script: str,
    elem_id: str,
    **options: Any,
) -> gr.HTML:
    """Build a component.

    Args:
        value: what it shows at first; the script reads it as JSON.
        template: its HTML.
        script: JavaScript that runs when it is put on the page.
        elem_id: its id.
        options: further arguments of `gr.HTML`.
    """
    return gr.HTML(
        value,
        html_template=template,
        js_on_load=script,
        elem_id=elem_id,
        apply_default_css=False,
        **options,
    )
