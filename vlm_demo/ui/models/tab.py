"""Models: the whole catalogue, a card for each model, and what is in memory."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.catalog.menu import BITS, Ability, ModelSpec
from vlm_demo.engines import Progress, Usage
from vlm_demo.errors import VlmDemoError
from vlm_demo.families import get_family
from vlm_demo.pool import NumberFormat, Offer
from vlm_demo.ui.components.model_choice import model_card, place, problem_notice, progress_bar
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import EACH, QUEUED, QUICK
from vlm_demo.ui.html_values import Said, as_html
from vlm_demo.ui.i18n import say
from vlm_demo.ui.models.table import listed, models_table
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.units import format_bytes, format_parameters

HOW = {
    "here": "in this program",
    "remote": "only in a program of its own",
    "remote code": "with program code from its repository, once you allow it",
    "nowhere": "nowhere: it was never released",
}
"""How the page says where a model runs."""


DOES_NOT_FIT = "does not fit"


def build_models_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, model, header = around.backend, around.controls.model, around.card
    first = backend.menu[0]
    seen = gr.State(first.name)  # the model that the card is about
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            table = models_table("models-table")
        with gr.Column(scale=4, min_width=300, elem_id="models-detail"):
            head = gr.HTML(card_head(first), elem_id="models-head", apply_default_css=False)
            chosen = gr.Dropdown(
                [(say("as it is"), NumberFormat.AS_IT_IS.value)],
                label=say("Number format"),
                visible="hidden",
                filterable=False,
                elem_id="models-format",
            )
            with gr.Row(elem_id="models-buttons"):
                use = gr.Button(
                    say("Use this model"), variant="primary", size="md", elem_id="models-use"
                )
                load = gr.Button(say("Load"), size="md", elem_id="models-load")
                stop = gr.Button(
                    say("Stop"),
                    variant="stop",
                    visible="hidden",
                    size="md",
                    elem_id="models-stop",
                )
                unload = gr.Button(
                    say("Unload"), visible="hidden", size="md", elem_id="models-unload"
                )
            with gr.Column(visible="hidden", elem_id="models-usage") as using:
                again = gr.Button(say("Refresh"), size="sm", elem_id="models-refresh")
                usage = gr.HTML(apply_default_css=False)
            facts = gr.HTML(card_facts(first), elem_id="models-facts", apply_default_css=False)

    def about(spec: ModelSpec, problem: str = "") -> dict[Any, Any]:
        """The card of a model, and the buttons that it needs."""
        loaded = backend.is_loaded(spec.name)
        return {
            seen: spec.name,
            head: card_head(spec, loaded=loaded, problem=problem),
            facts: card_facts(spec),
            chosen: formats(spec),
            use: gr.Button(visible=spec.runs_here or "hidden", interactive=True),
            load: gr.Button(visible=(spec.runs_here and not loaded) or "hidden", interactive=True),
            stop: gr.Button(visible="hidden"),
            unload: gr.Button(visible=loaded or "hidden"),
            **used(spec.name),
        }

    def formats(spec: ModelSpec) -> gr.Dropdown:
        """The number formats in which it can be loaded."""
        offers = backend.offers(spec.name) if spec.runs_here else []
        return gr.Dropdown(
            choices=[(_offer(offer), offer.format.value) for offer in offers],
            value=backend.format(spec.name).value if offers else None,
            visible=len(offers) > 1 or "hidden",
            interactive=True,
        )

    def used(name: str) -> dict[Any, Any]:
        """What the model is doing, if it is loaded."""
        now = backend.usage(name)
        return {
            using: gr.Column(visible=now is not None or "hidden"),
            usage: card_usage(now) if now else "",
        }

    def other_format(name: str, wanted: str | None) -> dict[Any, Any]:
        """Offer to load a model again, once another format is chosen."""
        spec, loaded = backend.spec(name), backend.is_loaded(name)
        differs = wanted is not None and wanted != backend.format(name)
        needed = spec.runs_here and (differs or not loaded)
        words = say("Load again") if loaded else say("Load")
        return {load: gr.Button(words, visible=needed or "hidden")}

    def rows(name: str) -> dict[Any, Any]:
        return {table: listed(backend, backend.free_memory(), name)}

    def refresh(name: str) -> dict[Any, Any]:
        return {**about(backend.spec(name)), **rows(name)}

    def choose(event: gr.EventData) -> dict[Any, Any]:
        sent = event._data if isinstance(event._data, dict) else {}
        with errors_shown():
            return about(backend.spec(str(sent.get("name"))))
        return {head: gr.skip()}

    def load_it(name: str, wanted: str | None) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            spec, problem = backend.spec(name), ""
            yield {
                head: card_head(spec, progress=STARTING),
                chosen: gr.Dropdown(interactive=False),
                use: gr.Button(interactive=False),
                load: gr.Button(visible="hidden"),
                stop: gr.Button(visible=True),
                unload: gr.Button(visible="hidden"),
                using: gr.Column(visible="hidden"),
            }
            try:
                for progress in backend.load(name, NumberFormat(wanted) if wanted else None):
                    yield {head: card_head(spec, progress=progress)}
            except VlmDemoError as error:
                problem = str(error)
            yield {**rows(name), **about(spec, problem)}

    def stop_it(name: str) -> None:
        with errors_shown():
            backend.stop_loading(name)

    def unload_it(name: str, used: str) -> dict[Any, Any]:
        with errors_shown():
            spec = backend.spec(name)
            backend.unload(name)
            changed = {header: model_card(spec)} if name == used else {}
            return {**about(spec), **rows(name), **changed}
        return {head: gr.skip()}

    detail = [seen, head, chosen, use, load, stop, unload, using, usage, facts]
    loading = load.click(load_it, [seen, chosen], [table, *detail], **QUEUED)
    stop.click(stop_it, seen, None, **QUICK)
    # Whoever turns to another model goes on without the bar; the loading goes on by itself.
    table.select(choose, None, detail, cancels=[loading], **EACH)
    tab.select(refresh, seen, [table, *detail], **QUEUED)
    again.click(used, seen, [using, usage], **QUICK)
    chosen.input(other_format, [seen, chosen], load, **QUICK)
    unload.click(unload_it, [seen, model], [table, header, *detail], **QUEUED)
    use.click(lambda name: name, seen, model, **QUICK)


STARTING = Progress("loading", 0, None, "steps")


def card_head(
    spec: ModelSpec,
    *,
    loaded: bool = False,
    progress: Progress | None = None,
    problem: str = "",
) -> str:
    """HTML of the upper part of a card: the model's name, and how it is with it now."""
    state = ' <b class="badge" data-say>loaded</b>' if loaded else ""
    note = f"<p data-say>{html.escape(spec.note)}</p>" if spec.note else ""
    return (
        f'<div class="detail"><h2>{html.escape(spec.name)}{state}</h2>'
        f'<p class="fine" data-say>{html.escape(get_family(spec.family).title)} family</p>{note}'
        f"{progress_bar(progress)}{problem_notice(problem or spec.unavailable_reason)}</div>"
    )


def card_usage(usage: Usage) -> str:
    """HTML of what a loaded model is doing, and what it has saved since it was loaded."""
    facts = "".join(
        f"<dt>{as_html(name)}</dt><dd>{words}</dd>" for name, words in _used(usage) if words
    )
    return f'<div class="detail"><h3 data-say>At work</h3><dl>{facts}</dl></div>'


def _used(usage: Usage) -> list[tuple[Said, str]]:
    """Name each fact, and tell it as HTML."""
    held = f"{format_bytes(usage.weight_bytes)}, {as_html(usage.precision)}"
    kept = Said(
        "{part} of {whole}",
        {"part": format_bytes(usage.cached_bytes), "whole": format_bytes(usage.cache_limit)},
    )
    requests = [Said("{count} answering", {"count": usage.answering})]
    if usage.waiting:
        requests.append(Said("{count} waiting", {"count": usage.waiting}))
    requests.append(Said("{count} so far", {"count": f"{usage.requests:,}"}))
    return [
        (Said("In memory"), held if usage.weight_bytes else ""),
        (Said("Requests"), ", ".join(map(as_html, requests))),
        (Said("Prompt reused"), _share(usage.reused_tokens, usage.prompt_tokens, tokens=True)),
        (Said("Pictures reused"), _share(usage.reused_pictures, usage.pictures)),
        (Said("Kept for reuse"), as_html(kept) if usage.cache_limit else ""),
        (Said("Tokens a step"), f"{usage.tokens / usage.steps:.1f}" if usage.steps else ""),
    ]


def _share(part: int, whole: int, *, tokens: bool = False) -> str:
    """HTML of a part of a whole: "83 % (120 of 144)"; "" where there is no whole."""
    if not whole:
        return ""
    values = {"share": f"{part / whole:.0%}", "part": f"{part:,}", "whole": f"{whole:,}"}
    words = "{share} ({part} of {whole} tokens)" if tokens else "{share} ({part} of {whole})"
    return as_html(Said(words, values))


def _offer(offer: Offer) -> str:
    """One way to load a model, in a few words: the browser says one part of them, and no more."""
    takes = f" · {format_bytes(offer.memory)}" if offer.memory else ""
    if offer.format is NumberFormat.AS_IT_IS:
        return f"{say('as it is') if offer.fits else say('as it is, does not fit')}{takes}"
    return f"{offer.format}{takes}{'' if offer.fits else f' · {say(DOES_NOT_FIT)}'}"


def card_facts(spec: ModelSpec) -> str:
    """HTML of everything that is known about a model; what could not be checked is marked."""
    facts = "".join(
        f"<dt>{as_html(name)}</dt><dd>{words}{_doubt(field in spec.unverified_fields)}</dd>"
        for name, field, words in _facts(spec)
        if words
    )
    doubt = (
        '<p class="fine"><span class="doubt">?</span> '
        "<span data-say>could not be checked</span></p>"
    )
    return (
        f'<div class="detail">{_abilities(spec)}<dl>{facts}</dl>'
        f"{doubt if spec.unverified_fields else ''}</div>"
    )


def _abilities(spec: ModelSpec) -> str:
    """What it can do as chips, the rest of them grey; and why."""
    chips = "".join(
        f'<li class="ability{"" if able else " unable"}">'
        f"{'' if able else _CANNOT}{as_html(ability)}</li>"
        for ability in Ability
        for able in [ability in spec.abilities]
    )
    return f'<ul class="abilities">{chips}</ul><p class="fine">{_reason(spec)}</p>'


_CANNOT = '<span class="sr-only" data-say>cannot: </span>'


def _reason(spec: ModelSpec) -> str:
    """HTML: why some abilities are grey."""
    reasons = []
    if spec.cannot:
        others = ", ".join(map(as_html, spec.cannot))
        reasons.append(
            f"<span data-say>This checkpoint was not made for:</span> {others}"
            "<span data-say>; others of its family were.</span>"
        )
    if set(Ability) - set(spec.abilities) - set(spec.cannot):
        title = get_family(spec.family).title
        reasons.append(
            as_html(Said("Grey: what {title} models were not made for.", {"title": title}))
        )
    return " ".join(reasons)


def _facts(spec: ModelSpec) -> list[tuple[Said, str, str]]:
    """Each fact's name, the field of the catalogue that it is from, and HTML that tells it."""
    memory = " · ".join(
        f"<span>{precision} {format_bytes(spec.memory(precision))}</span>" for precision in BITS
    )
    return [
        (Said("Parameters"), "parameters", _said(format_parameters(spec.parameters, long=True))),
        (Said("Memory"), "parameters", memory if spec.parameters else ""),
        (Said("Licence"), "licence", html.escape(spec.licence)),
        (Said("Commercial use"), "commercial", _said(spec.commercial)),
        (Said("Access"), "gated", _said(_access(spec))),
        (Said("Picture"), "resolution", _said(spec.resolution)),
        (Said("Languages"), "languages", ", ".join(map(as_html, spec.languages))),
        (Said("Runs"), "runs", _whereabouts(spec)),
        (Said("Checkpoint"), "checkpoint", f"<code>{html.escape(_checkpoint(spec))}</code>"),
        (Said("Source"), "source", _link(spec.source)),
    ]


def _said(words: str) -> str:
    return as_html(words) if words else ""


def _doubt(unsure: bool) -> str:
    return (
        ' <span class="doubt" title="This could not be checked" role="img" '
        'aria-label="not certain" data-say="title aria-label">?</span>'
        if unsure
        else ""
    )


def _access(spec: ModelSpec) -> str:
    if spec.gated:
        return "after an agreement on the Hub"
    return "" if spec.embedded or spec.runs == "nowhere" else "open to everybody"


def _whereabouts(spec: ModelSpec) -> str:
    if spec.engine == "remote":
        return as_html("on another server")
    words = [HOW[spec.runs], *([place(spec)] if spec.runs_here else [])]
    return "; ".join(map(as_html, words))


def _checkpoint(spec: ModelSpec) -> str:
    """The Hub id; of a folder only its name, as people elsewhere need not know the path."""
    path = Path(spec.checkpoint)
    return path.name if path.is_absolute() else spec.checkpoint


def _link(source: str) -> str:
    """An address that can be followed; anything else as text."""
    shown = html.escape(source)
    if not source.startswith("https://"):
        return shown
    words = html.escape(source.removeprefix("https://"))
    return f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{words}</a>'
