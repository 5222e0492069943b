"""Menu entries for the models of a server, each with a family that is guessed from its name."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import ServerListing, list_server_models
from vlm_demo.families import all_families, get_family
from vlm_demo.settings import Settings, declarations
from vlm_demo.translatable_text import TranslatableText, message

FALLBACK = "generic"
"""The family of models whose name tells of no other."""

_NOT_IN_SERIES = re.compile(
    r"""(?x) \d+(\.\d+)?x?\d*[bm] | a\d+(\.\d+)?b                # sizes: 7b, 8x7b, a3b
    | instruct | chat | it | hf | preview | latest | gguf | awq | gptq | mlx | bnb
    | \d+bit | int[48] | fp(8|16) | f(16|32) | bf16 | dynamic | \d{4,8}"""
)
"""Matches parts of a model's name that tell of its size, version or format, not of its family."""

_QUANTIZATION = re.compile(r"[-._:](?:ud[-_])?i?q\d(?:_[a-z0-9]+)*$")
"""Matches the number format at the end of the names of llama.cpp's files, such as -Q4_K_M."""


def guess_family(name: str) -> str:
    """Return the family that a model of this name probably belongs to.

    Names are compared with those of all known checkpoints, without sizes and formats:
    "qwen2.5vl:7b" and "Qwen/Qwen2.5-VL-7B-Instruct-AWQ" are both "qwen2.5vl".
    """
    known = _families_by_checkpoint()
    return known.get(name.casefold()) or _families_by_series().get(_series(name)) or FALLBACK


def is_server_address(text: str) -> bool:
    """Tell whether a text is the address of a server rather than a Hub id or a folder."""
    return re.match(r"\s*(\w+://|[\w.-]+:\d+(/|\s*$))", text) is not None


def server_specs(
    listing: ServerListing,
    *,
    names: Collection[str] | None = None,
    families: Mapping[str, str] | None = None,
    api_key_env: str = "",
    taken: Collection[str] = (),
) -> tuple[ModelSpec, ...]:
    """Return an entry for each model of a server.

    Args:
        listing: what the server offers.
        names: of the models that are wanted; None: all that may see pictures.
        families: by name of the model, where it is not the guessed one.
        api_key_env: environment variable with the server's key; "": none.
        taken: names that entries have already; a model of such a name is named with its server.

    Raises:
        UnknownModelError: there is no such family.
    """
    host = urlsplit(listing.base_url).netloc
    specs: list[ModelSpec] = []
    used = set(taken)
    for model in listing.models:
        is_wanted = model.sees_images is not False if names is None else model.name in names
        if not is_wanted:
            continue
        chosen = (families or {}).get(model.name, "")
        family = get_family(chosen or guess_family(model.name))
        name = model.name if model.name not in used else f"{model.name} ({host})"
        used.add(name)
        specs.append(
            ModelSpec(
                name=name,
                family=family.name,
                engine="remote",
                checkpoint=model.name,
                base_url=listing.base_url,
                server=listing.kind,
                api_key_env=api_key_env,
                note=TranslatableText(
                    _CHOSEN_FAMILY if chosen else _GUESSED_FAMILY,
                    {"server": host, "title": family.title},
                ),
            )
        )
    return tuple(specs)


def settings_server_specs(settings: Settings) -> tuple[ModelSpec, ...]:
    """Return entries for the models of the servers that the settings name.

    Raises:
        InputError: one of them is no address.
        ServerError: one of them cannot be used.
    """
    variable = declarations()["server_key"].variable if settings.server_key else ""
    specs: list[ModelSpec] = []
    for address in settings.server:
        listing = list_server_models(address, settings.server_key)
        taken = [spec.name for spec in specs]
        specs += server_specs(listing, api_key_env=variable, taken=taken)
    return tuple(specs)


def merge_server_specs(
    menu: Sequence[ModelSpec], specs: Sequence[ModelSpec]
) -> tuple[tuple[ModelSpec, ...], tuple[ModelSpec, ...]]:
    """Return a menu with some more entries, and these as they stand on it.

    An entry for the same model of the same server is replaced, and keeps its name.
    """
    merged, added = list(menu), []
    for spec in specs:
        place = (spec.base_url, spec.checkpoint)
        same = [i for i, other in enumerate(merged) if (other.base_url, other.checkpoint) == place]
        if same:
            spec = replace(spec, name=merged[same[0]].name)
            merged[same[0]] = spec
        else:
            merged.append(spec)
        added.append(spec)
    return tuple(merged), tuple(added)


def to_menu_toml(specs: Sequence[ModelSpec]) -> str:
    """Return entries as [[model]] tables for a menu file. Keys of servers are not in them."""
    fields = ("name", "family", "engine", "server", "checkpoint", "base_url", "api_key_env")
    # A JSON string of printable text is a TOML string, too.
    tables = (
        "".join(
            f"{field} = {json.dumps(value, ensure_ascii=False)}\n"
            for field in fields
            if (value := getattr(spec, field))
        )
        for spec in specs
    )
    return "\n".join(f"[[model]]\n{table}" for table in tables)


_CHOSEN_FAMILY = message("On the server {server}; prompted as {title}, as chosen.")

_GUESSED_FAMILY = message("On the server {server}; prompted as {title}, as its name suggests.")


@cache
def _families_by_checkpoint() -> Mapping[str, str]:
    """Return the families of all known checkpoints, by their ids and names in lower case."""
    known: dict[str, str] = {}
    listed = [(spec.checkpoint, spec.family) for spec in default_menu() if not spec.embedded]
    listed += [(one, name) for name, family in all_families().items() for one in family.checkpoints]
    for checkpoint, family in listed:
        if not get_family(family).unavailable_reason:
            known.setdefault(checkpoint.casefold(), family)
            known.setdefault(_last_part(checkpoint), family)
    return known


@cache
def _families_by_series() -> Mapping[str, str]:
    """Return families by the series of their checkpoints; a series of several families is none."""
    series: dict[str, set[str]] = {}
    for checkpoint, family in _families_by_checkpoint().items():
        series.setdefault(_series(checkpoint), set()).add(family)
    return {name: next(iter(one)) for name, one in series.items() if name and len(one) == 1}


def _series(name: str) -> str:
    """Return what a model's name says of its family, in lower case without separators."""
    words = _QUANTIZATION.sub("", _last_part(name).removesuffix(".gguf"))
    parts = re.split(r"[-_:\s@]+", words)
    return "".join(part for part in parts if not _NOT_IN_SERIES.fullmatch(part))


def _last_part(checkpoint: str) -> str:
    return checkpoint.rstrip("/").rpartition("/")[2].casefold()
