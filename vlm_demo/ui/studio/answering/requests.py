"""Turns what Studio's browser application asks into a request for the backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

from vlm_demo.backend import Backend
from vlm_demo.catalog.thinking import has_thinking_switch
from vlm_demo.catalog.visual_tokens import list_visual_tokens
from vlm_demo.engines import NumberFormat
from vlm_demo.families import get_family
from vlm_demo.markup.region_json import MarkedRegions
from vlm_demo.prompting.images.visible_images import visible_images
from vlm_demo.prompting.targets import TARGET_TASKS, quote_target
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.studio.answering.protocol import FORMS, EarlierTurn, SamplingOptions, StudioRequest
from vlm_demo.ui.studio.images import ImageStore
from vlm_demo.values import Message, Region, RegionForm, Reply, Request, Sampling, Task


def build_request(backend: Backend, images: ImageStore, sent: StudioRequest, owner: str) -> Request:
    """Build the request for a turn.

    Raises:
        UnknownModelError: there is no such model.
        ForgottenImageError: a picture is not there.
    """
    return Request(
        sent.task,
        request_text(sent),
        images.open_all(sent.images, owner),
        _to_regions(sent.regions),
        FORMS[sent.region_form],
        history=tuple(_history(images, sent, owner)),
        choices=tuple(dict.fromkeys(filter(None, map(str.strip, sent.choices)))),
        pattern=sent.pattern.strip(),
        schema=sent.schema_text.strip(),
        sampling=read_sampling(backend, sent.model, sent.sampling),
        system=sent.system.strip(),
        visitor=owner,
    )


def request_text(sent: StudioRequest) -> str:
    """Return the words of a request: of a search for several things, their list."""
    if sent.task not in TARGET_TASKS or not sent.targets:
        return sent.text
    names = (" ".join(target.split()) for target in sent.targets)
    return ", ".join(quote_target(name) for name in names if name)


def read_sampling(backend: Backend, model: str, options: SamplingOptions) -> Sampling:
    """Return the sampling of a model with the options that were given, as far as it has them.

    Raises:
        UnknownModelError: there is no such model.
    """
    spec = backend.spec(model)
    given = {name: value for name, value in options.model_dump().items() if value is not None}
    if not has_thinking_switch(spec):
        given.pop("thinking", None)
    if given.get("visual_tokens") not in list_visual_tokens(spec):
        given.pop("visual_tokens", None)
    return replace(get_family(spec.family).sampling, **given)


def visible_image_indices(backend: Backend, sent: StudioRequest) -> tuple[int, ...]:
    """Return which pictures the model is shown, in its order.

    Each is an index into all pictures of the request: those of the history, then its own. A
    mention's `image_index` counts the pictures that are returned.

    Raises:
        UnknownModelError: there is no such model.
    """
    if FORMS[sent.region_form] is RegionForm.EXAMPLE:
        return (len(sent.images) - 1,) * 2  # once with the example drawn in
    limits = get_family(backend.spec(sent.model).family).limits
    turns: list[EarlierTurn | StudioRequest] = [*sent.history, sent]
    ends = list(accumulate(len(turn.images) for turn in turns))
    indices = [range(start, end) for start, end in pairwise([0, *ends])]
    crops = [len(turn.regions) for turn in turns]
    is_cropped = FORMS[sent.region_form] is RegionForm.CROP
    return visible_images(limits, indices, crops if is_cropped else ())


def describe_restart(backend: Backend, sent: StudioRequest) -> Iterator[TranslatableText]:
    """Say that the model cannot see the conversation that the person sees."""
    if sent.task is not Task.CHAT or not sent.history:
        return
    limits, model = get_family(backend.spec(sent.model).family).limits, sent.model
    if limits.history == "none":
        yield TranslatableText("{model} answers each question on its own.", {"model": model})
        return
    count = sum(len(turn.images) for turn in sent.history) + len(sent.images)
    if not sent.images or count <= limits.max_images:
        return
    if limits.max_images == 1:
        yield TranslatableText(
            "{model} sees one image at a time: it starts over with this one.", {"model": model}
        )
    else:
        yield TranslatableText(
            "{model} sees {count} images at a time: it starts over with this.",
            {"model": model, "count": limits.max_images},
        )


def describe_weights(number_format: NumberFormat, reply: Reply) -> Iterator[TranslatableText]:
    """Say that the boxes of a reply come from quantised weights, which shift coordinates."""
    has_regions = any(mention.regions for mention in reply.mentions)
    if number_format.is_quantized and has_regions:
        yield TranslatableText(
            "This model is loaded in {format}: its boxes may lie a little beside those of the "
            "unquantised weights.",
            {"format": number_format.label},
        )


def _history(images: ImageStore, sent: StudioRequest, owner: str) -> Iterator[Message]:
    for turn in sent.history:
        pictures = images.open_all(turn.images, owner)
        yield Message("user", turn.text, pictures, _to_regions(turn.regions))
        yield Message("assistant", turn.raw)


def _to_regions(sent: MarkedRegions) -> tuple[Region, ...]:
    return tuple(model.to_region() for model in sent)
