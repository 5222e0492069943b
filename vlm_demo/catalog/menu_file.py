"""Reads menu files. Nothing that could be a secret is repeated in an error."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from vlm_demo.catalog.licences import licences_by_name
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import NumberFormat
from vlm_demo.errors import SettingsError, VlmDemoError, describe_validation_error
from vlm_demo.markup.coordinate_spaces import KNOWN_SPACES, find_space

FORMER_KEYS: Mapping[str, str] = {"nearest": "alternative", "unsure": "unverified_fields"}
"""Present names of keys by former ones, which are still read."""

FOR_SERVERS = ("base_url", "server", "api_key_env")
"""Keys that only models on other servers have."""

FOR_THIS_MACHINE = ("adapter", "revision", "dtype", "quantization", "trust_remote_code", "embedded")
"""Keys that only models of this machine have."""

log = logging.getLogger(__name__)


class _FormatKeys(BaseModel):
    """Keys for number formats. With quantized weights, `dtype` is what they are computed in."""

    model_config = ConfigDict(strict=True, extra="ignore")

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    quantization: Literal["none", "4bit", "8bit"] = "none"

    def to_fields(self) -> dict[str, NumberFormat]:
        """Return the fields of a ModelSpec that they stand for."""
        dtype = NumberFormat(self.dtype)
        match self.quantization:
            case "none":
                return {"number_format": dtype}
            case "8bit":
                return {"number_format": NumberFormat.EIGHT_BIT, "compute_format": dtype}
            case "4bit":
                return {"number_format": NumberFormat.FOUR_BIT, "compute_format": dtype}


_FORMAT_KEYS = tuple(_FormatKeys.model_fields)

KNOWN_KEYS = (
    *(
        field.name
        for field in fields(ModelSpec)
        if field.name != "family_choice" and not field.name.endswith("_format")
    ),
    *_FORMAT_KEYS,
)
"""Keys that a table of a menu may have."""

_SPEC = TypeAdapter(ModelSpec)


def read_menu_file(path: Path, folder: Path) -> tuple[ModelSpec, ...]:
    """Read a TOML file of [[model]] tables.

    Args:
        path: of the file.
        folder: that the folders of checkpoints are relative to.

    Raises:
        SettingsError: the file or one of its tables cannot be used.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The menu {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The menu {path} is not valid TOML: {error}.") from error
    tables = document.get("model")
    if not isinstance(tables, list) or not tables:
        raise SettingsError(f"The menu {path} has no models: each one is a [[model]] table.")
    _warn_of_former_keys(tables, path)
    return tuple(_read_table(table, path, folder) for table in tables)


def _warn_of_former_keys(tables: list[Any], path: Path) -> None:
    for former, present in FORMER_KEYS.items():
        if any(isinstance(table, dict) and former in table for table in tables):
            log.warning("The menu %s says %r, which is now called %r.", path, former, present)


def _read_table(table: Any, path: Path, folder: Path) -> ModelSpec:
    name = table.get("name", "?") if isinstance(table, dict) else "?"
    try:
        if not isinstance(table, dict):
            raise SettingsError("not a [[model]] table.")
        entry = {FORMER_KEYS.get(key, key): value for key, value in table.items()}
        return _read_entry(entry, folder)
    except VlmDemoError as error:
        raise SettingsError(f"The menu {path}, model {name!r}: {error}") from error


def _read_entry(entry: Mapping[str, Any], folder: Path) -> ModelSpec:
    """Check one table and make a ModelSpec of it.

    Raises:
        VlmDemoError: it cannot be used.
    """
    has_weights = entry.get("runs") != "nowhere" and entry.get("engine") != "automatic"
    for key in ("name", "family", *(("checkpoint",) if has_weights else ())):
        if not entry.get(key):
            raise SettingsError(f"{key!r} is missing.")
    for key in entry:
        if key not in KNOWN_KEYS:
            raise SettingsError(f"there is no {key!r}. Known: {', '.join(KNOWN_KEYS)}.")
    if not isinstance(entry.get("note", ""), str):
        raise SettingsError(f"note should be a valid string, not {entry['note']!r}.")
    licence = licences_by_name().get(entry.get("licence", ""))
    if licence is not None:
        entry = {"commercial": licence.commercial, **entry}
    spec = _validate(entry)
    if spec.mask_decoder:
        spec = replace(spec, mask_decoder=str(folder / Path(spec.mask_decoder).expanduser()))
    spec.find_family()
    if unknown := [key for key in spec.unverified_fields if key not in KNOWN_KEYS]:
        raise SettingsError(f"there is no {unknown[0]!r}. Known: {', '.join(KNOWN_KEYS)}.")
    if spec.coordinate_space:
        spec = replace(spec, coordinate_space=_space_name(spec.coordinate_space))
    if spec.engine == "remote":
        _check_server(spec, entry)
        return spec
    if misplaced := [key for key in FOR_SERVERS if key in entry]:
        raise SettingsError(f'{misplaced[0]} needs engine = "remote".')
    checkpoint = folder / Path(spec.checkpoint).expanduser()
    is_folder = bool(spec.checkpoint) and (spec.embedded or checkpoint.is_dir())
    if spec.trust_remote_code:
        _check_trust(spec, is_folder=is_folder)
    if spec.adapter and spec.engine != "local":
        raise SettingsError("an adapter needs a checkpoint that is loaded here.")
    if spec.adapter and (adapter := folder / Path(spec.adapter).expanduser()).is_dir():
        spec = replace(spec, adapter=str(adapter))
    return replace(spec, checkpoint=str(checkpoint)) if is_folder else spec


def _space_name(name: str) -> str:
    """Return the full name of a coordinate space.

    Raises:
        SettingsError: there is none with this name.
    """
    if space := find_space(name):
        return space.name
    raise SettingsError(f"there is no coordinate_space {name!r}. Known: {KNOWN_SPACES}.")


def _check_trust(spec: ModelSpec, *, is_folder: bool) -> None:
    """Refuse to trust code that may change: a branch and a tag of the Hub move, a commit does not.

    Raises:
        SettingsError: the entry pins no code.
    """
    if not spec.revision:
        raise SettingsError("trust_remote_code needs a pinned revision.")
    if not is_folder and not re.fullmatch("[0-9a-f]{7,40}", spec.revision):
        raise SettingsError(
            f"trust_remote_code needs the commit whose code you have read, not {spec.revision!r}: "
            "as revision, give its 40 hexadecimal digits."
        )


def _validate(entry: Mapping[str, Any]) -> ModelSpec:
    """Return a ModelSpec; values of other types are refused, not converted."""
    rest = {key: value for key, value in entry.items() if key not in _FORMAT_KEYS}
    try:
        formats = _FormatKeys.model_validate(dict(entry)).to_fields()
        # As JSON: of Python's values, strict mode would take no strings for the members of enums.
        content = json.dumps(rest | formats, default=str)
        return _SPEC.validate_json(content, strict=True)
    except ValidationError as error:
        raise SettingsError(f"{describe_validation_error(error)}{_value(error)}.") from None


def _value(error: ValidationError) -> str:
    """Say what the value is that cannot be used, unless it may hold a secret."""
    problem = error.errors(include_url=False, include_context=False)[0]
    return "" if problem["loc"][0] in ("base_url", "api_key_env") else f", not {problem['input']!r}"


def _check_server(spec: ModelSpec, entry: Mapping[str, Any]) -> None:
    """Refuse an entry for a server that says too little, too much, or a secret.

    Raises:
        SettingsError: it does.
    """
    if misplaced := [key for key in FOR_THIS_MACHINE if key in entry]:
        raise SettingsError(
            f'{misplaced[0]} has no meaning with engine = "remote"; it is for the server to say.'
        )
    try:
        address = urlsplit(spec.base_url)
        is_valid = (
            address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
        )
    except ValueError:  # brackets that do not match, a port that is no number
        is_valid = False
    if not is_valid:
        raise SettingsError(
            'engine = "remote" needs the address of a server, as in '
            'base_url = "http://127.0.0.1:8000/v1".'
        )
    if address.username or address.password or address.query:
        raise SettingsError(
            "base_url holds more than an address. A key belongs in an environment variable, and "
            "the name of that variable in api_key_env."
        )
    if spec.api_key_env and not re.fullmatch("[A-Z_][A-Z0-9_]*", spec.api_key_env):
        raise SettingsError(
            "api_key_env must be the name of an environment variable, in capitals; the key itself "
            "does not belong in a menu."
        )
