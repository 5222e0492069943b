"""The card of a model: what it is, what it can do, and what it is doing, as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from vlm_demo.catalog.licences import licences_by_name
from vlm_demo.catalog.spec import ESTIMATED_FORMATS, Ability, ModelSpec
from vlm_demo.engines import Progress, Usage
from vlm_demo.families import get_family
from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text, list_texts, message
from vlm_demo.ui.components.model_card import describe_location, problem_html, progress_html
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.units import describe_parameters, format_bytes

LOCATIONS = {
    "here": message("in this program"),
    "converted": message("in this program, once it is converted"),
    "remote": message("only in its own program"),
    "remote code": message("with code from its repository, once you allow it"),
    "nowhere": message("nowhere: it was never released"),
}
"""Where a model runs, in the words of the page, by `ModelSpec.runs`."""


def card_head(
    spec: ModelSpec,
    *,
    loaded: bool = False,
    progress: Progress | None = None,
    problem: DisplayText = "",
) -> str:
    """HTML of the upper part of a card: the name of a model, and its state."""
    state = ' <b class="badge" data-say>loaded</b>' if loaded else ""
    note = f"<p>{translatable_html(spec.note)}</p>" if spec.note else ""
    family = TranslatableText("{title} family", {"title": as_text(get_family(spec.family).title)})
    return (
        f'<div class="detail"><h2>{translatable_html(spec.title or spec.name)}{state}</h2>'
        f"{_name_html(spec)}"
        f'<p class="fine">{translatable_html(family)}</p>{note}'
        f"{progress_html(progress)}{problem_html(problem or spec.unavailable_reason)}</div>"
    )


def _name_html(spec: ModelSpec) -> str:
    """HTML of what a model is chosen by in commands, where its title is another."""
    return f'<p class="fine"><code>{html.escape(spec.name)}</code></p>' if spec.title else ""


def card_usage(usage: Usage) -> str:
    """HTML of what a loaded model is doing, and what it has saved since it was loaded."""
    facts = "".join(
        f"<dt>{translatable_html(name)}</dt><dd>{fact}</dd>"
        for name, fact in _usage_facts(usage)
        if fact
    )
    return f'<div class="detail"><h3 data-say>Status</h3><dl>{facts}</dl></div>'


def _usage_facts(usage: Usage) -> list[tuple[TranslatableText, str]]:
    """Return the name of each fact, and the fact as HTML; "" where it is not known."""
    in_memory = f"{format_bytes(usage.weight_bytes)}, {translatable_html(usage.number_format)}"
    cached = TranslatableText(
        "{part} of {whole}",
        {"part": format_bytes(usage.cached_bytes), "whole": format_bytes(usage.cache_limit)},
    )
    reused = _share(usage.reused_tokens, usage.prompt_tokens, tokens=True)
    tokens_per_step = f"{usage.tokens / usage.steps:.1f}" if usage.steps else ""
    requests = [TranslatableText("{count} answering", {"count": usage.answering})]
    if usage.waiting:
        requests.append(TranslatableText("{count} waiting", {"count": usage.waiting}))
    requests.append(TranslatableText("{count} so far", {"count": f"{usage.requests:,}"}))
    return [
        (TranslatableText("In memory"), in_memory if usage.weight_bytes else ""),
        (TranslatableText("Requests"), translatable_html(list_texts(requests))),
        (TranslatableText("Prompt cache hits"), reused),
        (TranslatableText("Images reused"), _share(usage.reused_images, usage.images)),
        (
            TranslatableText("KV cache"),
            translatable_html(cached) if usage.cache_limit else "",
        ),
        (TranslatableText("Tokens per step"), tokens_per_step),
    ]


def _share(part: int, whole: int, *, tokens: bool = False) -> str:
    """HTML of a part of a whole: "83 % (120 of 144)"; "" where there is no whole."""
    if not whole:
        return ""
    values = {"share": f"{part / whole:.0%}", "part": f"{part:,}", "whole": f"{whole:,}"}
    words = message("{share} ({part} of {whole})")
    if tokens:
        words = message("{share} ({part} of {whole} tokens)")
    return translatable_html(TranslatableText(words, values))


def card_facts(spec: ModelSpec) -> str:
    """HTML of everything that is known about a model; what could not be checked is marked."""
    facts = "".join(
        f"<dt>{translatable_html(name)}</dt><dd>{fact}{_doubt_mark(spec, field)}</dd>"
        for name, field, fact in _facts(spec)
        if fact
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
    """HTML of all abilities, those that the model lacks in grey, and of why it lacks them."""
    chips = "".join(
        f'<li class="ability{"" if able else " unable"}">'
        f"{'' if able else _CANNOT}{translatable_html(ability)}</li>"
        for ability in Ability
        for able in [ability in spec.abilities]
    )
    return f'<ul class="abilities">{chips}</ul><p class="fine">{_reason(spec)}</p>'


_CANNOT = '<span class="sr-only" data-say>cannot: </span>'


def _reason(spec: ModelSpec) -> str:
    """HTML of why some abilities are grey."""
    reasons = []
    if spec.cannot:
        others = _list_words(spec.cannot)
        reasons.append(
            f"<span data-say>This checkpoint was not trained for:</span> {others}"
            "<span data-say>; others of its family were.</span>"
        )
    if set(Ability) - set(spec.abilities) - set(spec.cannot):
        family = get_family(spec.family)
        words = TranslatableText(
            "Grey: not supported by {title} models.", {"title": as_text(family.title)}
        )
        if family.unsupported_reason:
            words = TranslatableText(
                "Grey: {reason}.", {"reason": TranslatableText(family.unsupported_reason)}
            )
        reasons.append(translatable_html(words))
    return " ".join(reasons)


def _list_words(words: Sequence[str]) -> str:
    """HTML of words that are translated one by one; "" of none."""
    return translatable_html(list_texts([as_text(word) for word in words])) if words else ""


def _facts(spec: ModelSpec) -> list[tuple[TranslatableText, str, str]]:
    """Return the name of each fact, its field in the catalogue, and the fact as HTML."""
    memory = " · ".join(
        f"<span>{label} {format_bytes(spec.memory(number_format))}</span>"
        for label, number_format in ESTIMATED_FORMATS.items()
    )
    parameters = describe_parameters(spec.parameters)
    languages = _list_words(spec.languages)
    name = _checkpoint_name(spec)
    checkpoint = f"<code>{html.escape(name)}</code>" if name else ""
    return [
        (TranslatableText("Parameters"), "parameters", _translate(parameters)),
        (TranslatableText("Memory"), "parameters", memory if spec.parameters else ""),
        (TranslatableText("Licence"), "licence", _licence_html(spec.licence)),
        (TranslatableText("Commercial use"), "commercial", _translate(spec.commercial)),
        (TranslatableText("Access"), "gated", _translate(_access(spec))),
        (TranslatableText("Image"), "resolution", _translate(spec.resolution)),
        (TranslatableText("Languages"), "languages", languages),
        (TranslatableText("Runs"), "runs", _location_html(spec)),
        (TranslatableText("Checkpoint"), "checkpoint", checkpoint),
        (TranslatableText("Wording"), "family", translatable_html(spec.family_reason)),
        (TranslatableText("Source"), "source", _link(spec.source)),
    ]


def _translate(text: DisplayText) -> str:
    return translatable_html(text) if text else ""


def _doubt_mark(spec: ModelSpec, field: str) -> str:
    return (
        ' <span class="doubt" title="This could not be checked" role="img" '
        'aria-label="not certain" data-say="title aria-label">?</span>'
        if field in spec.unverified_fields
        else ""
    )


def _access(spec: ModelSpec) -> str:
    if spec.gated:
        return message("after an agreement on the Hub")
    return "" if spec.embedded or spec.runs == "nowhere" else message("open to everybody")


def _location_html(spec: ModelSpec) -> str:
    if spec.engine == "remote":
        return translatable_html(message("on another server"))
    words = [LOCATIONS[spec.runs], *([describe_location(spec)] if spec.runs_here else [])]
    return translatable_html(list_texts([as_text(word) for word in words]))


def _checkpoint_name(spec: ModelSpec) -> str:
    """Return the Hub id, or only the name of a folder, whose path is nobody's business."""
    path = Path(spec.checkpoint)
    return path.name if path.is_absolute() else spec.checkpoint


def _licence_html(name: str) -> str:
    """HTML of a licence's name, which leads to its text where the program knows that."""
    licence = licences_by_name().get(name)
    return _link(licence.source, name) if licence else html.escape(name)


def _link(source: str, words: str = "") -> str:
    """HTML of an address as a link, perhaps with other words; of anything else as text."""
    address = html.escape(source)
    if not source.startswith("https://"):
        return address
    words = html.escape(words or source.removeprefix("https://"))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{words}</a>'
